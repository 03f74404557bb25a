//! Which keys are strong enough to be certified or trusted.

use std::sync::{Arc, OnceLock};

use bp256::BrainpoolP256r1;
use bp384::BrainpoolP384r1;
use der::Decode;
use ecdsa::VerifyingKey;
use p384::NistP384;
use p521::NistP521;

use super::{PublicKey, PublicKeyError, RSA_MAX_BITS, RSA_MIN_BITS, RsaPublicKey, rsa};
use crate::algorithm::{ClassicalKey, Curve, KeyKind};
use crate::aws_lc;

/// The verdict on a key, reached once and shared by its copies: a request, its plan, its lints and
/// every signature ask again. It is no part of what the key is.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict(Arc<OnceLock<Result<(), PublicKeyError>>>);

impl PartialEq for Verdict {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Verdict {}

impl PublicKey {
    /// Whether the key, or the classical half of a composite, is strong enough to be certified or
    /// to be trusted: RSA from 2048 to 8192 bits in whole octets whose modulus is none of the
    /// known ways to fail (small factors, ROCA, close primes), points that lie on their curve,
    /// EdDSA keys of large order, ML-KEM keys whose coefficients are below the modulus (FIPS 203
    /// section 7.2). The other kinds are strong by construction.
    ///
    /// # Errors
    /// `PublicKeyError::RsaBits` names the size that was found, `RsaSmallFactor`, `RsaRoca` and
    /// `RsaClosePrimes` how the modulus can be factored, `PublicKeyError::WeakPoint` the algorithm
    /// of a point for which anyone can sign or nobody, `PublicKeyError::Coefficient` the ML-KEM
    /// set.
    pub fn check_strength(&self) -> Result<(), PublicKeyError> {
        self.verdict.0.get_or_init(|| self.judge()).clone()
    }

    fn judge(&self) -> Result<(), PublicKeyError> {
        match (self.kind, self.composite_halves()) {
            (KeyKind::Classical(kind), _) => check_classical(kind, &self.key),
            (KeyKind::Composite(composite), Some(halves)) => {
                check_classical(composite.classical_key(), halves.classical)
            }
            (KeyKind::MlKem(set), _) => aws_lc::check_ml_kem_public(set, &self.key)
                .map_err(|_| PublicKeyError::Coefficient { set }),
            _ => Ok(()),
        }
    }
}

/// What the length and the format of a classical key do not tell.
fn check_classical(kind: ClassicalKey, key: &[u8]) -> Result<(), PublicKeyError> {
    let strong = match kind {
        ClassicalKey::Rsa { bits } => return check_rsa(bits, key),
        ClassicalKey::Ed25519 => key
            .try_into()
            .ok()
            .and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(key).ok())
            .is_some_and(|key| !key.is_weak()),
        ClassicalKey::Ed448 => {
            crrl::ed448::Point::decode(key).is_some_and(|point| point.has_low_order() == 0)
        }
        ClassicalKey::Ec(curve) => is_on_curve(curve, key),
    };
    if strong { Ok(()) } else { Err(PublicKeyError::WeakPoint { algorithm: kind.to_string() }) }
}

/// These curves have a prime order: whatever lies on them, but for the point at infinity, which
/// has no uncompressed form, is of large order.
fn is_on_curve(curve: Curve, key: &[u8]) -> bool {
    match curve {
        Curve::P256 => crrl::p256::PublicKey::decode(key).is_some(),
        Curve::P384 => VerifyingKey::<NistP384>::from_sec1_bytes(key).is_ok(),
        Curve::P521 => VerifyingKey::<NistP521>::from_sec1_bytes(key).is_ok(),
        Curve::BrainpoolP256r1 => VerifyingKey::<BrainpoolP256r1>::from_sec1_bytes(key).is_ok(),
        Curve::BrainpoolP384r1 => VerifyingKey::<BrainpoolP384r1>::from_sec1_bytes(key).is_ok(),
    }
}

fn check_rsa(bits: u32, key: &[u8]) -> Result<(), PublicKeyError> {
    // Nobody makes a modulus of broken octets on purpose, and implementations differ on it. The
    // size comes first: it bounds what follows.
    if !(RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits) || !bits.is_multiple_of(8) {
        return Err(PublicKeyError::RsaBits { bits });
    }
    rsa::check_modulus(RsaPublicKey::from_der(key)?.modulus.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use der::Encode;
    use der::asn1::UintRef;

    use crypto_bigint::ConcatenatingSquare as _;

    use super::*;
    use crate::algorithm::{ClassicalScheme, Composite, SignatureScheme};
    use crate::public_key::moduli;

    /// `y` as a little-endian number of an EdDSA key.
    fn point<const N: usize>(first: u8, middle: u8, last: u8) -> [u8; N] {
        let mut key = [middle; N];
        (key[0], key[N - 1]) = (first, last);
        key
    }

    fn eddsa(kind: ClassicalKey, key: &[u8]) -> PublicKey {
        PublicKey::from_raw(KeyKind::Classical(kind), key).unwrap()
    }

    #[test]
    fn points_for_which_anyone_can_sign_are_weak() {
        // The neutral point, the one of order 2 (y = p - 1), those of order 4 (y = 0).
        for key in
            [point::<32>(1, 0, 0), point(0xec, 0xff, 0x7f), point(0, 0, 0), point(0, 0, 0x80)]
        {
            let error = eddsa(ClassicalKey::Ed25519, &key).check_strength().unwrap_err();
            assert_eq!(error, PublicKeyError::WeakPoint { algorithm: "Ed25519".into() });
            assert!(error.to_string().contains("allowed"), "{error}");
        }
        // The neutral point again, as p + 1.
        assert!(
            eddsa(ClassicalKey::Ed25519, &point::<32>(0xee, 0xff, 0x7f)).check_strength().is_err()
        );
        for key in [point::<57>(1, 0, 0), point(0, 0, 0), point(0, 0, 0x80)] {
            let error = eddsa(ClassicalKey::Ed448, &key).check_strength().unwrap_err();
            assert_eq!(error, PublicKeyError::WeakPoint { algorithm: "Ed448".into() });
        }
    }

    #[test]
    fn a_signature_without_a_private_key_is_refused() {
        // R the neutral point and S = 0 hold for every message under the neutral key.
        let key = eddsa(ClassicalKey::Ed25519, &point::<32>(1, 0, 0));
        let forged = [point::<32>(1, 0, 0), [0; 32]].concat();
        let scheme = SignatureScheme::Classical(ClassicalScheme::Ed25519);
        let error = crate::signature::verify(&key, scheme, b"anything", &forged).unwrap_err();
        assert!(matches!(error, crate::signature::SignatureError::WeakKey(_)), "{error}");
    }

    #[test]
    fn the_classical_half_of_a_composite_is_checked_too() {
        for (arc, half) in
            [(39, point::<32>(1, 0, 0).to_vec()), (51, point::<57>(1, 0, 0).to_vec())]
        {
            let composite = Composite::from_arc(arc).unwrap();
            let ml_dsa = vec![7; composite.ml_dsa().public_key_size()];
            let key = [ml_dsa, half].concat();
            let key = PublicKey::from_raw(KeyKind::Composite(composite), &key).unwrap();
            assert!(matches!(key.check_strength(), Err(PublicKeyError::WeakPoint { .. })), "{arc}");
        }
    }

    #[test]
    fn an_rsa_modulus_is_odd_and_of_whole_octets() {
        let key = |first: u8, last: u8| {
            let mut modulus = [0xff; 257];
            (modulus[0], modulus[256]) = (first, last);
            rsa(&modulus, &[1, 0, 1])
        };
        key(0, 1).unwrap().check_strength().unwrap();
        assert_eq!(key(0, 2).unwrap_err(), PublicKeyError::RsaModulus);
        let error = key(1, 1).unwrap().check_strength().unwrap_err();
        assert_eq!(error, PublicKeyError::RsaBits { bits: 2049 });
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, PublicKeyError> {
        let (modulus, exponent) = (UintRef::new(modulus)?, UintRef::new(exponent)?);
        let der = RsaPublicKey { modulus, exponent }.to_der()?;
        PublicKey::from_raw(KeyKind::Classical(ClassicalKey::Rsa { bits: 0 }), &der)
    }

    #[test]
    fn moduli_that_can_be_factored_are_told_by_how() {
        let verdict = |modulus: &str| {
            let modulus = crate::fingerprint::hex_octets(modulus).unwrap();
            rsa(&modulus, &[1, 0, 1]).unwrap().check_strength()
        };
        verdict(moduli::NORMAL).unwrap();
        verdict(moduli::FAR).unwrap();
        let error = PublicKeyError::RsaSmallFactor { factor: 751 };
        assert_eq!(verdict(moduli::SMALL_FACTOR), Err(error));
        assert_eq!(verdict(moduli::ROCA), Err(PublicKeyError::RsaRoca));
        let close = |verdict| match verdict {
            Err(PublicKeyError::RsaClosePrimes { round }) => round,
            other => panic!("{other:?}"),
        };
        assert_eq!(close(verdict(moduli::CLOSE)), 1);
        let later = close(verdict(moduli::CLOSE_LATER));
        assert!((60..=62).contains(&later), "{later}");
        // A square: both primes are the same.
        let prime_squared = crypto_bigint::BoxedUint::max(1024).concatenating_square();
        assert!(rsa::close_factors(&prime_squared).is_some());
    }

    #[test]
    fn points_off_their_curve_are_refused() {
        for name in ["p256", "p384", "p521"] {
            let algorithm = crate::algorithm::Algorithm::named(name).unwrap();
            let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
            let key = crate::key::PrivateKey::generate(algorithm, &mut rng).unwrap();
            let key = key.public_key();
            key.check_strength().unwrap();
            let mut bent = key.key_bytes().to_vec();
            *bent.last_mut().unwrap() ^= 1;
            let bent = PublicKey::from_raw(key.kind(), &bent).unwrap();
            let error = bent.check_strength().unwrap_err();
            assert!(matches!(error, PublicKeyError::WeakPoint { .. }), "{name}: {error}");
        }
        for curve in [Curve::BrainpoolP256r1, Curve::BrainpoolP384r1] {
            let kind = KeyKind::Classical(ClassicalKey::Ec(curve));
            let point = [&[4][..], &vec![7; 2 * curve.field_size()]].concat();
            let error = PublicKey::from_raw(kind, &point).unwrap().check_strength().unwrap_err();
            assert!(matches!(error, PublicKeyError::WeakPoint { .. }), "{error}");
        }
        // The point at infinity has one octet.
        let kind = KeyKind::Classical(ClassicalKey::Ec(Curve::P256));
        assert!(PublicKey::from_raw(kind, &[0]).is_err());
    }

    #[test]
    fn copies_of_a_key_share_its_verdict_and_a_huge_modulus_is_refused_by_its_size() {
        let modulus = crate::fingerprint::hex_octets(moduli::ROCA).unwrap();
        let key = rsa(&modulus, &[1, 0, 1]).unwrap();
        let copy = key.clone();
        assert_eq!(key.check_strength(), Err(PublicKeyError::RsaRoca));
        assert_eq!(copy.verdict.0.get(), Some(&Err(PublicKeyError::RsaRoca)));
        // Equality is of keys, whether or not they were judged.
        assert_eq!(copy, rsa(&modulus, &[1, 0, 1]).unwrap());
        let huge = rsa(&modulus.repeat(8), &[1, 0, 1]).unwrap();
        assert_eq!(huge.check_strength(), Err(PublicKeyError::RsaBits { bits: 16_384 }));
    }
}
