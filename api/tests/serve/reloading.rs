//! A configuration that changes while the server runs.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::running::Running;
use crate::workbench::Workbench;

/// Waits until the server offers this many profiles.
fn offers(server: &Running, token: &str, count: usize) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        let profiles = server.as_token(token, "GET", "/v1/profiles", None).json();
        if profiles["profiles"].as_array().map(Vec::len) == Some(count) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn a_good_configuration_is_taken_over_and_a_bad_one_changes_nothing() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    // The first token is made by a server without a configuration.
    let first = Running::start(&bench, "");
    let token = first.token.clone();
    assert!(first.end().success());

    let config = |profiles: &str| {
        format!("version: 1\nlisten: 127.0.0.1:0\nprofiles: {{shipped: [{profiles}]}}\n")
    };
    let server = Running::start_by_config(&bench, &config("tls-server"));
    assert!(offers(&server, &token, 1));
    bench.write("espalier.yaml", config("tls-server, tls-client"));
    server.signal(Signal::HUP);
    assert!(offers(&server, &token, 2));
    bench.write("espalier.yaml", config("tls-server, nonsense"));
    server.signal(Signal::HUP);
    std::thread::sleep(Duration::from_millis(300));
    assert!(offers(&server, &token, 2), "the old one stays");
    bench.write("espalier.yaml", config("tls-server, tls-client, spiffe"));
    assert!(offers(&server, &token, 3), "the file is watched");
    assert!(server.end().success());
}
