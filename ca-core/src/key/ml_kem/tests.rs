#![allow(clippy::unwrap_used)] // a panic is the failure report

use aws_lc_rs::kem;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag};
use proptest::prelude::*;
use rand_core::UnwrapErr;

use super::*;
use crate::algorithm::{Algorithm, KeyAlgorithm, KeyKind};
use crate::key::{KeyDerivation, PrivateKey, decrypt, encrypt};
use crate::plan::encode::tlv;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::signature::SignatureError;

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

fn made(set: MlKem) -> PrivateKey {
    PrivateKey::generate_for(KeyAlgorithm::Kem(set), &mut rng()).unwrap()
}

/// PKCS#8 around a privateKey field.
fn pkcs8(set: MlKem, inner: &[u8]) -> Vec<u8> {
    let algorithm = tlv(Tag::Sequence, &[&set.oid().to_der().unwrap()]).unwrap();
    let inner = tlv(Tag::OctetString, &[inner]).unwrap();
    tlv(Tag::Sequence, &[&0_u8.to_der().unwrap(), &algorithm, &inner]).unwrap()
}

fn octet_string(octets: &[u8]) -> Vec<u8> {
    OctetStringRef::new(octets).unwrap().to_der().unwrap()
}

/// The three forms of one key: seed, expandedKey, both.
fn forms(set: MlKem, seed: &[u8]) -> [(KeyForm, Vec<u8>); 3] {
    let expanded = MlKemPrivate::from_seed(set, seed).unwrap().expanded_key().unwrap();
    let tagged = [&[0x80, 64], seed].concat();
    let both = tlv(Tag::Sequence, &[&octet_string(seed), &octet_string(&expanded)]).unwrap();
    [
        (KeyForm::Seed, pkcs8(set, &tagged)),
        (KeyForm::ExpandedKey, pkcs8(set, &octet_string(&expanded))),
        (KeyForm::Both, pkcs8(set, &both)),
    ]
}

#[test]
fn keys_survive_their_files_and_the_seed_alone_is_written() {
    for set in MlKem::ALL {
        let key = made(set);
        assert_eq!(key.public_key().kind(), KeyKind::MlKem(set));
        assert_eq!(key.public_key().key_bytes().len(), set.public_key_size());
        assert_eq!(key.form(), Some(KeyForm::Seed));
        let written = key.to_pkcs8_der().unwrap();
        // SEQUENCE, version, AlgorithmIdentifier without parameters, [0] of 64 octets.
        assert_eq!(written.len(), 86, "{set}");
        let again = PrivateKey::from_der(&written).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(*again.to_pkcs8_der().unwrap(), *written);

        let sealed = encrypt(&written, b"correct", KeyDerivation::Scrypt, &mut rng()).unwrap();
        assert_eq!(*decrypt(&sealed, b"correct").unwrap(), *written);
        assert_eq!(decrypt(&sealed, b"corrects"), Err(KeyError::Passphrase));
        assert_eq!(PrivateKey::from_der(&sealed).unwrap_err(), KeyError::Encrypted);
        assert_ne!(made(set).public_key(), key.public_key());
    }
}

#[test]
fn all_three_forms_are_read_and_are_one_key() {
    for set in MlKem::ALL {
        let seed: Vec<u8> = (0..64).collect();
        let [first, ..] = forms(set, &seed);
        let public_key = PrivateKey::from_der(&first.1).unwrap().public_key().clone();
        for (form, der) in forms(set, &seed) {
            let key = PrivateKey::from_der(&der).unwrap();
            assert_eq!((key.form(), key.public_key()), (Some(form), &public_key), "{set}");
            // A seed can't be found again; it is written wherever it is known.
            let written = key.to_pkcs8_der().unwrap();
            let expected = if form == KeyForm::ExpandedKey { &der } else { &first.1 };
            assert_eq!(&*written, expected, "{set} {form:?}");
        }
    }
}

/// What is encapsulated to the public key is opened by the private one, and by no other.
#[test]
fn both_halves_belong_together() {
    for (set, algorithm) in MlKem::ALL.into_iter().zip(ALGORITHMS) {
        let (seed, other) = ([7; 64], [8; 64]);
        let open = |seed: &[u8], ciphertext: &[u8]| {
            let expanded = MlKemPrivate::from_seed(set, seed).unwrap().expanded_key().unwrap();
            let key = kem::DecapsulationKey::new(algorithm, &expanded).unwrap();
            key.decapsulate(ciphertext.into()).unwrap().as_ref().to_vec()
        };
        let key = PrivateKey::from_der(&forms(set, &seed)[0].1).unwrap();
        let public = kem::EncapsulationKey::new(algorithm, key.public_key().key_bytes()).unwrap();
        let (ciphertext, secret) = public.encapsulate().unwrap();
        assert_eq!(open(&seed, ciphertext.as_ref()), secret.as_ref(), "{set}");
        assert_ne!(open(&other, ciphertext.as_ref()), secret.as_ref(), "{set}");
    }
}

const ALGORITHMS: [&kem::Algorithm<kem::AlgorithmId>; 3] =
    [&kem::ML_KEM_512, &kem::ML_KEM_768, &kem::ML_KEM_1024];

#[test]
fn forms_that_disagree_with_themselves_are_refused() {
    for set in MlKem::ALL {
        let [_, (_, expanded), (_, both)] = forms(set, &[9; 64]);
        for at in [both.len() / 2, both.len() - 1, 40] {
            let mut wrong = both.clone();
            wrong[at] ^= 1;
            let error = PrivateKey::from_der(&wrong).unwrap_err();
            assert_eq!(error, KeyError::SeedMismatch { algorithm: "ML-KEM" }, "{set} at {at}");
            assert!(error.to_string().contains("ML-KEM seed does not expand"), "{error}");
        }
        // The public half, its hash; the last octets are a random value that nothing checks.
        for from_end in [64 + 40, 33] {
            let mut wrong = expanded.clone();
            let at = wrong.len() - from_end;
            wrong[at] ^= 1;
            assert_eq!(PrivateKey::from_der(&wrong).unwrap_err(), KeyError::Refused, "{set}");
        }
        // A coefficient of the secret half: what is encapsulated is not opened any more.
        let mut wrong = expanded.clone();
        let at = wrong.len() - set.expanded_key_size() + 5;
        wrong[at] ^= 1;
        assert_eq!(PrivateKey::from_der(&wrong).unwrap_err(), KeyError::Refused, "{set}");
    }
}

#[test]
fn wrong_lengths_and_parameters_are_named() {
    let set = MlKem::MlKem768;
    let error = |inner: &[u8]| PrivateKey::from_der(&pkcs8(set, inner)).unwrap_err();
    let (part, allowed) = ("ML-KEM seed", 64);
    assert_eq!(
        error(&[&[0x80, 32][..], &[1; 32]].concat()),
        KeyError::Length { part, found: 32, allowed }
    );
    let (part, allowed) = ("ML-KEM expandedKey", 2400);
    let short = octet_string(&[1; 2399]);
    assert_eq!(error(&short), KeyError::Length { part, found: 2399, allowed });
    // Trailing octets in the privateKey field, and an empty one.
    let [(_, seed), ..] = forms(set, &[3; 64]);
    PrivateKey::from_der(&seed).unwrap();
    let inner = [&[0x80, 64][..], &[3; 64], &[0]].concat();
    assert!(matches!(error(&inner), KeyError::Malformed(_)));
    assert!(matches!(error(&[]), KeyError::Malformed(_)));

    let algorithm =
        tlv(Tag::Sequence, &[&set.oid().to_der().unwrap(), &AnyRef::NULL.to_der().unwrap()]);
    let inner = octet_string(&[&[0x80, 64][..], &[3; 64]].concat());
    let parts = [&0_u8.to_der().unwrap()[..], &algorithm.unwrap(), &inner];
    let with_null = tlv(Tag::Sequence, &parts).unwrap();
    let error = PrivateKey::from_der(&with_null).unwrap_err();
    assert_eq!(error, KeyError::Parameters { oid: set.oid(), allowed: "none" });
}

#[test]
fn it_signs_nothing() {
    let key = made(MlKem::MlKem768);
    for name in ["p256", "ml-dsa-65", "hybrid"] {
        let error = key.signer(Algorithm::named(name).unwrap().scheme()).unwrap_err();
        let KeyError::Scheme(SignatureError::KeyMismatch { .. }) = error else { panic!("{error}") };
        assert!(error.to_string().contains("the key is ML-KEM-768"), "{error}");
    }
}

#[test]
fn public_keys_are_held_to_fips_203() {
    for set in MlKem::ALL {
        let key = made(set).public_key().clone();
        key.check_strength().unwrap();
        let raw = |octets: &[u8]| PublicKey::from_raw(KeyKind::MlKem(set), octets);
        assert_eq!(raw(key.key_bytes()).unwrap(), key);
        // The first coefficient stands in the first twelve bits, the lowest first: 3329, then 3328.
        let mut wrong = key.key_bytes().to_vec();
        wrong[0] = 0x01;
        wrong[1] = (wrong[1] & 0xf0) | 0x0d;
        let error = raw(&wrong).unwrap().check_strength().unwrap_err();
        assert_eq!(error, PublicKeyError::Coefficient { set });
        assert!(error.to_string().contains("3329"), "{error}");
        wrong[0] = 0x00;
        raw(&wrong).unwrap().check_strength().unwrap();

        let (found, allowed) = (key.key_bytes().len() - 1, key.key_bytes().len());
        let error = raw(&key.key_bytes()[1..]).unwrap_err();
        let algorithm = set.to_string();
        assert_eq!(error, PublicKeyError::Length { algorithm, found, allowed });
    }
}

#[test]
fn parameters_of_a_public_key_are_absent() {
    let key = made(MlKem::MlKem512).public_key().clone();
    let mut info = spki::SubjectPublicKeyInfoOwned::from_der(key.spki_der()).unwrap();
    assert_eq!(info.algorithm.parameters, None);
    info.algorithm.parameters = Some(der::asn1::Any::null());
    let error = PublicKey::from_spki(&info.to_der().unwrap()).unwrap_err();
    let algorithm = "ML-KEM-512".into();
    assert_eq!(error, PublicKeyError::Parameters { algorithm, allowed: "none" });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_octets_panic(inner in prop::collection::vec(any::<u8>(), 0..200), set in 0_usize..3) {
        let _ = PrivateKey::from_der(&pkcs8(MlKem::ALL[set], &inner));
    }

    /// A flipped bit is refused, or changes which key it is: nothing reads as the old one. In the
    /// second half of the seed, FIPS 203's `z`, it changes the private half alone.
    #[test]
    fn a_flipped_bit_is_another_key_or_none(at in 0_usize..86, bit in 0_u8..8) {
        let [(_, good), ..] = forms(MlKem::MlKem512, &[5; 64]);
        let before = PrivateKey::from_der(&good).unwrap();
        let mut flipped = good.clone();
        flipped[at] ^= 1 << bit;
        if let Ok(key) = PrivateKey::from_der(&flipped) {
            let same_public = key.public_key() == before.public_key();
            prop_assert_eq!(same_public, at >= 54);
            prop_assert_ne!(&*key.to_pkcs8_der().unwrap(), &good);
        }
    }
}
