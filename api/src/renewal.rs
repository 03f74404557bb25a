//! What may be renewed, and what a new key may change. Commands and server ask the same.

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::csr::{Possession, ProvenRequest};
use ca_core::general_name::AltName;
use ca_core::name::{self, DistinguishedName};
use ca_core::plan::Request;
use ca_core::serial::SerialNumber;
use jiff::{SignedDuration, Timestamp};
use ledger::{Entry, Status};

/// What is told when a certificate was bound to another one.
pub const BINDING_DROPPED: &str = "the certificate is bound to another one (RFC 9763), the new one is not: \
                                   a binding takes a fresh request, `espalier csr create --related`";
/// What is told when the certificate had an alternative key.
const ALTERNATIVE_DROPPED: &str = "a CSR has no alternative key, so the new certificate has none";

/// The certificate of an entry that may be renewed now, or that ended at most `grace` ago.
///
/// # Errors
/// `RenewalError`.
pub fn renewable(
    entry: &Entry,
    grace: SignedDuration,
    now: Timestamp,
) -> Result<Certificate, RenewalError> {
    let serial = entry.serial();
    let der = match (entry.status(), &entry.certificate) {
        (Status::Stored, Some(certificate)) => &certificate.der,
        (Status::Revoked, _) => return Err(RenewalError::Revoked { serial }),
        (_, None) | (Status::Orphan, _) => return Err(RenewalError::NoCertificate { serial }),
    };
    let end = entry.record.content.validity.not_after();
    if now.duration_since(end) > grace {
        let grace_days = grace.as_hours() / 24;
        return Err(RenewalError::Ended { serial, end, grace_days, now });
    }
    Certificate::from_der(der).map_err(|error| RenewalError::Unreadable { serial, error })
}

/// The same names for the key of a CSR, which must not ask for others. Whoever vouches for a key
/// that can't sign does so for what the CSR names, so that it must name all. What there is to tell
/// comes second.
///
/// # Errors
/// `RenewalError::Differs`.
pub fn with_new_key(
    renewal: Request,
    csr: &ProvenRequest<'_>,
) -> Result<(Request, Option<&'static str>), RenewalError> {
    let may_be_silent = *csr.possession() == Possession::OwnSignature;
    let differs = |field, found: String, allowed: String| {
        Err(RenewalError::Differs { field, found, allowed, may_be_silent })
    };
    let (found, allowed) = (csr.request().subject(), &renewal.subject);
    let is_silent = |is_empty: bool| is_empty && may_be_silent;
    if !is_silent(found.is_empty()) && found != allowed {
        let text = |subject: &DistinguishedName| name::to_text(subject.as_name());
        return differs("subject", text(found), text(allowed));
    }
    let sorted = |names: &[AltName]| {
        let mut texts: Vec<String> = names.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    let (found, allowed) = (sorted(csr.request().names()), sorted(&renewal.names));
    if !is_silent(found.is_empty()) && found != allowed {
        return differs("names", found.join(" "), allowed.join(" "));
    }
    let note = renewal.alt_public_key.is_some().then_some(ALTERNATIVE_DROPPED);
    Ok((renewal.with_key_of(csr), note))
}

/// Why a certificate is not renewed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenewalError {
    /// It is revoked.
    #[error("certificate {serial}: found it revoked, allowed is one that is not")]
    Revoked {
        /// Which.
        serial: SerialNumber,
    },
    /// There is only a record.
    #[error("certificate {serial}: recorded, but it has no certificate")]
    NoCertificate {
        /// Which.
        serial: SerialNumber,
    },
    /// It ended too long ago.
    #[error(
        "certificate {serial}: validity: it ended at {end}, allowed is an end at most {grace_days} days before now, {now}"
    )]
    Ended {
        /// Which.
        serial: SerialNumber,
        /// When it ended.
        end: Timestamp,
        /// How many days ago that may be.
        grace_days: i64,
        /// Now.
        now: Timestamp,
    },
    /// The ledger's octets are no certificate.
    #[error("certificate {serial}: {error}")]
    Unreadable {
        /// Which.
        serial: SerialNumber,
        /// What is wrong with it.
        error: CertificateError,
    },
    /// The CSR asks for something else.
    #[error(
        "{field}: found {found:?}, allowed is what the certificate has, {allowed:?}{}",
        if *.may_be_silent { ", or none" } else { "" }
    )]
    Differs {
        /// Which field.
        field: &'static str,
        /// What the CSR has.
        found: String,
        /// What the certificate has.
        allowed: String,
        /// Whether the CSR may leave it out.
        may_be_silent: bool,
    },
}
