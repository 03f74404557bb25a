//! OCSP requests and responses as they are shown.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::certificate::SignatureReport;
use super::escape::escaped;
use super::names::{general_names, hex, name_text};
use super::text::{colons, octets, row, write_signature};
use crate::algorithm::SchemeError;
use crate::ocsp::{BasicResponse, CertId, CertStatus, OcspRequest, OcspResponse, SingleResponse};

/// Certificates that are shown of a request or response; the others are counted.
const SHOWN: usize = 100;

/// A request. Whether its signature is right is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspRequestReport {
    /// How many certificates it asks about.
    pub certificate_count: usize,
    /// The first of them.
    pub certificates: Vec<CertIdReport>,
    /// The nonce, in hexadecimal.
    pub nonce: Option<String>,
    /// Who says that it asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requestor_name: Vec<String>,
    /// The signature, if it has one.
    pub signature: Option<SignatureReport>,
    /// Octets of the whole.
    pub size_octets: usize,
}

/// Which certificate is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertIdReport {
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// The hash function by which the issuer is named; it is an identifier, and protects nothing.
    pub hash: String,
    /// The digest of the issuer's name, in hexadecimal.
    pub issuer_name_hash: String,
    /// The digest of the issuer's key, in hexadecimal.
    pub issuer_key_hash: String,
}

/// A response. Whether its signature is right, and whether it is current, is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspResponseReport {
    /// `successful`, or why there is no answer.
    pub response_status: &'static str,
    /// The answer.
    #[serde(flatten)]
    pub answer: Option<OcspAnswerReport>,
    /// Octets of the whole.
    pub size_octets: usize,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspAnswerReport {
    /// Who answers: a name, or the hash of a key.
    pub responder: String,
    /// When it was signed.
    pub produced_at: Timestamp,
    /// How many certificates it tells of.
    pub certificate_count: usize,
    /// The first of them.
    pub certificates: Vec<SingleReport>,
    /// The nonce, in hexadecimal.
    pub nonce: Option<String>,
    /// The signature.
    pub signature: SignatureReport,
    /// The subjects of the certificates that come with it, RFC 4514.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought_certificates: Vec<String>,
}

/// What is said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SingleReport {
    /// Which certificate.
    #[serde(flatten)]
    pub certificate: CertIdReport,
    /// `good`, `revoked`, `never-issued` or `unknown`.
    pub status: &'static str,
    /// Why it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Since when its key may have been known to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<Timestamp>,
    /// Since when that is right.
    pub this_update: Timestamp,
    /// Until when.
    pub next_update: Option<Timestamp>,
}

impl OcspRequestReport {
    /// Describes a request.
    pub(super) fn new(request: &OcspRequest) -> Result<Self, SchemeError> {
        let ids = request.cert_ids();
        let signature = request.signature();
        let signature =
            signature.map(|(algorithm, octets)| SignatureReport::new(algorithm, octets));
        Ok(Self {
            certificate_count: ids.len(),
            certificates: ids.iter().take(SHOWN).map(CertIdReport::new).collect(),
            nonce: request.nonce().map(|nonce| hex(nonce.as_bytes())),
            requestor_name: general_names(
                request.requestor_name().map_or(&[], std::slice::from_ref),
            ),
            signature: signature.transpose()?,
            size_octets: request.der().len(),
        })
    }
}

impl CertIdReport {
    fn new(id: &CertId) -> Self {
        Self {
            serial: id.serial().to_string(),
            hash: id.hash().to_string(),
            issuer_name_hash: hex(id.issuer_name_hash()),
            issuer_key_hash: hex(id.issuer_key_hash()),
        }
    }
}

impl OcspResponseReport {
    /// Describes a response of this many octets.
    pub(super) fn new(response: &OcspResponse, size_octets: usize) -> Result<Self, SchemeError> {
        let (response_status, answer) = match response {
            OcspResponse::Error(status) => (status.name(), None),
            OcspResponse::Basic(basic) => ("successful", Some(OcspAnswerReport::new(basic)?)),
        };
        Ok(Self { response_status, answer, size_octets })
    }
}

impl OcspAnswerReport {
    fn new(basic: &BasicResponse) -> Result<Self, SchemeError> {
        let singles = basic.singles();
        let brought = basic.certificates().iter();
        Ok(Self {
            responder: escaped(&basic.responder_id().to_string()),
            produced_at: basic.produced_at(),
            certificate_count: singles.len(),
            certificates: singles.iter().take(SHOWN).map(SingleReport::new).collect(),
            nonce: basic.nonce().map(|nonce| hex(nonce.as_bytes())),
            signature: SignatureReport::new(basic.signature_algorithm(), basic.signature())?,
            brought_certificates: brought.map(|one| name_text(one.subject())).collect(),
        })
    }
}

impl SingleReport {
    fn new(single: &SingleResponse) -> Self {
        let (status, revoked) = match single.status() {
            CertStatus::Good => ("good", None),
            CertStatus::Unknown => ("unknown", None),
            CertStatus::NeverIssued => ("never-issued", None),
            CertStatus::Revoked { at, reason, invalidity_date } => {
                ("revoked", Some((at, reason.name(), invalidity_date)))
            }
        };
        Self {
            certificate: CertIdReport::new(single.cert_id()),
            status,
            reason: revoked.map(|(_, reason, _)| reason),
            revoked_at: revoked.map(|(at, ..)| at),
            invalidity_date: revoked.and_then(|(.., date)| date),
            this_update: single.this_update(),
            next_update: single.next_update(),
        }
    }
}

impl fmt::Display for OcspRequestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OCSP request")?;
        row(f, "  ", "Asks about", self.certificate_count)?;
        self.certificates.iter().try_for_each(|one| writeln!(f, "    {one}"))?;
        write_more(f, self.certificate_count - self.certificates.len())?;
        row(f, "  ", "Nonce", self.nonce.as_deref().map_or("none".into(), colons))?;
        for name in &self.requestor_name {
            row(f, "  ", "Requestor", name)?;
        }
        if let Some(signature) = &self.signature {
            writeln!(f, "  Signature (not checked here)")?;
            write_signature(f, signature)?;
        }
        row(f, "  ", "Size", octets(self.size_octets))
    }
}

impl fmt::Display for OcspResponseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "OCSP response (its signature is not checked here)")?;
        row(f, "  ", "Status", self.response_status)?;
        if let Some(answer) = &self.answer {
            answer.fmt(f)?;
        }
        row(f, "  ", "Size", octets(self.size_octets))
    }
}

impl fmt::Display for OcspAnswerReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "  ", "Responder", &self.responder)?;
        row(f, "  ", "Produced at", self.produced_at)?;
        row(f, "  ", "Tells of", self.certificate_count)?;
        self.certificates.iter().try_for_each(|one| one.fmt(f))?;
        write_more(f, self.certificate_count - self.certificates.len())?;
        row(f, "  ", "Nonce", self.nonce.as_deref().map_or("none".into(), colons))?;
        writeln!(f, "  Signature")?;
        write_signature(f, &self.signature)?;
        self.brought_certificates.iter().try_for_each(|name| row(f, "  ", "Brings", name))
    }
}

impl fmt::Display for SingleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    {}", self.certificate)?;
        write!(f, "      {}", self.status)?;
        if let Some((at, reason)) = self.revoked_at.zip(self.reason) {
            write!(f, " at {at}: {reason}")?;
        }
        if let Some(date) = self.invalidity_date {
            write!(f, ", invalid since {date}")?;
        }
        write!(f, "; from {}", self.this_update)?;
        match self.next_update {
            Some(next) => writeln!(f, " to {next}"),
            None => writeln!(f, ", to be asked again each time"),
        }
    }
}

impl fmt::Display for CertIdReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, issuer key {} {}", self.serial, self.hash, self.issuer_key_hash)
    }
}

fn write_more(f: &mut fmt::Formatter<'_>, more: usize) -> fmt::Result {
    if more == 0 { Ok(()) } else { writeln!(f, "    and {more} more") }
}
