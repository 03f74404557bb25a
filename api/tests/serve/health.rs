//! Whether a server lives and whether it can work are told apart, whatever its ledger does.

use std::thread;
use std::time::{Duration, Instant};

use crate::http;
use crate::replicas::database;
use crate::running::Running;

/// More than the places for questions after metrics.
const SCRAPES: usize = 100;

#[test]
fn a_ledger_that_stands_still_keeps_nobody_from_seeing_that_the_server_lives() {
    let Some((cluster, bench, options)) = database() else { return };
    let server = Running::start(&bench, &options);
    server.until_ready();
    let get = |path: &str| http::send(server.address, "GET", path, &[], b"");
    thread::scope(|scope| {
        let lock =
            "BEGIN; LOCK TABLE espalier.authority IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(8)";
        let cluster = &cluster;
        scope.spawn(move || cluster.psql_as("owner", "ledger", lock).unwrap());
        thread::sleep(Duration::from_millis(500));
        for _ in 0..SCRAPES {
            scope.spawn(|| server.get("/metrics"));
        }
        thread::sleep(Duration::from_millis(1_000));
        for _ in 0..5 {
            assert_eq!(get("/healthz").status, 200);
        }
        let asked = Instant::now();
        let readiness = get("/readyz");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        assert_eq!(readiness.status, 503);
        let ledger = &readiness.json()["checks"][0];
        assert_eq!(ledger["name"], "ledger");
        assert_eq!(ledger["found"], "no answer within 2 s");
        assert_eq!(ledger["allowed"], "a ledger that answers within 2 s");
    });
    server.until_ready();
    assert_eq!(get("/readyz").json()["checks"][0]["found"], "it answers");
}
