#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

#[test]
fn every_label_promises_another_kind_but_those_with_two_names() {
    let kinds: Vec<Kind> = Label::ALL.into_iter().map(Kind::promised_by).collect();
    let distinct = kinds.iter().enumerate().filter(|(at, kind)| !kinds[..*at].contains(kind));
    // Requests and PKCS#7 bags have an older and a newer name.
    assert_eq!(distinct.count(), Label::ALL.len() - 2);
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
        (&[0x30, 7, 2, 1, 3, 0x30, 0, 0x30, 0], Some(Kind::Pkcs12)),
        (&[0x30, 5, 6, 1, 42, 0xa0, 0], Some(Kind::Pkcs7)),
        (&[0x30, 3, 10, 1, 6], Some(Kind::OcspResponse)),
        (&[0x30, 5, 10, 1, 0, 0xa0, 0], Some(Kind::OcspResponse)),
        (
            // The CertID is of the shortest kind, with and without version and requestorName.
            &[0x30, 17, 0x30, 15, 0x30, 13, 0x30, 11, 0x30, 9, 0x30, 0, 4, 0, 4, 0, 2, 1, 1],
            Some(Kind::OcspRequest),
        ),
        (
            &[
                0x30, 21, 0x30, 19, 0xa0, 0, 0xa1, 0, 0x30, 13, 0x30, 11, 0x30, 9, 0x30, 0, 4, 0,
                4, 0, 2, 1, 1,
            ],
            Some(Kind::OcspRequest),
        ),
        (&[0x30, 4, 0x30, 2, 0x30, 0], None),
        (&[0x30, 0], None),
        (&[0x31, 5, 2, 1, 1, 4, 0], None),
    ] {
        assert_eq!(Kind::of(der), kind, "{der:02x?}");
    }
}

#[test]
fn an_unknown_structure_is_named() {
    let error = inspect(&[0x30, 3, 1, 1, 0xff]).unwrap_err();
    assert_eq!(error, InspectError::Content { line: None, error: ContentError::Unknown });
}

#[test]
fn inputs_past_the_bound_are_refused() {
    let error = inspect(&vec![0x30; pem::MAX_FILE_SIZE + 1]).unwrap_err().to_string();
    assert_eq!(error, "input: 1048577 octets, allowed are at most 1048576");
}

#[test]
fn revocation_lists_are_shown_up_to_a_bound_and_broken_ones_refused() {
    let octets = include_bytes!("../../tests/data/inspect/crl.pem");
    let list = pem::read_one_crl(octets).unwrap();
    let Report::Crl(report) = inspect_crl(&list, 1).unwrap().report else { panic!("no list") };
    assert_eq!((report.entry_count, report.entries.len()), (3, 1));
    assert!(report.to_string().contains("\n    and 2 more\n"), "{report}");
    let all = inspect(octets).unwrap();
    assert!(!all[0].to_string().contains("more"), "{}", all[0]);
    assert_eq!(inspect(list.der()).unwrap(), all);

    // Behind two headers of four octets.
    let mut version = list.der().to_vec();
    assert_eq!(version[8..11], [2, 1, 1]);
    version[10] = 2;
    let error = inspect(&version).unwrap_err().to_string();
    assert_eq!(error, "CRL: version: found 2, allowed: 1 (v2)");
    let mislabelled = pem::encode(Label::Certificate, list.der());
    let error = inspect(mislabelled.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("found a certificate revocation list"), "{error}");
}

/// The public half of the PKCS#1 key of the samples.
fn rsa() -> PublicKey {
    let input = pem::read(include_bytes!("../../tests/data/inspect/pkcs1-key.pem")).unwrap();
    let Input::Pem(blocks) = input else { panic!("{input:?}") };
    crate::key::PrivateKey::from_der(blocks[0].der()).unwrap().public_key().clone()
}

#[test]
fn bare_rsa_public_keys_are_shown_as_the_key_that_they_are() {
    let key = rsa();
    let expected = inspect(key.spki_der()).unwrap();
    assert!(matches!(expected[0].report, Report::PublicKey(_)));
    assert_eq!(inspect(key.key_bytes()).unwrap(), expected);
    let text = pem::encode(Label::RsaPublicKey, key.key_bytes());
    assert!(text.starts_with("-----BEGIN RSA PUBLIC KEY-----\n"), "{text}");
    assert_eq!(inspect(text.as_bytes()).unwrap(), expected);
    // Each label with the content of the other, and a modulus of two octets that is even.
    for (label, der, found) in [
        (Label::RsaPublicKey, key.spki_der(), "a public key (SubjectPublicKeyInfo)"),
        (Label::PublicKey, key.key_bytes(), "a bare RSA public key (PKCS#1)"),
    ] {
        let error = inspect(pem::encode(label, der).as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("labelled {label}, but found {found}")), "{error}");
    }
    let error = inspect(&[0x30, 7, 2, 2, 3, 0, 2, 1, 3]).unwrap_err();
    let InspectError::Content { error: ContentError::PublicKey(error), .. } = error else {
        panic!("{error}");
    };
    assert_eq!(error, PublicKeyError::RsaModulus);
}

#[test]
fn the_mode_names_the_signature_beside_the_alternative_one() {
    let shown = |change: &dyn Fn(&mut CertificateReport)| {
        let found = inspect(include_bytes!("../../tests/data/inspect/catalyst.der")).unwrap();
        let Report::Certificate(mut report) = found[0].report.clone() else { panic!("{found:?}") };
        change(&mut report);
        report.to_string()
    };
    let text = shown(&|_| {});
    assert!(text.contains("catalyst (classical with an alternative signature)"), "{text}");
    let text = shown(&|report| report.signature.family = KeyFamily::Composite);
    assert!(text.contains("catalyst (composite with an alternative signature)"), "{text}");
}
