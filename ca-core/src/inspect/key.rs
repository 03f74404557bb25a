//! Public keys as they are shown.

use const_oid::ObjectIdentifier;
use serde::Serialize;

use super::names::hex;
use crate::algorithm::KeyKind;
use crate::public_key::{PublicKey, key_identifier};

/// What protects a key or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFamily {
    /// Broken by a large quantum computer.
    Classical,
    /// ML-DSA, SLH-DSA or ML-KEM alone.
    PostQuantum,
    /// ML-DSA and a classical half.
    Composite,
    /// Not known here.
    Unknown,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// The algorithm's name, or `unknown`.
    pub algorithm: String,
    /// The identifier in the SubjectPublicKeyInfo.
    pub oid: String,
    /// What protects it.
    pub family: KeyFamily,
    /// NIST's post-quantum security category; none for classical and unknown keys.
    pub nist_level: Option<u8>,
    /// Octets of the key itself, inside the BIT STRING.
    pub size_octets: usize,
    /// The halves of a composite, ML-DSA first; empty for other keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub halves: Vec<Half>,
    /// SHA-256 of the SubjectPublicKeyInfo, in hexadecimal.
    pub sha256: String,
    /// The key identifier of RFC 7093 section 2 method 1, in hexadecimal.
    pub key_identifier: String,
    /// What is wrong or weak about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// One half of a composite key or signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Half {
    /// The algorithm's name.
    pub algorithm: String,
    /// What protects it.
    pub family: KeyFamily,
    /// NIST's post-quantum security category; none for the classical half.
    pub nist_level: Option<u8>,
    /// Octets.
    pub size_octets: usize,
    /// For a key: SHA-256 of the SubjectPublicKeyInfo that it would have alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl KeyReport {
    /// Describes a key.
    pub fn new(key: &PublicKey) -> Self {
        let (family, nist_level) = strength(key.kind());
        let halves = key.composite_keys().map(|(ml_dsa, classical)| [ml_dsa, classical]);
        Self {
            algorithm: algorithm_name(key.kind()),
            oid: key_identifier(key.kind()).oid.to_string(),
            family,
            nist_level,
            size_octets: key.key_bytes().len(),
            halves: halves.iter().flatten().map(Half::of_key).collect(),
            sha256: key.fingerprint().to_string(),
            key_identifier: hex(&key.key_identifier()),
            warnings: key.check_strength().err().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Half {
    fn of_key(key: &PublicKey) -> Self {
        let (family, nist_level) = strength(key.kind());
        Self {
            algorithm: key.kind().to_string(),
            family,
            nist_level,
            size_octets: key.key_bytes().len(),
            sha256: Some(key.fingerprint().to_string()),
        }
    }
}

fn strength(kind: KeyKind) -> (KeyFamily, Option<u8>) {
    match kind {
        KeyKind::Classical(_) => (KeyFamily::Classical, None),
        KeyKind::MlDsa(set) => (KeyFamily::PostQuantum, Some(set.nist_level())),
        KeyKind::SlhDsa(set) => (KeyFamily::PostQuantum, Some(set.nist_level())),
        KeyKind::MlKem(set) => (KeyFamily::PostQuantum, Some(set.nist_level())),
        KeyKind::Composite(composite) => {
            (KeyFamily::Composite, Some(composite.ml_dsa().nist_level()))
        }
        KeyKind::Other(_) => (KeyFamily::Unknown, None),
    }
}

/// Keys that can't sign, but that a certificate may hold.
const OTHER_KEYS: [(&str, &str); 2] = [("1.3.101.110", "X25519"), ("1.3.101.111", "X448")];

fn algorithm_name(kind: KeyKind) -> String {
    let KeyKind::Other(oid) = kind else { return kind.to_string() };
    other_name(oid).unwrap_or("unknown").to_owned()
}

fn other_name(oid: ObjectIdentifier) -> Option<&'static str> {
    let oid = oid.to_string();
    OTHER_KEYS.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name)
}
