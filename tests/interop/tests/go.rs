//! Go's standard library: ML-DSA and classical chains, requests and keys. It knows neither composites nor SLH-DSA.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use interop::issue::{Chain, LEAF_NAME, Role, SigningKey, pkcs8};
use interop::judge::{self, accepted_but_no_twin, flipped};
use interop::peers::{self, base64, octets, tried};
use interop::slh_dsa::is_slh_dsa;
use serde_json::{Value, json};

const PEER: &str = "go";
const MESSAGE: &[u8] = b"a message that is no certificate";

fn known() -> impl Iterator<Item = &'static Algorithm> {
    let known = Algorithm::all().iter().filter(|row| row.family() != Family::Composite);
    known.filter(|row| !is_slh_dsa(row))
}

#[test]
fn it_accepts_our_chains_and_requests() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in known() {
        let chain = Chain::of(algorithm);
        let [leaf, issuing, root] = chain.ders();
        let mut ask = |command: &str, fields: Value| {
            let verdict = peer.call(command, fields).map(drop);
            verdict.map_err(|reason| format!("{algorithm}: {reason}"))
        };
        let what = |kind: &str| format!("our {} {kind}", algorithm.family());
        for (kind, cert, issuer) in
            [("root", root, root), ("issuing CA", issuing, root), ("leaf", leaf, issuing)]
        {
            judge::certificate(PEER, &what(kind), cert, |cert| {
                ask("verifyCert", json!({ "cert": base64(cert), "issuer": base64(issuer) }))
            });
        }
        let path = |leaf: &[u8], name: &str| json!({ "certs": [base64(leaf), base64(issuing)], "anchors": [base64(root)], "dns": name });
        judge::certificate(PEER, &what("path"), leaf, |leaf| ask("path", path(leaf, LEAF_NAME)));
        ask("path", path(leaf, "other.test")).unwrap_err();
        judge::csr(PEER, &what("CSR"), chain.request.der(), |csr| {
            ask("verifyCsr", json!({ "csr": base64(csr) }))
        });
    }
}

#[test]
fn it_reads_our_keys_and_we_accept_what_they_sign() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in known() {
        let ours = SigningKey::of(algorithm, Role::Leaf);
        let der = pkcs8(algorithm, Role::Leaf);
        let load = |der: &[u8]| json!({ "pkcs8": base64(der), "message": base64(MESSAGE) });
        let loaded = peer.call("loadKey", load(&der));
        let loaded = loaded.unwrap_or_else(|reason| panic!("{algorithm}: {reason}"));
        assert_eq!(octets(&loaded, "spki"), ours.key.public_key().spki_der(), "{algorithm}");
        peer.call("loadKey", load(&der[..der.len() - 1])).unwrap_err();
        let what = format!("our {} keys", algorithm.family());
        tried(PEER, &what, "read; cut by an octet refused");
        // It signs by SHA-256, whatever the key, and RSA by PKCS#1: what fits our scheme is checked.
        if ["ECDSA-P256", "Ed25519", "RSA-2048", "RSA-3072"].contains(&algorithm.name())
            || algorithm.family() == Family::PostQuantum
        {
            let signature = octets(&loaded, "signature");
            let twins = [("its last octets", flipped(&signature, signature.len() - 9))];
            let what = format!("its signatures by our {} keys", algorithm.family());
            accepted_but_no_twin(PEER, &what, &signature, &twins, |signature| {
                let key = ours.key.public_key();
                ca_core::signature::verify(key, algorithm.scheme(), MESSAGE, signature)
                    .map_err(|error| format!("{algorithm}: {error}"))
            });
        }
    }
}

/// Go parses a composite or SLH-DSA certificate, but has no verifier for it: the answer is no, not a wrong yes. Those with RSA are
/// left out, since their primes take long and show nothing more.
#[test]
fn it_refuses_what_it_does_not_know() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    let composites = Algorithm::all().iter().filter(|row| row.family() == Family::Composite);
    let slh_dsa = Algorithm::named("SLH-DSA-SHA2-128f").unwrap();
    for algorithm in composites.filter(|row| !row.name().contains("RSA")).chain([slh_dsa]) {
        let root = base64(Chain::of(algorithm).root.certificate.der());
        peer.call("verifyCert", json!({ "cert": root, "issuer": root })).unwrap_err();
        let what = if is_slh_dsa(algorithm) { "SLH-DSA" } else { "composites" };
        tried(
            PEER,
            &format!("our {} root", algorithm.family()),
            &format!("can't: knows no {what}"),
        );
    }
}
