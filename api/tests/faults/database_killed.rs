//! SIGKILL of PostgreSQL: the server stays, and serves again when its database does.

use std::time::Instant;

use test_postgres::Cluster;

use crate::dice::Dice;
use crate::load::Load;
use crate::rounds;
use crate::small_disk::SmallDisk;
use crate::stand::Stand;

#[test]
fn postgresql_is_killed_under_load() {
    // In memory where that is possible: a killed process loses nothing that the system has, and a
    // disk that others use as well makes each start take seconds.
    let disk = SmallDisk::new(1_024).ok();
    let folder = disk.as_ref().map_or_else(std::env::temp_dir, |disk| disk.path().to_owned());
    let Some(mut cluster) = Cluster::start_in_or_skip(&folder, &[]) else { return };
    let stand = Stand::on_postgres(&cluster);
    let started = Instant::now();
    let mut dice = Dice::new(3);
    let server = stand.start();
    let load = Load::start(&stand, server.address, 3);
    for _ in 0..rounds() {
        load.waits_for(5);
        dice.wait(40);
        cluster.kill();
        dice.wait(100);
        cluster.start_again();
        load.waits_for(5);
        load.is_kept(&stand);
    }
    let tally = load.ends(&stand);
    assert!(tally.busy > 0, "nobody was told to come again: {tally:?}");
    assert!(server.end().success());
    println!("{} kills of PostgreSQL in {:?}: {tally:?}", rounds(), started.elapsed());
}
