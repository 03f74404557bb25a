//! Certificate requests as they are shown.

use serde::Serialize;

use super::certificate::SignatureReport;
use super::extension::{ExtensionReport, reports};
use super::key::KeyReport;
use super::names::{hex, name_text};
use crate::algorithm::SchemeError;
use crate::csr::{CertificateRequest, PossessionStatement};
use crate::escape::{escaped, shortened};
use crate::fingerprint::Fingerprint;
use crate::related::RelatedRequest;

/// A certificate request. Whether its signature proves possession of the key is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestReport {
    /// Who asks to be named, RFC 4514; empty when only the alternative names do.
    pub subject: String,
    /// The key to certify.
    pub public_key: KeyReport,
    /// The signature: by that key, or by the one that the statement names.
    pub signature: SignatureReport,
    /// The extensions that are asked for.
    pub extensions: Vec<ExtensionReport>,
    /// The certificate that it asks to be bound to (RFC 9763).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<RelatedRequestReport>,
    /// Who states that the key is held, for one that can't sign (RFC 9883).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_of_possession: Option<StatementReport>,
    /// Identifiers of attributes that have no effect, such as a challenge password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_attributes: Vec<String>,
    /// How large its parts are.
    pub size: RequestSizes,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
}

/// A wish to be bound to another certificate. Its signature is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RelatedRequestReport {
    /// Who issued the other certificate, RFC 4514.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// When the request was made.
    pub time: jiff::Timestamp,
    /// Where to get the other certificate, each cut after 80 characters.
    pub locations: Vec<String>,
}

impl RelatedRequestReport {
    fn new(related: &RelatedRequest) -> Self {
        let place = |uri: &String| shortened(&escaped(uri), 80);
        Self {
            issuer: name_text(related.issuer()),
            serial: hex(related.serial()),
            time: related.time(),
            locations: related.locations().iter().map(place).collect(),
        }
    }
}

/// The signature certificate that a statement of possession names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementReport {
    /// Its issuer, RFC 4514.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate, where it is included, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
}

impl StatementReport {
    fn new(statement: &PossessionStatement) -> Self {
        let included = statement.certificate();
        Self {
            issuer: name_text(statement.issuer()),
            serial: statement.serial().to_string(),
            certificate_sha256: included.map(|included| included.fingerprint().to_string()),
        }
    }
}

/// Octets of a request and of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RequestSizes {
    /// The whole.
    pub total_octets: usize,
    /// CertificationRequestInfo, which is signed.
    pub signed_octets: usize,
    /// SubjectPublicKeyInfo.
    pub public_key_octets: usize,
    /// Values of the extensions.
    pub extension_value_octets: usize,
    /// The signature.
    pub signature_octets: usize,
}

impl RequestReport {
    /// Describes a request.
    pub(super) fn new(request: &CertificateRequest) -> Result<Self, SchemeError> {
        let extensions = reports(request.extensions());
        let ignored = request.ignored_attributes();
        Ok(Self {
            subject: name_text(request.subject().as_name()),
            public_key: KeyReport::new(request.public_key()),
            signature: SignatureReport::new(request.signature_algorithm(), request.signature())?,
            related: request.related_request().map(RelatedRequestReport::new),
            statement_of_possession: request.statement().map(StatementReport::new),
            ignored_attributes: ignored.iter().map(ToString::to_string).collect(),
            size: RequestSizes {
                total_octets: request.der().len(),
                signed_octets: request.info_der().len(),
                public_key_octets: request.public_key().spki_der().len(),
                extension_value_octets: extensions.iter().map(|one| one.size_octets).sum(),
                signature_octets: request.signature().len(),
            },
            extensions,
            sha256: Fingerprint::of(request.der()).to_string(),
        })
    }
}
