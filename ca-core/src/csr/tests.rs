#![allow(clippy::unwrap_used)] // a panic is the failure report

mod foreign;
mod statement;

use der::asn1::OctetString;
use der::flagset::FlagSet;
use der::{Encode, Tag, TagNumber};
use proptest::prelude::*;
use rand_core::UnwrapErr;
use x509_cert::ext::pkix::KeyUsages;

use super::*;
use crate::algorithm::Algorithm;
use crate::extensions::{Extension, oid};
use crate::general_name::AltNameError;
use crate::key::PrivateKey;
use crate::name::NameError;
use crate::pem::{self, Label};
use crate::plan::encode;
use crate::plan::tests::takes_long;
use crate::profile::{extended_key_usage_extension, key_usage_extension};
use crate::sign::Signer;

fn signer(name: &str) -> Signer {
    let algorithm = Algorithm::named(name).unwrap();
    let key = PrivateKey::generate(algorithm, &mut UnwrapErr(getrandom::SysRng)).unwrap();
    key.signer(algorithm.scheme()).unwrap()
}

fn names(texts: &[&str]) -> Vec<AltName> {
    texts.iter().map(|text| AltName::parse(text).unwrap()).collect()
}

fn subject(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap()
}

/// A request by hand: whatever stands in `attributes`, signed rightly.
fn signed_info(signer: &Signer, name: &[u8], attributes: &[u8]) -> Vec<u8> {
    let version = 0_u8.to_der().unwrap();
    let parts = [&version, name, signer.public_key().spki_der(), attributes];
    let info = encode::tlv(Tag::Sequence, &parts).unwrap();
    let algorithm = signer.scheme().to_identifier().to_der().unwrap();
    encode::signed(&info, &algorithm, &signer.sign(&info).unwrap()).unwrap()
}

fn with_attributes(signer: &Signer, attributes: &[&[u8]]) -> Result<CertificateRequest, CsrError> {
    let name = subject("CN=demo").as_name().to_der().unwrap();
    let attributes = encode::tlv(read::ATTRIBUTES, attributes).unwrap();
    CertificateRequest::from_der(&signed_info(signer, &name, &attributes))
}

fn attribute(oid: &str, values: &[&[u8]]) -> Vec<u8> {
    let oid = ObjectIdentifier::new_unwrap(oid).to_der().unwrap();
    let values = encode::tlv(Tag::Set, values).unwrap();
    encode::tlv(Tag::Sequence, &[&oid, &values]).unwrap()
}

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
const CHALLENGE_PASSWORD: &str = "1.2.840.113549.1.9.7";

fn san(names: &[AltName]) -> Vec<u8> {
    vec![encode::subject_alt_name(names, false).unwrap()].to_der().unwrap()
}

#[test]
fn every_family_proves_possession_and_a_flipped_bit_is_refused() {
    for algorithm in Algorithm::all().iter().filter(|row| !takes_long(row)) {
        let signer = signer(algorithm.name());
        let names = names(&["DNS:demo.example.com", "IP:192.0.2.1"]);
        let csr = CertificateRequest::build(&subject("CN=demo"), &names, &[], &signer).unwrap();
        csr.verify_possession().unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert_eq!(csr.names(), names);
        assert_eq!(csr.public_key(), signer.public_key());
        assert_eq!(csr.scheme(), algorithm.scheme());

        let mut wrong = csr.der().to_vec();
        let at = wrong.windows(4).position(|window| window == b"demo").unwrap();
        wrong[at] ^= 1;
        let error = CertificateRequest::from_der(&wrong).unwrap().verify_possession().unwrap_err();
        assert!(matches!(error, CsrError::Possession(_)), "{algorithm}: {error}");
    }
}

#[test]
fn another_key_in_the_request_is_refused() {
    let (signer, other) = (signer("p256"), signer("p256"));
    let csr = CertificateRequest::build(&subject("CN=a"), &[], &[], &signer).unwrap();
    let mut der = csr.der().to_vec();
    let key = signer.public_key().key_bytes();
    let at = der.windows(key.len()).position(|window| window == key).unwrap();
    der[at..at + key.len()].copy_from_slice(other.public_key().key_bytes());
    let error = CertificateRequest::from_der(&der).unwrap().verify_possession().unwrap_err();
    assert!(matches!(error, CsrError::Possession(_)), "{error}");
}

#[test]
fn requested_extensions_come_back() {
    let signer = signer("ed25519");
    let usages: FlagSet<KeyUsages> = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
    let server = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
    let extra =
        [key_usage_extension(usages).unwrap(), extended_key_usage_extension(&[server]).unwrap()];
    let csr = CertificateRequest::build(&subject(""), &names(&["a.b"]), &extra, &signer).unwrap();
    assert_eq!(csr.extensions().key_usage().unwrap().0, usages);
    assert_eq!(csr.extensions().extended_key_usage().unwrap().0, [server]);
    // BIT STRING 101, five unused bits.
    assert_eq!(csr.extensions().get(oid::KEY_USAGE).unwrap().value, [3, 2, 5, 0xa0]);
    assert!(csr.extensions().is_critical(oid::SUBJECT_ALT_NAME), "the subject is empty");
    assert!(csr.ignored_attributes().is_empty());
    // The same extension twice.
    let twice = [extra[0].clone(), extra[0].clone()];
    let error = CertificateRequest::build(&subject("CN=a"), &[], &twice, &signer).unwrap_err();
    assert!(matches!(error, CsrError::Extension(_)), "{error}");
}

/// A request of exactly `size` octets, by an unknown attribute.
fn of_size(signer: &Signer, size: usize) -> Vec<u8> {
    let filler = |length: usize| {
        let value = OctetString::new(vec![0; length]).unwrap().to_der().unwrap();
        let name = subject("CN=a").as_name().to_der().unwrap();
        let set = attribute("1.2.3.4", &[&value]);
        let attributes = encode::tlv(read::ATTRIBUTES, &[&set]).unwrap();
        signed_info(signer, &name, &attributes)
    };
    let overhead = filler(60_000).len() - 60_000;
    filler(size - overhead)
}

#[test]
fn sixty_four_kibibytes_are_read_and_one_octet_more_is_not() {
    let signer = signer("ed25519"); // whose signatures all have the same length
    let most = of_size(&signer, MAX_REQUEST_SIZE);
    assert_eq!(most.len(), 65_536);
    CertificateRequest::from_der(&most).unwrap().verify_possession().unwrap();
    let text = pem::encode(Label::CertificateRequest, &most);
    assert_eq!(pem::read_one_request(text.as_bytes()).unwrap().der(), most);
    let error = CertificateRequest::from_der(&of_size(&signer, MAX_REQUEST_SIZE + 1)).unwrap_err();
    assert_eq!(error, CsrError::TooLarge { found: 65_537 });
    assert!(error.to_string().contains("65537") && error.to_string().contains("65536"));
}

#[test]
fn a_hundred_names_are_read_and_one_more_is_not() {
    let signer = signer("ed25519");
    let many = |count: usize| {
        let names: Vec<AltName> =
            (0..count).map(|n| AltName::parse(&format!("n{n}.example.com")).unwrap()).collect();
        CertificateRequest::build(&subject("CN=a"), &names, &[], &signer)
    };
    assert_eq!(many(100).unwrap().names().len(), 100);
    assert_eq!(many(101).unwrap_err(), CsrError::TooManyNames { found: 101 });
}

#[test]
fn unknown_attributes_are_listed_and_have_no_effect() {
    let password = "secret".to_string().to_der().unwrap();
    let mut attributes = [
        attribute(CHALLENGE_PASSWORD, &[&password]),
        attribute("1.3.6.1.4.1.311.13.2.3", &[]),
        attribute(EXTENSION_REQUEST, &[&san(&names(&["a.b"]))]),
    ];
    attributes.sort();
    let parts: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
    let signer = signer("ed25519");
    let csr = with_attributes(&signer, &parts).unwrap();
    assert_eq!(csr.names(), names(&["a.b"]));
    assert_eq!(csr.ignored_attributes().len(), 2);
    assert!(csr.ignored_attributes().contains(&ObjectIdentifier::new_unwrap(CHALLENGE_PASSWORD)));
    // The same, not sorted.
    let reversed: Vec<&[u8]> = parts.into_iter().rev().collect();
    let error = with_attributes(&signer, &reversed).unwrap_err();
    assert!(matches!(error, CsrError::NotCanonical { .. }), "{error}");
}

#[test]
fn values_of_unknown_attributes_are_der_or_the_attribute_is_named() {
    const UNKNOWN: &str = "1.3.6.1.4.1.311.21.20";
    let signer = signer("ed25519");
    let read = |values: &[&[u8]]| with_attributes(&signer, &[&attribute(UNKNOWN, values)]);
    let nested = |levels: usize| {
        (0..levels).fold(vec![5, 0], |inner, _| encode::tlv(Tag::Sequence, &[&inner]).unwrap())
    };
    type Values<'a> = &'a [&'a [u8]];
    let cases: [(Values<'_>, Values<'_>); 6] = [
        // The same tag, the same length, another octet inside.
        (&[&[0x30, 3, 1, 1, 0xff]], &[&[0x30, 3, 1, 1, 0xfe]]),
        (&[&[0x30, 4, 2, 2, 0, 0x80]], &[&[0x30, 4, 2, 2, 0, 0x7f]]),
        (&[&[0x31, 4, 4, 0, 5, 0]], &[&[0x31, 4, 5, 0, 4, 0]]),
        (&[&[2, 1, 1], &[2, 1, 2]], &[&[2, 1, 2], &[2, 1, 1]]),
        (&[&[0x30, 2, 5, 0]], &[&[0x30, 2, 5, 1]]),
        (&[&nested(8)], &[&nested(9)]),
    ];
    for (right, wrong) in cases {
        assert_eq!(read(right).unwrap().ignored_attributes().len(), 1, "{right:02x?}");
        let error = read(wrong).unwrap_err();
        let oid = ObjectIdentifier::new_unwrap(UNKNOWN);
        assert_eq!(error, CsrError::AttributeValue { oid, allowed: 8 }, "{wrong:02x?}");
        assert!(error.to_string().contains("attribute 1.3.6.1.4.1.311.21.20: found a value"));
    }
}

#[test]
fn extension_request_stands_once_with_one_value() {
    let signer = signer("ed25519");
    let (one, two) = (san(&names(&["a.b"])), san(&names(&["b.c"])));
    with_attributes(&signer, &[&attribute(EXTENSION_REQUEST, &[&one])]).unwrap();
    let error = with_attributes(&signer, &[&attribute(EXTENSION_REQUEST, &[&one, &two])]);
    assert_eq!(error.unwrap_err(), CsrError::ExtensionRequestValues { found: 2 });
    let error = with_attributes(&signer, &[&attribute(EXTENSION_REQUEST, &[])]).unwrap_err();
    assert_eq!(error, CsrError::ExtensionRequestValues { found: 0 });
    let first = attribute(EXTENSION_REQUEST, &[&one]);
    let second = attribute(EXTENSION_REQUEST, &[&two]);
    let error = with_attributes(&signer, &[&first, &second]).unwrap_err();
    assert!(matches!(error, CsrError::DuplicateAttribute { .. }), "{error}");
    let error = with_attributes(&signer, &[&attribute(EXTENSION_REQUEST, &[&[0x30, 0]])]);
    assert_eq!(error.unwrap_err(), CsrError::EmptyExtensionRequest);
}

#[test]
fn floods_of_attributes_are_refused() {
    let signer = signer("ed25519");
    let many = |count: usize| {
        let attributes: Vec<Vec<u8>> =
            (0..count).map(|n| attribute(&format!("1.2.3.{}", n % 128), &[])).collect();
        let parts: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        with_attributes(&signer, &parts)
    };
    assert_eq!(many(64).unwrap().ignored_attributes().len(), 64);
    assert_eq!(many(65).unwrap_err(), CsrError::TooManyAttributes { allowed: 64 });
}

#[test]
fn wrong_names_are_refused_by_position() {
    let signer = signer("ed25519");
    let general = |octets: &[u8]| {
        let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(2) };
        encode::tlv(tag, &[octets]).unwrap()
    };
    let request = |all: &[&[u8]]| {
        let value = encode::tlv(Tag::Sequence, all).unwrap();
        let extension = Extension { oid: oid::SUBJECT_ALT_NAME, critical: false, value };
        let list = vec![encode::extension(&extension).unwrap()].to_der().unwrap();
        with_attributes(&signer, &[&attribute(EXTENSION_REQUEST, &[&list])])
    };
    request(&[&general(b"a.b"), &general(b"c.d")]).unwrap();
    let error = request(&[&general(b"a.b"), &general(b"c_d")]).unwrap_err();
    assert!(
        matches!(&error, CsrError::AltName { position: 2, reason: AltNameError::DnsLabel { .. } }),
        "{error}"
    );
    assert!(request(&[&general(b"a.b\0.evil")]).is_err());
    assert_eq!(request(&[]).unwrap_err(), CsrError::EmptySubjectAltName);
}

#[test]
fn structure_is_strict() {
    let signer = signer("ed25519");
    let csr = CertificateRequest::build(&subject("CN=demo"), &[], &[], &signer).unwrap();
    let der = csr.der();
    // Truncated everywhere, and with an octet behind.
    for length in 0..der.len() {
        assert!(CertificateRequest::from_der(&der[..length]).is_err(), "{length}");
    }
    let error = CertificateRequest::from_der(&[der, &[0]].concat()).unwrap_err();
    assert!(matches!(error, CsrError::Malformed(_)), "{error}");
    // Indefinite length.
    let mut indefinite = vec![0x30, 0x80];
    indefinite.extend(&der[3..]);
    indefinite.extend([0, 0]);
    assert!(CertificateRequest::from_der(&indefinite).is_err());
    // Another version: the INTEGER behind both SEQUENCE headers.
    let mut version = der.to_vec();
    let at = version.windows(3).position(|window| window == [2, 1, 0]).unwrap();
    version[at + 2] = 1;
    assert_eq!(CertificateRequest::from_der(&version).unwrap_err(), CsrError::Version { found: 1 });
    // No attributes field at all.
    let name = subject("CN=demo").as_name().to_der().unwrap();
    let error = CertificateRequest::from_der(&signed_info(&signer, &name, &[])).unwrap_err();
    assert_eq!(error, CsrError::NoAttributes);
    // A common name that is too long.
    let long = encode::tlv(Tag::Utf8String, &[&[b'a'; 65]]).unwrap();
    let oid = ObjectIdentifier::new_unwrap("2.5.4.3").to_der().unwrap();
    let pair = encode::tlv(Tag::Sequence, &[&oid, &long]).unwrap();
    let set = encode::tlv(Tag::Set, &[&pair]).unwrap();
    let name = encode::tlv(Tag::Sequence, &[&set]).unwrap();
    let attributes = encode::tlv(read::ATTRIBUTES, &[]).unwrap();
    let error = CertificateRequest::from_der(&signed_info(&signer, &name, &attributes));
    let error = error.unwrap_err();
    assert!(matches!(error, CsrError::Subject(NameError::TooLong { found: 65, .. })), "{error}");
    // A subject past its bound.
    let large = encode::tlv(Tag::Sequence, &vec![&set[..]; 110]).unwrap();
    let error = CertificateRequest::from_der(&signed_info(&signer, &large, &attributes));
    assert!(matches!(error.unwrap_err(), CsrError::SubjectTooLarge { found } if found > 8192));
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let signer = signer("ed25519");
    let csr = CertificateRequest::build(&subject("CN=demo"), &[], &[], &signer).unwrap();
    // X25519 (1.3.101.110) in place of Ed25519 (1.3.101.112), in the key only.
    let mut der = csr.der().to_vec();
    let at = der.windows(3).position(|window| window == [0x2b, 0x65, 0x70]).unwrap();
    der[at + 2] = 0x6e;
    let error = CertificateRequest::from_der(&der).unwrap().verify_possession().unwrap_err();
    assert!(matches!(error, CsrError::KeyCannotSign { .. }), "{error}");
}

proptest! {
    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CertificateRequest::from_der(&octets);
        let _ = pem::read_one_request(&octets);
    }

    #[test]
    fn no_mutation_panics_or_is_believed(at in 0_usize..300, octet: u8) {
        static DER: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
            let extra = key_usage_extension(KeyUsages::DigitalSignature.into()).unwrap();
            let names = names(&["a.example", "192.0.2.1", "UPN:a@b", "spiffe://a/b"]);
            let request =
                CertificateRequest::build(&subject("CN=demo,C=DE"), &names, &[extra], &signer("ed25519"));
            request.unwrap().der().to_vec()
        });
        let mut der = DER.clone();
        let at = at % der.len();
        prop_assume!(der[at] != octet);
        der[at] = octet;
        if let Ok(csr) = CertificateRequest::from_der(&der) {
            prop_assert!(csr.verify_possession().is_err());
        }
    }
}
