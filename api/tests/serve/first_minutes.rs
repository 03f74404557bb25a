//! From nothing to a certificate from the server, by the commands that are printed.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::http;
use crate::running::Running;
use crate::workbench::Workbench;

#[test]
fn the_printed_lines_give_a_certificate_that_verifies() {
    let started = Instant::now();
    let bench = Workbench::new();
    bench.run("quickstart").done();
    let server = Running::start(&bench, "");
    let (_, lines) = server.greeting.split_once("Try, in another terminal:\n").unwrap();
    let lines: Vec<&str> = lines.lines().map(str::trim).collect();
    let [csr, curl, verify] = lines[..] else { panic!("{lines:?}") };
    bench.run(csr.strip_prefix("espalier ").unwrap()).done();
    let ran = Command::new("sh").args(["-c", curl]).current_dir(bench.path("")).output().unwrap();
    assert!(ran.status.success(), "{curl}: {ran:?}");
    bench.run(verify.strip_prefix("espalier ").unwrap()).done();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

    // The same line with another token gives a problem and no certificate.
    std::fs::remove_file(bench.path("app.pem")).unwrap();
    let other = curl.replace(&server.token, "espalier_wrong");
    let ran = Command::new("sh").args(["-c", &other]).current_dir(bench.path("")).output().unwrap();
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&bench.read("app.pem")).contains("unauthenticated"));
}

#[test]
fn it_tells_how_it_is_and_ends_in_order() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let server = Running::start(&bench, "");
    server.until_ready();
    for path in ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/page.js", "/docs/problems"]
    {
        let answer = http::send(server.address, "GET", path, &[], b"");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    let ready = http::send(server.address, "GET", "/readyz", &[], b"").json();
    assert_eq!(ready["ready"], true, "{ready}");
    let openapi = http::send(server.address, "GET", "/openapi.json", &[], b"").json();
    assert_eq!(openapi["openapi"], "3.1.0");
    assert!(server.end().success());
    bench.run("ledger check").done();
}

#[test]
fn a_configuration_is_served_and_makes_no_token() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let config = "version: 1\nlisten: 127.0.0.1:0\nlimits: {body_bytes: 4096}\n";
    let server = Running::start_by_config(&bench, config);
    assert_eq!(server.token, "");
    assert_eq!(server.get("/healthz").json()["status"], "ok");
    let nobody = server.post_json("/v1/certificates", &serde_json::json!({"csr": ""}));
    nobody.is_problem(401, "unauthenticated", &[]);
}

#[test]
fn a_folder_that_can_t_be_served_says_what_to_do() {
    let bench = Workbench::new();
    bench.run("serve").fails(3, &["there is no ledger", "espalier quickstart"]);
    bench.run("quickstart --algorithm p256").done();
    bench.run("serve --listen 0.0.0.0:0").fails(2, &["listen: found 0.0.0.0:0", "loopback"]);
    bench.write("wrong.yaml", "version: 1\nlimits: {connections: 0}\n");
    let words = ["limits.connections: found 0", "allowed: 1 to"];
    bench.run("serve --config wrong.yaml").fails(2, &words);
    bench.run("config check wrong.yaml").fails(2, &words);
    bench.write("other.yaml", "version: 1\nauthorities: [nobody]\n");
    bench.run("config check other.yaml").done();
    bench.run("serve --config other.yaml").fails(2, &["authorities: found \"nobody\"", "issuing"]);
    bench.write("ca.yaml", "version: 1\nprofiles: {shipped: [issuing-ca]}\n");
    bench.run("config check ca.yaml").fails(2, &["issuing-ca", "end entities"]);
}
