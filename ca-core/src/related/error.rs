//! Why a request is not answered by a binding, and why a binding does not hold.

use jiff::Timestamp;

use crate::path::PathError;

/// A relatedCertRequest that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelatedError {
    /// The request asks for no binding.
    #[error(
        "relatedCertRequest: found none in the request, allowed: one, made by `espalier csr create --related`"
    )]
    NoRequest,
    /// Another certificate than the request names.
    #[error(
        "relatedCertRequest: certID: found serial {found} of {found_issuer}, allowed: {allowed} of {allowed_issuer}, the related certificate that was given"
    )]
    OtherCertificate {
        /// The serial number in the request.
        found: String,
        /// The issuer in the request.
        found_issuer: String,
        /// The serial number of the certificate.
        allowed: String,
        /// The issuer of the certificate.
        allowed_issuer: String,
    },
    /// Too old, or in the future.
    #[error(
        "relatedCertRequest: requestTime: found {found}, allowed: {earliest} to {latest}; make the request anew"
    )]
    NotFresh {
        /// When the request says it was made.
        found: Timestamp,
        /// The earliest that is taken.
        earliest: Timestamp,
        /// The latest that is taken.
        latest: Timestamp,
    },
    /// Signed by another key, or changed.
    #[error(
        "relatedCertRequest: signature: found one that is wrong, allowed: one over certID and requestTime by the related certificate's key"
    )]
    Signature,
    /// Both certificates would have the same key.
    #[error("related certificate: found the key of the request, allowed: another key")]
    SameKey,
    /// The related certificate is an authority's.
    #[error(
        "related certificate: found an authority's, allowed: an end entity's (RFC 9763 section 1)"
    )]
    Authority,
    /// The related certificate is not valid.
    #[error("related certificate: {0}")]
    Path(Box<PathError>),
}

/// A pair that is not bound, or not one holder's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    /// Neither points to the other.
    #[error(
        "RelatedCertificate: found in neither certificate, allowed: the extension {oid} in one of them",
        oid = crate::extensions::oid::RELATED_CERTIFICATE
    )]
    Absent,
    /// It points to another certificate.
    #[error(
        "RelatedCertificate: hashValue: found {found} ({hash}), allowed: {allowed}, that of the related certificate"
    )]
    Hash {
        /// The hash's name or identifier.
        hash: String,
        /// The digest in the extension.
        found: String,
        /// The digest of the other certificate.
        allowed: String,
    },
    /// A hash that is not known.
    #[error(
        "RelatedCertificate: hashAlgorithm: found {found}, allowed: SHA-256, SHA-384 and SHA-512"
    )]
    UnknownHash {
        /// The identifier.
        found: String,
    },
    /// The names differ.
    #[error("names: found {found} in the one and {other} in the other, allowed: the same in both")]
    Names {
        /// Those of the certificate with the extension.
        found: String,
        /// Those of the other.
        other: String,
    },
    /// Usages that the related certificate does not have.
    #[error(
        "usages: found {found}, which the related certificate does not have; allowed: at most its usages (RFC 9763 section 4.1)"
    )]
    Usages {
        /// The first usage that is too much.
        found: String,
    },
    /// One key in both.
    #[error("public key: found the same in both certificates, allowed: two keys")]
    SameKey,
}
