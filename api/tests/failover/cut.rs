//! The connection to PostgreSQL is cut or stalled at any octet.

use std::time::{Duration, Instant};

use test_postgres::{Cluster, Cut, Fault, Proxy, Way};

use crate::dice::Dice;
use crate::load::Load;
use crate::stand::Stand;
use crate::{DATABASE, rounds};

/// Longer than any time that the servers wait.
const STALL: Duration = Duration::from_secs(8);
/// Databases, each with a server and a way of its own: while one waits, another works.
const WORLDS: u64 = 3;

#[test]
fn the_way_to_postgresql_is_cut_or_stalled_under_load() {
    let Some(cluster) = Cluster::start_or_skip(&["max_connections=200"]) else { return };
    cluster.role("owner");
    cluster.role("ca");
    let started = Instant::now();
    let rounds = rounds("ESPALIER_CUTS", 50);
    std::thread::scope(|scope| {
        for world in 0..WORLDS {
            let cluster = &cluster;
            scope.spawn(move || one_world(cluster, world, rounds.div_ceil(WORLDS)));
        }
    });
    println!("{} cuts in {:?}", rounds.div_ceil(WORLDS) * WORLDS, started.elapsed());
}

fn one_world(cluster: &Cluster, world: u64, rounds: u64) {
    let proxy = Proxy::start(cluster.port());
    let name = format!("ledger_{world}");
    // Looked up past the proxy.
    let ledger = cluster.url("ca", &name).parse().unwrap();
    let stand = Stand::on_database(cluster, &name, proxy.port(), ledger, DATABASE);
    let mut dice = Dice::new(70 + world);
    let server = stand.start();
    let load = Load::start(&stand, server.address, 70 + world);
    for round in 0..rounds {
        load.waits_for(3);
        // Within a statement, or after many.
        let most = if dice.roll(2) == 0 { 300 } else { 30_000 };
        let fault = Fault {
            cut: [Cut::End, Cut::Reset, Cut::Stall(STALL)][(round + world) as usize % 3],
            way: if dice.roll(2) == 0 { Way::ToServer } else { Way::ToClient },
            after: dice.roll(most) as usize,
        };
        proxy.arm(fault);
        let armed = Instant::now();
        while proxy.is_armed() {
            assert!(armed.elapsed() < Duration::from_secs(30), "{fault:?}: {:?}", load.tally());
            std::thread::sleep(Duration::from_millis(2));
        }
        load.waits_for(3);
        load.is_kept(&stand);
    }
    let tally = load.ends(&stand);
    // Of a few cuts each may fall where the server asks the database again by itself.
    let told = tally.busy + tally.not_stored;
    assert!(told > 0 || rounds < 10, "nobody was told to come again: {tally:?}");
    assert_eq!(tally.lost, 0, "every request is answered: {tally:?}");
    assert!(server.end().success());
    println!("{rounds} cuts of world {world}: {tally:?}");
}
