//! Bouncy Castle: private keys of every algorithm, both ways, and signatures over plain messages with them.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, KeyKind};
use ca_core::key::{KeyForm, PrivateKey};
use ca_core::public_key::PublicKey;
use ca_core::signature::{Implementation, verify_in_context};
use interop::bouncy_castle::{key_name, signature_name};
use interop::issue::{Role, SigningKey, pkcs8};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::peers::{self, Harness, base64, octets, tried};
use interop::slh_dsa::takes_long;
use serde_json::{Value, json};

const PEER: &str = "bouncycastle";
const MESSAGE: &[u8] = b"a message that is no certificate";

/// A request with the signature's name in it, where the key alone does not tell.
fn named(algorithm: &Algorithm, mut fields: Value) -> Value {
    if let Some(name) = signature_name(algorithm) {
        fields["signatureAlgorithm"] = name.into();
    }
    fields
}

/// Both of our implementations on a signature over [`MESSAGE`].
fn our_verdict(key: &PublicKey, algorithm: &Algorithm, signature: &[u8]) -> Result<(), String> {
    let by = |who| verify_in_context(who, key, algorithm.scheme(), MESSAGE, b"", signature);
    let (first, second) = (by(Implementation::First), by(Implementation::Second));
    assert_eq!(first.is_ok(), second.is_ok(), "{algorithm}: {first:?}, {second:?}");
    first.map_err(|error| format!("{algorithm}: {error}"))
}

fn signature_twins(signature: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("its first half", flipped(signature, 8)),
        ("its last octets", flipped(signature, signature.len() - 9)),
    ]
}

#[test]
fn it_reads_our_keys_and_we_accept_what_they_sign() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in Algorithm::all().iter().filter(|row| !takes_long(row)) {
        let ours = SigningKey::of(algorithm, Role::Leaf);
        let load =
            json!({ "pkcs8": base64(&pkcs8(algorithm, Role::Leaf)), "message": base64(MESSAGE) });
        let loaded = peer.call("loadKey", named(algorithm, load));
        let loaded = loaded.unwrap_or_else(|reason| panic!("{algorithm}: {reason}"));
        assert_eq!(octets(&loaded, "spki"), ours.key.public_key().spki_der(), "{algorithm}");
        let signature = octets(&loaded, "signature");
        let what = format!("its signatures by our {} keys", algorithm.family());
        accepted_but_no_twin(PEER, &what, &signature, &signature_twins(&signature), |signature| {
            our_verdict(ours.key.public_key(), algorithm, signature)
        });
    }
}

#[test]
fn it_accepts_what_our_keys_sign() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in Algorithm::all().iter().filter(|row| !takes_long(row)) {
        let ours = SigningKey::of(algorithm, Role::Leaf);
        let signature = ours.sign(MESSAGE);
        let spki = base64(ours.key.public_key().spki_der());
        let what = format!("our {} signatures over messages", algorithm.family());
        accepted_but_no_twin(PEER, &what, &signature, &signature_twins(&signature), |signature| {
            let ask =
                json!({ "spki": spki, "message": base64(MESSAGE), "signature": base64(signature) });
            let verdict = peer.call("verify", named(algorithm, ask));
            verdict.map(drop).map_err(|reason| format!("{algorithm}: {reason}"))
        });
    }
}

/// Bouncy Castle's own keys are read beside its certificates (bouncycastle.rs). Here it writes each form of ML-DSA
/// keys, and our keys of every other kind once more.
#[test]
fn we_read_what_it_writes_in_every_form() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in Algorithm::all().iter().filter(|row| !takes_long(row)) {
        if matches!(algorithm.key(), KeyKind::MlDsa(_)) {
            let forms = [
                ("seed", KeyForm::Seed),
                ("both", KeyForm::Both),
                ("expanded", KeyForm::ExpandedKey),
            ];
            for (form, expected) in forms {
                let ask = json!({ "algorithm": key_name(algorithm), "form": form });
                let made = peer.call("exportKey", ask).unwrap();
                assert_eq!(read_and_used(&mut peer, algorithm, &made), Some(expected));
            }
        } else {
            let ask = json!({ "pkcs8": base64(&pkcs8(algorithm, Role::Leaf)) });
            let made = peer.call("exportKey", ask).unwrap();
            read_and_used(&mut peer, algorithm, &made);
        }
    }
}

/// Reads a key that Bouncy Castle wrote, checks that both mean the same public key, and lets it judge a signature.
fn read_and_used(peer: &mut Harness, algorithm: &Algorithm, made: &Value) -> Option<KeyForm> {
    let der = octets(made, "pkcs8");
    let key = PrivateKey::from_der(&der).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
    let form = key.form();
    assert_eq!(key.public_key().spki_der(), octets(made, "spki"), "{algorithm}");
    let signature = SigningKey { key, scheme: algorithm.scheme() }.sign(MESSAGE);
    let what = format!("our signatures by its {} keys", algorithm.family());
    accepted_but_no_twin(PEER, &what, &signature, &signature_twins(&signature), |signature| {
        let ask = json!({ "spki": made["spki"], "message": base64(MESSAGE),
            "signature": base64(signature) });
        peer.call("verify", named(algorithm, ask)).map(drop)
    });
    form
}

/// In the both form the seed must expand to the key: a flipped bit in either is seen.
#[test]
fn a_both_form_that_disagrees_with_itself_is_refused() {
    let Some(mut peer) = peers::harness(PEER) else { return };
    for algorithm in Algorithm::all().iter().filter(|row| matches!(row.key(), KeyKind::MlDsa(_))) {
        let ask = json!({ "algorithm": key_name(algorithm), "form": "both" });
        let der = octets(&peer.call("exportKey", ask).unwrap(), "pkcs8");
        let what = "its both-form keys, flipped bits";
        // From the end backwards: the middle of the expanded key; the seed stands before it.
        for at in [der.len() / 2, 40] {
            let refused = PrivateKey::from_der(&flipped(&der, at)).unwrap_err();
            assert!(refused.to_string().contains("seed"), "{algorithm}: octet {at}: {refused}");
            tried(PEER, what, "refused");
        }
    }
}
