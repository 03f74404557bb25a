//! OCSP requests and responses as they are shown.

use jiff::Timestamp;
use serde::Serialize;

use super::certificate::SignatureReport;
use super::names::{general_name, hex, name_text};
use crate::algorithm::SchemeError;
use crate::certificate::Certificate;
use crate::escape::escaped;
use crate::fingerprint::Fingerprint;
use crate::ocsp::{
    BasicResponse, CertId, CertStatus, OcspRequest, OcspResponse, ResponderId, SingleResponse,
};

/// An OCSP request. Its signature, if it has one, is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspRequestReport {
    /// Who asks, by their own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requestor: Option<String>,
    /// Which certificates are asked about.
    pub certificates: Vec<CertIdReport>,
    /// The nonce, in hexadecimal.
    pub nonce: Option<String>,
    /// The signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureReport>,
    /// The certificates that it brings along.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<IncludedReport>,
    /// Octets.
    pub size_octets: usize,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
}

/// Which certificate is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertIdReport {
    /// The serial number's octets, in hexadecimal.
    pub serial: String,
    /// By which hash function the issuer is named.
    pub hash: String,
    /// The digest of the issuer's name, in hexadecimal.
    pub issuer_name_hash: String,
    /// The digest of the issuer's key, in hexadecimal.
    pub issuer_key_hash: String,
}

/// A certificate that comes with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncludedReport {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// SHA-256 of the certificate, in hexadecimal.
    pub sha256: String,
}

/// An OCSP response. Neither its signature nor who made it is checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspResponseReport {
    /// `successful`, or why there is no answer.
    pub response_status: &'static str,
    /// The answer.
    #[serde(flatten)]
    pub answer: Option<OcspAnswerReport>,
    /// Octets.
    pub size_octets: usize,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OcspAnswerReport {
    /// Who signed it, by its own word: a name, or `key ` and the SHA-1 of its key.
    pub responder: String,
    /// When it was signed.
    pub produced_at: Timestamp,
    /// What is said, certificate by certificate.
    pub certificates: Vec<SingleResponseReport>,
    /// The nonce, in hexadecimal.
    pub nonce: Option<String>,
    /// The signature.
    pub signature: SignatureReport,
    /// The certificates that it brings along.
    pub included: Vec<IncludedReport>,
}

/// What is said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SingleResponseReport {
    /// Which certificate.
    #[serde(flatten)]
    pub certificate: CertIdReport,
    /// `good`, `revoked`, `never issued` or `unknown`.
    pub status: &'static str,
    /// Since when it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Since when its key may have been known to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<Timestamp>,
    /// Since when this is right.
    pub this_update: Timestamp,
    /// Until when this is right.
    pub next_update: Option<Timestamp>,
    /// From when on expired certificates are remembered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive_cutoff: Option<Timestamp>,
}

impl OcspRequestReport {
    /// Describes a request.
    pub(super) fn new(request: &OcspRequest) -> Result<Self, SchemeError> {
        let signature = request.signature();
        let signature =
            signature.map(|(algorithm, octets)| SignatureReport::new(algorithm, octets));
        Ok(Self {
            requestor: request.requestor_name().map(|name| general_name(name, false)),
            certificates: request.cert_ids().iter().map(CertIdReport::new).collect(),
            nonce: request.nonce().map(ToString::to_string),
            signature: signature.transpose()?,
            included: request.certificates().iter().map(IncludedReport::new).collect(),
            size_octets: request.der().len(),
            sha256: Fingerprint::of(request.der()).to_string(),
        })
    }
}

impl CertIdReport {
    fn new(cert_id: &CertId) -> Self {
        Self {
            serial: hex(cert_id.serial().as_bytes()),
            hash: cert_id.hash().to_string(),
            issuer_name_hash: hex(cert_id.issuer_name_hash()),
            issuer_key_hash: hex(cert_id.issuer_key_hash()),
        }
    }
}

impl IncludedReport {
    fn new(certificate: &Certificate) -> Self {
        Self {
            subject: name_text(certificate.subject()),
            issuer: name_text(certificate.issuer()),
            sha256: certificate.fingerprint().to_string(),
        }
    }
}

impl OcspResponseReport {
    /// Describes a response that was read from `der`.
    pub(super) fn new(response: &OcspResponse, der: &[u8]) -> Result<Self, SchemeError> {
        let (response_status, answer) = match response {
            OcspResponse::Error(status) => (status.name(), None),
            OcspResponse::Basic(basic) => ("successful", Some(OcspAnswerReport::new(basic)?)),
        };
        let sha256 = Fingerprint::of(der).to_string();
        Ok(Self { response_status, answer, size_octets: der.len(), sha256 })
    }
}

impl OcspAnswerReport {
    fn new(basic: &BasicResponse) -> Result<Self, SchemeError> {
        Ok(Self {
            responder: match basic.responder_id() {
                ResponderId::Name(name) => name_text(name),
                ResponderId::Key(key) => escaped(&format!("key {}", hex(key))),
            },
            produced_at: basic.produced_at(),
            certificates: basic.singles().iter().map(SingleResponseReport::new).collect(),
            nonce: basic.nonce().map(ToString::to_string),
            signature: SignatureReport::new(basic.signature_algorithm(), basic.signature())?,
            included: basic.certificates().iter().map(IncludedReport::new).collect(),
        })
    }
}

impl SingleResponseReport {
    fn new(single: &SingleResponse) -> Self {
        let (status, revoked_at, reason, invalidity_date) = match single.status() {
            CertStatus::Good => ("good", None, None, None),
            CertStatus::Unknown => ("unknown", None, None, None),
            CertStatus::NeverIssued => ("never issued", None, None, None),
            CertStatus::Revoked { at, reason, invalidity_date } => {
                ("revoked", Some(at), Some(reason.name()), invalidity_date)
            }
        };
        Self {
            certificate: CertIdReport::new(single.cert_id()),
            status,
            revoked_at,
            reason,
            invalidity_date,
            this_update: single.this_update(),
            next_update: single.next_update(),
            archive_cutoff: single.archive_cutoff(),
        }
    }
}
