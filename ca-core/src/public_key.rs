//! Public keys as a SubjectPublicKeyInfo holds them (RFC 5280 section 4.1.2.7).

#[cfg(test)]
pub(crate) mod moduli;
mod rsa;
mod strength;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{Any, BitStringRef, UintRef};
use der::{Decode, Encode, ErrorKind, Sequence, Tagged};
use sha2::{Digest, Sha256};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfo, SubjectPublicKeyInfoOwned};

use crate::algorithm::{ClassicalKey, Composite, Curve, KeyKind, MlDsa, MlKem, SlhDsa};
use crate::fingerprint::Fingerprint;
use crate::well_formed::is_well_formed;
use strength::Verdict;

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
    verdict: Verdict,
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
        // Those of a kind that is not known stay as they came.
        let parameters = info.algorithm.parameters.as_ref();
        if let Some(any) = parameters.filter(|any| !is_well_formed((*any).into())) {
            return Err(PublicKeyError::Malformed(ErrorKind::Value { tag: any.tag() }.into()));
        }
        let key = info.subject_public_key.as_bytes().ok_or(PublicKeyError::UnusedBits)?;
        let kind = kind_of(&info.algorithm, key)?;
        Ok(Self { kind, key: key.to_vec(), spki: der.to_vec(), verdict: Verdict::default() })
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
        Self::from_spki(&encoded(kind, key)?)
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
        // Both halves were checked when the composite was read.
        let half = |kind, key: &[u8]| {
            let spki = encoded(kind, key).ok()?;
            Some(Self { kind, spki, key: key.to_vec(), verdict: Verdict::default() })
        };
        let ml_dsa = half(KeyKind::MlDsa(composite.ml_dsa()), halves.ml_dsa)?;
        Some((ml_dsa, half(KeyKind::Classical(composite.classical_key()), halves.classical)?))
    }
}

/// The DER SubjectPublicKeyInfo of these key octets.
fn encoded(kind: KeyKind, key: &[u8]) -> Result<Vec<u8>, der::Error> {
    let subject_public_key = BitStringRef::from_bytes(key)?;
    SubjectPublicKeyInfo { algorithm: key_identifier(kind), subject_public_key }.to_der()
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
    /// A point off its curve, or an EdDSA key for which anyone can make signatures, so that it
    /// proves nothing.
    #[error(
        "public key: the {algorithm} key is no point of its curve or one of small order, allowed are points of large order"
    )]
    WeakPoint {
        /// Whose key.
        algorithm: String,
    },
    /// A factor that anyone finds.
    #[error("public key: the RSA modulus has the factor {factor}, allowed are two large primes")]
    RsaSmallFactor {
        /// The factor.
        factor: u16,
    },
    /// Made by the library of CVE-2017-15361, whose keys can be factored.
    #[error(
        "public key: the RSA modulus has the form of CVE-2017-15361 (ROCA) and can be factored, allowed are moduli of random primes; make a new key with other software or hardware"
    )]
    RsaRoca,
    /// The factors lie close together (CVE-2022-26320).
    #[error(
        "public key: the RSA modulus was factored in round {round} of Fermat's method, allowed are primes far from each other; make a new key with other software"
    )]
    RsaClosePrimes {
        /// In which round.
        round: u32,
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
