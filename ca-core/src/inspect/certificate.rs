//! Certificates as they are shown.

use const_oid::db::rfc5912;
use jiff::Timestamp;
use serde::Serialize;
use spki::AlgorithmIdentifierOwned;

use super::extension::{ExtensionReport, reports, unknown_critical};
use super::key::{Half, KeyFamily, KeyReport};
use super::names::{hex, name_text};
use crate::algorithm::{Algorithm, SchemeError, SignatureScheme};
use crate::certificate::Certificate;
use crate::validity::Validity;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateReport {
    /// Whom it names, RFC 4514; empty when only the alternative names do.
    pub subject: String,
    /// Who signed it, RFC 4514.
    pub issuer: String,
    /// Whether both are the same name.
    pub self_issued: bool,
    /// The serial number's octets in hexadecimal.
    pub serial: String,
    /// 1, 2 or 3.
    pub x509_version: u8,
    /// From when to when it is valid.
    pub validity: ValidityReport,
    /// What protects the signature.
    pub mode: Mode,
    /// The subject's key.
    pub public_key: KeyReport,
    /// The issuer's signature.
    pub signature: SignatureReport,
    /// The second key and signature of an alternative-signature certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternative: Option<AlternativeReport>,
    /// In the order in which they stand.
    pub extensions: Vec<ExtensionReport>,
    /// How large its parts are.
    pub size: CertificateSizes,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
    /// What is wrong or weak about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What protects a certificate's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// A classical signature alone.
    Classical,
    /// A composite of ML-DSA and a classical signature.
    Composite,
    /// A classical signature and an alternative one in the extensions.
    Catalyst,
    /// ML-DSA or SLH-DSA alone.
    PostQuantum,
    /// An algorithm that is not known here.
    Unknown,
}

/// When a certificate is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidityReport {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
    /// How long, the last second included.
    pub duration_seconds: u64,
}

/// A signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignatureReport {
    /// How it was made, or `unknown`.
    pub algorithm: String,
    /// The identifier.
    pub oid: String,
    /// What protects it.
    pub family: KeyFamily,
    /// NIST's post-quantum security category; none for a classical or unknown one.
    pub nist_level: Option<u8>,
    /// Octets.
    pub size_octets: usize,
    /// The halves of a composite, ML-DSA first; empty for others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub halves: Vec<Half>,
    /// What is wrong or weak about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Alternative key and signature (X.509 (10/2019) clause 9.8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlternativeReport {
    /// subjectAltPublicKeyInfo.
    pub public_key: Option<KeyReport>,
    /// altSignatureAlgorithm and altSignatureValue.
    pub signature: Option<SignatureReport>,
}

/// Octets of a certificate and of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateSizes {
    /// The whole.
    pub total_octets: usize,
    /// TBSCertificate, which is signed.
    pub tbs_octets: usize,
    /// SubjectPublicKeyInfo.
    pub public_key_octets: usize,
    /// Values of the extensions.
    pub extension_value_octets: usize,
    /// The signature.
    pub signature_octets: usize,
}

impl CertificateReport {
    /// Describes a certificate.
    pub(super) fn new(certificate: &Certificate) -> Result<Self, SchemeError> {
        let extensions = reports(certificate.extensions());
        let signature =
            SignatureReport::new(certificate.signature_algorithm(), certificate.signature())?;
        let alternative = AlternativeReport::new(certificate)?;
        let mode = match (&alternative, signature.family) {
            (Some(AlternativeReport { signature: Some(_), .. }), _) => Mode::Catalyst,
            (_, KeyFamily::Classical) => Mode::Classical,
            (_, KeyFamily::Composite) => Mode::Composite,
            (_, KeyFamily::PostQuantum) => Mode::PostQuantum,
            (_, KeyFamily::Unknown) => Mode::Unknown,
        };
        Ok(Self {
            subject: name_text(certificate.subject()),
            issuer: name_text(certificate.issuer()),
            self_issued: certificate.is_self_issued(),
            serial: hex(certificate.serial_octets()),
            x509_version: certificate.version() as u8 + 1,
            validity: ValidityReport::new(certificate.validity()),
            mode,
            public_key: KeyReport::new(certificate.public_key()),
            signature,
            alternative,
            size: sizes(certificate, &extensions),
            sha256: certificate.fingerprint().to_string(),
            warnings: warnings(certificate, &extensions),
            extensions,
        })
    }
}

fn sizes(certificate: &Certificate, extensions: &[ExtensionReport]) -> CertificateSizes {
    CertificateSizes {
        total_octets: certificate.der().len(),
        tbs_octets: certificate.tbs_der().len(),
        public_key_octets: certificate.public_key().spki_der().len(),
        extension_value_octets: extensions.iter().map(|extension| extension.size_octets).sum(),
        signature_octets: certificate.signature().len(),
    }
}

fn warnings(certificate: &Certificate, extensions: &[ExtensionReport]) -> Vec<String> {
    let mut warnings = Vec::new();
    let serial = certificate.serial_octets();
    if serial.first().is_some_and(|octet| octet & 0x80 != 0) || serial == [0] {
        warnings.push("serial number: not positive (RFC 5280 section 4.1.2.2)".into());
    }
    if serial.len() > 20 {
        warnings.push(format!(
            "serial number: {} octets, allowed are at most 20 (RFC 5280 section 4.1.2.2)",
            serial.len()
        ));
    }
    warnings.extend(unknown_critical(extensions).map(|oid| {
        format!("extension {oid}: critical but not known here; a verifier must refuse it")
    }));
    let names = certificate.extensions().subject_alt_name();
    if certificate.subject().is_empty() && names.is_none_or(|names| names.0.is_empty()) {
        warnings.push("subject: empty, and there is no subjectAltName".into());
    }
    warnings
}

impl ValidityReport {
    fn new(validity: Validity) -> Self {
        Self {
            not_before: validity.not_before(),
            not_after: validity.not_after(),
            duration_seconds: validity.duration().as_secs(),
        }
    }
}

impl AlternativeReport {
    fn new(certificate: &Certificate) -> Result<Option<Self>, SchemeError> {
        let extensions = certificate.extensions();
        let public_key = extensions.alt_public_key().map(KeyReport::new);
        let algorithm = extensions.alt_signature_algorithm();
        let signature = match algorithm.zip(extensions.alt_signature_value()) {
            Some((algorithm, value)) => Some(SignatureReport::new(algorithm, value)?),
            None => None,
        };
        let is_there = public_key.is_some() || signature.is_some();
        Ok(is_there.then_some(Self { public_key, signature }))
    }
}

impl SignatureReport {
    /// Describes a signature. An unknown or broken algorithm is shown as such, and so is RSASSA-PSS
    /// with another hash, mask or salt than is accepted.
    ///
    /// # Errors
    /// `SchemeError::Parameters` when a known algorithm has parameters that its RFC forbids.
    pub(super) fn new(
        identifier: &AlgorithmIdentifierOwned,
        signature: &[u8],
    ) -> Result<Self, SchemeError> {
        match SignatureScheme::from_identifier(identifier) {
            Ok(scheme) => Ok(Self::known(scheme, signature)),
            // RFC 4055 allows more than is accepted here, SHA-1 by default.
            Err(error @ SchemeError::Parameters { oid, .. }) if oid == rfc5912::ID_RSASSA_PSS => {
                Ok(Self::unusable("RSASSA-PSS", KeyFamily::Classical, oid, signature, &error))
            }
            Err(error @ SchemeError::Parameters { .. }) => Err(error),
            Err(error @ SchemeError::Unknown { oid }) => {
                Ok(Self::unusable("unknown", KeyFamily::Unknown, oid, signature, &error))
            }
            Err(error @ SchemeError::Broken { oid }) => {
                Ok(Self::unusable("MD5 or SHA-1", KeyFamily::Classical, oid, signature, &error))
            }
        }
    }

    fn known(scheme: SignatureScheme, signature: &[u8]) -> Self {
        let family = match scheme {
            SignatureScheme::Classical(_) => KeyFamily::Classical,
            SignatureScheme::MlDsa(_) | SignatureScheme::SlhDsa(_) => KeyFamily::PostQuantum,
            SignatureScheme::Composite(_) => KeyFamily::Composite,
        };
        Self {
            algorithm: scheme.to_string(),
            oid: scheme.oid().to_string(),
            family,
            nist_level: scheme.nist_level(),
            size_octets: signature.len(),
            halves: halves(scheme, signature),
            warnings: length_warning(scheme, signature).into_iter().collect(),
        }
    }

    fn unusable(
        name: &str,
        family: KeyFamily,
        oid: const_oid::ObjectIdentifier,
        signature: &[u8],
        error: &SchemeError,
    ) -> Self {
        Self {
            algorithm: name.to_owned(),
            oid: oid.to_string(),
            family,
            nist_level: None,
            size_octets: signature.len(),
            halves: Vec::new(),
            warnings: vec![error.to_string()],
        }
    }
}

fn halves(scheme: SignatureScheme, signature: &[u8]) -> Vec<Half> {
    let SignatureScheme::Composite(composite) = scheme else { return Vec::new() };
    let ml_dsa = composite.ml_dsa();
    let Some(classical) = signature.len().checked_sub(ml_dsa.signature_size()) else {
        return Vec::new();
    };
    vec![
        Half {
            algorithm: ml_dsa.to_string(),
            family: KeyFamily::PostQuantum,
            nist_level: Some(ml_dsa.nist_level()),
            size_octets: ml_dsa.signature_size(),
            sha256: None,
        },
        Half {
            algorithm: composite.classical_scheme().to_string(),
            family: KeyFamily::Classical,
            nist_level: None,
            size_octets: classical,
            sha256: None,
        },
    ]
}

/// ML-DSA, SLH-DSA and composite signatures have a length that their identifier fixes or bounds.
fn length_warning(scheme: SignatureScheme, signature: &[u8]) -> Option<String> {
    let row = Algorithm::all().iter().find(|row| row.scheme() == scheme)?;
    let (found, most) = (signature.len(), row.signature_size());
    let least = match scheme {
        SignatureScheme::MlDsa(set) => set.signature_size(),
        SignatureScheme::SlhDsa(set) => set.signature_size(),
        // At least the two shortest INTEGERs of an ECDSA signature stand after ML-DSA's.
        SignatureScheme::Composite(composite) => composite.ml_dsa().signature_size() + 8,
        SignatureScheme::Classical(_) => return None,
    };
    (!(least..=most).contains(&found)).then(|| {
        format!("signature: {found} octets, {scheme} has {least} to {most}; it can't be valid")
    })
}
