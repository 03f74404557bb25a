//! The composite draft's own test vectors, and private keys of other implementers.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use base64ct::{Base64, Encoding};
use ca_core::algorithm::{Algorithm, KeyKind};
use ca_core::certificate::Certificate;
use ca_core::key::{KeyForm, PrivateKey};
use ca_core::public_key::PublicKey;
use ca_core::signature::{Implementation, SignatureError, verify_in_context};
use interop::vectors::{files, json, judged, vectors};
use serde::Deserialize;

const BOTH: [Implementation; 2] = [Implementation::First, Implementation::Second];

#[derive(Deserialize)]
struct File {
    m: String,
    ctx: String,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: String,
    pk: String,
    x5c: String,
    sk: String,
    #[serde(rename = "sk_pkcs8")]
    sk_pkcs8: String,
    s: String,
    s_with_context: String,
}

fn octets(base64: &str) -> Vec<u8> {
    Base64::decode_vec(base64).unwrap()
}

#[test]
fn the_drafts_vectors_hold() {
    let Some(path) = vectors("composite/testvectors.json") else { return };
    let file: File = json(&path);
    let (message, context) = (octets(&file.m), octets(&file.ctx));
    for case in &file.tests {
        check_case(case, &message, &context);
    }
    assert_eq!(file.tests.len(), 21);
    judged(
        "composite draft",
        file.tests.len(),
        "keys, certificates and signatures judged and signed again",
    );
}

fn check_case(case: &Case, message: &[u8], context: &[u8]) {
    let algorithm = Algorithm::named(&case.tc_id).unwrap();
    let public = PublicKey::from_raw(algorithm.key(), &octets(&case.pk)).unwrap();
    let private = PrivateKey::from_der(&octets(&case.sk_pkcs8)).unwrap();
    assert_eq!(private.public_key(), &public, "{}", case.tc_id);
    let written = private.to_pkcs8_der().unwrap();
    assert!(written.ends_with(&octets(&case.sk)), "{}: the raw private key", case.tc_id);

    let certificate = Certificate::from_der(&octets(&case.x5c)).unwrap();
    assert_eq!(certificate.public_key(), &public, "{}", case.tc_id);
    let (tbs, signature) = (certificate.tbs_der(), certificate.signature());
    check_signature(algorithm, &public, tbs, b"", signature);
    check_signature(algorithm, &public, message, b"", &octets(&case.s));
    check_signature(algorithm, &public, message, context, &octets(&case.s_with_context));

    let ours = private.signer(algorithm.scheme()).unwrap().sign(message).unwrap();
    check_signature(algorithm, &public, message, b"", &ours);
}

/// Both implementations accept; neither does with one bit flipped or another context.
fn check_signature(
    algorithm: &Algorithm,
    key: &PublicKey,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) {
    for implementation in BOTH {
        let verify = |context: &[u8], signature: &[u8]| {
            verify_in_context(implementation, key, algorithm.scheme(), message, context, signature)
        };
        assert_eq!(verify(context, signature), Ok(()), "{algorithm} {implementation:?}");
        for position in [0, signature.len() - 1] {
            let mut wrong = signature.to_vec();
            wrong[position] ^= 1;
            assert!(verify(context, &wrong).is_err(), "{algorithm} {implementation:?}");
        }
        assert!(verify(b"another", signature).is_err(), "{algorithm} {implementation:?}");
        let long = [0; 256];
        assert!(verify(&long, signature).is_err(), "{algorithm} {implementation:?}");
    }
}

#[test]
fn a_flipped_bit_names_the_half_that_is_wrong() {
    let Some(path) = vectors("composite/testvectors.json") else { return };
    let file: File = json(&path);
    for case in file.tests.iter().filter(|case| case.tc_id.contains("MLDSA65")) {
        let algorithm = Algorithm::named(&case.tc_id).unwrap();
        let KeyKind::Composite(composite) = algorithm.key() else { panic!("a composite") };
        let key = PublicKey::from_raw(algorithm.key(), &octets(&case.pk)).unwrap();
        let good = octets(&case.s);
        let last = good.len() - 1;
        let classical = composite.classical_scheme().to_string();
        for (position, half) in [(5, composite.ml_dsa().to_string()), (last, classical)] {
            let mut wrong = good.clone();
            wrong[position] ^= 1;
            let (scheme, message) = (algorithm.scheme(), octets(&file.m));
            let verdict = verify_in_context(BOTH[0], &key, scheme, &message, b"", &wrong);
            assert_eq!(verdict, Err(SignatureError::InvalidHalf { half }), "{algorithm}");
        }
    }
}

#[test]
fn private_keys_of_other_implementers_are_read() {
    let Some(folder) = vectors("keys") else { return };
    let paths = files(&folder, "der");
    for path in &paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let key = PrivateKey::from_der(&std::fs::read(path).unwrap()).expect(&name);
        let algorithm = Algorithm::of_key(key.public_key().kind(), false).unwrap();
        let oid = algorithm.oid().to_string();
        assert!(name.contains(&oid), "{name}: {oid}");
        let form = match name.split('_').nth(1) {
            Some("seed") => Some(KeyForm::Seed),
            Some("expandedkey") => Some(KeyForm::ExpandedKey),
            Some("both") => Some(KeyForm::Both),
            _ => key.form(),
        };
        assert_eq!(key.form(), form, "{name}");
        let signature = key.signer(algorithm.scheme()).unwrap().sign(b"message").unwrap();
        check_signature(algorithm, key.public_key(), b"message", b"", &signature);
        let again = PrivateKey::from_der(&key.to_pkcs8_der().unwrap()).unwrap();
        assert_eq!(again.public_key(), key.public_key(), "{name}");
    }
    judged("private keys", paths.len(), "read, written and signed with");
}

#[test]
fn a_seed_that_does_not_expand_to_the_key_beside_it_is_refused() {
    let Some(folder) = vectors("keys") else { return };
    let both =
        files(&folder, "der").into_iter().filter(|path| path.to_string_lossy().contains("_both_"));
    for path in both {
        let mut der = std::fs::read(&path).unwrap();
        // The last octets belong to t0 of the expanded key, the middle ones too: the seed stands
        // near the start.
        *der.last_mut().unwrap() ^= 1;
        let error = PrivateKey::from_der(&der).unwrap_err();
        assert!(error.to_string().contains("does not expand"), "{}: {error}", path.display());
    }
}
