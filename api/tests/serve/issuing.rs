//! `POST /v1/certificates` and what it gave.

use serde_json::{Value, json};

use crate::running::Running;
use crate::workbench::Workbench;

/// quickstart's folder, served.
pub(crate) fn served() -> (Workbench, Running) {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let server = Running::start(&bench, "");
    (bench, server)
}

/// A request for these names, in PEM.
pub(crate) fn csr(bench: &Workbench, name: &str) -> String {
    let line = format!(
        "csr create --algorithm p256 --no-passphrase --force --subject CN={name} --dns {name} --key-out {name}.key --out {name}.csr"
    );
    bench.run(&line).done();
    String::from_utf8(bench.read(&format!("{name}.csr"))).unwrap()
}

#[test]
fn a_certificate_is_issued_and_had_again_in_every_form() {
    let (bench, server) = served();
    let body = json!({"csr": csr(&bench, "a.test"), "validity_days": 3, "profile": "tls-server"});
    let issued = server.post_json("/v1/certificates", &body);
    assert_eq!(issued.status, 201, "{issued:?}");
    let certificate = issued.json();
    assert_eq!(certificate["names"], json!(["DNS:a.test"]));
    assert_eq!(certificate["requester"], "token:first-admin");
    let place = issued.header("location").unwrap().to_owned();
    assert_eq!(place, format!("/v1/certificates/{}", certificate["serial"].as_str().unwrap()));

    let again = server.get(&place).json();
    for member in ["serial", "certificate", "chain", "status", "not_after"] {
        assert_eq!(again[member], certificate[member], "{member}");
    }
    let fingerprint = certificate["fingerprint_sha256"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/certificates/{fingerprint}")).json(), again);
    let as_type = |media_type| server.send("GET", &place, &[("Accept", media_type)], b"");
    let der = as_type("application/pkix-cert");
    assert_eq!(der.header("content-type"), Some("application/pkix-cert"));
    let pem = certificate["certificate"].as_str().unwrap();
    let read = ca_core::pem::read_one_certificate(pem.as_bytes()).unwrap();
    assert!(read.der() == der.body, "DER and PEM are the same certificate");
    assert_eq!(as_type("application/pem-certificate-chain").text(), certificate["chain"]);
    as_type("image/png").is_problem(406, "not-acceptable", &["image/png", "pkix-cert"]);
    bench.write("a.pem", certificate["chain"].as_str().unwrap());
    bench.run("verify --trust espalier-data/authorities/root/certificate.pem a.pem").done();
}

#[test]
fn the_same_request_gets_the_same_certificate() {
    let (bench, server) = served();
    let first = json!({"csr": csr(&bench, "b.test")});
    let key = [("Content-Type", "application/json"), ("Idempotency-Key", "one")];
    let post =
        |body: &Value| server.send("POST", "/v1/certificates", &key, body.to_string().as_bytes());
    let issued = post(&first);
    assert_eq!((issued.status, issued.header("idempotency-replayed")), (201, None));
    let again = post(&first);
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!(again.json()["certificate"], issued.json()["certificate"]);
    let other = json!({"csr": csr(&bench, "b.test"), "validity_days": 2});
    post(&other).is_problem(409, "idempotency-conflict", &["\"one\"", "another request"]);
    let without = server.post_json("/v1/certificates", &first).json();
    assert_ne!(without["serial"], issued.json()["serial"], "no key, no repetition");
}

#[test]
fn many_at_once_with_the_same_key_get_one_certificate() {
    let (bench, server) = served();
    let body = json!({"csr": csr(&bench, "c.test")}).to_string();
    let key = [("Content-Type", "application/json"), ("Idempotency-Key", "race")];
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let one = || server.send("POST", "/v1/certificates", &key, body.as_bytes());
        let all: Vec<_> = (0..16).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|thread| thread.join().unwrap().json()).collect()
    });
    for answer in &answers {
        assert_eq!(answer["certificate"], answers[0]["certificate"], "{answer}");
        assert!(answer["certificate"].is_string(), "{answer}");
    }
    server.end();
    // Root, issuing, quickstart's own, and one.
    let report = bench.run("ledger check --json").done().json();
    assert_eq!(report["checked"]["records"], 4, "{report}");
}
