//! What travels by pictures, between the machine without a network and others: certificates, requests for
//! them and revocation lists. All of them are public. Their signatures are checked by whoever uses them; here
//! people compare the digest.
//!
//! A file becomes texts of equal length ([`parts`]), and each text a QR code ([`picture`]).

pub mod parts;
pub mod picture;

use std::fmt;

use ca_core::certificate::Certificate;
use ca_core::crl::CertificateList;
use ca_core::csr::CertificateRequest;
use ca_core::escape::escaped;
use ca_core::inspect::Kind;
use ca_core::pem::{self, Input, Label, PemError};

use crate::causes::told;
use crate::digest::Digest;

/// Something that may travel: one whole object that its own signature covers.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    label: Label,
    title: String,
    der: Vec<u8>,
}

impl Item {
    /// Reads a file in PEM or DER with one object in it.
    ///
    /// # Errors
    /// `ItemError`: what was found and what is allowed.
    pub fn from_file(octets: &[u8]) -> Result<Self, ItemError> {
        match pem::read(octets)? {
            Input::Der(der) => Self::from_der(&der),
            Input::Pem(blocks) => match &blocks[..] {
                [block] if !block.label().is_secret() => Self::from_der(block.der()),
                [block] => Err(ItemError::Kind { found: block.label().to_string() }),
                _ => Err(ItemError::Count { found: blocks.len() }),
            },
        }
    }

    /// Reads one object in DER.
    ///
    /// # Errors
    /// `ItemError`: what was found and what is allowed.
    pub fn from_der(der: &[u8]) -> Result<Self, ItemError> {
        let (label, title) = match Kind::of(der) {
            Some(Kind::Certificate) => {
                let read = Certificate::from_der(der).map_err(|error| malformed(&error))?;
                (Label::Certificate, format!("certificate of {}", named(read.subject())))
            }
            Some(Kind::CertificateRequest) => {
                let read = CertificateRequest::from_der(der).map_err(|error| malformed(&error))?;
                (Label::CertificateRequest, format!("request for {}", named(read.subject())))
            }
            Some(Kind::RevocationList) => {
                let read = CertificateList::from_der(der).map_err(|error| malformed(&error))?;
                (Label::Crl, format!("revocation list of {}", named(read.issuer())))
            }
            Some(other) => return Err(ItemError::Kind { found: other.to_string() }),
            None => return Err(ItemError::Kind { found: "something else".into() }),
        };
        Ok(Self { label, title, der: der.to_vec() })
    }

    /// What it is and whose, for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The octets that travel.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The same as a file.
    pub fn pem(&self) -> String {
        pem::encode(self.label, &self.der)
    }

    /// What both sides compare: SHA-256 of the DER, the fingerprint that other programs show as well.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.der)
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({}, {} octets)", self.title, self.der.len())
    }
}

/// A name from outside, as a terminal may show it.
fn named(name: &dyn fmt::Display) -> String {
    escaped(&name.to_string())
}

fn malformed(error: &dyn std::error::Error) -> ItemError {
    ItemError::Malformed { words: told(error) }
}

/// Why a file does not travel.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// Neither PEM nor DER.
    #[error("file")]
    Pem(#[from] PemError),
    /// Another number of objects.
    #[error("objects in the file: found {found}, allowed is one; give each a file of its own")]
    Count {
        /// How many.
        found: usize,
    },
    /// Another kind of object, such as a private key.
    #[error(
        "object: found {found}, allowed are a certificate, a certificate request and a revocation list"
    )]
    Kind {
        /// Which.
        found: String,
    },
    /// It can't be read.
    #[error("object: {words}")]
    Malformed {
        /// Why.
        words: String,
    },
}

#[cfg(test)]
mod tests;
