//! What several servers do together for those who ask about revocation.

use std::fs::File;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http;
use crate::replicas::database;
use crate::running::Running;
use crate::workbench::Workbench;

const OCSP_REQUEST: (&str, &str) = ("Content-Type", "application/ocsp-request");

/// The lists of the ledger, the newest first.
fn lists(bench: &Workbench, options: &str) -> Vec<Value> {
    let rows = bench.run(&format!("crl list issuing --json {options}")).done().json();
    rows.as_array().unwrap().clone()
}

/// Waits until the ledger has so many lists.
#[track_caller]
fn until_reserved(bench: &Workbench, options: &str, count: usize) {
    let started = Instant::now();
    while lists(bench, options).len() != count {
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", lists(bench, options));
        thread::sleep(Duration::from_millis(100));
    }
}

/// One of two servers is killed while it makes a list.
fn the_other_takes_over(bench: &Workbench, options: &str) {
    // Nobody can publish while the folder is locked.
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    let first = Running::start(bench, options);
    until_reserved(bench, options, 1);
    let second = Running::start(bench, options);
    // As long as the first one lives, the list is its own, longer than the ten seconds of a lease:
    // it is prolonged every second.
    thread::sleep(Duration::from_secs(13));
    assert_eq!(lists(bench, options).len(), 1);
    drop(first);
    let killed = Instant::now();
    until_reserved(bench, options, 2);
    assert!(killed.elapsed() < Duration::from_secs(25), "the other one makes the next at once");
    drop(folder);
    while http::send(second.public(), "GET", "/crl/issuing.crl", &[], b"").status != 200 {
        assert!(killed.elapsed() < Duration::from_secs(60), "there is no list");
        thread::sleep(Duration::from_millis(50));
    }
    let told: Vec<(u64, bool)> = lists(bench, options)
        .iter()
        .map(|list| (list["number"].as_u64().unwrap(), list["stored"].as_bool().unwrap()))
        .collect();
    assert_eq!(told, [(2, true), (1, false)]);
    bench.run(&format!("ledger check {options}")).done();
}

#[test]
fn when_a_server_dies_the_other_makes_the_list() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    the_other_takes_over(&bench, "");
}

#[test]
fn when_a_server_dies_the_other_makes_the_list_in_postgresql() {
    let Some((_cluster, bench, options)) = database() else { return };
    the_other_takes_over(&bench, &options);
}

#[test]
fn a_revocation_at_one_server_shows_at_the_other_at_once() {
    let Some((_cluster, bench, options)) = database() else { return };
    bench.run(&format!("ca show issuing --pem --out issuing.pem {options}")).done();
    for name in ["app", "db"] {
        let files = format!("--key-out {name}.key --out {name}.pem");
        bench.run(&format!("issue --dns {name}.test {files} {options}")).done();
        let request = format!("ocsp request --issuer issuing.pem --no-nonce {name}.pem");
        bench.run(&format!("{request} --out {name}.req")).done();
    }
    let first = Running::start(&bench, &options);
    let second = Running::start(&bench, &options);
    let says = |server: &Running, name: &str, word: &str| {
        let request = bench.read(&format!("{name}.req"));
        let headers = [OCSP_REQUEST];
        let answer = http::send(server.public(), "POST", "/ocsp/issuing", &headers, &request);
        assert_eq!(answer.status, 200, "{answer:?}");
        bench.write("answer.resp", &answer.body);
        let shown = bench.run("ocsp show answer.resp").done().stdout().to_owned();
        assert!(shown.contains(word), "no {word} in {shown}");
        answer.body
    };
    // Each has a good answer that it would give again for twelve hours.
    for server in [&first, &second] {
        let good = says(server, "app", "good");
        assert!(says(server, "app", "good") == good, "it is kept");
    }
    let found = first.get("/v1/certificates?name=DNS:app.test").json();
    let serial = found["certificates"][0]["serial"].as_str().unwrap();
    let reason = json!({"reason": "keyCompromise"});
    let revoked = first.post_json(&format!("/v1/certificates/{serial}/revoke"), &reason);
    assert_eq!(revoked.status, 200, "{revoked:?}");
    for server in [&second, &first] {
        says(server, "app", "keyCompromise");
        says(server, "db", "good");
    }
}
