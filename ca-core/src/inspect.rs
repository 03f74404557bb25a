//! Showing what a file holds: certificates, requests, revocation lists and keys, for people and as
//! JSON.
//!
//! [`inspect`] reads any PEM or DER and gives one [`Inspected`] for each object. Its `Display` is
//! text for a terminal; its `Serialize` is stable JSON: every object has `"version"` and `"kind"`.
//! Text that the input brought (names, addresses) is escaped in both, so that it can't drive a
//! terminal. Nothing of a private key but its public key is ever shown.
//!
//! Nothing is verified here: no signature, no path, no time. See the verifier for that.

mod certificate;
mod container;
mod crl;
mod encrypted;
mod extension;
mod key;
mod kind;
mod names;
mod ocsp;
mod private;
mod request;
mod text;

use std::fmt;

use serde::Serialize;

pub use certificate::{
    AlternativeReport, CertificateReport, CertificateSizes, Mode, SignatureReport, ValidityReport,
};
pub use container::BagReport;
pub use crl::{CrlReport, CrlSizes, EntryReport, ScopeReport};
pub use encrypted::{EncryptedKeyError, EncryptedKeyReport, KdfReport};
pub use extension::{
    AccessReport, ExtensionReport, ExtensionValue, NamedOid, PolicyMappingReport, PolicyReport,
    RevocationPointReport,
};
pub use key::{Half, KeyFamily, KeyReport};
pub use kind::Kind;
pub use ocsp::{
    CertIdReport, IncludedReport, OcspAnswerReport, OcspRequestReport, OcspResponseReport,
    SingleResponseReport,
};
pub use private::{Container, PrivateForm, PrivateKeyReport};
pub use request::{RelatedRequestReport, RequestReport, RequestSizes, StatementReport};

use crate::algorithm::SchemeError;
use crate::certificate::{Certificate, CertificateError};
use crate::crl::{CertificateList, CrlError};
use crate::csr::{CertificateRequest, CsrError};
use crate::key::KeyError;
use crate::ocsp::{OcspError, OcspRequest, OcspResponse};
use crate::pem::{self, Input, Label, PemError};
use crate::pkcs7::Pkcs7Error;
use crate::pkcs12::{Pkcs12Error, Pkcs12Report, Sealed};
use crate::public_key::{PublicKey, PublicKeyError};

/// The version of the JSON form. It grows when a field changes its meaning or goes away, not when
/// one is added.
pub const JSON_VERSION: u32 = 1;

/// Entries of a revocation list that are shown unless told otherwise; the others are counted.
pub const ENTRIES_SHOWN: usize = 20;

/// One object of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Inspected {
    /// [`JSON_VERSION`].
    pub version: u32,
    /// What it is.
    #[serde(flatten)]
    pub report: Report,
}

/// What an object is, and all that is shown of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Report {
    /// A certificate.
    Certificate(Box<CertificateReport>),
    /// A certificate request.
    CertificateRequest(Box<RequestReport>),
    /// A revocation list.
    Crl(Box<CrlReport>),
    /// A public key.
    PublicKey(Box<KeyReport>),
    /// A private key in the clear.
    PrivateKey(Box<PrivateKeyReport>),
    /// An encrypted private key; it stays encrypted.
    EncryptedPrivateKey(Box<EncryptedKeyReport>),
    /// A PKCS#12 file; it stays closed.
    Pkcs12(Box<Pkcs12Report>),
    /// A bag of certificates and revocation lists.
    Pkcs7(Box<BagReport>),
    /// An OCSP request.
    OcspRequest(Box<OcspRequestReport>),
    /// An OCSP response.
    OcspResponse(Box<OcspResponseReport>),
}

/// Shows every object of a PEM or DER input, in the order in which they stand.
///
/// # Errors
/// `InspectError` with the line of the block that can't be read, and why.
pub fn inspect(bytes: &[u8]) -> Result<Vec<Inspected>, InspectError> {
    match pem::read(bytes)? {
        Input::Der(der) => {
            let report = match Kind::of(&der) {
                Some(kind) => report(kind, &der),
                None => Err(ContentError::Unknown),
            };
            Ok(vec![report.map(versioned).map_err(|error| at(None, error))?])
        }
        Input::Pem(blocks) => blocks
            .iter()
            .map(|block| {
                let report = labelled(block.label(), block.der());
                report.map(versioned).map_err(|error| at(Some(block.line()), error))
            })
            .collect(),
    }
}

/// Shows one certificate that was read before.
///
/// # Errors
/// `ContentError` when its signature algorithm has parameters that are not allowed.
pub fn inspect_certificate(certificate: &Certificate) -> Result<Inspected, ContentError> {
    let report = CertificateReport::new(certificate)?;
    Ok(versioned(Report::Certificate(Box::new(report))))
}

/// Shows one revocation list that was read before, with its first `entries`.
///
/// # Errors
/// `ContentError` when its signature algorithm has parameters that are not allowed.
pub fn inspect_crl(list: &CertificateList, entries: usize) -> Result<Inspected, ContentError> {
    Ok(versioned(Report::Crl(Box::new(CrlReport::new(list, entries)?))))
}

fn versioned(report: Report) -> Inspected {
    Inspected { version: JSON_VERSION, report }
}

fn at(line: Option<usize>, error: ContentError) -> InspectError {
    InspectError::Content { line, error }
}

/// A PEM block must hold what its label says.
fn labelled(label: Label, der: &[u8]) -> Result<Report, ContentError> {
    let promised = Kind::promised_by(label);
    match Kind::of(der) {
        Some(found) if found != promised => Err(ContentError::WrongLabel { label, found }),
        _ => report(promised, der),
    }
}

fn report(kind: Kind, der: &[u8]) -> Result<Report, ContentError> {
    Ok(match kind {
        Kind::Certificate => {
            let certificate = Certificate::from_der(der)?;
            Report::Certificate(Box::new(CertificateReport::new(&certificate)?))
        }
        Kind::CertificateRequest => {
            let request = CertificateRequest::from_der(der)?;
            Report::CertificateRequest(Box::new(RequestReport::new(&request)?))
        }
        Kind::PublicKey => Report::PublicKey(Box::new(KeyReport::new(&PublicKey::from_spki(der)?))),
        Kind::Pkcs8PrivateKey | Kind::Sec1PrivateKey | Kind::Pkcs1PrivateKey => {
            Report::PrivateKey(Box::new(PrivateKeyReport::new(kind, der)?))
        }
        Kind::EncryptedPrivateKey => {
            Report::EncryptedPrivateKey(Box::new(EncryptedKeyReport::new(der)?))
        }
        Kind::Pkcs1PublicKey => {
            Report::PublicKey(Box::new(KeyReport::new(&PublicKey::from_pkcs1(der)?)))
        }
        Kind::Pkcs12 => Report::Pkcs12(Box::new(Sealed::from_der(der)?.report())),
        Kind::Pkcs7 => Report::Pkcs7(Box::new(BagReport::new(der)?)),
        Kind::OcspRequest => {
            let request = OcspRequest::from_der(der)?;
            Report::OcspRequest(Box::new(OcspRequestReport::new(&request)?))
        }
        Kind::OcspResponse => {
            let response = OcspResponse::from_der(der)?;
            Report::OcspResponse(Box::new(OcspResponseReport::new(&response, der)?))
        }
        Kind::RevocationList => {
            let list = CertificateList::from_der(der)?;
            Report::Crl(Box::new(CrlReport::new(&list, ENTRIES_SHOWN)?))
        }
    })
}

impl fmt::Display for Inspected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report.fmt(f)
    }
}

/// An input that can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Not PEM or DER.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// An object is malformed or not allowed.
    #[error("{}{error}", pem::at_line(*line))]
    Content {
        /// The line of the PEM block's BEGIN; none for DER.
        line: Option<usize>,
        /// What is wrong.
        error: ContentError,
    },
}

/// Why one object can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// DER of another structure.
    #[error(
        "not an object that is known; allowed are a certificate, a certificate request, a revocation list, a public key (SubjectPublicKeyInfo, PKCS#1), a private key (PKCS#8, SEC1, PKCS#1), an encrypted private key (PKCS#8), a PKCS#12 file, a PKCS#7 bag of certificates or an OCSP request or response"
    )]
    Unknown,
    /// The label says something else than the content.
    #[error("labelled {label}, but found {found}; allowed is what the label says")]
    WrongLabel {
        /// The label.
        label: Label,
        /// The content.
        found: Kind,
    },
    /// A certificate is malformed.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate request is malformed, or asks for what is never certified.
    #[error(transparent)]
    Request(#[from] CsrError),
    /// A revocation list is malformed, or breaks a rule of RFC 5280.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// A signature algorithm has parameters that its RFC forbids.
    #[error(transparent)]
    Scheme(#[from] SchemeError),
    /// A public key is malformed.
    #[error(transparent)]
    PublicKey(#[from] PublicKeyError),
    /// A private key is malformed.
    #[error(transparent)]
    PrivateKey(#[from] KeyError),
    /// An OCSP request or response is malformed.
    #[error(transparent)]
    Ocsp(#[from] OcspError),
    /// An encrypted private key is malformed.
    #[error(transparent)]
    EncryptedKey(#[from] EncryptedKeyError),
    /// A PKCS#12 file is malformed, or protected in a way that was given up.
    #[error(transparent)]
    Pkcs12(#[from] Pkcs12Error),
    /// A bag of certificates is malformed.
    #[error(transparent)]
    Pkcs7(#[from] Pkcs7Error),
}

#[cfg(test)]
mod tests;
