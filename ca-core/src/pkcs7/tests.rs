#![allow(clippy::unwrap_used)] // a panic is the failure report

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::crl::{CrlBuilder, RevokedEntry};
use crate::plan::encode::tlv;
use crate::plan::tests::{Authority, issue, now, profile, server};

fn list(root: &Authority) -> CertificateList {
    let due = now() + SignedDuration::from_hours(24);
    let builder = CrlBuilder::new(&root.certificate, 1_u64.into(), now(), due).unwrap();
    let mut der = Vec::new();
    let nothing: [RevokedEntry; 0] = [];
    builder.sign(nothing, &root.signer, &mut der).unwrap();
    CertificateList::from_der(der).unwrap()
}

#[test]
fn what_was_written_is_read_in_its_order() {
    for algorithm in ["p256", "ml-dsa-44", "hybrid"] {
        let root = Authority::root(algorithm);
        let leaf = issue(profile("tls-server"), server("p256"), &root);
        for lists in [Vec::new(), vec![list(&root)]] {
            for certificates in [Vec::new(), vec![leaf.clone(), root.certificate.clone()]] {
                let Ok(bag) = CertificateBag::new(certificates.clone(), lists.clone()) else {
                    assert!(certificates.is_empty() && lists.is_empty());
                    continue;
                };
                let read = CertificateBag::from_der(&bag.to_der().unwrap()).unwrap();
                assert_eq!(read.certificates(), certificates);
                let ders = |lists: &[CertificateList]| -> Vec<Vec<u8>> {
                    lists.iter().map(|list| list.der().to_vec()).collect()
                };
                assert_eq!(ders(read.lists()), ders(&lists));
            }
        }
    }
}

/// A bag by hand: these sets, and this content.
fn by_hand(content: Option<&[u8]>, sets: &[&[u8]]) -> Vec<u8> {
    let content = content.map(|content| AnyRef::from_der(content).unwrap());
    let content = EncapsulatedContent { content_type: cms::DATA, content }.to_der().unwrap();
    let sets = sets.concat();
    let parts = [&[2, 1, 1][..], &[0x31, 0], &content, &sets];
    let signed = tlv(Tag::Sequence, &parts).unwrap();
    let content = AnyRef::from_der(&signed).unwrap();
    ContentInfo { content_type: cms::SIGNED_DATA, content }.to_der().unwrap()
}

#[test]
fn what_is_no_bag_is_refused_by_its_field() {
    let root = Authority::root("p256").certificate;
    let certificates = tlv(CERTIFICATES, &[root.der()]).unwrap();
    let none: &[u8] = &[0x31, 0];
    assert!(CertificateBag::from_der(&by_hand(None, &[&certificates, none])).is_ok());
    let other = tlv(CERTIFICATES, &[&[0xa1, 2, 5, 0]]).unwrap();
    let lists = tlv(LISTS, &[root.der()]).unwrap();
    let cut = tlv(CERTIFICATES, &[root.der(), &[0x30, 0]]).unwrap();
    let octets: &[u8] = &[0xa0, 3, 4, 1, 7];
    for (der, words) in [
        (by_hand(None, &[none]), "empty, allowed is at least one"),
        (by_hand(Some(octets), &[&certificates, none]), "encapContentInfo: found data"),
        (by_hand(None, &[&certificates, &[0x31, 2, 5, 0]]), "signerInfos: found signatures"),
        (by_hand(None, &[&certificates]), "signerInfos: found another field"),
        (by_hand(None, &[&certificates, &certificates, none]), "certificates and crls"),
        (by_hand(None, &[&lists, none]), "list 1: CRL: "),
        (by_hand(None, &[&cut, none]), "certificate 2: certificate: "),
        (by_hand(None, &[&other, none]), "allowed: X.509 alone"),
        (root.der().to_vec(), "not of the structure of RFC 5652"),
        (vec![0x30; MAX_SIZE + 1], "1048577 octets, allowed are at most 1048576"),
        ([0x30, 0x80].repeat(40), "nested deeper than 32"),
    ] {
        let error = CertificateBag::from_der(&der).unwrap_err().to_string();
        assert!(error.starts_with("PKCS#7: ") && error.contains(words), "{words}: {error}");
    }
    let many = tlv(CERTIFICATES, &[&root.der().repeat(MAX_ELEMENTS + 1)]).unwrap();
    let error = CertificateBag::from_der(&by_hand(None, &[&many, none])).unwrap_err();
    assert_eq!(error, Pkcs7Error::TooMany { what: "certificates" });
}

#[test]
fn a_bit_of_a_certificate_stays_flipped() {
    let root = Authority::root("p256");
    let bag = CertificateBag::new(vec![root.certificate.clone()], Vec::new()).unwrap();
    let mut der = bag.to_der().unwrap();
    // The last octet of the signature, before the empty set of signers. A bag has no integrity of
    // its own: the certificate's signature shows the change.
    let place = der.len() - 3;
    der[place] ^= 1;
    let read = CertificateBag::from_der(&der).unwrap();
    assert!(root.verifies(&root.certificate) && !root.verifies(&read.certificates()[0]));
}

proptest! {
    #[test]
    fn any_octets_end_in_an_answer(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(CertificateBag::from_der(&octets).is_err());
    }
}
