//! SIGKILL of the server.

use std::time::Instant;

use rustix::process::Signal;
use test_postgres::Cluster;

use crate::dice::Dice;
use crate::load::Load;
use crate::rounds;
use crate::stand::Stand;

#[test]
fn a_server_on_postgresql_is_killed_under_load() {
    let Some(cluster) = Cluster::start_or_skip(&[]) else { return };
    kills(&Stand::on_postgres(&cluster), 1);
}

#[test]
fn a_server_on_sqlite_is_killed_under_load() {
    kills(&Stand::on_sqlite(), 2);
}

fn kills(stand: &Stand, seed: u64) {
    let started = Instant::now();
    let mut dice = Dice::new(seed);
    let mut server = stand.start();
    let load = Load::start(stand, server.address, seed);
    for _ in 0..rounds() {
        load.waits_for(5);
        dice.wait(40);
        server.signal(Signal::KILL);
        // Waits for its end.
        drop(server);
        load.is_kept(stand);
        server = stand.start();
        load.aim(server.address);
    }
    load.waits_for(5);
    let tally = load.ends(stand);
    assert!(tally.lost > 0 && tally.recovered > 0, "nobody was cut off: {tally:?}");
    assert!(server.end().success());
    println!("{} kills of the server in {:?}: {tally:?}", rounds(), started.elapsed());
}
