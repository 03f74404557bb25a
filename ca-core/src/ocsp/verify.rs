//! Whether a response is its issuer's, about the certificate, and current (RFC 6960 section 3.2).

use std::time::Duration;

use jiff::Timestamp;

use super::delegate::{check_delegate, check_issuer, check_standing};
use super::error::{OcspError, OcspMessage};
use super::nonce::Nonce;
use super::response::BasicResponse;
use super::single::SingleResponse;
use crate::algorithm::SignatureScheme;
use crate::certificate::Certificate;
use crate::crl::CertificateList;
use crate::name::to_text;
use crate::signature::verify;

/// What a response must be like.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'a> {
    /// The instant for which it is asked.
    pub at: Timestamp,
    /// By how much clocks may differ: thisUpdate may lie that far ahead, nextUpdate behind.
    pub skew: Duration,
    /// How old thisUpdate may be where there is no nextUpdate.
    pub max_age: Duration,
    /// Which nonce.
    pub nonce: ExpectedNonce<'a>,
    /// Lists of the issuer, by which a delegate without id-pkix-ocsp-nocheck is judged.
    pub crls: &'a [CertificateList],
}

/// Which nonce a response must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpectedNonce<'a> {
    /// None was sent, or the request is not at hand: nothing is checked.
    #[default]
    Any,
    /// The one that was sent, or none, as responders have it that signed beforehand.
    SameOrNone(&'a Nonce),
    /// The one that was sent.
    Same(&'a Nonce),
}

impl Expectation<'_> {
    /// At this instant, give or take 5 minutes; without nextUpdate not older than an hour; any
    /// nonce; no lists.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            skew: Duration::from_secs(300),
            max_age: Duration::from_secs(3600),
            nonce: ExpectedNonce::Any,
            crls: &[],
        }
    }
}

/// Who signed a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedBy<'a> {
    /// The issuer itself.
    Issuer,
    /// A delegate of it.
    Delegate(&'a Certificate),
}

/// What a response that may be trusted says of the certificate.
#[derive(Clone, Copy, Debug)]
pub struct Verified<'a> {
    /// What it says.
    pub single: &'a SingleResponse,
    /// Who says so.
    pub signed_by: SignedBy<'a>,
    /// How it is signed.
    pub scheme: SignatureScheme,
}

impl BasicResponse {
    /// Checks that the response tells of `certificate`, which `issuer` issued, is what is expected,
    /// and that the issuer or a delegate of it signed it. The issuer's own certificate must have
    /// been validated before.
    ///
    /// Where it tells of the certificate more than once, the worst counts: revoked, then unknown.
    ///
    /// # Errors
    /// `OcspError` says what is wrong.
    pub fn verify<'s>(
        &'s self,
        certificate: &Certificate,
        issuer: &Certificate,
        expected: &Expectation<'_>,
    ) -> Result<Verified<'s>, OcspError> {
        let single = self.find(certificate, issuer)?;
        self.check_nonce(expected.nonce)?;
        check_time(single, expected)?;
        // Signatures, which cost most, come last.
        self.attributed(single, issuer, expected)
    }

    /// The same for a response that [`Self::verify`] found past its date, and only past its date.
    pub(super) fn verify_late<'s>(
        &'s self,
        certificate: &Certificate,
        issuer: &Certificate,
        expected: &Expectation<'_>,
    ) -> Result<Verified<'s>, OcspError> {
        self.attributed(self.find(certificate, issuer)?, issuer, expected)
    }

    fn attributed<'s>(
        &'s self,
        single: &'s SingleResponse,
        issuer: &Certificate,
        expected: &Expectation<'_>,
    ) -> Result<Verified<'s>, OcspError> {
        let (signed_by, scheme) = self.check_responder(issuer, expected)?;
        Ok(Verified { single, signed_by, scheme })
    }

    fn find(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<&SingleResponse, OcspError> {
        use super::single::CertStatus::{Good, NeverIssued, Revoked, Unknown};
        let about = self.singles().iter().filter(|one| one.cert_id().is_of(certificate, issuer));
        let worst = about.max_by_key(|one| match one.status() {
            Good => 0,
            Unknown => 1,
            NeverIssued | Revoked { .. } => 2,
        });
        worst.ok_or_else(|| OcspError::OtherCertificate {
            found: self.told_of(),
            serial: serial_text(certificate),
            issuer: to_text(issuer.subject()),
        })
    }

    /// Of which certificates the response tells, the first ones.
    fn told_of(&self) -> String {
        let shown = self.singles().iter().take(3).map(|one| one.cert_id().to_string());
        let shown = shown.collect::<Vec<_>>().join(", ");
        match self.singles().len().saturating_sub(3) {
            0 => shown,
            more => format!("{shown} and {more} more"),
        }
    }

    fn check_nonce(&self, expected: ExpectedNonce<'_>) -> Result<(), OcspError> {
        let wanted = match (expected, self.nonce()) {
            (ExpectedNonce::Any, _) | (ExpectedNonce::SameOrNone(_), None) => return Ok(()),
            (ExpectedNonce::SameOrNone(wanted) | ExpectedNonce::Same(wanted), _) => wanted,
        };
        match self.nonce() {
            Some(found) if found == wanted => Ok(()),
            found => Err(OcspError::Nonce {
                found: found.map_or("none".into(), ToString::to_string),
                allowed: wanted.to_string(),
            }),
        }
    }

    /// Who may answer and did: the issuer, or a delegate whose certificate is in the response.
    fn check_responder(
        &self,
        issuer: &Certificate,
        expected: &Expectation<'_>,
    ) -> Result<(SignedBy<'_>, SignatureScheme), OcspError> {
        let what = OcspMessage::Response;
        let scheme = SignatureScheme::from_identifier(self.signature_algorithm())
            .map_err(|error| OcspError::Scheme { what, error })?;
        let signed = |by: &Certificate| {
            verify(by.public_key(), scheme, self.tbs_der(), self.signature())
                .map_err(|error| OcspError::Signature { what, error })
        };
        let mut refused = None;
        if self.responder_id().is(issuer) {
            match check_issuer(issuer).and_then(|()| signed(issuer)) {
                Ok(()) => return Ok((SignedBy::Issuer, scheme)),
                Err(error) => refused = Some(error),
            }
        }
        // A delegate may have the issuer's name, but not its key.
        let others = self
            .certificates()
            .iter()
            .filter(|one| one.public_key() != issuer.public_key() && self.responder_id().is(one));
        for delegate in others {
            let checked = check_delegate(delegate, issuer)
                .and_then(|()| check_standing(delegate, issuer, expected.crls, expected.at))
                .and_then(|()| signed(delegate));
            match checked {
                Ok(()) => return Ok((SignedBy::Delegate(delegate), scheme)),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| OcspError::Responder {
            found: self.responder_id().to_string(),
            issuer: to_text(issuer.subject()),
        }))
    }
}

/// The serial number in hexadecimal, its first 32 octets.
fn serial_text(certificate: &Certificate) -> String {
    certificate.serial_octets().iter().take(32).map(|octet| format!("{octet:02x}")).collect()
}

fn check_time(single: &SingleResponse, expected: &Expectation<'_>) -> Result<(), OcspError> {
    let (at, skew_seconds) = (expected.at, expected.skew.as_secs());
    let (now, skew) = (at.as_second(), seconds(expected.skew));
    let this_update = single.this_update();
    if now.saturating_add(skew) < this_update.as_second() {
        return Err(OcspError::NotYetValid { this_update, at, skew_seconds });
    }
    match single.next_update() {
        Some(next_update) if now.saturating_sub(skew) > next_update.as_second() => {
            Err(OcspError::Expired { next_update, at, skew_seconds })
        }
        Some(_) => Ok(()),
        None if now.saturating_sub(seconds(expected.max_age)) > this_update.as_second() => {
            let max_age_seconds = expected.max_age.as_secs();
            Err(OcspError::Old { this_update, at, max_age_seconds })
        }
        None => Ok(()),
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
