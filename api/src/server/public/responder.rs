//! Who signs OCSP answers for an authority.

use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::crl::EntrySerial;
use ca_core::ocsp::{CertStatus, OcspBuildError, OcspRequest, Responder, UpdateWindow};
use ca_core::serial::SerialNumber;
use jiff::{SignedDuration, Timestamp};

use crate::authority::Authority;
use crate::delegate::Delegate;

/// The authority itself, or its delegate.
#[derive(Clone, Debug)]
pub(super) struct Answering {
    issuer: Certificate,
    by: By,
}

#[derive(Clone, Debug)]
enum By {
    Authority(Arc<Authority>),
    Delegate(Arc<Delegate>),
}

impl Answering {
    /// The authority itself.
    pub(super) fn authority(issuer: Certificate, authority: Arc<Authority>) -> Self {
        Self { issuer, by: By::Authority(authority) }
    }

    /// A delegate of it.
    pub(super) fn delegate(issuer: Certificate, delegate: Delegate) -> Self {
        Self { issuer, by: By::Delegate(Arc::new(delegate)) }
    }

    /// For whom it answers.
    pub(super) fn issuer(&self) -> &Certificate {
        &self.issuer
    }

    /// The serial number of a delegate, whose own status decides whether it may answer; none where
    /// the authority answers itself, and `Err` for a number that no certificate of ours has.
    pub(super) fn delegate_serial(&self) -> Option<Result<SerialNumber, ()>> {
        let By::Delegate(delegate) = &self.by else { return None };
        let octets = delegate.certificate.serial_octets();
        Some(SerialNumber::from_bytes(octets).map_err(drop))
    }

    /// From `now` on, for so many hours, but not longer than the signer's certificate is valid.
    pub(super) fn window(
        &self,
        now: Timestamp,
        hours: u64,
    ) -> Result<UpdateWindow, OcspBuildError> {
        let certificate = match &self.by {
            By::Authority(_) => &self.issuer,
            By::Delegate(delegate) => &delegate.certificate,
        };
        let last = certificate.validity().not_after();
        let hours = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(i64::MAX / 3_600));
        let next = now.checked_add(hours).map_or(last, |next| next.min(last));
        UpdateWindow::new(now, now, Some(next))
    }

    /// Whether it may answer at all.
    ///
    /// # Errors
    /// `OcspBuildError` says what in its certificate forbids it.
    pub(super) fn check(&self) -> Result<(), OcspBuildError> {
        self.responder().map(drop)
    }

    /// Signs.
    pub(super) fn respond(
        &self,
        request: &OcspRequest,
        window: &UpdateWindow,
        status_of: impl FnMut(&EntrySerial) -> CertStatus,
    ) -> Result<Vec<u8>, OcspBuildError> {
        self.responder()?.respond(request, window, status_of)
    }

    fn responder(&self) -> Result<Responder<'_>, OcspBuildError> {
        match &self.by {
            By::Authority(authority) => Responder::authority(&self.issuer, authority.signer()),
            By::Delegate(delegate) => {
                Responder::delegate(&self.issuer, &delegate.certificate, &delegate.signer)
            }
        }
    }
}
