//! The Online Certificate Status Protocol (RFC 6960, RFC 9654, profile of RFC 5019): requests and
//! responses, built, read and judged.
//!
//! [`OcspRequest`] asks about certificates by their [`CertId`]s. A [`Responder`], the authority
//! itself or a delegate of it, answers; [`PreSigner`] answers for every certificate of an
//! authority without being asked. [`OcspResponse`] holds an answer of which every octet was read
//! once. [`check_responses`] says whether a certificate is revoked, and that it can't know where
//! it can't.
//!
//! SHA-1 stands in identifiers alone, where RFC 6960 and most clients want it; a signature by it
//! is refused. See ADR 0041.

mod build;
mod cert_id;
mod delegate;
mod error;
mod fields;
mod hash;
mod nonce;
mod presign;
mod request;
mod responder;
mod response;
mod single;
mod status;
mod verify;

#[cfg(test)]
mod tests;

use const_oid::ObjectIdentifier;

pub use build::{OcspBuildError, UpdateWindow};
pub use cert_id::CertId;
pub use error::{ErrorStatus, OcspError, OcspMessage};
pub use hash::CertIdHash;
pub use nonce::{InvalidNonce, Nonce};
pub use presign::PreSigner;
pub use request::OcspRequest;
pub use responder::{Answer, Responder};
pub use response::{BasicResponse, OcspResponse, ResponderId};
pub use single::{CertStatus, SingleResponse};
pub(crate) use status::judge_responses;
pub use status::{check_responses, check_responses_as};
pub use verify::{Expectation, ExpectedNonce, SignedBy, Verified};

/// The largest request that is read, in octets: a hundred CertIDs and a signature with its
/// certificates.
pub const MAX_REQUEST_SIZE: usize = 64 * 1024;
/// The largest response that is read or made, in octets.
pub const MAX_RESPONSE_SIZE: usize = 256 * 1024;
/// Certificates that one request may ask about.
pub const MAX_CERT_IDS: usize = 100;
/// Certificates that one response may tell of.
pub const MAX_SINGLE_RESPONSES: usize = 1000;
/// Certificates that a request or a response may bring along.
pub const MAX_CERTIFICATES: usize = 8;

/// id-pkix-ocsp-basic, RFC 6960 section 4.2.1.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// id-pkix-ocsp-nonce, RFC 9654 section 2.
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
/// id-pkix-ocsp-response, the types of response that a client takes, RFC 6960 section 4.4.3.
const ACCEPTABLE_RESPONSES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.4");
/// id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1.
const NO_CHECK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.5");
/// id-pkix-ocsp-archive-cutoff, RFC 6960 section 4.4.4.
const ARCHIVE_CUTOFF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.6");
/// id-pkix-ocsp-extended-revoke, RFC 6960 section 4.4.8.
const EXTENDED_REVOKE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.9");
/// id-kp-OCSPSigning, RFC 6960 section 4.2.2.2.
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
