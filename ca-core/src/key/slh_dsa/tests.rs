#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng, UnwrapErr};

use crate::algorithm::{Algorithm, KeyKind, SlhDsa};
use crate::key::{KeyDerivation, KeyError, PrivateKey, decrypt, encrypt};
use crate::public_key::{PublicKey, PublicKeyError};
use crate::signature::{Implementation, SignatureError, verify_in_context};

const VECTORS: &str = include_str!("../../../tests/data/slh-dsa/acvp-keygen.txt");

/// A parameter set, what is drawn for its key, and the root that NIST computed.
struct Vector {
    algorithm: &'static Algorithm,
    drawn: Vec<u8>,
    root: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let lines = VECTORS.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let [name, drawn, root] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let octets = |hex: &str| {
            let digits = hex.as_bytes().chunks(2);
            digits
                .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        let algorithm = Algorithm::named(name).unwrap();
        Vector { algorithm, drawn: octets(drawn), root: octets(root) }
    };
    let vectors: Vec<Vector> = lines.map(row).collect();
    let sets: Vec<KeyKind> = vectors.iter().map(|vector| vector.algorithm.key()).collect();
    assert_eq!(sets, SlhDsa::ALL.map(KeyKind::SlhDsa));
    vectors
}

impl Vector {
    fn set(&self) -> SlhDsa {
        let KeyKind::SlhDsa(set) = self.algorithm.key() else { panic!("not SLH-DSA") };
        set
    }

    /// PKCS#8 as RFC 9909 has it: no parameters, the octets right in the OCTET STRING.
    fn pkcs8(&self) -> Vec<u8> {
        let inner = [&self.drawn[..], &self.root].concat();
        let size = u8::try_from(inner.len()).unwrap();
        let last = self.set().oid().as_bytes()[8];
        let oid = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, last];
        // The longest key has 128 octets, whose length takes one octet more.
        let length = |size: u8| if size < 128 { vec![size] } else { vec![0x81, size] };
        let key = [&[4], &length(size)[..], &inner].concat();
        let body = [&[2, 1, 0, 0x30, 11], &oid[..], &key].concat();
        [&[0x30], &length(u8::try_from(body.len()).unwrap())[..], &body].concat()
    }
}

/// A generator that gives these octets and no more.
struct Given<'a>(&'a [u8]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("keys are drawn by octets")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("keys are drawn by octets")
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(place.len());
        place.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

#[test]
fn each_set_makes_nists_key_and_signs_what_both_verify() {
    for vector in vectors() {
        let name = vector.algorithm.name();
        let mut given = Given(&vector.drawn);
        let made = PrivateKey::generate(vector.algorithm, &mut given).unwrap();
        assert!(given.0.is_empty(), "{name}: not all was drawn");
        let public = [&vector.drawn[2 * vector.set().part_size()..], &vector.root].concat();
        assert_eq!(made.public_key().key_bytes(), public, "{name}");
        assert_eq!(*made.to_pkcs8_der().unwrap(), vector.pkcs8(), "{name}");

        let scheme = vector.algorithm.scheme();
        let signature = made.signer(scheme).unwrap().sign(b"message").unwrap();
        assert_eq!(signature.len(), vector.algorithm.signature_size(), "{name}");
        for implementation in [Implementation::First, Implementation::Second] {
            let key = made.public_key();
            let verify = |message: &[u8], context: &[u8], signature: &[u8]| {
                verify_in_context(implementation, key, scheme, message, context, signature)
            };
            assert_eq!(verify(b"message", b"", &signature), Ok(()), "{name}");
            let invalid = Err(SignatureError::Invalid);
            assert_eq!(verify(b"massage", b"", &signature), invalid, "{name}");
            assert_eq!(verify(b"message", b"context", &signature), invalid, "{name}");
            for at in [0, signature.len() / 2, signature.len() - 1] {
                let mut wrong = signature.clone();
                wrong[at] ^= 1;
                assert_eq!(verify(b"message", b"", &wrong), invalid, "{name} at {at}");
            }
            assert_eq!(verify(b"message", b"", &signature[1..]), invalid, "{name}");
            let longer = [&signature[..], b"\0"].concat();
            assert_eq!(verify(b"message", b"", &longer), invalid, "{name}");
        }
    }
}

#[test]
fn a_key_file_with_a_wrong_octet_is_refused() {
    for vector in vectors().iter().filter(|vector| vector.algorithm.name().ends_with('f')) {
        let der = vector.pkcs8();
        assert_eq!(PrivateKey::from_der(&der).unwrap().public_key().kind(), vector.algorithm.key());
        let part = vector.set().part_size();
        // SK.seed and PK.seed lead to the root, and the root says where.
        for from_end in [4 * part, 2 * part, 1] {
            let mut wrong = der.clone();
            let at = wrong.len() - from_end;
            wrong[at] ^= 1;
            assert_eq!(PrivateKey::from_der(&wrong).unwrap_err(), KeyError::Refused);
        }
    }
}

#[test]
fn a_key_of_another_length_or_with_parameters_is_refused() {
    let vector = &vectors()[1];
    let der = vector.pkcs8();
    // Half of the key, as a library that leaves out the public part would write it.
    let mut half = der[..der.len() - 32].to_vec();
    half[1] -= 32;
    let at = half.len() - 33;
    half[at] -= 32;
    let error = PrivateKey::from_der(&half).unwrap_err();
    assert_eq!(error, KeyError::Length { part: "SLH-DSA private key", found: 32, allowed: 64 });
    // NULL parameters.
    let mut with_null = [&der[..18], &[5, 0], &der[18..]].concat();
    with_null[1] += 2;
    with_null[6] += 2;
    let error = PrivateKey::from_der(&with_null).unwrap_err();
    let oid = vector.set().oid();
    assert_eq!(error, KeyError::Parameters { oid, allowed: "none" });
}

#[test]
fn a_public_key_of_another_set_is_told_by_its_length() {
    let error = PublicKey::from_raw(KeyKind::SlhDsa(SlhDsa::Sha2_192s), &[7; 32]).unwrap_err();
    assert_eq!(
        error,
        PublicKeyError::Length { algorithm: "SLH-DSA-SHA2-192s".into(), found: 32, allowed: 48 }
    );
}

#[test]
fn a_signature_of_the_same_size_by_another_set_is_refused() {
    let [sha2, shake] =
        ["slh-dsa-sha2-128f", "slh-dsa-shake-128f"].map(|name| Algorithm::named(name).unwrap());
    let mut rng = UnwrapErr(getrandom::SysRng);
    let key = PrivateKey::generate(sha2, &mut rng).unwrap();
    let signature = key.signer(sha2.scheme()).unwrap().sign(b"message").unwrap();
    let same = PublicKey::from_raw(shake.key(), key.public_key().key_bytes()).unwrap();
    for implementation in [Implementation::First, Implementation::Second] {
        let verify = |key, scheme| {
            verify_in_context(implementation, key, scheme, b"message", b"", &signature)
        };
        assert_eq!(verify(key.public_key(), sha2.scheme()), Ok(()));
        assert_eq!(verify(&same, shake.scheme()), Err(SignatureError::Invalid));
        let error = verify(key.public_key(), shake.scheme()).unwrap_err();
        assert!(matches!(error, SignatureError::KeyMismatch { .. }), "{error}");
    }
}

#[test]
fn it_is_encrypted_as_every_other_key() {
    let der = vectors()[1].pkcs8();
    let mut rng = UnwrapErr(getrandom::SysRng);
    let encrypted = encrypt(&der, b"correct horse", KeyDerivation::Pbkdf2, &mut rng).unwrap();
    assert_eq!(*decrypt(&encrypted, b"correct horse").unwrap(), der);
    assert_eq!(decrypt(&encrypted, b"correct horsf").unwrap_err(), KeyError::Passphrase);
}
