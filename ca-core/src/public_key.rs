//! Public keys as a SubjectPublicKeyInfo holds them (RFC 5280 section 4.1.2.7).

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{Any, BitString, UintRef};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::algorithm::{ClassicalKey, Composite, Curve, KeyKind, MlDsa, MlKem, SlhDsa};
use crate::aws_lc;
use crate::fingerprint::Fingerprint;

/// The smallest RSA modulus that is accepted, in bits.
pub const RSA_MIN_BITS: u32 = 2048;
/// The largest RSA modulus that is accepted, in bits; it bounds the work that a stranger's
/// certificate can cause.
pub const RSA_MAX_BITS: u32 = 8192;

/// A public key whose structure was checked: identifier, parameters, length, point format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Vec<u8>,
    key: Vec<u8>,
}

/// The two halves of a composite public key.
#[derive(Clone, Copy, Debug)]
pub struct CompositeHalves<'a> {
    /// The raw ML-DSA key.
    pub ml_dsa: &'a [u8],
    /// The classical key: an uncompressed point, a raw EdDSA key or an RSAPublicKey.
    pub classical: &'a [u8],
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `PublicKeyError` when it is not DER, has parameters that its algorithm forbids, a length
    /// that does not fit, a compressed point, or an RSA key that is malformed.
    pub fn from_spki(der: &[u8]) -> Result<Self, PublicKeyError> {
        let info = SubjectPublicKeyInfoOwned::from_der(der)?;
        let key = info.subject_public_key.as_bytes().ok_or(PublicKeyError::UnusedBits)?;
        let kind = kind_of(&info.algorithm, key)?;
        Ok(Self { kind, key: key.to_vec(), spki: der.to_vec() })
    }

    /// Reads a bare RSAPublicKey (RFC 8017 appendix A.1.1), as `RSA PUBLIC KEY` holds it.
    ///
    /// # Errors
    /// As [`Self::from_spki`].
    pub fn from_pkcs1(der: &[u8]) -> Result<Self, PublicKeyError> {
        // The size is no part of the identifier.
        Self::from_raw(KeyKind::Classical(ClassicalKey::Rsa { bits: 0 }), der)
    }

    /// Wraps the key octets of a known kind in their SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// As [`Self::from_spki`].
    pub fn from_raw(kind: KeyKind, key: &[u8]) -> Result<Self, PublicKeyError> {
        let info = SubjectPublicKeyInfoOwned {
            algorithm: key_identifier(kind),
            subject_public_key: BitString::from_bytes(key)?,
        };
        Self::from_spki(&info.to_der()?)
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The octets inside the BIT STRING.
    pub fn key_bytes(&self) -> &[u8] {
        &self.key
    }

    /// Both halves, when the key is a composite.
    pub fn composite_halves(&self) -> Option<CompositeHalves<'_>> {
        let KeyKind::Composite(composite) = self.kind else { return None };
        let (ml_dsa, classical) =
            self.key.split_at_checked(composite.ml_dsa().public_key_size())?;
        Some(CompositeHalves { ml_dsa, classical })
    }

    /// The key identifier of RFC 7093 section 2 method 1: the leftmost 160 bits of the SHA-256
    /// of the BIT STRING's octets.
    pub fn key_identifier(&self) -> [u8; 20] {
        let digest = Sha256::digest(&self.key);
        let mut identifier = [0; 20];
        identifier.copy_from_slice(&digest[..20]);
        identifier
    }

    /// The digest of the whole SubjectPublicKeyInfo.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.spki)
    }

    /// Digests of the keys that this key is made of: its halves if it is a composite, itself
    /// otherwise. Each is taken over the SubjectPublicKeyInfo that the half would have alone, so
    /// that a half is recognised in a standalone key (composite draft, "Key Reuse").
    pub fn component_fingerprints(&self) -> Vec<Fingerprint> {
        let halves = self.composite_keys();
        match halves {
            Some((ml_dsa, classical)) => vec![ml_dsa.fingerprint(), classical.fingerprint()],
            None => vec![self.fingerprint()],
        }
    }

    /// Whether the keys, or halves of them, are the same key, which the composite draft ("Key
    /// Reuse") forbids.
    pub fn shares_component(&self, other: &Self) -> bool {
        self.components().any(|one| other.components().any(|two| one == two))
    }

    fn components(&self) -> impl Iterator<Item = (KeyKind, &[u8])> {
        let parts = match (self.kind, self.composite_halves()) {
            (KeyKind::Composite(composite), Some(halves)) => [
                Some((KeyKind::MlDsa(composite.ml_dsa()), halves.ml_dsa)),
                Some((KeyKind::Classical(composite.classical_key()), halves.classical)),
            ],
            _ => [Some((self.kind, &self.key[..])), None],
        };
        parts.into_iter().flatten()
    }

    /// Both halves of a composite as keys of their own.
    pub fn composite_keys(&self) -> Option<(Self, Self)> {
        let KeyKind::Composite(composite) = self.kind else { return None };
        let halves = self.composite_halves()?;
        let ml_dsa = Self::from_raw(KeyKind::MlDsa(composite.ml_dsa()), halves.ml_dsa).ok()?;
        let kind = KeyKind::Classical(composite.classical_key());
        Some((ml_dsa, Self::from_raw(kind, halves.classical).ok()?))
    }

    /// Whether the key, or the classical half of a composite, is strong enough to be certified or
    /// to be trusted: RSA from 2048 to 8192 bits in whole octets, EdDSA keys that are points of
    /// large order, ML-KEM keys whose coefficients are below the modulus (FIPS 203 section 7.2).
    /// The other kinds are strong by construction.
    ///
    /// # Errors
    /// `PublicKeyError::RsaBits` names the size that was found, `PublicKeyError::WeakPoint` the
    /// algorithm of a point for which anyone can sign, `PublicKeyError::Coefficient` the ML-KEM
    /// set.
    pub fn check_strength(&self) -> Result<(), PublicKeyError> {
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

/// A public key that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not DER, or not a SubjectPublicKeyInfo.
    #[error("public key: not a DER SubjectPublicKeyInfo ({0})")]
    Malformed(#[from] der::Error),
    /// The BIT STRING does not end at an octet.
    #[error("public key: the BIT STRING has unused bits, allowed are none")]
    UnusedBits,
    /// The parameters are not those of the algorithm.
    #[error("public key: parameters of {algorithm} are not as allowed ({allowed})")]
    Parameters {
        /// Whose parameters.
        algorithm: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The key's length does not fit its identifier.
    #[error("public key: {algorithm} has {found} octets, allowed are {allowed}")]
    Length {
        /// What the identifier says.
        algorithm: String,
        /// Octets found.
        found: usize,
        /// Octets allowed.
        allowed: usize,
    },
    /// A compressed or hybrid point.
    #[error(
        "public key: the point of {algorithm} starts with {found:#04x}, allowed is an uncompressed point (0x04)"
    )]
    CompressedPoint {
        /// Whose point.
        algorithm: String,
        /// The first octet.
        found: u8,
    },
    /// An RSA key inside a composite whose size is not the one that the composite names.
    #[error("public key: the RSA half of {algorithm} has {bits} bits, allowed are {allowed}")]
    CompositeRsaBits {
        /// The composite.
        algorithm: String,
        /// Bits found.
        bits: u32,
        /// Bits allowed.
        allowed: u32,
    },
    /// Too small, or too large to check in reasonable time.
    #[error("public key: RSA with {bits} bits, allowed are 2048 to 8192 in whole octets")]
    RsaBits {
        /// Bits found.
        bits: u32,
    },
    /// An EdDSA key for which anyone can make signatures, so that it proves nothing.
    #[error(
        "public key: the {algorithm} key is no point of its curve or one of small order, allowed are points of large order"
    )]
    WeakPoint {
        /// Whose key.
        algorithm: String,
    },
    /// No encapsulation key of ML-KEM (FIPS 203 section 7.2).
    #[error(
        "public key: the {set} key has a coefficient of 3329 or more, allowed are coefficients below the modulus (FIPS 203 section 7.2)"
    )]
    Coefficient {
        /// The parameter set.
        set: MlKem,
    },
    /// No product of two odd primes.
    #[error("public key: the RSA modulus is even, allowed is an odd number")]
    RsaModulus,
    /// The exponent invites attacks or costs too much.
    #[error("public key: the RSA exponent is not an odd number from 3 to 2^33")]
    RsaExponent,
}

/// RSAPublicKey (RFC 8017 appendix A.1.1).
#[derive(Sequence)]
pub(crate) struct RsaPublicKey<'a> {
    pub(crate) modulus: UintRef<'a>,
    pub(crate) exponent: UintRef<'a>,
}

/// The AlgorithmIdentifier that stands in the SubjectPublicKeyInfo of a kind of key.
pub(crate) fn key_identifier(kind: KeyKind) -> AlgorithmIdentifierOwned {
    let (oid, parameters) = match kind {
        KeyKind::Classical(ClassicalKey::Ec(curve)) => {
            (rfc5912::ID_EC_PUBLIC_KEY, Some(Any::from(&curve.oid())))
        }
        KeyKind::Classical(ClassicalKey::Ed25519) => (rfc8410::ID_ED_25519, None),
        KeyKind::Classical(ClassicalKey::Ed448) => (rfc8410::ID_ED_448, None),
        KeyKind::Classical(ClassicalKey::Rsa { .. }) => {
            (rfc5912::RSA_ENCRYPTION, Some(Any::null()))
        }
        KeyKind::MlDsa(set) => (set.oid(), None),
        KeyKind::SlhDsa(set) => (set.oid(), None),
        KeyKind::Composite(composite) => (composite.oid(), None),
        KeyKind::MlKem(set) => (set.oid(), None),
        KeyKind::Other(oid) => (oid, None),
    };
    AlgorithmIdentifierOwned { oid, parameters }
}

fn kind_of(identifier: &AlgorithmIdentifierOwned, key: &[u8]) -> Result<KeyKind, PublicKeyError> {
    let kind = match identifier.oid {
        rfc5912::ID_EC_PUBLIC_KEY => KeyKind::Classical(ClassicalKey::Ec(curve_of(identifier)?)),
        rfc8410::ID_ED_25519 => KeyKind::Classical(ClassicalKey::Ed25519),
        rfc8410::ID_ED_448 => KeyKind::Classical(ClassicalKey::Ed448),
        rfc5912::RSA_ENCRYPTION => KeyKind::Classical(ClassicalKey::Rsa { bits: rsa_bits(key)? }),
        oid => MlDsa::from_oid(oid)
            .map(KeyKind::MlDsa)
            .or_else(|| SlhDsa::from_oid(oid).map(KeyKind::SlhDsa))
            .or_else(|| Composite::from_oid(oid).map(KeyKind::Composite))
            .or_else(|| MlKem::from_oid(oid).map(KeyKind::MlKem))
            .unwrap_or(KeyKind::Other(oid)),
    };
    if matches!(kind, KeyKind::Other(_)) {
        return Ok(kind);
    }
    let expected = key_identifier(kind);
    if identifier.parameters != expected.parameters {
        let allowed = match kind {
            KeyKind::Classical(ClassicalKey::Rsa { .. }) => "NULL",
            _ => "none",
        };
        return Err(PublicKeyError::Parameters { algorithm: kind.to_string(), allowed });
    }
    check_key(kind, key)?;
    Ok(kind)
}

fn curve_of(identifier: &AlgorithmIdentifierOwned) -> Result<Curve, PublicKeyError> {
    let named =
        identifier.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    named.and_then(Curve::from_oid).ok_or_else(|| PublicKeyError::Parameters {
        algorithm: "EC".into(),
        allowed: "the named curves P-256, P-384, P-521, brainpoolP256r1, brainpoolP384r1",
    })
}

fn check_key(kind: KeyKind, key: &[u8]) -> Result<(), PublicKeyError> {
    let length = |allowed: usize| {
        if key.len() == allowed {
            return Ok(());
        }
        Err(PublicKeyError::Length { algorithm: kind.to_string(), found: key.len(), allowed })
    };
    match kind {
        KeyKind::Classical(ClassicalKey::Ec(curve)) => {
            match key.first() {
                Some(0x04) | None => {}
                Some(found) => {
                    let algorithm = kind.to_string();
                    return Err(PublicKeyError::CompressedPoint { algorithm, found: *found });
                }
            }
            length(1 + 2 * curve.field_size())
        }
        KeyKind::Classical(ClassicalKey::Ed25519) => length(32),
        KeyKind::Classical(ClassicalKey::Ed448) => length(57),
        KeyKind::Classical(ClassicalKey::Rsa { .. }) | KeyKind::Other(_) => Ok(()),
        KeyKind::MlDsa(set) => length(set.public_key_size()),
        KeyKind::SlhDsa(set) => length(set.public_key_size()),
        KeyKind::MlKem(set) => length(set.public_key_size()),
        KeyKind::Composite(composite) => check_composite(composite, key),
    }
}

fn check_composite(composite: Composite, key: &[u8]) -> Result<(), PublicKeyError> {
    let size = composite.ml_dsa().public_key_size();
    let Some((_, classical)) = key.split_at_checked(size).filter(|(_, half)| !half.is_empty())
    else {
        let algorithm = composite.to_string();
        return Err(PublicKeyError::Length { algorithm, found: key.len(), allowed: size + 1 });
    };
    let ClassicalKey::Rsa { bits: allowed } = composite.classical_key() else {
        return check_key(KeyKind::Classical(composite.classical_key()), classical);
    };
    let bits = rsa_bits(classical)?;
    if bits == allowed {
        return Ok(());
    }
    Err(PublicKeyError::CompositeRsaBits { algorithm: composite.to_string(), bits, allowed })
}

/// What the length and the format of a classical key do not tell.
fn check_classical(kind: ClassicalKey, key: &[u8]) -> Result<(), PublicKeyError> {
    let strong = match kind {
        ClassicalKey::Rsa { bits } => {
            // Nobody makes a modulus of broken octets on purpose, and implementations differ on it.
            let fits = (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits) && bits.is_multiple_of(8);
            return if fits { Ok(()) } else { Err(PublicKeyError::RsaBits { bits }) };
        }
        ClassicalKey::Ed25519 => key
            .try_into()
            .ok()
            .and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(key).ok())
            .is_some_and(|key| !key.is_weak()),
        ClassicalKey::Ed448 => {
            crrl::ed448::Point::decode(key).is_some_and(|point| point.has_low_order() == 0)
        }
        ClassicalKey::Ec(_) => true,
    };
    if strong { Ok(()) } else { Err(PublicKeyError::WeakPoint { algorithm: kind.to_string() }) }
}

fn rsa_bits(key: &[u8]) -> Result<u32, PublicKeyError> {
    let rsa = RsaPublicKey::from_der(key)?;
    let exponent = rsa.exponent.as_bytes();
    // More than 33 bits only slow a verifier down (the bound that AWS-LC and BoringSSL set).
    let fits = exponent.len() <= 4 || (exponent.len() == 5 && exponent[0] <= 1);
    let odd = exponent.last().is_some_and(|octet| octet & 1 == 1);
    if !fits || !odd || exponent == [1] {
        return Err(PublicKeyError::RsaExponent);
    }
    let modulus = rsa.modulus.as_bytes();
    if modulus.last().is_none_or(|octet| octet & 1 == 0) {
        return Err(PublicKeyError::RsaModulus);
    }
    let leading = modulus.first().map_or(0, |octet| octet.leading_zeros());
    Ok(u32::try_from(modulus.len() * 8).unwrap_or(u32::MAX) - leading)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::algorithm::{ClassicalScheme, SignatureScheme};

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
            let exponent = UintRef::new(&[1, 0, 1]).unwrap();
            let der = RsaPublicKey { modulus: UintRef::new(&modulus).unwrap(), exponent };
            PublicKey::from_raw(
                KeyKind::Classical(ClassicalKey::Rsa { bits: 0 }),
                &der.to_der().unwrap(),
            )
        };
        key(0, 1).unwrap().check_strength().unwrap();
        assert_eq!(key(0, 2).unwrap_err(), PublicKeyError::RsaModulus);
        let error = key(1, 1).unwrap().check_strength().unwrap_err();
        assert_eq!(error, PublicKeyError::RsaBits { bits: 2049 });
    }
}
