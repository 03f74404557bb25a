//! Requests with post-quantum keys. A Go before 1.27 can't check the signature in such a request, and cert-manager's
//! webhook and the API server refuse it: these rows say so there. `ESPALIER_TEST_CLUSTER=$(cargo xtask cluster build
//! --ml-dsa)` runs them on a control plane that can.

use std::fs;

use base64ct::{Base64, Encoding as _};
use interop::peers::tried;
use serde_json::Value;
use test_cluster::{Issuer, Namespace, Stand, decoded};

/// A request by `espalier csr create`, in PEM; it stays in `FILE.csr`.
fn request(stand: &Stand, file: &str, algorithm: &str) -> String {
    let (key, csr) = (format!("{file}.key"), format!("{file}.csr"));
    stand.server.done(&format!(
        "csr create --algorithm {algorithm} --subject CN=pq.example.com --dns pq.example.com --key-out {key} \
         --no-passphrase --force --out {csr}"
    ));
    fs::read_to_string(stand.server.file(&csr)).unwrap()
}

/// The same with a bit of its signature flipped.
fn bent(pem: &str) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut der = Base64::decode_vec(&body).unwrap();
    *der.last_mut().unwrap() ^= 1;
    let body = Base64::encode_string(&der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
}

fn certificate_request(name: &str, pem: &str) -> String {
    let request = Base64::encode_string(pem.as_bytes());
    format!(
        "{{apiVersion: cert-manager.io/v1, kind: CertificateRequest, metadata: {{name: {name}}}, spec: {{request: {request}, \
         issuerRef: {{group: espalier.dev, kind: PQIssuer, name: issuer}}}}}}"
    )
}

#[test]
fn a_request_with_an_ml_dsa_key_is_served_where_go_can_check_it() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("ml-dsa");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "ml-dsa")));
    for algorithm in ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"] {
        let file = format!("{}-{algorithm}", shop.name());
        let pem = request(stand, &file, algorithm);
        // One bit is wrong, which either Go refuses: one has found it, the other can't tell.
        let refusal = shop.refused(&certificate_request("bent", &bent(&pem)));
        assert!(refusal.contains("webhook.cert-manager.io"), "{refusal}");
        if stand.cluster.knows_ml_dsa() {
            served(stand, &shop, (algorithm, &file), &pem);
        } else {
            let refusal = shop.refused(&certificate_request(algorithm, &pem));
            assert!(refusal.contains("webhook.cert-manager.io"), "{algorithm}: {refusal}");
            tried(
                "kubernetes",
                &format!("CertificateRequest with {algorithm}"),
                "refused: this Go can't check it",
            );
        }
    }
}

fn served(stand: &Stand, shop: &Namespace<'_>, (algorithm, file): (&str, &str), pem: &str) {
    shop.apply(&certificate_request(algorithm, pem));
    let object = format!("certificaterequest/{algorithm}");
    shop.wait(&object, "condition=Ready");
    is_good(stand, file, &decoded(&shop.get(&object)["status"]["certificate"]));
    tried("kubernetes", &format!("CertificateRequest with {algorithm}"), "issued");
}

/// The certificate has the key of the request in `FILE.csr`, and holds under the root.
fn is_good(stand: &Stand, file: &str, chain: &str) {
    fs::write(stand.server.file(&format!("{file}.pem")), chain).unwrap();
    stand.server.done(&format!(
        "verify --trust espalier-data/authorities/ml-dsa-root/certificate.pem --policy post-quantum {file}.pem"
    ));
    let inspected = |file: &str| -> Value {
        let ran = stand.server.run(&format!("inspect --json {file}"));
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        serde_json::from_str(&ran.text).unwrap()
    };
    let key = |found: &Value| found[0]["public_key"].clone();
    let found = key(&inspected(&format!("{file}.pem")));
    assert!(found.is_object());
    assert_eq!(found, key(&inspected(&format!("{file}.csr"))), "{file}");
}

/// The same as a request of Kubernetes' own, which the API server itself checks.
fn signing_request(shop: &Namespace<'_>, name: &str, pem: &str) -> String {
    let (space, request) = (shop.name(), Base64::encode_string(pem.as_bytes()));
    format!(
        "{{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {{name: {space}-{name}}}, \
         spec: {{request: {request}, signerName: pqissuers.espalier.dev/{space}.issuer, usages: [server auth]}}}}"
    )
}

#[test]
fn a_signing_request_with_an_ml_dsa_key_is_served_where_go_can_check_it() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("ml-dsa-csr");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "ml-dsa")));
    let (algorithm, what) = ("ml-dsa-65", "CertificateSigningRequest with ml-dsa-65");
    let name = format!("{}-{algorithm}", shop.name());
    let pem = request(stand, &name, algorithm);
    let refusal = shop.refused(&signing_request(&shop, "bent", &bent(&pem)));
    assert!(refusal.contains("spec.request"), "{refusal}");
    let manifest = signing_request(&shop, algorithm, &pem);
    if !stand.cluster.knows_ml_dsa() {
        let refusal = shop.refused(&manifest);
        assert!(refusal.contains("spec.request"), "{refusal}");
        tried("kubernetes", what, "refused: this Go can't check it");
        return;
    }
    shop.apply(&manifest);
    shop.kubectl().run(&["certificate", "approve", &name]).ok();
    let object = format!("csr/{name}");
    shop.wait(&object, "jsonpath={.status.certificate}");
    is_good(stand, &name, &decoded(&shop.get(&object)["status"]["certificate"]));
    tried("kubernetes", what, "issued");
}

#[test]
fn a_request_with_a_composite_key_is_refused_by_every_go() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("composite-key");
    shop.apply(&stand.issuer(&Issuer::by_token("issuer", "composite")));
    let refusal =
        shop.refused(&certificate_request("composite", &request(stand, shop.name(), "hybrid")));
    assert!(refusal.contains("webhook.cert-manager.io"), "{refusal}");
    assert!(shop.list("certificaterequests").is_empty());
}
