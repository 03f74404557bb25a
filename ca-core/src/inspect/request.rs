//! Certificate requests as they are shown.

use serde::Serialize;

use super::certificate::SignatureReport;
use super::extension::{ExtensionReport, reports};
use super::key::KeyReport;
use super::names::name_text;
use crate::algorithm::SchemeError;
use crate::csr::CertificateRequest;
use crate::fingerprint::Fingerprint;

/// A certificate request. Whether its signature proves possession of the key is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestReport {
    /// Who asks to be named, RFC 4514; empty when only the alternative names do.
    pub subject: String,
    /// The key to certify.
    pub public_key: KeyReport,
    /// The signature by that key.
    pub signature: SignatureReport,
    /// The extensions that are asked for.
    pub extensions: Vec<ExtensionReport>,
    /// Identifiers of attributes that have no effect, such as a challenge password.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_attributes: Vec<String>,
    /// How large its parts are.
    pub size: RequestSizes,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
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
