//! The live server against its own OpenAPI description, as a stranger reads it: schemathesis sends what the description
//! allows and what it does not, and judges every answer. A description that is wrong must be found out.
#![allow(clippy::unwrap_used)] // a panic is the failure report

#[path = "../serve/stage.rs"]
mod stage;

use std::path::Path;
use std::process::Output;

use interop::peers::{self, Installed, Peer};
use serde_json::{Value, json};

use stage::forge::{self, Forge};
use stage::running::Running;
use stage::workbench::Workbench;
use stage::{http, workbench};

/// How many requests there are at least.
const LEAST: u64 = 10_000;

/// A served folder, and a token of an administrator that no request can revoke: one of an issuer.
fn served() -> (Workbench, Running, String) {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let forge = Forge::ed25519();
    bench.write("jwks.json", forge::key_set(&[forge.jwk("key")]));
    #[expect(clippy::disallowed_methods, reason = "the server uses the real clock")]
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "iss": "https://issuer.test", "aud": "espalier", "sub": "stranger",
        "iat": now, "nbf": now, "exp": now + 3_600,
    });
    let token = forge.token("key", &claims);
    let config = "\
version: 1
listen: 127.0.0.1:0
auth:
  oidc: [{issuer: 'https://issuer.test', audiences: [espalier], jwks_file: jwks.json}]
  requesters:
    - rule: stranger
      match: {jwt: {issuer: 'https://issuer.test', subject: stranger}}
      grant: {roles: [admin], authorities: ['*'], profiles: ['*'], names: ['*'], wildcards: true, subject: any}
  rate_limits:
    requester_per_second: 100000
    requester_burst: 100000
    unauthenticated_per_second: 100000
    unauthenticated_burst: 100000
";
    let server = Running::start_by_config(&bench, config);
    (bench, server, token)
}

fn schemathesis() -> Option<Installed> {
    match peers::peer("schemathesis") {
        Peer::Present(installed) => Some(installed),
        Peer::Missing { .. } => None,
    }
}

/// Runs it on a description, at an address or in a file, and gives its report.
fn judged(
    peer: &Installed,
    bench: &Workbench,
    token: &str,
    description: &str,
    options: &[&str],
) -> (Output, Value) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/schemathesis.toml");
    let mut command = peer.command("schemathesis");
    command.current_dir(bench.path("")).env("ESPALIER_TOKEN", token);
    command.arg("--config-file").arg(config).args(["run", description, "--checks", "all"]);
    command.args(["--report", "json", "--report-json-path", "report.json", "--no-color"]);
    let output = command.args(options).output().unwrap();
    (output, serde_json::from_slice(&bench.read("report.json")).unwrap())
}

#[test]
fn ten_thousand_requests_get_what_the_description_says() {
    let Some(peer) = schemathesis() else { return };
    let (bench, server, token) = served();
    let description = format!("http://{}/openapi.json", server.address);
    let (output, report) = judged(&peer, &bench, &token, &description, &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert_eq!(report["failures"], json!([]), "{text}");
    assert_eq!(report["errors"], json!([]), "{text}");
    for phase in ["examples", "coverage", "fuzzing", "stateful"] {
        assert_eq!(report["phases"][phase]["status"], "success", "{phase}: {text}");
    }
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{report}");
    let requests = report["test_cases"]["generated"].as_u64().unwrap();
    assert!(requests >= LEAST, "{requests} requests, {LEAST} are wanted: raise max-examples");
    // It got behind the first checks: certificates were issued, renewed and revoked.
    let metrics = server.as_token(&token, "GET", "/metrics", None);
    let metrics = metrics.text();
    for (path, method, status) in [
        ("/v1/certificates", "POST", 201),
        ("/v1/certificates:check", "POST", 200),
        ("/v1/certificates/{serial}/revoke", "POST", 200),
        ("/v1/tokens", "POST", 201),
        ("/v1/tokens/{id}", "DELETE", 200),
    ] {
        let line = format!(
            "espalier_http_requests_total{{route=\"{path}\",method=\"{method}\",status=\"{status}\"}}"
        );
        assert!(metrics.contains(&line), "no {line} in {metrics}");
    }
    let seen = format!("{requests} requests, all checks");
    println!("schemathesis {}: {seen}, no failure", peer.version());
    peers::tried("schemathesis", "every route, all checks", "accepted");
    server.end();
    bench.run("ledger check --json").done();
}

#[test]
fn a_wrong_description_is_found_out() {
    let Some(peer) = schemathesis() else { return };
    let (bench, server, token) = served();
    let good = server.get("/openapi.json").json();
    let mut other_type = good.clone();
    let field = &mut other_type["components"]["schemas"]["Authority"]["properties"]["signs"];
    assert_eq!(field["type"], "boolean");
    *field = json!({"type": "string"});
    let mut no_status = good.clone();
    let answers =
        no_status["paths"]["/v1/authorities"]["get"]["responses"].as_object_mut().unwrap();
    let answer = answers.remove("200").unwrap();
    answers.remove("default").unwrap();
    answers.insert("204".to_owned(), answer);
    let url = format!("http://{}", server.address);
    // One operation alone has no links to follow.
    let phases = ["--phases", "coverage,fuzzing"];
    let options = ["-n", "5", "--url", &url, "--include-path", "/v1/authorities"];
    let options = [&options[..], &phases].concat();
    for (name, description, code, failure) in [
        ("good.json", good, 0, ""),
        ("other-type.json", other_type, 1, "JsonSchemaError"),
        ("no-status.json", no_status, 1, "UndefinedStatusCode"),
    ] {
        bench.write(name, description.to_string());
        let (output, report) = judged(&peer, &bench, &token, name, &options);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{name}: {text}");
        let found = report["failures"].as_array().unwrap();
        let kinds: Vec<&str> = found.iter().filter_map(|one| one["type"].as_str()).collect();
        assert_eq!(kinds.is_empty(), code == 0, "{name}: {text}");
        assert!(code == 0 || kinds.contains(&failure), "{name}: {kinds:?}");
    }
    peers::tried("schemathesis", "a description with another type or status", "refused");
}
