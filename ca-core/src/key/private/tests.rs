#![allow(clippy::unwrap_used)] // a panic is the failure report

use rand_core::UnwrapErr;

use super::*;
use crate::key::{KeyDerivation, KeyForm, check_encryption, decrypt, encrypt};
use crate::plan::tests::takes_long;
use crate::signature::{Implementation, verify_in_context};

fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// Every algorithm, with RSA above 3072 bits left to the vector tests, since it takes seconds to
/// make, and most of SLH-DSA to the tests of its own.
fn quick_algorithms() -> impl Iterator<Item = &'static Algorithm> {
    Algorithm::all()
        .iter()
        .filter(|row| !row.name().contains("RSA4096") && !row.name().contains("RSA-4096"))
        .filter(|row| !takes_long(row))
}

#[test]
fn keys_of_every_family_sign_and_survive_their_files() {
    for algorithm in quick_algorithms() {
        let key = PrivateKey::generate(algorithm, &mut rng()).unwrap();
        assert_eq!(key.public_key().kind(), algorithm.key());
        assert_eq!(key.public_key().key_bytes().len(), algorithm.public_key_size(), "{algorithm}");
        let pkcs8 = key.to_pkcs8_der().unwrap();
        let again = PrivateKey::from_der(&pkcs8).unwrap();
        assert_eq!(again.public_key(), key.public_key(), "{algorithm}");
        assert_eq!(*again.to_pkcs8_der().unwrap(), *pkcs8, "{algorithm}");

        let signature = again.signer(algorithm.scheme()).unwrap().sign(b"message").unwrap();
        assert!(signature.len() <= algorithm.signature_size(), "{algorithm}");
        check_both(key.public_key(), algorithm.scheme(), &signature);
    }
}

/// Both implementations accept the signature, and refuse it with one bit flipped anywhere that
/// matters: first, middle and last octet, and another message.
fn check_both(key: &PublicKey, scheme: SignatureScheme, signature: &[u8]) {
    for implementation in [Implementation::First, Implementation::Second] {
        let verify = |key, scheme, message, signature: &[u8]| {
            verify_in_context(implementation, key, scheme, message, b"", signature)
        };
        assert_eq!(verify(key, scheme, b"message", signature), Ok(()), "{scheme}");
        assert!(verify(key, scheme, b"massage", signature).is_err(), "{scheme}");
        for position in [0, signature.len() / 2, signature.len() - 1] {
            let mut wrong = signature.to_vec();
            wrong[position] ^= 1;
            assert!(verify(key, scheme, b"message", &wrong).is_err(), "{scheme} at {position}");
        }
        assert!(verify(key, scheme, b"message", &signature[1..]).is_err());
        assert!(verify(key, scheme, b"message", &[signature, b"\0"].concat()).is_err());
    }
}

#[test]
fn a_signature_by_another_key_is_refused() {
    for algorithm in quick_algorithms() {
        let signer = PrivateKey::generate(algorithm, &mut rng()).unwrap();
        let other = PrivateKey::generate(algorithm, &mut rng()).unwrap();
        let signature = signer.signer(algorithm.scheme()).unwrap().sign(b"message").unwrap();
        for implementation in [Implementation::First, Implementation::Second] {
            let verify = |key, scheme, message, signature: &[u8]| {
                verify_in_context(implementation, key, scheme, message, b"", signature)
            };
            let verdict = verify(other.public_key(), algorithm.scheme(), b"message", &signature);
            assert!(verdict.is_err(), "{algorithm}");
        }
    }
}

#[test]
fn a_scheme_of_another_kind_of_key_is_refused() {
    let key = PrivateKey::generate(Algorithm::named("p256").unwrap(), &mut rng()).unwrap();
    let error = key.signer(Algorithm::hybrid().scheme()).unwrap_err();
    assert!(error.to_string().contains("the key is ECDSA P-256"), "{error}");
}

struct Broken(Vec<u8>);

impl crate::sign::SigningBackend for Broken {
    fn make_signature(
        &self,
        _: SignatureScheme,
        _: &[u8],
    ) -> Result<Vec<u8>, crate::sign::SignError> {
        Ok(self.0.clone())
    }
}

#[test]
fn a_wrong_signature_never_leaves_sign() {
    let algorithm = Algorithm::hybrid();
    let key = PrivateKey::generate(algorithm, &mut rng()).unwrap();
    let good = key.signer(algorithm.scheme()).unwrap().sign(b"message").unwrap();
    let sign = |signature: Vec<u8>| {
        let backend = Box::new(Broken(signature));
        Signer::new(key.public_key().clone(), algorithm.scheme(), backend).unwrap().sign(b"message")
    };
    assert_eq!(sign(good.clone()), Ok(good.clone()));
    for position in [0, good.len() - 1] {
        let mut wrong = good.clone();
        wrong[position] ^= 1;
        assert!(matches!(sign(wrong), Err(crate::sign::SignError::CrossCheck { .. })));
    }
}

#[test]
fn the_passphrase_opens_the_key_and_another_does_not() {
    let algorithm = Algorithm::hybrid();
    let pkcs8 = PrivateKey::generate(algorithm, &mut rng()).unwrap().to_pkcs8_der().unwrap();
    for derivation in [KeyDerivation::Scrypt, KeyDerivation::Pbkdf2] {
        let encrypted = encrypt(&pkcs8, b"correct horse", derivation, &mut rng()).unwrap();
        assert_eq!(decrypt(&encrypted, b"correct horse").unwrap(), pkcs8);
        assert_eq!(decrypt(&encrypted, b"correct horsf"), Err(KeyError::Passphrase));
        assert_eq!(PrivateKey::from_der(&encrypted).unwrap_err(), KeyError::Encrypted);
        assert_eq!(check_encryption(&encrypted), Ok(()));
        assert!(check_encryption(&pkcs8).is_err());
        let mut damaged = encrypted.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(decrypt(&damaged, b"correct horse").is_err());
    }
}

#[test]
fn keys_that_are_not_quite_keys_are_refused() {
    let key = |name| {
        let algorithm = Algorithm::named(name).unwrap();
        PrivateKey::generate(algorithm, &mut rng()).unwrap().to_pkcs8_der().unwrap().to_vec()
    };
    for name in ["p256", "ed25519", "ml-dsa-44", "hybrid", "rsa2048"] {
        let good = key(name);
        assert!(PrivateKey::from_der(&good[..good.len() - 1]).is_err(), "{name}: truncated");
        assert!(PrivateKey::from_der(&[&good[..], b"\0"].concat()).is_err(), "{name}: trailing");
        let mut indefinite = good.clone();
        indefinite[1] = 0x80;
        assert!(PrivateKey::from_der(&indefinite).is_err(), "{name}: indefinite length");
    }
    let mut long = key("p256");
    long.resize(MAX_KEY_SIZE + 1, 0);
    let found = long.len();
    assert_eq!(PrivateKey::from_der(&long).unwrap_err(), KeyError::TooLarge { found });
}

#[test]
fn a_public_key_of_another_private_key_is_refused() {
    let algorithm = Algorithm::named("p256").unwrap();
    let mut pkcs8 =
        PrivateKey::generate(algorithm, &mut rng()).unwrap().to_pkcs8_der().unwrap().to_vec();
    *pkcs8.last_mut().unwrap() ^= 1;
    assert_eq!(PrivateKey::from_der(&pkcs8).unwrap_err(), KeyError::PublicKeyMismatch);
}

#[test]
fn a_broken_generator_is_noticed() {
    struct Zeros;
    impl rand_core::TryRng for Zeros {
        type Error = rand_core::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }
        fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Self::Error> {
            octets.fill(0);
            Ok(())
        }
    }
    impl rand_core::TryCryptoRng for Zeros {}
    let algorithm = Algorithm::named("p256").unwrap();
    assert_eq!(PrivateKey::generate(algorithm, &mut Zeros).unwrap_err(), KeyError::Randomness);
}

#[test]
fn a_small_rsa_key_is_refused_with_its_size() {
    // Version 0, a modulus of 1024 bits, and no more: the size is judged first.
    let modulus = [&[0x02, 0x81, 129, 0, 0xff][..], &[0xff; 127]].concat();
    let body = [&[0x02, 1, 0][..], &modulus].concat();
    let der = [&[0x30, 0x81, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let error = PrivateKey::from_der(&der).unwrap_err();
    assert_eq!(error, KeyError::PublicKey(PublicKeyError::RsaBits { bits: 1024 }));
}

/// EncryptedPrivateKeyInfo with these parameters around octets that nobody will decrypt.
fn encrypted_by(kdf: pkcs5::pbes2::Kdf) -> Vec<u8> {
    let encryption = pkcs5::pbes2::EncryptionScheme::Aes256Cbc { iv: [0; 16] };
    let info = pkcs8::EncryptedPrivateKeyInfoRef {
        encryption_algorithm: pkcs5::pbes2::Parameters { kdf, encryption }.into(),
        encrypted_data: OctetStringRef::new(&[0; 64]).unwrap(),
    };
    info.to_der().unwrap()
}

#[test]
fn encryption_that_costs_too_much_or_uses_sha1_is_refused_before_the_passphrase() {
    use pkcs5::pbes2::{Kdf, Pbkdf2Params, Pbkdf2Prf, ScryptParams};
    let pbkdf2 = |iterations| Pbkdf2Params::hmac_sha256(iterations, &[1; 16]).unwrap();
    assert_eq!(check_encryption(&encrypted_by(pbkdf2(10_000_000).into())), Ok(()));
    let error = decrypt(&encrypted_by(pbkdf2(10_000_001).into()), b"x").unwrap_err();
    assert!(error.to_string().contains("10000001 iterations"), "{error}");

    let sha1 = Pbkdf2Params { prf: Pbkdf2Prf::HmacWithSha1, ..pbkdf2(2048) };
    let error = decrypt(&encrypted_by(sha1.into()), b"x").unwrap_err();
    assert!(error.to_string().contains("Sha1"), "{error}");

    let scrypt = |cost_parameter| {
        let (salt, key_length) = ([1; 16].as_slice().try_into().unwrap(), None);
        let (block_size, parallelization) = (8, 1);
        Kdf::Scrypt(ScryptParams { salt, cost_parameter, block_size, parallelization, key_length })
    };
    assert_eq!(check_encryption(&encrypted_by(scrypt(1 << 19))), Ok(()));
    let error = decrypt(&encrypted_by(scrypt(1 << 20)), b"x").unwrap_err();
    assert!(error.to_string().contains("1073741824 octets"), "{error}");
}

#[test]
fn parameters_that_give_no_key_are_not_called_a_wrong_passphrase() {
    use pkcs5::pbes2::{Kdf, Pbkdf2Params, ScryptParams};
    let scrypt = |cost_parameter, block_size, parallelization, key_length| {
        let salt = [1; 16].as_slice().try_into().unwrap();
        Kdf::Scrypt(ScryptParams { salt, cost_parameter, block_size, parallelization, key_length })
    };
    let pbkdf2 = Pbkdf2Params::hmac_sha256(2048, &[1; 16]).unwrap();
    for fine in [scrypt(2, 1, 1, None), scrypt(1 << 15, 1, 1, Some(32)), pbkdf2.into()] {
        assert_eq!(check_encryption(&encrypted_by(fine.clone())), Ok(()));
        assert_eq!(decrypt(&encrypted_by(fine), b"x"), Err(KeyError::Passphrase));
    }
    for (wrong, found) in [
        (scrypt(1000, 8, 1, None), "scrypt with N=1000, r=8, p=1"),
        (scrypt(1, 8, 1, None), "scrypt with N=1, r=8, p=1"),
        (scrypt(1 << 16, 1, 1, None), "scrypt with N=65536, r=1, p=1"),
        (scrypt(2, 0, 1, None), "scrypt with N=2, r=0, p=1"),
        (scrypt(2, 1, 0, None), "scrypt with N=2, r=1, p=0"),
        (scrypt(2, 1, 1, Some(16)), "a derived key of 16 octets for a cipher that takes 32"),
        (Pbkdf2Params { iteration_count: 0, ..pbkdf2 }.into(), "PBKDF2 with 0 iterations"),
    ] {
        let der = encrypted_by(wrong);
        let error = decrypt(&der, b"x").unwrap_err();
        assert!(matches!(error, KeyError::EncryptionParameters { .. }), "{error}");
        assert!(error.to_string().contains(found), "{error}");
        assert_eq!(check_encryption(&der), Err(error));
    }
}

/// OpenSSL writes the both form unless told otherwise, and Go and pyca refuse it.
#[test]
fn a_key_in_the_both_form_is_written_as_its_seed() {
    let both = include_bytes!("../../../tests/data/inspect/both-key.der");
    let key = PrivateKey::from_der(both).unwrap();
    assert_eq!(key.form(), Some(KeyForm::Both));
    let written = key.to_pkcs8_der().unwrap();
    assert!(written.len() < 100, "{} octets", written.len());
    let again = PrivateKey::from_der(&written).unwrap();
    assert_eq!((again.form(), again.public_key()), (Some(KeyForm::Seed), key.public_key()));
    // The last octet of the expanded key, to which the seed no longer expands.
    let mut twin = both.to_vec();
    *twin.last_mut().unwrap() ^= 1;
    assert_eq!(
        PrivateKey::from_der(&twin).unwrap_err(),
        KeyError::SeedMismatch { algorithm: "ML-DSA" }
    );
}
