#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

#[test]
fn every_label_promises_another_kind_but_both_names_of_a_request() {
    let kinds: Vec<Kind> = Label::ALL.into_iter().map(Kind::promised_by).collect();
    let distinct = kinds.iter().enumerate().filter(|(at, kind)| !kinds[..*at].contains(kind));
    assert_eq!(distinct.count(), Label::ALL.len() - 1);
}

#[test]
fn structures_are_told_apart_by_their_tags() {
    for (der, kind) in [
        (&[0x30, 6, 2, 1, 3, 2, 1, 3][..], Some(Kind::Pkcs1PublicKey)),
        (&[0x30, 7, 0x30, 0, 3, 3, 0, 1, 2], Some(Kind::PublicKey)),
        (&[0x30, 4, 0x30, 0, 4, 0], Some(Kind::EncryptedPrivateKey)),
        (&[0x30, 7, 2, 1, 0, 0x30, 0, 4, 0], Some(Kind::Pkcs8PrivateKey)),
        (&[0x30, 5, 2, 1, 1, 4, 0], Some(Kind::Sec1PrivateKey)),
        (
            &[0x30, 17, 0x30, 9, 2, 1, 1, 0x30, 0, 0x30, 0, 0x17, 0, 0x30, 0, 3, 2, 0, 1],
            Some(Kind::RevocationList),
        ),
        (&[0x30, 0], None),
        (&[0x31, 5, 2, 1, 1, 4, 0], None),
    ] {
        assert_eq!(Kind::of(der), kind, "{der:02x?}");
    }
}

#[test]
fn a_bare_rsa_public_key_and_an_unknown_structure_are_named() {
    let error = inspect(&[0x30, 6, 2, 1, 3, 2, 1, 3]).unwrap_err();
    assert!(error.to_string().starts_with("found a bare RSA public key (PKCS#1)"), "{error}");
    let error = inspect(&[0x30, 3, 1, 1, 0xff]).unwrap_err();
    assert_eq!(error, InspectError::Content { line: None, error: ContentError::Unknown });
}

#[test]
fn revocation_lists_and_inputs_past_the_bound_are_refused_by_name() {
    let list = [0x30, 17, 0x30, 9, 2, 1, 1, 0x30, 0, 0x30, 0, 0x17, 0, 0x30, 0, 3, 2, 0, 1];
    let error = inspect(&list).unwrap_err().to_string();
    assert!(error.starts_with("found a certificate revocation list, which is not read"), "{error}");
    let error = inspect(&vec![0x30; pem::MAX_FILE_SIZE + 1]).unwrap_err().to_string();
    assert_eq!(error, "input: 1048577 octets, allowed are at most 1048576");
}
