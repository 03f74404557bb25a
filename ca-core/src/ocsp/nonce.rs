//! Nonces, which tie a response to its request (RFC 9654).

use std::fmt;

use der::asn1::{AnyRef, OctetString};
use der::{Decode, Encode, Tag, Tagged};
use rand_core::CryptoRng;
use x509_cert::ext::Extension;

use super::NONCE;
use crate::crl::error::Fault;
use crate::crl::extension::RawExtension;
use crate::plan::encode::raw_extension;

/// 1 to 128 octets that nobody could foresee.
#[derive(Clone, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// Octets of the nonces that are made here (RFC 9654 section 2.1 asks for 32 at least).
    pub const LENGTH: usize = 32;
    /// Octets at most.
    pub const MAX_LENGTH: usize = 128;

    /// Draws one of [`Self::LENGTH`] octets.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut octets = vec![0; Self::LENGTH];
        rng.fill_bytes(&mut octets);
        Self(octets)
    }

    /// Takes a nonce that was made before.
    ///
    /// # Errors
    /// `InvalidNonce` unless there are 1 to 128 octets.
    pub fn new(octets: &[u8]) -> Result<Self, InvalidNonce> {
        if !(1..=Self::MAX_LENGTH).contains(&octets.len()) {
            return Err(InvalidNonce { found: octets.len() });
        }
        Ok(Self(octets.to_vec()))
    }

    /// Its octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn to_extension(&self) -> Result<Extension, der::Error> {
        raw_extension(NONCE, false, OctetString::new(self.0.as_slice())?.to_der()?)
    }

    /// The extension's value: an OCTET STRING inside the one that every extension has.
    pub(super) fn read(extension: &RawExtension<'_>) -> Result<Self, Fault> {
        let allowed = "an OCTET STRING of 1 to 128 octets (RFC 9654)";
        let value = AnyRef::from_der(extension.value)
            .ok()
            .filter(|value| value.tag() == Tag::OctetString)
            .ok_or_else(|| Fault::new("nonce", "something else than an OCTET STRING", allowed))?;
        Self::new(value.value())
            .map_err(|error| Fault::new("nonce", format!("{} octets", error.found), allowed))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fingerprint::write_hex(f, &self.0)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({self})")
    }
}

/// Not a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nonce: {found} octets, allowed are 1 to 128 (RFC 9654)")]
pub struct InvalidNonce {
    /// Octets found.
    pub found: usize,
}
