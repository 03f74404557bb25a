//! Each mode of an authority, by both kinds of issuers.

use interop::peers::tried;
use test_cluster::{AUTHORITIES, Authority, Issuer, Namespace, Pair, Stand, Wanted};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";

#[test]
fn a_namespaced_issuer_serves_every_mode() {
    let Some(stand) = Stand::shared() else { return };
    let shop = stand.namespace("shop");
    for authority in &AUTHORITIES {
        let name = authority.name;
        shop.apply(&stand.issuer(&Issuer::by_token(name, name)));
        shop.apply(&Wanted { name, issuer: ("PQIssuer", name), spec: SPEC }.manifest());
    }
    for authority in &AUTHORITIES {
        is_told(&shop, &format!("pqissuer/{}", authority.name), authority);
        is_issued(stand, &shop, authority);
    }
}

#[test]
fn a_cluster_wide_issuer_serves_every_mode() {
    let Some(stand) = Stand::shared() else { return };
    stand.credentials_of_cluster_issuers();
    // The namespace has no credentials of its own.
    let shop = stand.cluster.namespace("shop-of-all");
    for authority in &AUTHORITIES {
        let (name, kind) = (authority.name, "PQClusterIssuer");
        shop.apply(&stand.issuer(&Issuer { kind, ..Issuer::by_token(name, name) }));
        shop.apply(&Wanted { name, issuer: (kind, name), spec: SPEC }.manifest());
    }
    for authority in &AUTHORITIES {
        is_told(&shop, &format!("pqclusterissuer/{}", authority.name), authority);
        is_issued(stand, &shop, authority);
    }
}

/// The issuer's status tells what its authority is.
fn is_told(shop: &Namespace<'_>, issuer: &str, authority: &Authority) {
    shop.wait(issuer, "condition=Ready");
    let issuer = shop.get(issuer);
    let status = &issuer["status"];
    assert_eq!(status["mode"], authority.mode, "{status}");
    assert!(status["algorithm"].as_str().is_some_and(|text| !text.is_empty()), "{status}");
    assert_eq!(status["conditions"][0]["observedGeneration"], issuer["metadata"]["generation"]);
}

/// The Secret has what a server needs, and it holds under the policy that this authority is for, but
/// not under a stricter one or another root.
fn is_issued(stand: &Stand, shop: &Namespace<'_>, authority: &Authority) {
    let (name, server) = (authority.name, &stand.server);
    shop.wait(&format!("certificate/{name}"), "condition=Ready");
    let pair = Pair::of(shop, name);
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
