//! Why a request or a response is refused.

use std::fmt;

use jiff::Timestamp;

use crate::algorithm::SchemeError;
use crate::crl::error::Fault;
use crate::crl::error::{CANONICAL, STRUCTURE};
use crate::signature::SignatureError;

/// Which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcspMessage {
    /// A request.
    Request,
    /// A response.
    Response,
}

impl fmt::Display for OcspMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "OCSP request",
            Self::Response => "OCSP response",
        })
    }
}

/// What a responder says in place of an answer (RFC 6960 section 4.2.1, OCSPResponseStatus).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorStatus {
    /// The request can't be read.
    MalformedRequest,
    /// The responder is in an inconsistent state.
    InternalError,
    /// For now there is no answer.
    TryLater,
    /// The request must be signed.
    SigRequired,
    /// The client may not ask, or the responder does not speak for the certificate's issuer.
    Unauthorized,
}

impl ErrorStatus {
    /// Every one, by code.
    pub const ALL: [Self; 5] = [
        Self::MalformedRequest,
        Self::InternalError,
        Self::TryLater,
        Self::SigRequired,
        Self::Unauthorized,
    ];

    /// The value of the ENUMERATED.
    pub fn code(self) -> u8 {
        match self {
            Self::MalformedRequest => 1,
            Self::InternalError => 2,
            Self::TryLater => 3,
            // 4 is not used.
            Self::SigRequired => 5,
            Self::Unauthorized => 6,
        }
    }

    /// The status with this code; none for 0, which is success, and for codes that are not used.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.code() == code)
    }

    /// The name that RFC 6960 gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MalformedRequest => "malformedRequest",
            Self::InternalError => "internalError",
            Self::TryLater => "tryLater",
            Self::SigRequired => "sigRequired",
            Self::Unauthorized => "unauthorized",
        }
    }
}

impl fmt::Display for ErrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A request or a response that can't be read, or says nothing that may be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// Past the bound.
    #[error("{what}: {found} octets, allowed are at most {allowed}")]
    TooLarge {
        /// Which message.
        what: OcspMessage,
        /// Octets found.
        found: usize,
        /// Octets allowed.
        allowed: usize,
    },
    /// A field breaks DER, RFC 6960 or RFC 9654.
    #[error("{what}: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which message.
        what: OcspMessage,
        /// The field, as RFC 6960 names it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The responder gave no answer.
    #[error(
        "OCSP response: responseStatus: found {0}, allowed: successful; ask again or elsewhere"
    )]
    ErrorStatus(ErrorStatus),
    /// The response tells of other certificates.
    #[error("OCSP response: certID: found {found}, allowed: serial number {serial} of {issuer}")]
    OtherCertificate {
        /// Of which certificates it tells.
        found: String,
        /// The certificate's serial number, in hexadecimal.
        serial: String,
        /// Its issuer, RFC 4514.
        issuer: String,
    },
    /// Another request's response, or one that was signed before anybody asked.
    #[error("OCSP response: nonce: found {found}, allowed: {allowed}, as it was sent")]
    Nonce {
        /// What the response has.
        found: String,
        /// What the request had.
        allowed: String,
    },
    /// Before thisUpdate.
    #[error(
        "OCSP response: thisUpdate: found {this_update}, allowed: no later than {at}, the instant asked for, and {skew_seconds} seconds"
    )]
    NotYetValid {
        /// Since when the response is right.
        this_update: Timestamp,
        /// The instant that was asked for.
        at: Timestamp,
        /// By how much clocks may differ.
        skew_seconds: u64,
    },
    /// After nextUpdate.
    #[error(
        "OCSP response: nextUpdate: found {next_update}, allowed: {at} or later, the instant asked for, less {skew_seconds} seconds; ask again"
    )]
    Expired {
        /// Until when the response is right.
        next_update: Timestamp,
        /// The instant that was asked for.
        at: Timestamp,
        /// By how much clocks may differ.
        skew_seconds: u64,
    },
    /// Without nextUpdate, and too old to be taken for the newest.
    #[error(
        "OCSP response: nextUpdate: found none, and thisUpdate is {this_update}; allowed without nextUpdate: at most {max_age_seconds} seconds before {at}, the instant asked for; ask again"
    )]
    Old {
        /// Since when the response is right.
        this_update: Timestamp,
        /// The instant that was asked for.
        at: Timestamp,
        /// How old it may be.
        max_age_seconds: u64,
    },
    /// Nobody who may answer.
    #[error(
        "OCSP response: responderID: found {found}, allowed: the issuer, {issuer}, or a delegate of it whose certificate is in the response"
    )]
    Responder {
        /// Who it says it is.
        found: String,
        /// The certificate's issuer, RFC 4514.
        issuer: String,
    },
    /// The issuer itself may not sign responses.
    #[error(
        "OCSP response: the issuer's keyUsage: found no digitalSignature, allowed: digitalSignature, no keyUsage at all, or a delegate"
    )]
    IssuerKeyUsage,
    /// The delegate may not answer (RFC 6960 section 4.2.2.2).
    #[error(
        "OCSP response: the delegate's certificate: {field}: found {found}, allowed: {allowed}"
    )]
    Delegate {
        /// The field of its certificate.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// The algorithm is not accepted.
    #[error("{what}: {error}")]
    Scheme {
        /// Which message.
        what: OcspMessage,
        /// Why.
        error: SchemeError,
    },
    /// The signature is wrong.
    #[error("{what}: {error}")]
    Signature {
        /// Which message.
        what: OcspMessage,
        /// Why.
        error: SignatureError,
    },
}

impl OcspError {
    /// Whether it is no request or response at all, rather than one that breaks a rule or can't be
    /// trusted.
    pub fn is_malformed(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            Self::Field { allowed, .. } => [STRUCTURE, CANONICAL].contains(allowed),
            _ => false,
        }
    }
}

/// A field's fault in a message.
pub(super) fn at(what: OcspMessage, fault: Fault) -> OcspError {
    let Fault { field, found, allowed } = fault;
    OcspError::Field { what, field, found, allowed }
}

pub(super) fn in_request(fault: Fault) -> OcspError {
    at(OcspMessage::Request, fault)
}

pub(super) fn in_response(fault: Fault) -> OcspError {
    at(OcspMessage::Response, fault)
}
