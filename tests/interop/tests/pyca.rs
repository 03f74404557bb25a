//! pyca/cryptography: an independent check of composites, written from the draft alone, and of everything else.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, Family};
use interop::issue::{Chain, Role, SigningKey, pkcs8};
use interop::judge::{self, accepted_but_no_twin, flipped};
use interop::peers::{self, Harness, base64, octets, tried};
use interop::slh_dsa::is_slh_dsa;
use serde_json::json;

const PEER: &str = "pyca";
const MESSAGE: &[u8] = b"a message that is no certificate";

/// pyca/cryptography has no SLH-DSA.
fn known() -> impl Iterator<Item = &'static Algorithm> {
    Algorithm::all().iter().filter(|algorithm| !is_slh_dsa(algorithm))
}

#[test]
fn it_accepts_our_certificates_and_requests() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    let composites = Algorithm::all().iter().filter(|row| row.family() == Family::Composite);
    assert_eq!(composites.count(), 18);
    for algorithm in known() {
        let chain = Chain::of(algorithm);
        let [leaf, issuing, root] = chain.ders();
        for (kind, cert, issuer) in
            [("root", root, root), ("issuing CA", issuing, root), ("leaf", leaf, issuing)]
        {
            let what = format!("our {} {kind}", algorithm.family());
            judge::certificate(PEER, &what, cert, |cert| {
                let ask = json!({ "cert": base64(cert), "issuer": base64(issuer) });
                named(algorithm, peer.call("verifyCert", ask))
            });
        }
        let what = format!("our {} CSR", algorithm.family());
        judge::csr(PEER, &what, chain.request.der(), |csr| {
            named(algorithm, peer.call("verifyCsr", json!({ "csr": base64(csr) })))
        });
    }
}

fn named<T>(algorithm: &Algorithm, verdict: Result<T, String>) -> Result<(), String> {
    verdict.map(drop).map_err(|reason| format!("{algorithm}: {reason}"))
}

/// What is signed is no certificate here, and the key comes without SubjectPublicKeyInfo.
#[test]
fn it_accepts_our_signatures_over_messages() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in known().filter(|row| row.family() != Family::Classical) {
        let ours = SigningKey::of(algorithm, Role::Leaf);
        let key = base64(ours.key.public_key().key_bytes());
        let mut ask = |message: &[u8], signature: &[u8], context: &[u8]| {
            let ask = json!({ "algorithm": algorithm.oid().to_string(), "publicKey": key,
                "message": base64(message), "signature": base64(signature), "context": base64(context) });
            named(algorithm, peer.call("verifySignature", ask))
        };
        let signature = ours.sign(MESSAGE);
        let twins = [
            ("the first half", flipped(&signature, 8)),
            ("the last octets", flipped(&signature, signature.len() - 9)),
        ];
        let what = format!("our {} signatures over messages", algorithm.family());
        accepted_but_no_twin(PEER, &what, &signature, &twins, |signature| {
            ask(MESSAGE, signature, b"")
        });
        ask(&flipped(MESSAGE, 3), &signature, b"").unwrap_err();
        ask(MESSAGE, &signature, b"another context").unwrap_err();
    }
}

/// pyca reads no composite private keys, but every other one.
#[test]
fn it_reads_our_keys_and_we_accept_what_they_sign() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in known() {
        let ours = SigningKey::of(algorithm, Role::Leaf);
        let load = |der: &[u8]| json!({ "pkcs8": base64(der), "message": base64(MESSAGE) });
        let der = pkcs8(algorithm, Role::Leaf);
        let loaded = peer.call("loadKey", load(&der));
        if algorithm.family() == Family::Composite {
            loaded.unwrap_err();
            tried(PEER, "our composite keys", "can't: reads no composite keys");
            continue;
        }
        let loaded = loaded.unwrap_or_else(|reason| panic!("{algorithm}: {reason}"));
        assert_eq!(octets(&loaded, "spki"), ours.key.public_key().spki_der(), "{algorithm}");
        cut_is_refused(&mut peer, &der);
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

fn cut_is_refused(peer: &mut Harness, der: &[u8]) {
    let cut = json!({ "pkcs8": base64(&der[..der.len() - 1]), "message": base64(MESSAGE) });
    peer.call("loadKey", cut).unwrap_err();
}
