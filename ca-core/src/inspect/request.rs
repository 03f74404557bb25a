//! Certificate requests as they are shown.

use serde::Serialize;

use super::certificate::SignatureReport;
use super::extension::{ExtensionReport, reports};
use super::key::KeyReport;
use super::names::name_text;
use crate::algorithm::SchemeError;
use crate::csr::{CertificateRequest, PossessionStatement};
use crate::fingerprint::Fingerprint;

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
