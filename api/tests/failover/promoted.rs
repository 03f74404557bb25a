//! PostgreSQL fails over to its synchronous standby, again and again, two servers at work.

use std::time::Instant;

use ledger::{Location, PostgresLocation};
use test_postgres::Cluster;

use crate::dice::Dice;
use crate::load::Load;
use crate::pair::Pair;
use crate::runbook::block;
use crate::stand::Stand;
use crate::{DATABASE, rounds};

/// How often. A failover with its new standby takes some five seconds, so that fifty are for whoever
/// sets `ESPALIER_FAILOVERS`.
const FAILOVERS: u64 = 2;
/// Every how many failovers the old primary lives on for a while.
const LIVES_ON: u64 = 2;

#[test]
fn the_standby_is_promoted_under_load() {
    let Some(mut pair) = Pair::start_or_skip() else { return };
    pair.primary().role("owner");
    pair.primary().role("ca");
    let url = format!("postgres://ca@127.0.0.1:{}/ledger", pair.port());
    let ledger = PostgresLocation::new(&url).unwrap();
    let ledger = Location::Postgres(ledger.with_password(Cluster::PASSWORD.to_owned().into()));
    let stand = Stand::on_database(pair.primary(), "ledger", pair.port(), ledger, DATABASE);
    let servers = [stand.start(), stand.start()];
    let load = Load::start(&stand, servers[0].address, 80);
    let (started, rounds, mut dice) =
        (Instant::now(), rounds("ESPALIER_FAILOVERS", FAILOVERS), Dice::new(8));
    let mut pauses = Vec::new();
    for round in 1..=rounds {
        load.aim(servers[round as usize % 2].address);
        load.waits_for(5);
        dice.wait(40);
        let lives_on = round % LIVES_ON == 0;
        let failed = Instant::now();
        pair.fail_over(lives_on);
        if lives_on {
            pair.old_primary_answers_nothing();
        }
        pair.fence();
        if round == rounds {
            pair.serve_alone();
        } else {
            pair.rejoin();
        }
        load.waits_for(5);
        pauses.push(failed.elapsed());
        load.is_kept(&stand);
    }
    let took = started.elapsed();
    let tally = load.ends(&stand);
    assert!(tally.busy > 0, "nobody was told to come again: {tally:?}");
    assert_eq!(tally.lost, 0, "every request is answered: {tally:?}");
    for server in servers {
        assert!(server.end().success());
    }
    pauses.sort();
    println!(
        "{rounds} failovers in {took:?}, {} standbys made anew, until the next certificates {:?} to {:?}: {tally:?}",
        pair.made_anew,
        pauses.first().unwrap(),
        pauses.last().unwrap(),
    );
}

#[test]
fn the_configuration_of_the_guide_is_one() {
    let text = format!("version: 1\n{}", block("config"));
    let config = espalier::server::config::ServerConfig::from_yaml(&text).unwrap();
    assert_eq!(config.database, espalier::server::database::DatabaseConfig::default());
    assert!(config.ledger.unwrap().contains("127.0.0.1:5432"));
}
