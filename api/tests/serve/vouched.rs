//! Requests that rest on another certificate: ML-KEM keys (RFC 9883) and related certificates
//! (RFC 9763).

use ca_core::pem::{self, Label};
use serde_json::{Value, json};

use crate::http::Answer;
use crate::running::Running;
use crate::workbench::Workbench;

const ALICE: &str = "--subject CN=Alice --dns alice.test";
const TRUST: &str = "--trust espalier-data/authorities/root/certificate.pem \
                     --intermediate espalier-data/authorities/issuing/certificate.pem";

/// A CA that gave Alice a signature certificate, served.
fn served() -> (Workbench, Running) {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    bench.run(&format!("issue {ALICE} --key-out alice.key --out alice.pem")).done();
    let server = Running::start(&bench, "");
    (bench, server)
}

fn body(bench: &Workbench, file: &str, profile: &str) -> Value {
    json!({"csr": String::from_utf8(bench.read(file)).unwrap(), "profile": profile})
}

/// A request for a new ML-KEM key, for which the holder of `alice.pem` vouches.
fn kem_request(bench: &Workbench, options: &str) -> Value {
    bench.run("key generate --algorithm kyber768 --no-passphrase --out kem.key --force").done();
    let vouch = "--possession-certificate alice.pem --possession-key alice.key";
    let line = format!("csr create --key kem.key {vouch} --out kem.csr --force");
    bench.run(&format!("{line} {options}")).done();
    body(bench, "kem.csr", "kem-recipient")
}

#[test]
fn the_holder_of_a_certificate_gets_one_for_ml_kem() {
    let (bench, server) = served();
    let first = kem_request(&bench, ALICE);
    let checked = server.post_json("/v1/certificates:check", &first);
    assert_eq!(checked.status, 200, "{checked:?}");
    let issued = server.post_json("/v1/certificates", &first);
    assert_eq!(issued.status, 201, "{issued:?}");
    let issued = issued.json();
    assert_eq!(issued["algorithm"], "ML-KEM-768");
    assert!(issued["notes"].to_string().contains("stated by the holder of"), "{issued}");
    bench.write("kem.pem", issued["certificate"].as_str().unwrap());
    bench.run(&format!("verify {TRUST} kem.pem")).done();
    // Named by its serial number alone, the certificate is found in the ledger.
    let named = kem_request(&bench, &format!("{ALICE} --name-only"));
    assert_eq!(server.post_json("/v1/certificates", &named).status, 201);
    // A new key for the same holder.
    let renew = format!("/v1/certificates/{}/renew", issued["serial"].as_str().unwrap());
    let renewed = server.post_json(&renew, &json!({"csr": kem_request(&bench, ALICE)["csr"]}));
    assert_eq!(renewed.status, 201, "{renewed:?}");
    assert_eq!(renewed.json()["subject"], "CN=Alice");

    let refused = |body: &Value, words: &[&str]| {
        for target in ["/v1/certificates", "/v1/certificates:check"] {
            server.post_json(target, body).is_problem(422, "csr-refused", words);
        }
    };
    // For another holder; one bit of the signature; a certificate that is revoked.
    let other = ALICE.replace("Alice", "Mallory");
    refused(&kem_request(&bench, &other), &["CN=Mallory", "CN=Alice"]);
    kem_request(&bench, ALICE);
    let mut der = pem::read_one_request(&bench.read("kem.csr")).unwrap().der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    bench.write("kem.csr", pem::encode(Label::CertificateRequest, &der));
    refused(&body(&bench, "kem.csr", "kem-recipient"), &["signature"]);
    let last = kem_request(&bench, ALICE);
    bench.run("cert revoke alice.pem --reason keyCompromise").done();
    refused(&last, &["revoked"]);
    bench.run("ledger check").done();
}

/// Asks for a post-quantum certificate that is bound to `alice.pem`.
fn bound(bench: &Workbench, server: &Running, options: &str) -> Answer {
    let new =
        "csr create --algorithm ml-dsa-44 --key-out pq.key --no-passphrase --force --out pq.csr";
    bench.run(&format!("{new} --related alice.pem --related-key alice.key {options}")).done();
    server.post_json("/v1/certificates", &body(bench, "pq.csr", "tls-server"))
}

#[test]
fn a_certificate_is_bound_to_the_one_that_its_request_names() {
    let (bench, server) = served();
    let issued = bound(&bench, &server, ALICE);
    assert_eq!(issued.status, 201, "{issued:?}");
    bench.write("pq.pem", issued.json()["certificate"].as_str().unwrap());
    bench.run(&format!("verify {TRUST} --related alice.pem pq.pem")).done();

    let other = bound(&bench, &server, "--subject CN=other.test --dns other.test");
    other.is_problem(422, "certificate-refused", &["names: found", "other.test"]);
    let refused = |options: &str, words: &[&str]| {
        bound(&bench, &server, options).is_problem(422, "csr-refused", words);
    };
    let elsewhere = format!("{ALICE} --related-url https://ca.test/alice.cer");
    refused(&elsewhere, &["https://ca.test/alice.cer", "data: URL"]);
    bench.run("cert revoke alice.pem --reason superseded").done();
    refused(ALICE, &["related certificate: found it revoked since"]);
    bench.run("ledger check").done();
}
