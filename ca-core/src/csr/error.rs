//! Why a request is refused.

use const_oid::ObjectIdentifier;
use jiff::Timestamp;

use crate::algorithm::SchemeError;
use crate::certificate::CertificateError;
use crate::crl::InvalidEntrySerial;
use crate::escape::quoted;
use crate::extensions::ExtensionError;
use crate::general_name::{AltName, AltNameError};
use crate::name::NameError;
use crate::public_key::PublicKeyError;
use crate::related::RequestFault;
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
    /// The wish to be bound to another certificate.
    #[error("request: {0}")]
    Related(#[from] RequestFault),
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
        "request: the public key is {found}, which can't sign, so that nothing proves who holds it; allowed is a request signed by the key of a signature certificate for the same subject, with a statement of possession (RFC 9883) that names it: make it by `espalier csr create --possession-certificate`"
    )]
    NoStatement {
        /// The kind of key.
        found: String,
    },
    /// A statement that was read and not judged: that takes anchors and an instant.
    #[error(
        "request: the public key is {found}, and a certificate vouches for it (RFC 9883); whether it may is judged only with certificates to trust, give them"
    )]
    StatementNotJudged {
        /// The kind of key.
        found: String,
    },
    /// A statement beside a key that can prove itself (RFC 9883 section 3).
    #[error(
        "request: found a statement of possession (RFC 9883) beside a key of {found}, which can sign; allowed is none, since such a key proves itself"
    )]
    StatementNotDue {
        /// The kind of key.
        found: String,
    },
    /// The statement with no or several values.
    #[error("request: the statement of possession has {found} values, allowed is one")]
    StatementValues {
        /// How many were found.
        found: usize,
    },
    /// The issuer in the statement is past the bound.
    #[error(
        "request: the issuer in the statement of possession has {found} octets, allowed are at most 8192"
    )]
    StatementIssuerTooLarge {
        /// Octets found.
        found: usize,
    },
    /// The serial number in the statement.
    #[error("request: statement of possession: {0}")]
    StatementSerial(InvalidEntrySerial),
    /// The certificate in the statement can't be read.
    #[error("request: statement of possession: {0}")]
    StatementCertificate(Box<CertificateError>),
    /// The certificate is not the one that the statement names.
    #[error(
        "request: statement of possession: found the certificate with {found}, allowed is the one that it names, {allowed}"
    )]
    StatementNamesAnother {
        /// The certificate found.
        found: String,
        /// The certificate named.
        allowed: String,
    },
    /// The named certificate is not at hand.
    #[error(
        "request: statement of possession: the certificate with {found} is neither in it nor known here; include it, or give it beside the request"
    )]
    VoucherUnknown {
        /// The certificate named.
        found: String,
    },
    /// The certificate that vouches is not valid here.
    #[error("request: the certificate that vouches, {certificate}, is not valid: {reason}")]
    VoucherPath {
        /// Which certificate.
        certificate: String,
        /// Why not.
        reason: String,
    },
    /// The certificate that vouches may not sign.
    #[error(
        "request: the certificate that vouches, {certificate}, has keyUsage {found}, allowed is digital_signature among them"
    )]
    VoucherKeyUsage {
        /// Which certificate.
        certificate: String,
        /// Its usages.
        found: String,
    },
    /// The certificate that vouches is revoked.
    #[error(
        "request: the certificate that vouches, {certificate}, was revoked at {at}; allowed is one that is not revoked"
    )]
    VoucherRevoked {
        /// Which certificate.
        certificate: String,
        /// Since when.
        at: Timestamp,
    },
    /// Its issuer does not know the certificate that vouches.
    #[error(
        "request: the certificate that vouches, {certificate}, is not in the records of its issuer; allowed is one that was issued"
    )]
    VoucherNotIssued {
        /// Which certificate.
        certificate: String,
    },
    /// The certificate that vouches names somebody else.
    #[error(
        "request: subject: found {found}, allowed is that of the certificate that vouches, {allowed}", found = quoted(.found), allowed = quoted(.allowed)
    )]
    VoucherSubject {
        /// The request's subject, RFC 4514.
        found: String,
        /// The certificate's subject, RFC 4514.
        allowed: String,
    },
    /// The certificate that vouches lacks a name.
    #[error(
        "request: subjectAltName: found {found}, allowed are the names of the certificate that vouches: {allowed}"
    )]
    VoucherName {
        /// The name found.
        found: AltName,
        /// The certificate's names.
        allowed: String,
    },
    /// The request is not signed by the certificate that vouches.
    #[error(
        "request: not signed by the key of the certificate that vouches, {certificate}: {reason}; sign it with that key"
    )]
    VoucherSignature {
        /// Which certificate.
        certificate: String,
        /// What is wrong.
        reason: SignatureError,
    },
    /// The key that signs is not the certificate's.
    #[error(
        "request: the signing key is not the key of the certificate that vouches, allowed is only that one"
    )]
    VoucherKey,
    /// Somebody else may not vouch for a key that can prove itself.
    #[error(
        "request: the public key is {found}; a certificate vouches only for keys that can't sign, allowed is ML-KEM"
    )]
    VoucherNotDue {
        /// The kind of key.
        found: String,
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
    /// A value of an attribute that has no effect is not DER of its tag.
    #[error(
        "request: attribute {oid}: found a value that is not DER of its tag, allowed are DER, values in ascending order, and at most {allowed} levels of nesting; leave the attribute out, it has no effect"
    )]
    AttributeValue {
        /// Which attribute.
        oid: ObjectIdentifier,
        /// How many levels are allowed.
        allowed: usize,
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
