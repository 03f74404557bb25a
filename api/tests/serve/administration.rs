//! Tokens and what they may, the audit log, the export, metrics.

use serde_json::{Value, json};

use crate::issuing::{csr, served};
use crate::running::Running;

/// Makes a token; what the server says of it.
fn token(server: &Running, name: &str, grant: &Value) -> Value {
    let body = json!({"name": name, "expires_in_days": 1, "grant": grant});
    let made = server.post_json("/v1/tokens", &body);
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

#[test]
fn a_token_does_what_its_grant_says_until_it_is_revoked() {
    let (bench, server) = served();
    let grant = json!({
        "roles": ["requester"], "authorities": ["issuing"], "profiles": ["tls-server"],
        "names": ["DNS:*.apps.test"],
    });
    let made = token(&server, "ci", &grant);
    let secret = made["secret"].as_str().unwrap();
    let post = |body: &Value| server.as_token(secret, "POST", "/v1/certificates", Some(body));
    let good = post(&json!({"csr": csr(&bench, "x.apps.test")}));
    assert_eq!(good.status, 201, "{good:?}");
    assert_eq!(good.json()["requester"], "token:ci");
    post(&json!({"csr": csr(&bench, "a.test")})).is_problem(403, "forbidden", &["DNS:a.test"]);
    let profile = json!({"csr": "", "profile": "tls-client"});
    post(&profile).is_problem(403, "forbidden", &["profile", "tls-client", "tls-server"]);
    let check = json!({"csr": csr(&bench, "a.test")});
    let check = server.as_token(secret, "POST", "/v1/certificates:check", Some(&check));
    check.is_problem(403, "forbidden", &["DNS:a.test"]);

    let own = server.as_token(secret, "GET", "/v1/certificates", None).json();
    assert_eq!(own["certificates"].as_array().unwrap().len(), 1, "{own}");
    let others = server.get("/v1/certificates?authority=root").json();
    let other = others["certificates"][0]["serial"].as_str().unwrap();
    let other = server.as_token(secret, "GET", &format!("/v1/certificates/{other}"), None);
    other.is_problem(404, "not-found", &[]);
    let serial = good.json()["serial"].as_str().unwrap().to_owned();
    let revoke = format!("/v1/certificates/{serial}/revoke");
    let refused = server.as_token(secret, "POST", &revoke, Some(&json!({})));
    refused.is_problem(403, "forbidden", &["revoker", "requester"]);
    for target in ["/v1/tokens", "/v1/audit", "/v1/ledger/export", "/metrics"] {
        server.as_token(secret, "GET", target, None).is_problem(403, "forbidden", &["role"]);
    }

    let listed = server.get("/v1/tokens").json();
    let names: Vec<&Value> =
        listed["tokens"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["ci", "first-admin"]);
    assert!(!listed.to_string().contains("secret"), "{listed}");
    let id = made["id"].as_str().unwrap();
    let target = format!("/v1/tokens/{id}");
    assert!(server.send("DELETE", &target, &[], b"").json()["revoked_at"].is_string());
    let after = server.as_token(secret, "GET", "/v1/certificates", None);
    after.is_problem(401, "unauthenticated", &["revoked"]);
    let twice = server.send("DELETE", &target, &[], b"");
    twice.is_problem(409, "already-revoked", &["revoked since"]);
    let list = json!({"name": "b", "expires_in_days": 1, "grant": [["admin"]]});
    server.post_json("/v1/tokens", &list).is_problem(400, "malformed-body", &["an object"]);
    server.send("DELETE", "/v1/tokens/nope", &[], b"").is_problem(404, "not-found", &["nope"]);
    let bad = json!({"name": "b", "expires_in_days": 1, "grant": {"roles": ["king"]}});
    server.post_json("/v1/tokens", &bad).is_problem(422, "invalid-field", &["king"]);
}

#[test]
fn what_was_done_and_refused_is_in_the_audit_log_the_export_and_the_metrics() {
    let (bench, server) = served();
    let issued = server.post_json("/v1/certificates", &json!({"csr": csr(&bench, "a.test")}));
    let serial = issued.json()["serial"].as_str().unwrap().to_owned();
    server.post_json("/v1/certificates", &json!({"csr": "x"}));
    let events = server.get("/v1/audit").json();
    let [refused, done] = &events["events"].as_array().unwrap()[..] else { panic!("{events}") };
    assert_eq!(done["subject"], format!("serial:{serial}"));
    assert_eq!(done["actor"], "token:first-admin");
    assert_eq!(done["request_id"].as_str(), issued.header("x-request-id"));
    assert_eq!(refused["problem"], "csr-malformed");
    let found = server.get(&format!("/v1/audit?subject=serial:{serial}")).json();
    assert_eq!(found["events"], json!([done]));

    let export = server.get("/v1/ledger/export");
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    let text = export.text();
    assert!(text.contains(&serial) && text.contains("BEGIN CERTIFICATE"), "{text}");
    assert!(text.contains("{\"end\":true}"), "{text}");

    let metrics = server.get("/metrics");
    for line in [
        "espalier_issuance_total{authority=\"issuing\",profile=\"tls-server\",algorithm=\"ECDSA-P256\",outcome=\"issued\"} 1",
        "outcome=\"refused\"} 1",
        "espalier_problems_total{kind=\"csr-malformed\"} 1",
        "espalier_ledger_orphans 0",
        "espalier_authority_days_to_expiry{authority=\"root\"}",
        "espalier_issuance_step_seconds_count{step=\"store\"} 1",
    ] {
        assert!(metrics.text().contains(line), "no {line} in {}", metrics.text());
    }
    server.end();
    bench.run("ledger check").done();
}
