//! Bouncy Castle: certificates and requests of every algorithm, both ways.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use ca_core::key::PrivateKey;
use ca_core::path::SecurityPolicy;
use interop::bouncy_castle::{key_name, signature_name};
use interop::issue::{Chain, LEAF_NAME, Role, pkcs8};
use interop::judge::{self, our_csr, our_path};
use interop::peers::{self, Harness, base64, octets};
use interop::slh_dsa::takes_long;
use serde_json::{Value, json};

const PEER: &str = "bouncycastle";

fn of_family(family: Family) -> impl Iterator<Item = &'static Algorithm> {
    let quick = Algorithm::all().iter().filter(|algorithm| !takes_long(algorithm));
    quick.filter(move |algorithm| algorithm.family() == family)
}

#[test]
fn our_composites_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    assert_eq!(of_family(Family::Composite).count(), 18);
    of_family(Family::Composite).for_each(|algorithm| show_ours(&mut peer, algorithm));
}

#[test]
fn our_pure_ones_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    of_family(Family::PostQuantum).for_each(|algorithm| show_ours(&mut peer, algorithm));
}

#[test]
fn our_classical_ones_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    of_family(Family::Classical).for_each(|algorithm| show_ours(&mut peer, algorithm));
}

#[test]
fn their_composites_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    assert_eq!(of_family(Family::Composite).count(), 18);
    of_family(Family::Composite).for_each(|algorithm| judge_theirs(&mut peer, algorithm));
}

#[test]
fn their_pure_ones_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    of_family(Family::PostQuantum).for_each(|algorithm| judge_theirs(&mut peer, algorithm));
}

#[test]
fn their_classical_ones_are_accepted() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    of_family(Family::Classical).for_each(|algorithm| judge_theirs(&mut peer, algorithm));
}

/// Bouncy Castle judges our root, issuing authority, leaf, path and request.
fn show_ours(peer: &mut Harness, algorithm: &Algorithm) {
    let chain = Chain::of(algorithm);
    let [leaf, issuing, root] = chain.ders();
    let what = |kind: &str| format!("our {} {kind}", algorithm.family());
    for (kind, cert, issuer) in
        [("root", root, root), ("issuing CA", issuing, root), ("leaf", leaf, issuing)]
    {
        judge::certificate(PEER, &what(kind), cert, |cert| {
            let issuer = base64(issuer);
            verdict(peer, "verifyCert", json!({ "cert": base64(cert), "issuer": issuer }))
                .map_err(|reason| format!("{algorithm}: {reason}"))
        });
    }
    judge::certificate(PEER, &what("path"), leaf, |leaf| {
        let certs = [base64(leaf), base64(issuing)];
        verdict(peer, "path", json!({ "certs": certs, "anchors": [base64(root)] }))
            .map_err(|reason| format!("{algorithm}: {reason}"))
    });
    judge::csr(PEER, &what("CSR"), chain.request.der(), |csr| {
        verdict(peer, "verifyCsr", json!({ "csr": base64(csr) }))
            .map_err(|reason| format!("{algorithm}: {reason}"))
    });
}

fn verdict(peer: &mut Harness, command: &str, fields: Value) -> Result<(), String> {
    peer.call(command, fields).map(drop)
}

/// We judge Bouncy Castle's. Its root has a key of its own making; its issuing authority and leaf have keys of ours,
/// which saves the time of finding RSA primes and shows that it reads them.
fn judge_theirs(peer: &mut Harness, algorithm: &Algorithm) {
    let policy = match algorithm.family() {
        Family::Composite => SecurityPolicy::Hybrid,
        Family::PostQuantum => SecurityPolicy::PostQuantum,
        Family::Classical | Family::Kem => SecurityPolicy::Any,
    };
    let what = |kind: &str| format!("its {} {kind}", algorithm.family());
    let named =
        |result: Result<(), String>| result.map_err(|reason| format!("{algorithm}: {reason}"));
    let made = make_theirs(peer, algorithm);
    let [root, issuing, leaf] = &made.certs;
    judge::certificate(PEER, &what("root"), root, |cert| named(our_path(&[cert], root, policy)));
    judge::certificate(PEER, &what("issuing CA"), issuing, |cert| {
        named(our_path(&[cert], root, policy))
    });
    judge::certificate(PEER, &what("leaf"), leaf, |cert| {
        named(our_path(&[cert, issuing], root, policy))
    });
    judge::csr(PEER, &what("CSR"), &made.csr, |csr| named(our_csr(csr)));
}

struct Theirs {
    certs: [Vec<u8>; 3],
    csr: Vec<u8>,
}

fn make_theirs(peer: &mut Harness, algorithm: &Algorithm) -> Theirs {
    let mut make = |command: &str, mut fields: Value| {
        if let Some(name) = signature_name(algorithm) {
            fields["signatureAlgorithm"] = name.into();
        }
        peer.call(command, fields).unwrap_or_else(|error| panic!("{algorithm}: {command}: {error}"))
    };
    let key = |role| base64(&pkcs8(algorithm, role));
    let name = key_name(algorithm);
    let root = make("makeRoot", json!({ "algorithm": name, "subject": "CN=Their Root" }));
    let issuing = make(
        "makeIssuing",
        json!({ "key": key(Role::Issuing), "pathLength": 0,
        "subject": "CN=Their Issuing CA", "issuerCert": root["cert"], "issuerKey": root["key"] }),
    );
    let leaf = make(
        "makeLeaf",
        json!({ "key": key(Role::Leaf), "subject": "CN=Their Leaf",
        "dns": [LEAF_NAME], "issuerCert": issuing["cert"], "issuerKey": key(Role::Issuing) }),
    );
    let csr = make(
        "makeCsr",
        json!({ "key": root["key"], "subject": "CN=Their Request",
        "dns": [LEAF_NAME] }),
    );
    // The key that it made itself.
    let own = PrivateKey::from_der(&octets(&root, "key")).unwrap();
    assert_eq!(own.public_key().spki_der(), octets(&root, "spki"), "{algorithm}");
    let certs = [&root, &issuing, &leaf].map(|made| octets(made, "cert"));
    Theirs { certs, csr: octets(&csr, "csr") }
}
