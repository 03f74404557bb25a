//! How much is under way at once, and what a reload leaves as it was.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::forge::{Forge, key_set};
use crate::running::Running;
use crate::workbench::Workbench;

/// Waits until `holds`, at most twenty seconds: files are looked at every five.
fn in_time(holds: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if holds() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

fn folder() -> (Workbench, String) {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let first = Running::start(&bench, "");
    let token = first.token.clone();
    first.end();
    (bench, token)
}

#[test]
fn one_request_too_many_is_told_to_come_again_and_health_is_told_all_the_same() {
    let (bench, token) = folder();
    let limits = "{requests: 1, body_read_timeout_seconds: 5}";
    let config = format!("version: 1\nlisten: 127.0.0.1:0\nlimits: {limits}\n");
    let server = Running::start_by_config(&bench, &config);
    let ask = || server.as_token(&token, "GET", "/v1/profiles", None);
    assert_eq!(ask().status, 200);
    let mut slow = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /v1/certificates HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).unwrap();
    assert!(in_time(|| ask().status == 503));
    let answer = ask();
    answer.is_problem(503, "overloaded", &["limits.requests"]);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(server.get("/healthz").status, 200);
    // The place is free again when the work has ended.
    drop(slow);
    assert!(in_time(|| ask().status == 200));
    server.end();
}

#[test]
fn a_changed_file_of_auth_counts_without_being_asked_for() {
    let (bench, _) = folder();
    #[expect(clippy::disallowed_methods, reason = "the server uses the real clock")]
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "iss": "https://issuer.test", "aud": "espalier", "sub": "a",
        "iat": now, "nbf": now, "exp": now + 600,
    });
    let (old, new) = (Forge::ed25519(), Forge::ed25519());
    bench.write("jwks.json", key_set(&[old.jwk("key")]));
    let config = "\
version: 1
listen: 127.0.0.1:0
auth:
  oidc: [{issuer: 'https://issuer.test', audiences: [espalier], jwks_file: jwks.json}]
  requesters:
    - rule: a
      match: {jwt: {issuer: 'https://issuer.test', subject: a}}
      grant: {roles: [auditor]}
  rate_limits: {unauthenticated_burst: 1000, unauthenticated_per_second: 1000}
";
    let server = Running::start_by_config(&bench, config);
    let status = |forge: &Forge| {
        let token = forge.token("key", &claims);
        server.as_token(&token, "GET", "/v1/profiles", None).status
    };
    assert_eq!((status(&old), status(&new)), (200, 401));
    bench.write("jwks.json", key_set(&[new.jwk("key")]));
    assert!(in_time(|| status(&new) == 200));
    assert_eq!(status(&old), 401);
    server.end();
}
