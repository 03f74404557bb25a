//! `espalier ready`: what a probe, a test of the chart or a person is told.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::running::Running;
use crate::tls::{CLASSIC_ROOT, ISSUED, PQ_ROOT, bench, config};

#[test]
fn a_server_says_by_its_trusted_name_whether_it_is_ready() {
    let bench = bench();
    let public = "public: {listen: \"127.0.0.1:0\"}\n";
    // While somebody else has the folder no list can be made, and without its lists it is not ready.
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    let server = Running::start_by_config(&bench, &config(ISSUED, public));
    let url = format!("https://localhost:{}", server.address.port());
    let ready =
        |ca: &str, more: &str| bench.run(&format!("ready --server {url} --server-ca {ca} {more}"));
    let lacking = ready(PQ_ROOT, "").fails(3, &["not ready: crls"]);
    assert!(lacking.stdout().contains("fails"), "{}", lacking.stdout());
    let document = ready(PQ_ROOT, "--json").fails(3, &["not ready"]).json();
    assert_eq!(document["ready"], false);
    let started = Instant::now();
    ready(PQ_ROOT, "--wait-seconds 2").fails(3, &["not ready: crls"]);
    assert!(started.elapsed() >= Duration::from_secs(1), "it did not wait");
    drop(folder);

    let found = ready(PQ_ROOT, "--wait-seconds 30").done();
    assert!(found.stdout().contains("passes") && !found.stdout().contains("fails"));
    assert_eq!(ready(PQ_ROOT, "--json").done().json()["ready"], true);
    // Who can't prove its name is not believed, however ready it is.
    ready(CLASSIC_ROOT, "").fails(3, &["TLS failed", "--server-ca"]);
    server.end();
    ready(PQ_ROOT, "").fails(3, &["found no connection"]);
}

#[test]
fn ready_is_told_whom_to_ask_and_for_how_long() {
    let bench = bench();
    bench.run("ready").fails(2, &["ready: found no server", "--server or --context"]);
    bench.run("ready --data espalier-data").fails(2, &["--data"]);
    let server = "ready --server https://127.0.0.1:1";
    bench.run(&format!("{server} --wait-seconds 3601")).fails(2, &["3601", "0..=3600"]);
    bench.run(&format!("{server} --wait-seconds x")).fails(2, &["--wait-seconds"]);
}
