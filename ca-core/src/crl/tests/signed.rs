//! Signatures on lists, of every family, and who may make them.

use super::*;
use crate::algorithm::Algorithm;
use crate::extensions::oid;
use crate::plan::tests::takes_long;
use crate::signature::SignatureError;

#[test]
fn every_family_signs_and_one_bit_is_noticed() {
    // Larger RSA keys take long to make and sign in the same way.
    let is_slow = |name: &str| name.contains("3072") || name.contains("4096");
    let quick = Algorithm::all().iter().filter(|row| !takes_long(row));
    let names = quick.map(Algorithm::name).filter(|name| !is_slow(name));
    let names: Vec<&str> = names.collect();
    for family in [
        "ECDSA-P256",
        "Ed25519",
        "RSA-2048-PSS",
        "ML-DSA-65",
        "SLH-DSA-SHA2-128f",
        "MLDSA65-ECDSA-P256-SHA512",
    ] {
        assert!(names.contains(&family), "{family} in {names:?}");
    }
    for family in names {
        let root = Authority::root(family);
        let list = list(&full(&root, 5), &root, &[other_entry()]);
        assert_eq!(list.verify(&root.certificate), Ok(root.signer.scheme()), "{family}");
        // A bit of the serial number of the entry, and one of the signature.
        let mut der = list.der().to_vec();
        let at = der.windows(7).position(|window| window == [0x55; 7]).unwrap();
        der[at] ^= 2;
        wrong(&der, &root.certificate, family);
        let mut der = list.der().to_vec();
        let signature = der.len() - list.signature().len();
        der[signature + 20] ^= 1;
        wrong(&der, &root.certificate, family);
    }
}

fn wrong(der: &[u8], issuer: &Certificate, family: &str) {
    let error = CertificateList::from_der(der).unwrap().verify(issuer).unwrap_err();
    assert!(matches!(error, CrlError::Signature(_)), "{family}: {error}");
    assert!(error.to_string().starts_with("CRL: signature: "), "{family}: {error}");
}

#[test]
fn another_authority_is_told_by_name_then_by_key() {
    let root = Authority::root("p256");
    let list = list(&full(&root, 5), &root, &[]);
    let named = Authority::root("ed25519");
    let error = list.verify(&named.certificate).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CRL: issuer: found CN=Root p256,O=Example, allowed: CN=Root ed25519,O=Example, the subject of the issuer's certificate"
    );
    let twin = Authority::root("p256");
    let error = list.verify(&twin.certificate).unwrap_err();
    assert!(matches!(error, CrlError::KeyIdentifier { .. }), "{error}");
    assert!(error.to_string().starts_with("CRL: authorityKeyIdentifier: found "));
    // Without a key identifier in the issuer, the signature decides.
    let bare = changed(&twin.certificate, &twin.signer, oid::SUBJECT_KEY_IDENTIFIER, None);
    assert_eq!(list.verify(&bare), Err(CrlError::Signature(SignatureError::Invalid)));
    let bare = changed(&root.certificate, &root.signer, oid::SUBJECT_KEY_IDENTIFIER, None);
    assert!(list.verify(&bare).is_ok());
}

#[test]
fn key_usage_must_allow_it_where_it_stands() {
    let root = Authority::root("p256");
    let list = list(&full(&root, 5), &root, &[]);
    let with = |usage| {
        let issuer = changed(&root.certificate, &root.signer, oid::KEY_USAGE, usage);
        list.verify(&issuer).map(|_| ())
    };
    assert_eq!(with(Some(hex("03020106"))), Ok(()));
    assert_eq!(with(None), Ok(()));
    assert_eq!(with(Some(hex("03020204"))), Err(CrlError::KeyUsage));
}

#[test]
fn broken_and_unknown_algorithms_are_refused() {
    let root = Authority::root("p256");
    let mut parts = Parts::right();
    parts.issuer = root.certificate.subject().to_der().unwrap();
    let key = root.certificate.extensions().subject_key_identifier().unwrap();
    let key = sequence(&[&[&[0x80, key.len() as u8], key].concat()]);
    parts.extensions[0] = extension("551d23", false, &key);
    // ecdsa-with-SHA1, and one that nobody defined.
    for algorithm in ["300906072a8648ce3d0401", "300706052b0e030263"] {
        (parts.algorithm, parts.outer_algorithm) = (hex(algorithm), hex(algorithm));
        let error = parts.read().unwrap().verify(&root.certificate).unwrap_err();
        assert!(matches!(error, CrlError::Scheme(_)), "{error}");
    }
}

#[test]
fn a_list_holds_from_its_first_to_its_last_second() {
    let root = Authority::root("ed25519");
    let list = list(&full(&root, 5), &root, &[]);
    let second = SignedDuration::from_secs(1);
    assert_eq!(list.check_time(made()), Ok(()));
    assert_eq!(list.check_time(due()), Ok(()));
    assert_eq!(list.check_time(due() + SignedDuration::from_millis(900)), Ok(()));
    let early = made() - second;
    let error = list.check_time(early).unwrap_err();
    assert_eq!(error, CrlError::NotYetValid { this_update: made(), at: early });
    assert!(error.to_string().contains("thisUpdate: found 2026-06-01T12:00:00Z"));
    let late = due() + second;
    let error = list.check_time(late).unwrap_err();
    assert_eq!(error, CrlError::Expired { next_update: due(), at: late });
    assert!(error.to_string().contains("nextUpdate: found 2026-06-02T12:00:00Z"));
}
