//! Whether a certificate is revoked, from responses that are at hand.

use jiff::Timestamp;

use super::error::OcspError;
use super::response::OcspResponse;
use super::single::CertStatus;
use super::verify::{Expectation, Verified};
use crate::certificate::Certificate;
use crate::crl::{EntrySerial, RevocationReason, RevocationStatus, UnknownRevocation};
use crate::name::to_text;

/// Judges `certificate`, which `issuer` issued, by those of `responses` that tell of it and may be
/// trusted at `at`, as [`Expectation::at`] has it. Both certificates must have been validated as a
/// path before.
///
/// - The newest response counts: the one with the latest thisUpdate. Of several of one second the
///   worst counts.
/// - A response that revokes for any reason but certificateHold counts also when it is past its
///   date, or a newer one takes it back, which RFC 5280 lets no issuer do.
/// - Responses that are refused are passed over. When none is left the answer is unknown, and says
///   why the last one that tells of the certificate was refused.
/// - A certificate that the issuer never issued counts as revoked, on hold since 1970.
pub fn check_responses(
    certificate: &Certificate,
    issuer: &Certificate,
    responses: &[OcspResponse],
    at: Timestamp,
) -> RevocationStatus {
    check_responses_as(certificate, issuer, responses, &Expectation::at(at))
}

/// [`check_responses`] by other expectations: skew, nonce, lists that judge delegates.
pub fn check_responses_as(
    certificate: &Certificate,
    issuer: &Certificate,
    responses: &[OcspResponse],
    expected: &Expectation<'_>,
) -> RevocationStatus {
    judge_responses(certificate, issuer, responses, expected).0
}

/// The same, with the response that says so.
pub(crate) fn judge_responses<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    responses: &'a [OcspResponse],
    expected: &Expectation<'_>,
) -> (RevocationStatus, Option<Verified<'a>>) {
    let found = judge(certificate, issuer, responses, expected);
    let status = match found.as_ref().map(|verified| verified.single.status()) {
        Ok(CertStatus::Good) => RevocationStatus::Good,
        Ok(CertStatus::Revoked { at, reason, invalidity_date }) => {
            RevocationStatus::Revoked { reason, at, invalidity_date }
        }
        Ok(CertStatus::NeverIssued) => RevocationStatus::Revoked {
            reason: RevocationReason::CertificateHold,
            at: Timestamp::UNIX_EPOCH,
            invalidity_date: None,
        },
        Ok(CertStatus::Unknown) => {
            RevocationStatus::Unknown { why: UnknownRevocation::ResponderDoesNotKnow }
        }
        Err(why) => RevocationStatus::Unknown { why: why.clone() },
    };
    (status, found.ok())
}

fn judge<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    responses: &'a [OcspResponse],
    expected: &Expectation<'_>,
) -> Result<Verified<'a>, UnknownRevocation> {
    if certificate.issuer() != issuer.subject() {
        let (found, allowed) = (to_text(certificate.issuer()), to_text(issuer.subject()));
        return Err(UnknownRevocation::IssuerMismatch { found, allowed });
    }
    EntrySerial::of(certificate)?;
    let verified = usable(certificate, issuer, responses, expected)?;
    let newest = verified.iter().map(|one| one.single.this_update().as_second()).max();
    let counts = |one: &&Verified<'_>| {
        is_for_ever(one.single.status()) || Some(one.single.this_update().as_second()) == newest
    };
    let worst = verified.iter().filter(counts).max_by_key(|one| badness(one.single.status()));
    // There is at least one: `usable` gives no empty list.
    worst.copied().ok_or(UnknownRevocation::NoResponse)
}

/// The responses that tell of the certificate and may be trusted, at least one; of those past their
/// date what they revoke for ever.
fn usable<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    responses: &'a [OcspResponse],
    expected: &Expectation<'_>,
) -> Result<Vec<Verified<'a>>, UnknownRevocation> {
    let (mut usable, mut refused, mut other) = (Vec::new(), None, None);
    for response in responses {
        let basic = match response.basic() {
            Ok(basic) => basic,
            Err(error) => {
                refused = Some(error);
                continue;
            }
        };
        match basic.verify(certificate, issuer, expected) {
            Ok(verified) => usable.push(verified),
            Err(error @ OcspError::OtherCertificate { .. }) => other = Some(error),
            Err(error @ (OcspError::Expired { .. } | OcspError::Old { .. })) => {
                let late = basic.verify_late(certificate, issuer, expected).ok();
                usable.extend(late.filter(|one| is_for_ever(one.single.status())));
                refused = Some(error);
            }
            Err(error) => refused = Some(error),
        }
    }
    if !usable.is_empty() {
        return Ok(usable);
    }
    Err(match refused.or(other) {
        Some(error) => UnknownRevocation::RefusedResponse(error),
        None => UnknownRevocation::NoResponse,
    })
}

fn is_for_ever(status: CertStatus) -> bool {
    matches!(status, CertStatus::Revoked { reason, .. } if reason != RevocationReason::CertificateHold)
}

fn badness(status: CertStatus) -> u8 {
    match status {
        CertStatus::Good => 0,
        CertStatus::Unknown => 1,
        CertStatus::NeverIssued => 2,
        CertStatus::Revoked { .. } if !is_for_ever(status) => 2,
        CertStatus::Revoked { .. } => 3,
    }
}
