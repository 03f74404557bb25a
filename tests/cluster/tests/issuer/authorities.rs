//! Each mode of an authority, by both kinds of issuers, in each way in which they ask.

use base64ct::{Base64, Encoding as _};
use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use interop::peers::tried;
use test_cluster::{AUTHORITIES, Authority, Issuer, Namespace, Pair, SYSTEM, Stand, WAYS, Wanted};

use crate::credentials::{HOLDER, holder, secret};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

#[test]
fn a_namespaced_issuer_serves_every_mode_however_it_asks() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("shop");
    shop.apply(&secret("holder", &holder(&stand.server, "shop-holder", HOLDER)));
    serves_every_mode(stand, &shop, "PQIssuer");
}

#[test]
fn a_cluster_wide_issuer_serves_every_mode_however_it_asks() {
    let Some(stand) = Stand::shared() else { return };
    stand.credentials_of_cluster_issuers();
    let system = stand.cluster.namespaced(SYSTEM);
    system.apply(&secret("holder", &holder(&stand.server, "system-holder", HOLDER)));
    // The namespace has no credentials of its own.
    serves_every_mode(stand, &stand.cluster.namespace("shop-of-all"), "PQClusterIssuer");
}

fn serves_every_mode(stand: &Stand, shop: &Namespace<'_>, kind: &str) {
    let each = || AUTHORITIES.iter().flat_map(|authority| WAYS.map(|way| (authority, way)));
    for (authority, (end, auth)) in each() {
        let name = &format!("{}{end}", authority.name);
        shop.apply(&stand.issuer(&Issuer { kind, auth, ..Issuer::by_token(name, authority.name) }));
        shop.apply(&Wanted { name, issuer: (kind, name), spec: SPEC }.manifest());
    }
    for (authority, (end, _)) in each() {
        let name = format!("{}{end}", authority.name);
        is_told(stand, shop, &format!("{}/{name}", kind.to_lowercase()), authority);
        is_issued(stand, shop, &name, authority);
    }
}

/// The issuer's status tells what its authority is.
fn is_told(stand: &Stand, shop: &Namespace<'_>, issuer: &str, authority: &Authority) {
    shop.wait(issuer, "condition=Ready");
    let issuer = shop.get(issuer);
    let status = &issuer["status"];
    assert_eq!(status["mode"], authority.mode, "{status}");
    assert!(status["algorithm"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    assert_eq!(status["conditions"][0]["observedGeneration"], issuer["metadata"]["generation"]);
    let name = authority.name;
    let [own, root] =
        [name, &format!("{name}-root")].map(|name| der(&stand.server.certificate(name)));
    let chain = Fingerprint::of(&[own.as_slice(), &root].concat());
    assert_eq!(status["chainDigest"], chain.to_string(), "{status}");
    assert_eq!(status["chainBytes"], own.len(), "{status}");
    let ends = [own, root].map(|der| Certificate::from_der(&der).unwrap().validity().not_after());
    let first = ends.iter().min().unwrap();
    assert_eq!(status["notAfter"], first.to_string(), "{status}");
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Base64::decode_vec(&body).unwrap()
}

/// The Secret has what a server needs, and it holds under the policy that this authority is for, but
/// not under a stricter one or another root.
fn is_issued(stand: &Stand, shop: &Namespace<'_>, wanted: &str, authority: &Authority) {
    let (name, server) = (authority.name, &stand.server);
    shop.wait(&format!("certificate/{wanted}"), "condition=Ready");
    let pair = Pair::of(shop, wanted);
    assert_eq!(pair.length(), 2, "the certificate and the issuing authority's, not the root's");
    assert_eq!(pair.root.trim(), server.certificate(&format!("{name}-root")).trim());
    assert!(pair.key.contains("PRIVATE KEY"));
    let options =
        |policy: &str| format!("--hostname web.example.com --usage server-auth --policy {policy}");
    let good = pair.verified(server, name, &options(authority.policy));
    assert_eq!(good.code, Some(0), "{name}: {}", good.text);
    let policy = match authority.policy {
        "hybrid" => None,
        _ => Some("hybrid"),
    };
    if let Some(policy) = policy {
        let weak = pair.verified(server, name, &options(policy));
        assert_eq!(weak.code, Some(1), "{name}: {}", weak.text);
    }
    let other = if name == "classical" { "composite" } else { "classical" };
    let foreign = pair.verified(server, other, &options("any"));
    assert_eq!(foreign.code, Some(1), "{name} under the root of {other}: {}", foreign.text);
    let elsewhere = pair.verified(server, name, "--hostname other.example.com");
    assert_eq!(elsewhere.code, Some(1), "{}", elsewhere.text);
    tried("kubernetes", "a Certificate by our issuer", authority.mode);
}
