//! Why a request is refused.

use const_oid::ObjectIdentifier;

use crate::algorithm::{MlKem, SchemeError};
use crate::extensions::ExtensionError;
use crate::general_name::AltNameError;
use crate::name::NameError;
use crate::public_key::PublicKeyError;
use crate::sign::SignError;
use crate::signature::SignatureError;

/// A request that is not accepted, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Past the bound.
    #[error("request: {found} octets, allowed are at most 65536")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not DER, or not a request: truncated, trailing octets, indefinite length, wrong tags.
    #[error("request: not DER of the expected structure ({0})")]
    Malformed(#[from] der::Error),
    /// Another encoding than the only one that DER allows.
    #[error(
        "request: {field} is not canonical DER; allowed is only the shortest form, sets sorted, without defaults"
    )]
    NotCanonical {
        /// Which part.
        field: &'static str,
    },
    /// Not version 1.
    #[error("request: version is {found}, allowed is 0 (v1)")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The subject is past the bound.
    #[error("request: the subject has {found} octets, allowed are at most 8192")]
    SubjectTooLarge {
        /// Octets found.
        found: usize,
    },
    /// The subject.
    #[error("request: subject: {0}")]
    Subject(#[from] NameError),
    /// The key can't be read.
    #[error("request: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// The key is too weak.
    #[error("request: {0}")]
    WeakKey(PublicKeyError),
    /// The key is not of a kind that signs, so that nothing proves who holds it.
    #[error(
        "request: the public key is {found}, which can't sign here; allowed are the rows of `espalier algorithms`, since the request must be signed by its own key"
    )]
    KeyCannotSign {
        /// The key's algorithm.
        found: ObjectIdentifier,
    },
    /// An ML-KEM key, which can't sign, and nothing else that proves who holds it.
    #[error(
        "request: the public key is {found}, which can't sign, so that the request's own signature proves nothing; allowed is a statement of possession (RFC 9883) by the signature certificate of the same subject"
    )]
    NoStatement {
        /// The key's parameter set.
        found: MlKem,
    },
    /// The signature algorithm.
    #[error("request: {0}")]
    Scheme(#[from] SchemeError),
    /// The signature is not a whole number of octets.
    #[error("request: the signature's BIT STRING has unused bits, allowed are none")]
    SignatureUnusedBits,
    /// The attributes field, which RFC 2986 asks for, is missing.
    #[error("request: the attributes field is missing, allowed is an empty one ([0], RFC 2986)")]
    NoAttributes,
    /// Too many attributes.
    #[error("request: more than {allowed} attributes, allowed are at most {allowed}")]
    TooManyAttributes {
        /// How many are allowed.
        allowed: usize,
    },
    /// The same attribute twice, such as two extensionRequests.
    #[error("request: found attribute {oid} twice, allowed is once")]
    DuplicateAttribute {
        /// Which one.
        oid: ObjectIdentifier,
    },
    /// extensionRequest with no or several values.
    #[error("request: extensionRequest has {found} values, allowed is one")]
    ExtensionRequestValues {
        /// How many were found.
        found: usize,
    },
    /// extensionRequest without extensions.
    #[error(
        "request: extensionRequest is empty, allowed is at least one extension or no extensionRequest"
    )]
    EmptyExtensionRequest,
    /// A requested extension.
    #[error("request: {0}")]
    Extension(#[from] ExtensionError),
    /// subjectAltName without names.
    #[error("request: subjectAltName is empty, allowed is at least one name or no subjectAltName")]
    EmptySubjectAltName,
    /// Too many names.
    #[error("request: {found} subject alternative names, allowed are at most 100")]
    TooManyNames {
        /// How many were found.
        found: usize,
    },
    /// A name.
    #[error("request: subjectAltName, name {position}: {reason}")]
    AltName {
        /// Which name, counted from 1.
        position: usize,
        /// What is wrong with it.
        reason: AltNameError,
    },
    /// The signature is not by the key in the request.
    #[error(
        "request: proof of possession failed: {0}; sign the request with the private key of the public key in it"
    )]
    Possession(SignatureError),
    /// The request could not be signed.
    #[error("request: {0}")]
    Sign(#[from] SignError),
}
