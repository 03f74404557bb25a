//! liboqs, the reference that many know: ML-DSA signatures over messages, both ways. It has no certificates.

#![cfg(feature = "oqs")]
#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::{Algorithm, KeyKind, MlDsa, SignatureScheme};
use ca_core::public_key::PublicKey;
use ca_core::signature::{Implementation, verify_in_context};
use interop::issue::{Role, SigningKey};
use interop::judge::{accepted_but_no_twin, flipped};
use interop::peers::tried;
use oqs::sig::{Algorithm as OqsAlgorithm, Sig};

const PEER: &str = "liboqs";
const MESSAGE: &[u8] = b"a message that is no certificate";
const CONTEXT: &[u8] = b"COMPSIG-MLDSA65-ECDSA-P256-SHA512";

fn sets() -> [(MlDsa, Sig); 3] {
    oqs::init();
    [
        (MlDsa::MlDsa44, OqsAlgorithm::MlDsa44),
        (MlDsa::MlDsa65, OqsAlgorithm::MlDsa65),
        (MlDsa::MlDsa87, OqsAlgorithm::MlDsa87),
    ]
    .map(|(set, algorithm)| (set, Sig::new(algorithm).unwrap()))
}

/// A bit in each third of a signature (challenge, response, hint) and one in the message.
fn twins(signature: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("the challenge", flipped(signature, 8)),
        ("the response", flipped(signature, signature.len() / 2)),
        ("the hint", flipped(signature, signature.len() - 9)),
    ]
}

#[test]
fn sizes_agree() {
    for (set, scheme) in sets() {
        assert_eq!(scheme.length_public_key(), set.public_key_size(), "{set}");
        assert_eq!(scheme.length_secret_key(), set.expanded_key_size(), "{set}");
        assert_eq!(scheme.length_signature(), set.signature_size(), "{set}");
        tried(PEER, "sizes of keys and signatures", "the same");
    }
}

#[test]
fn both_of_our_implementations_accept_its_signatures() {
    for (set, scheme) in sets() {
        let (public, secret) = scheme.keypair().unwrap();
        let key = PublicKey::from_raw(KeyKind::MlDsa(set), public.as_ref()).unwrap();
        for context in [b"".as_slice(), CONTEXT] {
            let signature = scheme.sign_with_ctx_str(MESSAGE, context, &secret).unwrap().into_vec();
            for who in [Implementation::First, Implementation::Second] {
                let ask = |message: &[u8], context: &[u8], signature: &[u8]| {
                    let scheme = SignatureScheme::MlDsa(set);
                    verify_in_context(who, &key, scheme, message, context, signature)
                        .map_err(|error| format!("{set}, {who:?}: {error}"))
                };
                let what = format!("its signatures, our {who:?} implementation");
                accepted_but_no_twin(PEER, &what, &signature, &twins(&signature), |signature| {
                    ask(MESSAGE, context, signature)
                });
                ask(&flipped(MESSAGE, 0), context, &signature).unwrap_err();
                ask(MESSAGE, b"another context", &signature).unwrap_err();
            }
        }
    }
}

#[test]
fn it_accepts_our_signatures() {
    for (set, scheme) in sets() {
        let ours = SigningKey::of(Algorithm::named(&set.to_string()).unwrap(), Role::Leaf);
        let key = scheme.public_key_from_bytes(ours.key.public_key().key_bytes()).unwrap();
        let signature = ours.sign(MESSAGE);
        let ask = |message: &[u8], signature: &[u8]| {
            let signature = scheme.signature_from_bytes(signature).ok_or("wrong length")?;
            let verdict = scheme.verify(message, signature, key);
            verdict.map_err(|error| format!("{set}: {error}"))
        };
        accepted_but_no_twin(PEER, "our signatures", &signature, &twins(&signature), |signature| {
            ask(MESSAGE, signature)
        });
        ask(&flipped(MESSAGE, 0), &signature).unwrap_err();
    }
}
