//! What responses and requests are made of, and why one was not made.

use jiff::Timestamp;

use super::MAX_RESPONSE_SIZE;
use super::error::OcspError;
use super::fields::context;
use crate::crl::error::Fault;
use crate::crl::instant;
use crate::plan::encode::tlv;
use crate::sign::SignError;

/// When a response is made, and for how long it is right. Fractions of a second are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateWindow {
    produced_at: Timestamp,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
}

impl UpdateWindow {
    /// A response of `produced_at` that tells what is known since `this_update`, and that may be
    /// used until `next_update`. Without that, clients ask for every use.
    ///
    /// # Errors
    /// `OcspBuildError::Window` unless thisUpdate is not after producedAt and nextUpdate after both.
    pub fn new(
        produced_at: Timestamp,
        this_update: Timestamp,
        next_update: Option<Timestamp>,
    ) -> Result<Self, OcspBuildError> {
        let refuse = |field, found: Timestamp, allowed| {
            let found = found.to_string();
            Err(OcspBuildError::Window { field, found, allowed })
        };
        if let Err(Fault { field, found, allowed }) = instant::check("thisUpdate", this_update) {
            return Err(OcspBuildError::Window { field, found, allowed: allowed.into() });
        }
        if this_update.as_second() > produced_at.as_second() {
            return refuse("thisUpdate", this_update, format!("at most producedAt, {produced_at}"));
        }
        match next_update {
            Some(next) if next.as_second() <= produced_at.as_second() => {
                refuse("nextUpdate", next, format!("later than producedAt, {produced_at}"))
            }
            _ => Ok(Self { produced_at, this_update, next_update }),
        }
    }

    /// When the response is signed.
    pub fn produced_at(&self) -> Timestamp {
        self.produced_at
    }

    /// Since when it is right.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// Until when it is right.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// The field producedAt.
    pub(super) fn produced_at_der(&self) -> Vec<u8> {
        let mut der = Vec::new();
        instant::push_generalized(&mut der, self.produced_at);
        der
    }

    /// The fields thisUpdate and nextUpdate.
    pub(super) fn updates_der(&self) -> Result<Vec<u8>, der::Error> {
        let mut der = Vec::new();
        instant::push_generalized(&mut der, self.this_update);
        if let Some(next_update) = self.next_update {
            let mut time = Vec::new();
            instant::push_generalized(&mut time, next_update);
            der.extend(tlv(context(0), &[&time])?);
        }
        Ok(der)
    }
}

/// A request or a response that was not made.
#[derive(Debug, thiserror::Error)]
pub enum OcspBuildError {
    /// Too few or too many.
    #[error("OCSP: {field}: found {found}, allowed are 1 to {allowed}")]
    Count {
        /// Of what.
        field: &'static str,
        /// How many were found.
        found: usize,
        /// How many are allowed.
        allowed: usize,
    },
    /// The instants contradict each other, or the responder's certificate.
    #[error("OCSP response: {field}: found {found}, allowed: {allowed}")]
    Window {
        /// Which instant.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A status that can't be told.
    #[error("OCSP response: {field}: found {found}, allowed: {allowed}")]
    Status {
        /// Which part of it.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The key is not the responder's.
    #[error(
        "OCSP response: the signer's key is not the one of the responder's certificate; both must be the same"
    )]
    SignerMismatch,
    /// The responder may not answer for the issuer, or what was made can't be read.
    #[error(transparent)]
    Refused(#[from] OcspError),
    /// Past the bound.
    #[error(
        "OCSP response: {found} octets, allowed are at most {MAX_RESPONSE_SIZE}; answer for fewer certificates"
    )]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// The signature was not made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The DER encoder failed.
    #[error("OCSP: can't be encoded ({0})")]
    Encoding(#[from] der::Error),
}
