//! Private keys as they are shown: their kind, their form and their public key, nothing else.

use serde::Serialize;

use super::key::KeyReport;
use super::kind::Kind;
use crate::key::{KeyError, KeyForm, PrivateKey};

/// A private key in the clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrivateKeyReport {
    /// The structure around the key.
    pub container: Container,
    /// How an ML-DSA or ML-KEM key, or the ML-DSA half of a composite, is written; none for other
    /// keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<PrivateForm>,
    /// Octets of the whole.
    pub size_octets: usize,
    /// The public key that belongs to it.
    pub public_key: KeyReport,
}

/// Structures that hold a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Container {
    /// RFC 5958.
    #[serde(rename = "PKCS#8")]
    Pkcs8,
    /// RFC 5915.
    #[serde(rename = "SEC1")]
    Sec1,
    /// RFC 8017.
    #[serde(rename = "PKCS#1")]
    Pkcs1,
}

/// The three ways to write an ML-DSA or ML-KEM private key (RFC 9881 section 6, RFC 9935 section
/// 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PrivateForm {
    /// The octets that the key grows from; what this CA writes.
    #[serde(rename = "seed")]
    Seed,
    /// The grown key without its seed.
    #[serde(rename = "expandedKey")]
    ExpandedKey,
    /// Both, which must agree.
    #[serde(rename = "both")]
    Both,
}

impl PrivateKeyReport {
    /// Describes DER of a private key.
    ///
    /// # Errors
    /// `KeyError` when the key can't be read, or its parts don't agree.
    pub(super) fn new(kind: Kind, der: &[u8]) -> Result<Self, KeyError> {
        let key = PrivateKey::from_der(der)?;
        let container = match kind {
            Kind::Sec1PrivateKey => Container::Sec1,
            Kind::Pkcs1PrivateKey => Container::Pkcs1,
            _ => Container::Pkcs8,
        };
        Ok(Self {
            container,
            form: key.form().map(PrivateForm::from),
            size_octets: der.len(),
            public_key: KeyReport::new(key.public_key()),
        })
    }
}

impl From<KeyForm> for PrivateForm {
    fn from(form: KeyForm) -> Self {
        match form {
            KeyForm::Seed => Self::Seed,
            KeyForm::ExpandedKey => Self::ExpandedKey,
            KeyForm::Both => Self::Both,
        }
    }
}
