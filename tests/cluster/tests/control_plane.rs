//! The control plane itself: its API server answers, and cert-manager does what it does in any cluster.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use interop::peers::tried;
use test_cluster::{Cluster, Namespace, Options};

/// An issuer that signs with the key of a CA made by cert-manager itself.
const ISSUERS: &str = "
{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: self}, spec: {selfSigned: {}}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: ca}
spec:
  isCA: true
  commonName: A classical CA
  secretName: ca
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {name: self}
---
{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: ca}, spec: {ca: {secretName: ca}}}
";

fn certificate(name: &str, issuer: &str) -> String {
    format!(
        "
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {{name: {name}}}
spec:
  dnsNames: [{name}.example.com]
  secretName: {name}
  privateKey: {{algorithm: ECDSA, size: 256}}
  issuerRef: {{name: {issuer}}}
"
    )
}

fn request(name: &str, csr: &str) -> String {
    format!(
        "
apiVersion: cert-manager.io/v1
kind: CertificateRequest
metadata: {{name: {name}}}
spec:
  request: {csr}
  issuerRef: {{name: ca}}
"
    )
}

/// The CSR that cert-manager made for a Certificate, in base64.
fn csr_of(namespace: &Namespace<'_>, certificate: &str) -> String {
    let requests = namespace.list("certificaterequests");
    let owned = requests.iter().find(|request| {
        request["metadata"]["annotations"]["cert-manager.io/certificate-name"] == certificate
    });
    owned.unwrap()["spec"]["request"].as_str().unwrap().to_owned()
}

#[test]
fn the_api_server_answers_who_is_known_and_nobody_else() {
    let Some(cluster) = Cluster::shared() else { return };
    assert_eq!(cluster.kubectl().run(&["get", "--raw", "/readyz"]).ok(), "ok");
    let refusal = cluster.kubectl().run(&[
        "get",
        "--raw",
        "/readyz",
        "--kubeconfig=/dev/null",
        "--insecure-skip-tls-verify",
        "--server",
        cluster.server(),
        "--token",
        "made-up",
    ]);
    assert!(refusal.refusal().contains("Unauthorized"));
    let version = cluster.kubectl().run(&["version", "--output=json"]).json();
    assert_eq!(version["serverVersion"]["gitVersion"], version["clientVersion"]["gitVersion"]);
    let about =
        format!("kube-apiserver {}", version["serverVersion"]["gitVersion"].as_str().unwrap());
    tried("kubernetes", &about, "answers; a made-up token refused");
}

#[test]
fn a_wait_ends_badly_also_where_what_is_said_looks_well() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("waits");
    namespace.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: there}}");
    namespace.wait("configmap/there", "create");
    // kubectl says that it is not found, and so the name, which has in it what kubectl says when it was.
    let absent = || namespace.wait("configmap/met-and-deleted", "condition=Ready");
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(absent)).is_err());
}

#[test]
fn cert_manager_issues_by_its_own_ca_and_by_none_that_is_not_there() {
    let Some(cluster) = Cluster::shared() else { return };
    let shop = cluster.namespace("shop");
    shop.apply(ISSUERS);
    shop.apply(&certificate("web", "ca"));
    shop.apply(&certificate("lost", "absent"));
    shop.wait("certificate/web", "condition=Ready");
    let secret = shop.get("secret/web");
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        assert!(secret["data"][file].as_str().is_some_and(|text| !text.is_empty()), "no {file}");
    }
    assert_eq!(secret["data"]["ca.crt"], shop.get("secret/ca")["data"]["tls.crt"]);
    shop.wait("certificate/lost", "condition=Issuing");
    assert!(shop.kubectl().run(&["get", "secret/lost"]).refusal().contains("NotFound"));
    tried("kubernetes", "cert-manager's own CA issuer", "issued; an absent issuer's not");
}

#[test]
fn the_admission_webhook_lets_a_csr_pass_and_no_garbage() {
    let Some(cluster) = Cluster::shared() else { return };
    let shop = cluster.namespace("shop");
    shop.apply(ISSUERS);
    shop.apply(&certificate("web", "ca"));
    shop.wait("certificate/web", "condition=Ready");
    let csr = csr_of(&shop, "web");
    shop.apply(&request("good", &csr));
    shop.wait("certificaterequest/good", "condition=Ready");
    // "not a CSR" in base64; and the CSR with one letter of its body changed.
    let refusal = shop.refused(&request("bad", "bm90IGEgQ1NS"));
    assert!(
        refusal.contains("webhook.cert-manager.io") && refusal.contains("spec.request"),
        "{refusal}"
    );
    let middle = csr.len() / 2;
    let letter = if csr.as_bytes()[middle] == b'a' { "b" } else { "a" };
    let mut changed = csr.clone();
    changed.replace_range(middle..=middle, letter);
    let refusal = shop.refused(&request("changed", &changed));
    assert!(refusal.contains("webhook.cert-manager.io"), "{refusal}");
    tried("kubernetes", "a CSR at cert-manager's webhook", "accepted; garbage refused");
}

#[test]
fn a_killed_cluster_goes_on_where_it_was() {
    let Some(mut cluster) = Cluster::start(Options::default()) else { return };
    let before = cluster.server().to_owned();
    cluster.kubectl().run(&["create", "configmap", "kept", "--from-literal=word=kept"]).ok();
    cluster.kill();
    cluster.start_again();
    assert_eq!(cluster.server(), before);
    let kept = cluster.kubectl().run(&["get", "configmap/kept", "--output=json"]).json();
    assert_eq!(kept["data"]["word"], "kept");
    // cert-manager is there again too, with its webhook.
    let shop = cluster.namespace("shop");
    shop.apply(ISSUERS);
    shop.apply(&certificate("web", "ca"));
    shop.wait("certificate/web", "condition=Ready");
    assert!(shop.refused(&request("bad", "bm90IGEgQ1NS")).contains("webhook.cert-manager.io"));
}
