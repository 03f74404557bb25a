//! What can't be done beside other tests: floods, rights that are taken away, an API server that forgets,
//! a webhook that is gone, clocks that are wrong, replicas that hang or end. One test at a time has the stand.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report; what was met

mod clocks;
mod flood;
mod judged;
mod replicas;
mod rights;
mod watches;

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};
use test_cluster::{AUTHORITIES, Issuer, Namespace, Server, Stand, Wanted};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

/// The stand, for this test alone; `None` without the control plane.
fn stand() -> Option<MutexGuard<'static, Stand>> {
    static STAND: OnceLock<Option<Mutex<Stand>>> = OnceLock::new();
    let stand = STAND.get_or_init(|| Stand::start(&AUTHORITIES[..2]).map(Mutex::new));
    // A test that failed leaves it as it leaves any cluster.
    Some(stand.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A namespace with an issuer that is ready.
fn ready<'a>(stand: &'a Stand, name: &str) -> Namespace<'a> {
    let shop = stand.namespace(name);
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    shop.wait("pqissuer/issuer", "condition=Ready");
    shop
}

fn wanted(name: &str) -> String {
    Wanted { name, issuer: ("PQIssuer", "issuer"), spec: SPEC }.manifest()
}

fn uid(shop: &Namespace<'_>, request: &str) -> String {
    shop.get(request)["metadata"]["uid"].as_str().unwrap().to_owned()
}

/// The UID of each certificate in a ledger, which is sound.
fn all_issued(server: &Server) -> Vec<String> {
    let records = server.records();
    let issued = records.iter().filter(|record| record.is_issued());
    issued.filter_map(|record| record.uid().map(str::to_owned)).collect()
}

/// A request that no Certificate stands behind.
fn bare(name: &str, csr: &str, kind: &str, issuer: &str) -> String {
    let issuer = json!({ "group": "espalier.dev", "kind": kind, "name": issuer });
    let object = json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest", "metadata": { "name": name },
        "spec": { "request": csr, "issuerRef": issuer, "duration": "24h" },
    });
    format!("{object}\n---\n")
}

/// The CSR of a Certificate's request, in Base64.
fn csr(shop: &Namespace<'_>) -> String {
    shop.apply(&wanted("source"));
    shop.wait("certificate/source", "condition=Ready");
    let request = shop.get(&shop.request_of("source"));
    request["spec"]["request"].as_str().unwrap().to_owned()
}

/// The condition `Ready` of an object, and its message.
fn told(shop: &Namespace<'_>, object: &str) -> (Value, String) {
    let ready = shop.condition(object, "Ready");
    let message = ready["message"].as_str().unwrap_or_default().to_owned();
    (ready, message)
}
