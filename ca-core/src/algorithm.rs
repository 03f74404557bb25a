//! The registry of algorithms: one row for each way that a key of ours can sign.
//!
//! A row pairs a kind of key ([`KeyKind`]) with the scheme it signs by ([`SignatureScheme`]).
//! For ML-DSA, SLH-DSA and composites the two are one; an RSA key can sign by PKCS#1 v1.5 or by
//! PSS, so it has two rows. Keys that establish keys (ML-KEM) stand apart: [`KeyAlgorithm`] names
//! both sorts.

mod composite;
mod key_algorithm;
mod ml_kem;
mod registry;
mod scheme;
mod slh_dsa;

use std::fmt;

use const_oid::ObjectIdentifier;

pub use composite::{Composite, PreHash};
pub use key_algorithm::KeyAlgorithm;
pub use ml_kem::MlKem;
pub use registry::{Algorithm, AlgorithmError, Family};
pub use scheme::{SchemeError, SignatureScheme};
pub use slh_dsa::SlhDsa;

/// Hash functions that a signature may use. SHA-1 is not among them: it is refused everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256, FIPS 180-4.
    Sha256,
    /// SHA-384, FIPS 180-4.
    Sha384,
    /// SHA-512, FIPS 180-4.
    Sha512,
}

impl Hash {
    /// Every hash function that a signature may use.
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha384, Self::Sha512];

    /// The size of a digest in octets; PSS uses it as the length of its salt.
    pub fn size(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The hash function's own object identifier (NIST, 2.16.840.1.101.3.4.2).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha256 => const_oid::db::rfc5912::ID_SHA_256,
            Self::Sha384 => const_oid::db::rfc5912::ID_SHA_384,
            Self::Sha512 => const_oid::db::rfc5912::ID_SHA_512,
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// Elliptic curves for ECDSA. The registry and profiles have the brainpool ones only inside
/// composites; alone they are read and verified, but neither made nor certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, SP 800-186.
    P256,
    /// NIST P-384, SP 800-186.
    P384,
    /// NIST P-521, SP 800-186.
    P521,
    /// brainpoolP256r1, RFC 5639.
    BrainpoolP256r1,
    /// brainpoolP384r1, RFC 5639.
    BrainpoolP384r1,
}

impl Curve {
    /// Every curve that is known here.
    pub const ALL: [Self; 5] =
        [Self::P256, Self::P384, Self::P521, Self::BrainpoolP256r1, Self::BrainpoolP384r1];

    /// The namedCurve identifier (RFC 5480, RFC 5639).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => const_oid::db::rfc5912::SECP_256_R_1,
            Self::P384 => const_oid::db::rfc5912::SECP_384_R_1,
            Self::P521 => const_oid::db::rfc5912::SECP_521_R_1,
            Self::BrainpoolP256r1 => const { ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7") },
            Self::BrainpoolP384r1 => {
                const { ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11") }
            }
        }
    }

    /// The curve that `oid` names.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Octets of a coordinate or of a private scalar.
    pub fn field_size(self) -> usize {
        match self {
            Self::P256 | Self::BrainpoolP256r1 => 32,
            Self::P384 | Self::BrainpoolP384r1 => 48,
            Self::P521 => 66,
        }
    }

    /// The hash function whose strength fits the curve.
    pub fn hash(self) -> Hash {
        match self {
            Self::P256 | Self::BrainpoolP256r1 => Hash::Sha256,
            Self::P384 | Self::BrainpoolP384r1 => Hash::Sha384,
            Self::P521 => Hash::Sha512,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::BrainpoolP256r1 => "brainpoolP256r1",
            Self::BrainpoolP384r1 => "brainpoolP384r1",
        })
    }
}

/// The parameter sets of ML-DSA (FIPS 204), once called Dilithium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MlDsa {
    /// ML-DSA-44, NIST level 2.
    MlDsa44,
    /// ML-DSA-65, NIST level 3.
    MlDsa65,
    /// ML-DSA-87, NIST level 5.
    MlDsa87,
}

impl MlDsa {
    /// Every parameter set.
    pub const ALL: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];
    /// Octets of a private seed, the same for every set (FIPS 204 algorithm 1).
    pub const SEED_SIZE: usize = 32;

    /// The identifier of key and signature (RFC 9881).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlDsa44 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17") },
            Self::MlDsa65 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18") },
            Self::MlDsa87 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19") },
        }
    }

    /// The set that `oid` names.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.oid() == oid)
    }

    /// Octets of a public key (FIPS 204 table 2).
    pub fn public_key_size(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Octets of an expanded private key (FIPS 204 table 2).
    pub fn expanded_key_size(self) -> usize {
        match self {
            Self::MlDsa44 => 2560,
            Self::MlDsa65 => 4032,
            Self::MlDsa87 => 4896,
        }
    }

    /// Octets of a signature (FIPS 204 table 2).
    pub fn signature_size(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }

    /// NIST's security category.
    pub fn nist_level(self) -> u8 {
        match self {
            Self::MlDsa44 => 2,
            Self::MlDsa65 => 3,
            Self::MlDsa87 => 5,
        }
    }
}

impl fmt::Display for MlDsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        })
    }
}

/// Kinds of classical keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassicalKey {
    /// An elliptic-curve key for ECDSA.
    Ec(Curve),
    /// An Ed25519 key (RFC 8032, RFC 8410).
    Ed25519,
    /// An Ed448 key (RFC 8032, RFC 8410); made and certified only inside a composite.
    Ed448,
    /// An RSA key.
    Rsa {
        /// Bits of the modulus.
        bits: u32,
    },
}

impl fmt::Display for ClassicalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec(curve) => write!(f, "ECDSA {curve}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
        }
    }
}

/// How a classical key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClassicalScheme {
    /// ECDSA over a digest (RFC 5758).
    Ecdsa(Hash),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// RSASSA-PKCS1-v1_5 (RFC 8017).
    RsaPkcs1(Hash),
    /// RSASSA-PSS with MGF1 of the same hash and a salt of its length (RFC 4055).
    RsaPss(Hash),
}

impl fmt::Display for ClassicalScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ecdsa(hash) => write!(f, "ECDSA with {hash}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::RsaPkcs1(hash) => write!(f, "RSA PKCS#1 v1.5 with {hash}"),
            Self::RsaPss(hash) => write!(f, "RSA-PSS with {hash}"),
        }
    }
}

/// Kinds of keys that can stand in a SubjectPublicKeyInfo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A classical key.
    Classical(ClassicalKey),
    /// A pure ML-DSA key.
    MlDsa(MlDsa),
    /// An SLH-DSA key.
    SlhDsa(SlhDsa),
    /// A composite of ML-DSA and a classical key.
    Composite(Composite),
    /// An ML-KEM key, which establishes keys and can't sign.
    MlKem(MlKem),
    /// A key that is not known here, such as X25519; it can be shown and certified by others, but
    /// no signature is ever accepted from it.
    Other(ObjectIdentifier),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classical(key) => key.fmt(f),
            Self::MlDsa(set) => set.fmt(f),
            Self::SlhDsa(set) => set.fmt(f),
            Self::Composite(composite) => composite.fmt(f),
            Self::MlKem(set) => set.fmt(f),
            Self::Other(oid) => write!(f, "unknown key {oid}"),
        }
    }
}

#[cfg(test)]
mod tests;
