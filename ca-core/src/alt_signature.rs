//! Alternative signatures (X.509 (10/2019) clause 9.8): a second signature in extensions.
//!
//! subjectAltPublicKeyInfo (2.5.29.72) holds a second key of the subject, altSignatureAlgorithm
//! (.73) and altSignatureValue (.74) a second signature of the issuer. It covers PreTBSCertificate:
//! TBSCertificate without its `signature` field and without altSignatureValue. A verifier that does
//! not know these extensions ignores them, so they protect only who checks them.

use crate::algorithm::{SchemeError, SignatureScheme};
use crate::certificate::{Certificate, TbsFields};
use crate::extensions::oid;
use crate::public_key::PublicKey;
use crate::signature::{SignatureError, verify};

/// The DER of PreTBSCertificate, which the alternative signature covers.
///
/// # Errors
/// `der::Error` when the fields can't be encoded, which fields that were read can.
pub(crate) fn pre_tbs(fields: &TbsFields) -> Result<Vec<u8>, der::Error> {
    let mut fields = fields.clone();
    fields.signature = None;
    if let Some(extensions) = &mut fields.extensions {
        extensions.retain(|extension| extension.extn_id != oid::ALT_SIGNATURE_VALUE);
    }
    fields.extensions = fields.extensions.filter(|extensions| !extensions.is_empty());
    der::Encode::to_der(&fields)
}

/// Verifies the alternative signature of `certificate` by the alternative key of its issuer, which
/// stands in the issuer's subjectAltPublicKeyInfo. Tells how it was made.
///
/// # Errors
/// `AltSignatureError` says whether it is missing, incomplete, of an unknown algorithm or wrong.
pub fn verify_alt_signature(
    certificate: &Certificate,
    issuer_public_key: &PublicKey,
) -> Result<SignatureScheme, AltSignatureError> {
    let extensions = certificate.extensions();
    let (algorithm, value) =
        match (extensions.alt_signature_algorithm(), extensions.alt_signature_value()) {
            (Some(algorithm), Some(value)) => (algorithm, value),
            (None, None) => return Err(AltSignatureError::Missing),
            (Some(_), None) => return Err(AltSignatureError::NoValue),
            (None, Some(_)) => return Err(AltSignatureError::NoAlgorithm),
        };
    let scheme = SignatureScheme::from_identifier(algorithm)?;
    let message = pre_tbs(certificate.tbs_fields())?;
    verify(issuer_public_key, scheme, &message, value)?;
    Ok(scheme)
}

/// An alternative signature that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AltSignatureError {
    /// There is none.
    #[error(
        "alternative signature: found none, allowed are altSignatureAlgorithm and altSignatureValue together"
    )]
    Missing,
    /// altSignatureAlgorithm stands alone.
    #[error(
        "altSignatureValue: found none beside altSignatureAlgorithm, allowed are both or neither"
    )]
    NoValue,
    /// altSignatureValue stands alone.
    #[error(
        "altSignatureAlgorithm: found none beside altSignatureValue, allowed are both or neither"
    )]
    NoAlgorithm,
    /// The algorithm is not known or has wrong parameters.
    #[error("altSignatureAlgorithm: {0}")]
    Scheme(#[from] SchemeError),
    /// The signature is wrong, or not by this key.
    #[error("altSignatureValue: {0}")]
    Signature(#[from] SignatureError),
    /// The fields can't be encoded again.
    #[error("alternative signature: PreTBSCertificate can't be encoded ({0})")]
    Encoding(#[from] der::Error),
}
