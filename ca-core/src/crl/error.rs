//! Why a list is refused.

use jiff::Timestamp;

use super::MAX_CRL_SIZE;
use crate::algorithm::SchemeError;
use crate::signature::SignatureError;

/// A list that can't be read, or says nothing that may be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Past the bound.
    #[error(
        "CRL: {found} octets, allowed are at most {MAX_CRL_SIZE}; its issuer should shard it by distribution point"
    )]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// A field of the list breaks DER or RFC 5280.
    #[error("CRL: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// The field, as RFC 5280 names it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A field of an entry breaks DER or RFC 5280.
    #[error(
        "CRL: revokedCertificates, entry {position}: {field}: found {found}, allowed: {allowed}"
    )]
    Entry {
        /// Which entry, counted from 1.
        position: usize,
        /// The field, as RFC 5280 names it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Another issuer's list.
    #[error(
        "CRL: issuer: found {found}, allowed: {allowed}, the subject of the issuer's certificate"
    )]
    Issuer {
        /// The name in the list, RFC 4514.
        found: String,
        /// The subject of the certificate, RFC 4514.
        allowed: String,
    },
    /// Signed by another key of the same name.
    #[error(
        "CRL: authorityKeyIdentifier: found {found}, allowed: {allowed}, as the issuer's certificate says"
    )]
    KeyIdentifier {
        /// What the list says.
        found: String,
        /// What the issuer's certificate says.
        allowed: String,
    },
    /// The issuer may not sign lists (RFC 5280 section 6.3.3 (f)).
    #[error(
        "CRL: the issuer's keyUsage: found no cRLSign, allowed: cRLSign, or no keyUsage at all"
    )]
    KeyUsage,
    /// The algorithm is not accepted.
    #[error("CRL: {0}")]
    Scheme(#[from] SchemeError),
    /// The signature is wrong.
    #[error("CRL: {0}")]
    Signature(#[from] SignatureError),
    /// Before thisUpdate.
    #[error(
        "CRL: thisUpdate: found {this_update}, allowed: no later than {at}, the instant asked for"
    )]
    NotYetValid {
        /// When the list was made.
        this_update: Timestamp,
        /// The instant that was asked for.
        at: Timestamp,
    },
    /// After nextUpdate.
    #[error(
        "CRL: nextUpdate: found {next_update}, allowed: {at} or later, the instant asked for; fetch the list again"
    )]
    Expired {
        /// When the next list was due.
        next_update: Timestamp,
        /// The instant that was asked for.
        at: Timestamp,
    },
}

/// What is allowed where there is no DER of the structure at all.
pub(crate) const STRUCTURE: &str = "DER of the structure that its RFC gives";
/// What is allowed where there is another encoding of it.
pub(crate) const CANONICAL: &str = "the shortest form, without defaults";

impl CrlError {
    /// Whether it is no list at all, rather than one that breaks a rule or can't be trusted.
    pub fn is_malformed(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            Self::Field { allowed, .. } | Self::Entry { allowed, .. } => {
                [STRUCTURE, CANONICAL].contains(allowed)
            }
            _ => false,
        }
    }
}

/// A refusal before it is known whether the field is a list's, an entry's, or of an OCSP message.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) field: &'static str,
    pub(crate) found: String,
    pub(crate) allowed: &'static str,
}

impl Fault {
    pub(crate) fn new(
        field: &'static str,
        found: impl Into<String>,
        allowed: &'static str,
    ) -> Self {
        Self { field, found: found.into(), allowed }
    }

    /// The decoder's word on a field.
    pub(crate) fn der(field: &'static str) -> impl Fn(der::Error) -> Self {
        move |error| {
            let found = format!("something else ({error})");
            Self::new(field, found, STRUCTURE)
        }
    }

    /// DER, but not the one encoding of its value.
    pub(crate) fn not_canonical(field: &'static str) -> Self {
        Self::new(field, "another encoding than DER's", CANONICAL)
    }

    pub(super) fn in_entry(self, position: usize) -> CrlError {
        let Self { field, found, allowed } = self;
        CrlError::Entry { position, field, found, allowed }
    }
}

impl From<Fault> for CrlError {
    fn from(fault: Fault) -> Self {
        let Fault { field, found, allowed } = fault;
        Self::Field { field, found, allowed }
    }
}
