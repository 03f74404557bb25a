//! Several servers on one PostgreSQL.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_postgres::Cluster;

use crate::http::{self, Answer};
use crate::issuing::csr;
use crate::running::Running;
use crate::workbench::Workbench;

/// Requests at once.
const REQUESTS: usize = 2_000;
/// Their idempotency keys.
const KEYS: usize = 200;
/// How long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(120);

/// A database with a CA in it whose keys are in the bench, and the options that name it; nothing
/// where there is no PostgreSQL.
pub(crate) fn database() -> Option<(Cluster, Workbench, String)> {
    let cluster = Cluster::start_or_skip(&[])?;
    cluster.role("owner");
    cluster.role("ca");
    cluster.database("ledger", "owner");
    let bench = Workbench::new();
    bench.write("password", format!("{}\n", Cluster::PASSWORD));
    let grants = bench.run("ledger grants --role ca").done();
    let of = |role| {
        format!("--ledger {} --ledger-password-file password", cluster.tcp_url(role, "ledger"))
    };
    bench.run(&format!("ledger migrate {}", of("owner"))).done();
    cluster.psql_as("owner", "ledger", grants.stdout()).unwrap();
    let options = of("ca");
    let passphrase = [("ESPALIER_PASSPHRASE", "correct horse battery staple")];
    let init = format!("init --algorithm p256 --no-passphrase {options}");
    bench.run_with(&init, &passphrase, b"").done();
    Some((cluster, bench, options))
}

/// Asks for a certificate, again where the server says so, as a client should.
fn ask(server: &Running, token: &str, key: &str, body: &Value) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("Authorization", authorization.as_str()),
        ("Content-Type", "application/json"),
        ("Idempotency-Key", key),
    ];
    let started = Instant::now();
    loop {
        let body = body.to_string();
        let answer =
            http::send(server.address, "POST", "/v1/certificates", &headers, body.as_bytes());
        let again = answer.header("retry-after").and_then(|seconds| seconds.parse().ok());
        match again {
            Some(seconds) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_secs(seconds));
            }
            _ => return answer,
        }
    }
}

#[test]
fn two_servers_give_one_certificate_for_each_key() {
    let Some((_cluster, bench, options)) = database() else { return };
    let first = Running::start(&bench, &options);
    let second = Running::start(&bench, &options);
    assert!(second.token.is_empty(), "the first server made the only token");
    let body = json!({"csr": csr(&bench, "a.test")});
    let start = Barrier::new(REQUESTS);
    let answers: Vec<(usize, Answer)> = std::thread::scope(|scope| {
        let (first, second, body, start) = (&first, &second, &body, &start);
        let one = |number: usize| {
            let server = if number.is_multiple_of(2) { first } else { second };
            // Both servers get every key.
            let key = number / 2 % KEYS;
            scope.spawn(move || {
                start.wait();
                (key, ask(server, &first.token, &format!("key-{key}"), body))
            })
        };
        let all: Vec<_> = (0..REQUESTS).map(one).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut certificates = BTreeMap::new();
    for (key, answer) in answers {
        assert_eq!(answer.status, 201, "{answer:?}");
        let certificate = answer.json()["certificate"].as_str().unwrap().to_owned();
        let earlier = certificates.entry(key).or_insert_with(|| certificate.clone());
        assert!(*earlier == certificate, "key {key} got two certificates");
    }
    let different: std::collections::BTreeSet<&String> = certificates.values().collect();
    assert_eq!((certificates.len(), different.len()), (KEYS, KEYS));
    // The same key for another request is a conflict, at either server.
    let other = json!({"csr": body["csr"], "validity_days": 2});
    for server in [&first, &second] {
        ask(server, &first.token, "key-7", &other).is_problem(
            409,
            "idempotency-conflict",
            &["\"key-7\"", "another request"],
        );
    }
    assert!(first.end().success() && second.end().success());
    // Root, issuing, and one for each key; nothing was recorded in vain.
    let report = bench.run(&format!("ledger check --json {options}")).done().json();
    let checked = &report["checked"];
    assert_eq!(report["sound"], true, "{report}");
    assert_eq!((&checked["records"], &checked["certificates"]), (&json!(202), &json!(202)));
}

#[test]
fn a_server_with_a_ledger_that_it_cannot_use_does_not_start() {
    let Some((cluster, bench, _)) = database() else { return };
    cluster.database("empty", "owner");
    let url = cluster.tcp_url("ca", "empty");
    let serve = "serve --listen 127.0.0.1:0 --ledger-password-file password --ledger";
    bench.run(&format!("{serve} {url}")).fails(3, &["espalier ledger migrate"]);
    let url = cluster.tcp_url("nobody", "ledger");
    bench.run(&format!("{serve} {url}")).fails(3, &["password authentication failed"]);
}
