//! The disk is full: nothing is answered by 2xx that is not kept, and when there is room again the
//! server serves again.

use std::time::Instant;

use ledger::Location;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use test_postgres::Cluster;

use crate::dice::Dice;
use crate::load::Load;
use crate::rounds;
use crate::small_disk::SmallDisk;
use crate::stand::Stand;

/// How many requests are refused before there is room again.
const REFUSED: usize = 2;

#[test]
fn the_disk_of_sqlite_is_full_under_load() {
    let Some(disk) = SmallDisk::new_or_skip(32) else { return };
    let stand = Stand::on_sqlite_in(disk.path());
    let started = Instant::now();
    let mut dice = Dice::new(4);
    let server = stand.start();
    let load = Load::start(&stand, server.address, 4);
    for _ in 0..rounds() {
        load.waits_for(5);
        empty_log(stand.ledger());
        disk.fill(dice.roll(100_000));
        let busy = load.tally().busy;
        load.waits_until(|tally| tally.busy >= busy + REFUSED);
        disk.free();
        load.waits_for(5);
        load.is_kept(&stand);
    }
    let tally = load.ends(&stand);
    assert!(server.end().success());
    println!("{} times the disk of SQLite full in {:?}: {tally:?}", rounds(), started.elapsed());
}

/// Moves the write-ahead log into the file, as whoever opens and closes it alone does: a log that
/// was longer before has room to be written without asking for any.
fn empty_log(ledger: &Location) {
    let Location::File(path) = ledger else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}

/// PostgreSQL with its log of transactions on the full disk ends itself sooner or later, and does
/// not start while there is no room: whoever watches over it starts it again.
#[test]
fn the_disk_of_postgresql_is_full_under_load() {
    let Some(disk) = SmallDisk::new_or_skip(128) else { return };
    // Little of its log is kept in reserve.
    let settings = ["min_wal_size=2MB", "max_wal_size=16MB"];
    let Some(mut cluster) = Cluster::start_in_or_skip(disk.path(), &settings) else { return };
    let stand = Stand::on_postgres(&cluster);
    let started = Instant::now();
    let mut dice = Dice::new(5);
    let server = stand.start();
    let load = Load::start(&stand, server.address, 5);
    let mut ended = 0;
    for _ in 0..rounds() {
        load.waits_for(5);
        disk.fill(dice.roll(20_000));
        let busy = load.tally().busy;
        load.waits_until(|tally| tally.busy >= busy + REFUSED);
        disk.free();
        let wanted = load.tally().made + 5;
        load.waits_until(|tally| {
            // Also some time after there is room: it may have begun to end before.
            if !cluster.is_running() {
                ended += 1;
                cluster.kill();
                cluster.start_again();
            }
            tally.made >= wanted
        });
        load.is_kept(&stand);
    }
    let tally = load.ends(&stand);
    assert!(server.end().success());
    let took = started.elapsed();
    println!(
        "{} times the disk of PostgreSQL full in {took:?}: {tally:?}; it ended {ended} times",
        rounds()
    );
}
