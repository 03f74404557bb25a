#![allow(clippy::unwrap_used)] // a panic is the failure report

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag};
use proptest::prelude::*;
use spki::AlgorithmIdentifierRef;

use super::structure::{DigestInfo, MacData, Pfx, SafeBag, oid};
use super::*;
use crate::algorithm::{Algorithm, KeyAlgorithm, MlKem};
use crate::ber::BerError;
use crate::certificate::Certificate;
use crate::cms::{self, ContentInfo};
use crate::key::PrivateKey;
use crate::plan::Request;
use crate::plan::encode::tlv;
use crate::plan::tests::{Authority, issue, name, names, profile, rng};

const PASSWORD: &[u8] = "correct hörse".as_bytes();

fn password() -> Password<'static> {
    Password::new(PASSWORD).unwrap()
}

/// The fewest iterations, so that tests are quick.
fn quick(mac: MacDerivation) -> Protection {
    Protection::new(mac, Protection::MIN_ITERATIONS).unwrap()
}

/// A key, its certificate, and the root that issued it.
fn holder(algorithm: &str, root: &Authority) -> (PrivateKey, Vec<Certificate>) {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let key = PrivateKey::generate(algorithm, &mut rng()).unwrap();
    let public = key.public_key().clone();
    let request = Request::new(name("CN=demo"), names(&["demo.localhost"]), public);
    let leaf = issue(profile("tls-server"), request, root);
    (key, vec![leaf, root.certificate.clone()])
}

fn sealed(algorithm: &str, mac: MacDerivation) -> (Vec<u8>, PrivateKey, Vec<Certificate>) {
    let (key, chain) = holder(algorithm, &Authority::root("p256"));
    let bundle = Bundle::new(Some(&key), &chain, Some("Demo – päge")).unwrap();
    let file = seal(&bundle, password(), quick(mac), &mut rng()).unwrap();
    (file, key, chain)
}

fn open(file: &[u8]) -> Result<Contents, Pkcs12Error> {
    Sealed::from_der(file)?.open(password())
}

#[test]
fn what_was_written_is_read_for_each_family() {
    for algorithm in ["p256", "rsa2048", "ed25519", "ml-dsa-65", "hybrid", "MLDSA87-Ed448-SHAKE256"]
    {
        for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
            let (file, key, chain) = sealed(algorithm, mac);
            let contents = open(&file).unwrap();
            let [entry] = contents.keys.as_slice() else { panic!("{algorithm}: {contents:?}") };
            assert_eq!(entry.key.to_pkcs8_der().unwrap(), key.to_pkcs8_der().unwrap());
            assert_eq!(entry.name.as_deref(), Some("Demo – päge"));
            let read: Vec<_> = contents.certificates.iter().map(|it| &it.certificate).collect();
            assert_eq!(read, chain.iter().collect::<Vec<_>>());
            let own = contents.certificate_of(&entry.key).unwrap();
            assert_eq!((&own.local_key_id, &own.name), (&entry.local_key_id, &entry.name));
            assert!(own.local_key_id.is_some() && contents.certificates[1].name.is_none());
            assert!(contents.skipped.is_empty() && !own.is_trusted);
        }
    }
}

#[test]
fn keys_that_sign_slowly_or_not_at_all_are_written_and_read() {
    let root = Authority::root("p256");
    let slow = Algorithm::named("slh-dsa-sha2-128f").unwrap();
    for (algorithm, by, alternative) in [
        (KeyAlgorithm::Signing(slow), "code-signing", None),
        (MlKem::MlKem768.into(), "kem-recipient", Some("EMAIL:alice@example.com")),
    ] {
        let key = PrivateKey::generate_for(algorithm, &mut rng()).unwrap();
        let alternative: Vec<&str> = alternative.into_iter().collect();
        let public = key.public_key().clone();
        let request = Request::new(name("CN=Alice"), names(&alternative), public);
        let chain = [issue(profile(by), request, &root)];
        let bundle = Bundle::new(Some(&key), &chain, None).unwrap();
        let file = seal(&bundle, password(), quick(MacDerivation::Rfc7292), &mut rng()).unwrap();
        let contents = open(&file).unwrap();
        let read = &contents.keys[0].key;
        assert_eq!(read.to_pkcs8_der().unwrap(), key.to_pkcs8_der().unwrap(), "{by}");
        assert!(contents.certificate_of(read).is_some(), "{by}");
        let mut flipped = file.clone();
        flipped[file.len() / 2] ^= 1;
        assert_eq!(open(&flipped).unwrap_err(), Pkcs12Error::Password, "{by}");
    }
}

#[test]
fn a_trust_store_has_numbered_names_and_no_key() {
    let roots = [Authority::root("p256").certificate, Authority::root("ed25519").certificate];
    let bundle = Bundle::new(None, &roots, Some("root")).unwrap();
    let file = seal(&bundle, password(), quick(MacDerivation::Rfc7292), &mut rng()).unwrap();
    let contents = open(&file).unwrap();
    let names: Vec<_> = contents.certificates.iter().map(|it| it.name.as_deref()).collect();
    assert_eq!(names, [Some("root"), Some("root-2")]);
    assert!(contents.certificates.iter().all(|it| it.is_trusted) && contents.keys.is_empty());
}

#[test]
fn a_wrong_password_and_every_flipped_bit_are_refused() {
    for mac in [MacDerivation::Rfc7292, MacDerivation::Pbmac1] {
        let (file, ..) = sealed("p256", mac);
        let wrong = Sealed::from_der(&file).unwrap().open(Password(" correct hörse"));
        assert_eq!(wrong.unwrap_err(), Pkcs12Error::Password);
        let mut by_mac = 0;
        // PBMAC1 has no use for the outer salt.
        let unused = file.windows(8).position(|octets| octets == b"NOT USED");
        let unused = unused.map_or(0..0, |start| start..start + 8);
        for place in (0..file.len()).filter(|place| !unused.contains(place)) {
            let mut flipped = file.clone();
            flipped[place] ^= 1 << (place % 8);
            // A flipped count of iterations may be millions, which is allowed but takes long.
            let costs = Sealed::from_der(&flipped).map(|it| it.mac.iterations).unwrap_or_default();
            if costs > 100_000 {
                continue;
            }
            match open(&flipped) {
                Err(Pkcs12Error::Password) => by_mac += 1,
                Err(_) => {}
                Ok(_) => panic!("{mac:?}: octet {place} flipped, and it opens"),
            }
        }
        assert!(by_mac > file.len() / 2, "{by_mac} of {} by the MAC", file.len());
    }
}

#[test]
fn a_part_under_another_password_is_named() {
    let (key, chain) = holder("p256", &Authority::root("p256"));
    let bundle = Bundle::new(Some(&key), &chain, None).unwrap();
    let protection = quick(MacDerivation::Rfc7292);
    let file = seal(&bundle, Password("another"), protection, &mut rng()).unwrap();
    let forged = with_mac(safe_of(&file));
    let error = open(&forged).unwrap_err();
    assert_eq!(error, Pkcs12Error::Sealed { part: "encrypted certificates" });
    assert!(error.to_string().contains("the MAC fits"), "{error}");
}

/// The AuthenticatedSafe of a file.
fn safe_of(file: &[u8]) -> &[u8] {
    let pfx = Pfx::from_der(file).unwrap();
    pfx.auth_safe.content.decode_as::<&OctetStringRef>().unwrap().as_bytes()
}

/// A file around this AuthenticatedSafe, with a MAC that fits.
fn with_mac(safe: &[u8]) -> Vec<u8> {
    let mac = mac::Mac::new(MacDerivation::Rfc7292, [7; 16], 2048);
    with_mac_data(safe, &mac.to_der(password(), safe).unwrap())
}

fn with_mac_data(safe: &[u8], mac: &[u8]) -> Vec<u8> {
    file_of(3, cms::DATA, safe, Some(MacData::from_der(mac).unwrap()))
}

fn file_of(version: u8, kind: ObjectIdentifier, safe: &[u8], mac: Option<MacData<'_>>) -> Vec<u8> {
    let safe = OctetStringRef::new(safe).unwrap().to_der().unwrap();
    let content = AnyRef::from_der(&safe).unwrap();
    let auth_safe = ContentInfo { content_type: kind, content };
    Pfx { version, auth_safe, mac }.to_der().unwrap()
}

/// An AuthenticatedSafe of one part in the clear with these bags.
fn clear_safe(bags: &[Vec<u8>]) -> Vec<u8> {
    let bags: Vec<&[u8]> = bags.iter().map(Vec::as_slice).collect();
    let contents = tlv(Tag::Sequence, &bags).unwrap();
    let data = tlv(Tag::OctetString, &[&contents]).unwrap();
    let info = ContentInfo { content_type: cms::DATA, content: AnyRef::from_der(&data).unwrap() };
    tlv(Tag::Sequence, &[&info.to_der().unwrap()]).unwrap()
}

fn bag(kind: ObjectIdentifier, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    let attributes = (!attributes.is_empty()).then(|| AnyRef::new(Tag::Set, attributes).unwrap());
    SafeBag { kind, value: AnyRef::from_der(value).unwrap(), attributes }.to_der().unwrap()
}

fn refusal(file: &[u8]) -> String {
    open(file).unwrap_err().to_string()
}

#[test]
fn old_encryption_and_macs_are_refused_by_name() {
    let (_, chain) = holder("ed25519", &Authority::root("p256"));
    let old = |oid: &str| {
        let algorithm = AlgorithmIdentifierRef {
            oid: ObjectIdentifier::new_unwrap(oid),
            parameters: Some(AnyRef::NULL),
        };
        let data = tlv(Tag::OctetString, &[&[0; 16]]).unwrap();
        let key = tlv(Tag::Sequence, &[&algorithm.to_der().unwrap(), &data]).unwrap();
        clear_safe(&[bag(oid::SHROUDED_KEY_BAG, &key, &[])])
    };
    for (oid, named) in [
        ("1.2.840.113549.1.12.1.3", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
        ("1.2.840.113549.1.12.1.6", "pbeWithSHAAnd40BitRC2-CBC"),
    ] {
        let error = open(&with_mac(&old(oid))).unwrap_err();
        assert!(error.is_outdated() && error.to_string().contains(named), "{error}");
        assert!(error.to_string().contains("allowed: PBES2"), "{error}");
    }
    let sha1 = AlgorithmIdentifierRef {
        oid: ObjectIdentifier::new_unwrap("1.3.14.3.2.26"),
        parameters: Some(AnyRef::NULL),
    };
    let digest = OctetStringRef::new(&[0; 20]).unwrap();
    let salt = OctetStringRef::new(&[0; 8]).unwrap();
    let mac = MacData { mac: DigestInfo { algorithm: sha1, digest }, salt, iterations: 2048 };
    let safe = clear_safe(&[certificate_bag(&chain[0])]);
    let error = open(&file_of(3, cms::DATA, &safe, Some(mac))).unwrap_err();
    assert!(error.is_outdated() && error.to_string().contains("HMAC-SHA-1"), "{error}");
    // The twin: the same content under a MAC that holds.
    assert_eq!(open(&with_mac(&safe)).unwrap().certificates.len(), 1);
}

fn certificate_bag(certificate: &Certificate) -> Vec<u8> {
    let der = tlv(Tag::OctetString, &[certificate.der()]).unwrap();
    let value = AnyRef::from_der(&der).unwrap();
    let bagged = structure::CertBag { kind: oid::X509_CERTIFICATE, value }.to_der().unwrap();
    bag(oid::CERT_BAG, &bagged, &[])
}

#[test]
fn what_has_no_password_or_another_version_is_refused() {
    let safe = clear_safe(&[certificate_bag(&Authority::root("p256").certificate)]);
    assert_eq!(open(&file_of(3, cms::DATA, &safe, None)).unwrap_err(), Pkcs12Error::NoMac);
    let signed = refusal(&file_of(3, cms::SIGNED_DATA, &safe, None));
    assert!(signed.contains("authSafe: found signedData, allowed: data"), "{signed}");
    let version = refusal(&file_of(2, cms::DATA, &safe, None));
    assert!(version.contains("found version 2, allowed: version 3"), "{version}");
    assert_eq!(Password::new(&[0xff, 0xfe]).unwrap_err(), Pkcs12Error::PasswordText);
}

#[test]
fn cost_is_bounded_before_any_work() {
    let safe = clear_safe(&[certificate_bag(&Authority::root("p256").certificate)]);
    let digest = [0; 32];
    let with = |iterations| {
        let algorithm = AlgorithmIdentifierRef {
            oid: crate::algorithm::Hash::Sha256.oid(),
            parameters: Some(AnyRef::NULL),
        };
        let mac = DigestInfo { algorithm, digest: OctetStringRef::new(&digest).unwrap() };
        let salt = OctetStringRef::new(&[1; 8]).unwrap();
        Sealed::from_der(&file_of(3, cms::DATA, &safe, Some(MacData { mac, salt, iterations })))
    };
    let found = 10_000_001;
    assert_eq!(with(10_000_001).unwrap_err(), Pkcs12Error::Cost { part: "mac", found });
    assert_eq!(with(0).unwrap_err(), Pkcs12Error::Cost { part: "mac", found: 0 });
    assert!(with(10_000_000).is_ok());

    // Each part is within the bound, all together are not.
    let parameters =
        pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(1_000_000, &[1; 16], [2; 16]);
    let algorithm = pkcs5::EncryptionScheme::Pbes2(parameters.unwrap()).to_der().unwrap();
    let many = write::encrypted_part(&algorithm, &[3; 32]).unwrap().repeat(10);
    let error = open(&with_mac(&tlv(Tag::Sequence, &[&many]).unwrap())).unwrap_err();
    assert!(matches!(error, Pkcs12Error::Cost { found: 10_002_048.., .. }), "{error:?}");
    for iterations in [2047, 3_000_001] {
        let error = Protection::new(MacDerivation::Rfc7292, iterations).unwrap_err();
        assert!(error.to_string().contains("allowed: 2048 to 3000000"), "{error}");
    }
}

#[test]
fn size_depth_and_number_are_bounded() {
    let found = MAX_SIZE + 1;
    assert_eq!(open(&vec![0x30; found]).unwrap_err(), Pkcs12Error::TooLarge { found });
    let nested = [0x30, 0x80].repeat(40);
    let error = open(&nested).unwrap_err();
    assert_eq!(error, Pkcs12Error::Encoding { part: "PFX", error: BerError::TooDeep { at: 64 } });
    let root = Authority::root("p256").certificate;
    let one = certificate_bag(&root);
    let bags = |count| with_mac(&clear_safe(&vec![one.clone(); count]));
    assert_eq!(open(&bags(MAX_BAGS)).unwrap().certificates.len(), MAX_BAGS);
    assert_eq!(open(&bags(MAX_BAGS + 1)).unwrap_err(), Pkcs12Error::TooMany);
    let deeper = |bags: &[u8]| {
        let inside = tlv(Tag::Sequence, &[bags]).unwrap();
        bag(oid::SAFE_CONTENTS_BAG, &inside, &[])
    };
    let nested = (0..4).fold(one, |bags, _| deeper(&bags));
    assert_eq!(
        open(&with_mac(&clear_safe(std::slice::from_ref(&nested)))).unwrap().certificates.len(),
        1
    );
    let error = refusal(&with_mac(&clear_safe(&[deeper(&nested)])));
    assert!(error.contains("bags in bags, 5 levels deep, allowed: at most 4"), "{error}");
}

#[test]
fn keys_certificates_and_names_that_are_wrong_are_named_with_their_bag() {
    let root = Authority::root("p256");
    let (key, chain) = holder("ed25519", &root);
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let first = certificate_bag(&chain[0]);
    let clear_key =
        |der: &[u8]| with_mac(&clear_safe(&[first.clone(), bag(oid::KEY_BAG, der, &[])]));
    assert_eq!(open(&clear_key(&pkcs8)).unwrap().keys.len(), 1);
    let mut bent = pkcs8.to_vec();
    bent[9] ^= 1; // in the algorithm's identifier
    let error = refusal(&clear_key(&bent));
    assert!(error.contains("bag 2: private key: algorithm 1.2.101.112"), "{error}");

    let mut certificate = chain[0].der().to_vec();
    let serial = 15;
    certificate[serial] |= 0x80;
    certificate.truncate(certificate.len() - 1);
    let der = tlv(Tag::OctetString, &[&certificate]).unwrap();
    let value = AnyRef::from_der(&der).unwrap();
    let bagged = structure::CertBag { kind: oid::X509_CERTIFICATE, value }.to_der().unwrap();
    let error = refusal(&with_mac(&clear_safe(&[bag(oid::CERT_BAG, &bagged, &[])])));
    assert!(error.contains("bag 1: certificate: "), "{error}");

    let attribute = |value: &[u8]| {
        let kind = oid::FRIENDLY_NAME.to_der().unwrap();
        let values = tlv(Tag::Set, &[value]).unwrap();
        tlv(Tag::Sequence, &[&kind, &values]).unwrap()
    };
    let named = |value: &[u8]| {
        let der = tlv(Tag::OctetString, &[chain[0].der()]).unwrap();
        let value_of = AnyRef::from_der(&der).unwrap();
        let bagged = structure::CertBag { kind: oid::X509_CERTIFICATE, value: value_of };
        let bagged = bagged.to_der().unwrap();
        with_mac(&clear_safe(&[bag(oid::CERT_BAG, &bagged, &attribute(value))]))
    };
    let bmp = |text: &[u8]| tlv(Tag::BmpString, &[text]).unwrap();
    assert_eq!(open(&named(&bmp(&[0, b'A']))).unwrap().certificates[0].name.as_deref(), Some("A"));
    for (value, found) in [
        (bmp(&[0, b'A', 0]), "BMPString"),
        (bmp(&[0xd8, 0]), "half a character"),
        (bmp(&[0; 512]), "256 characters"),
        (tlv(Tag::Utf8String, &[b"A"]).unwrap(), "something else"),
    ] {
        let error = refusal(&named(&value));
        assert!(error.contains("friendlyName") && error.contains(found), "{error}");
    }
}

#[test]
fn what_does_not_belong_together_is_not_written() {
    let root = Authority::root("p256");
    let (key, chain) = holder("p256", &root);
    let turned = [chain[1].clone(), chain[0].clone()];
    let error = Bundle::new(Some(&key), &turned, None).unwrap_err();
    assert!(matches!(error, Pkcs12Error::KeyMismatch { .. }), "{error:?}");
    assert_eq!(Bundle::new(Some(&key), &[], None).unwrap_err(), Pkcs12Error::NoCertificate);
    let twice = [chain[0].clone(), chain[1].clone(), chain[1].clone()];
    assert!(matches!(Bundle::new(Some(&key), &twice, None), Err(Pkcs12Error::Twice { .. })));
    for (name, found) in [("", "nothing"), ("\u{1f511}", "U+1F511")] {
        let error = Bundle::new(Some(&key), &chain, Some(name)).unwrap_err();
        assert_eq!(error, Pkcs12Error::Name { found: found.into() });
    }
    let long = "n".repeat(MAX_NAME + 1);
    assert!(Bundle::new(Some(&key), &chain, Some(&long)).is_err());
    assert!(Bundle::new(Some(&key), &chain, Some(&long[1..])).is_ok());
}

#[test]
fn what_shows_without_the_password() {
    let (file, ..) = sealed("hybrid", MacDerivation::Pbmac1);
    let sealed = Sealed::from_der(&file).unwrap();
    let report = sealed.report();
    assert_eq!(report.mac, "PBMAC1: HMAC-SHA-256 by PBKDF2-HMAC-SHA-256");
    assert_eq!((report.mac_iterations, report.mac_salt_octets), (2048, 16));
    let encryption = "AES-256-CBC, PBKDF2-HMAC-SHA-256 with 2048 iterations";
    assert!(report.parts.iter().all(|part| part.encryption.as_deref() == Some(encryption)));
    assert_eq!(report.parts[1].holds, "an encrypted private key");
    assert_eq!(
        format!("{:?} {sealed:?}", password()),
        format!("Password(..) Sealed({} octets)", file.len())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_octets_end_in_an_answer(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(open(&octets).is_err());
    }

    #[test]
    fn any_content_under_a_right_mac_ends_in_an_answer(
        octets in proptest::collection::vec(any::<u8>(), 0..200),
        as_bags in any::<bool>(),
    ) {
        let safe = if as_bags { clear_safe(&[octets]) } else { octets };
        let _ = open(&with_mac(&safe));
    }

    #[test]
    fn any_password_opens_what_it_closed(text in "\\PC{1,40}", pbmac1 in any::<bool>()) {
        let certificates = [fixed_root().clone()];
        let bundle = Bundle::new(None, &certificates, None).unwrap();
        let mac = if pbmac1 { MacDerivation::Pbmac1 } else { MacDerivation::Rfc7292 };
        let password = Password::new(text.as_bytes()).unwrap();
        let file = seal(&bundle, password, quick(mac), &mut rng()).unwrap();
        prop_assert!(Sealed::from_der(&file).unwrap().open(password).is_ok());
        let longer = format!("{text}x");
        let wrong = Sealed::from_der(&file).unwrap().open(Password(&longer));
        prop_assert_eq!(wrong.unwrap_err(), Pkcs12Error::Password);
    }
}

fn fixed_root() -> &'static Certificate {
    static ROOT: std::sync::OnceLock<Certificate> = std::sync::OnceLock::new();
    ROOT.get_or_init(|| Authority::root("p256").certificate)
}
