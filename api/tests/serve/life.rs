//! The life of certificates: checked, issued, found, renewed, revoked.

use serde_json::json;

use crate::issuing::{csr, served};

#[test]
fn a_certificate_is_checked_issued_found_renewed_and_revoked() {
    let (bench, server) = served();
    let body = json!({"csr": csr(&bench, "a.test"), "validity_days": 2});
    let checked = server.post_json("/v1/certificates:check", &body);
    assert_eq!(checked.status, 200, "{checked:?}");
    assert_eq!(checked.json()["names"], json!(["DNS:a.test"]));
    assert_eq!(server.get("/v1/certificates?name=DNS:a.test").json()["certificates"], json!([]));

    let first = server.post_json("/v1/certificates", &body).json();
    let serial = first["serial"].as_str().unwrap();
    let found = server.get("/v1/certificates?name=DNS:a.test&status=stored&profile=tls-server");
    assert_eq!(found.json()["certificates"][0]["serial"], serial, "{found:?}");
    let fingerprint = first["fingerprint_sha256"].as_str().unwrap();
    let found = server.get(&format!("/v1/certificates?fingerprint={fingerprint}")).json();
    assert_eq!(found["certificates"][0]["serial"], serial);

    let place = format!("/v1/certificates/{serial}");
    let renewed = server.post_json(&format!("{place}/renew"), &json!({"validity_days": 3}));
    assert_eq!(renewed.status, 201, "{renewed:?}");
    assert_ne!(renewed.json()["serial"], serial);
    let other = json!({"csr": csr(&bench, "b.test")});
    let differs = server.post_json(&format!("{place}/renew"), &other);
    differs.is_problem(422, "certificate-refused", &["CN=b.test", "CN=a.test"]);

    let revoked = server.post_json(&format!("{place}/revoke"), &json!({"reason": "superseded"}));
    assert_eq!(revoked.json()["status"], "revoked", "{revoked:?}");
    let again = server.post_json(&format!("{place}/revoke"), &json!({}));
    again.is_problem(409, "already-revoked", &[serial]);
    let bad = server.post_json(&format!("{place}/revoke"), &json!({"reason": "bored"}));
    bad.is_problem(422, "invalid-field", &["reason: found \"bored\"", "superseded"]);
    let renewed = server.post_json(&format!("{place}/renew"), &json!({}));
    renewed.is_problem(422, "certificate-refused", &["revoked"]);
    let found = server.get("/v1/certificates?status=revoked").json();
    assert_eq!(found["certificates"][0]["revocation"]["reason"], "superseded", "{found}");
}

#[test]
fn pages_follow_each_other_and_filters_are_strict() {
    let (_bench, server) = served();
    let mut serials = Vec::new();
    let mut target = "/v1/certificates?limit=1".to_owned();
    loop {
        let page = server.get(&target).json();
        let rows = page["certificates"].as_array().unwrap();
        serials.extend(rows.iter().map(|row| row["serial"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/v1/certificates?limit=1&cursor={next}");
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 3, "root, issuing and quickstart's own");
    for (query, words) in [
        ("limit=0", "limit: found 0"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=zz", "cursor"),
        ("colour=red", "colour"),
        ("status=gone", "gone"),
        ("expires_before=yesterday", "expires_before"),
        ("fingerprint=12", "64 hexadecimal"),
        ("name=a%00b", "control characters"),
    ] {
        let answer = server.get(&format!("/v1/certificates?{query}"));
        answer.is_problem(400, "invalid-parameter", &[words]);
    }
}

#[test]
fn what_the_server_offers_is_listed() {
    let (_bench, server) = served();
    let authorities = server.get("/v1/authorities").json();
    let names: Vec<&str> = authorities["authorities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["issuing", "root"]);
    let chain = [("Accept", "application/pem-certificate-chain")];
    let chain = server.send("GET", "/v1/authorities/issuing", &chain, b"");
    assert_eq!(ca_core::pem::read_certificates(&chain.body).unwrap().len(), 2);
    server.get("/v1/authorities/nobody").is_problem(404, "not-found", &["nobody", "issuing"]);
    let profiles = server.get("/v1/profiles").json();
    assert!(profiles["profiles"].as_array().unwrap().iter().any(|one| one["name"] == "tls-server"));
    let algorithms = server.get("/v1/algorithms").json();
    assert!(algorithms["algorithms"].as_array().unwrap().len() > 30);
}
