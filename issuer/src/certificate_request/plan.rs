//! What is done with a `CertificateRequest`, decided without asking anybody.

use jiff::Timestamp;
use k8s_openapi::ByteString;

use super::{
    CertificateRequest, CertificateRequestStatus, DENIED, FAILED, INVALID_REQUEST, ISSUED, PENDING,
    READY,
};
use crate::condition::{Condition, FALSE, TRUE, find, whole};
use crate::fault::Fault;
use crate::history::{History, RetryRules};
use crate::plan::{Notice, Outcome, Plan};
use crate::signing::Signed;

/// The plan for a request.
pub type RequestPlan = Plan<CertificateRequestStatus>;

/// An approver denied it.
#[must_use]
pub fn denied(request: &CertificateRequest, now: Timestamp) -> RequestPlan {
    let words = "an approver denied the request";
    let patch = failure(request, DENIED, words, None, now);
    let notice = Some(Notice::warning("Denied", words));
    Plan { patch: Some(patch), notice, again: None, outcome: Outcome::Denied }
}

/// It failed, and whoever said so left out when.
#[must_use]
pub fn completed(request: &CertificateRequest, now: Timestamp) -> RequestPlan {
    let ready = find(request.conditions(), READY);
    let (reason, words) =
        ready.map_or((FAILED, ""), |ready| (ready.reason.as_str(), ready.message.as_str()));
    let patch = failure(request, reason, words, None, now);
    Plan { patch: Some(patch), notice: None, again: None, outcome: Outcome::Refused }
}

/// It waits for its issuer, for as long as it takes: it is looked at when the issuer changes.
#[must_use]
pub fn waiting(request: &CertificateRequest, why: &str, now: Timestamp) -> RequestPlan {
    let (patch, is_new) = pending(request, why, now);
    let notice = is_new.then(|| Notice::normal("WaitingForIssuer", why));
    Plan { patch, notice, again: None, outcome: Outcome::WaitingForIssuer }
}

/// It is being signed, and that takes its time.
#[must_use]
pub fn signing(request: &CertificateRequest, now: Timestamp) -> Option<CertificateRequestStatus> {
    pending(request, "the server is asked for the certificate", now).0
}

/// What follows from a try, and what is remembered of it.
#[must_use]
pub fn concluded(
    request: &CertificateRequest,
    result: &Result<Signed, Fault>,
    history: &History,
    rules: &RetryRules,
    (now, ca_in_status): (Timestamp, bool),
) -> (RequestPlan, History) {
    let over = |outcome, words: &str, invalid: Option<&str>| {
        let patch = failure(request, FAILED, words, invalid, now);
        let notice = Some(Notice::warning("PermanentError", words));
        (Plan { patch: Some(patch), notice, again: None, outcome }, History::default())
    };
    match result {
        Ok(signed) => (issued(request, signed, now, ca_in_status), History::default()),
        Err(Fault::BadRequest(words)) => over(Outcome::BadRequest, words, Some(words)),
        Err(Fault::Refused(words)) => over(Outcome::Refused, words, None),
        // The issuer's controller wakes the request once the issuer was checked again.
        Err(Fault::Issuer(words)) => (waiting(request, words, now), history.clone()),
        Err(Fault::Transient { words, after }) => {
            let history = history.failed(now);
            if history.is_over(rules.limit, now) {
                let seconds = rules.limit.as_secs();
                return over(Outcome::GaveUp, &format!("tried for {seconds} s: {words}"), None);
            }
            let wait = history.wait(request.uid(), rules, *after);
            (retried(request, words, wait, now), history.resting(wait, now))
        }
    }
}

fn issued(
    request: &CertificateRequest,
    signed: &Signed,
    now: Timestamp,
    ca_in_status: bool,
) -> RequestPlan {
    let mut words = format!("certificate {} issued", signed.serial);
    if !signed.notes.is_empty() {
        words.push_str(", otherwise than asked for: ");
        words.push_str(&signed.notes.join("; "));
    }
    let before = request.conditions();
    let patch = CertificateRequestStatus {
        conditions: vec![Condition::after(before, (READY, TRUE), ISSUED, &words, now)],
        certificate: Some(ByteString(signed.chain.clone().into_bytes())),
        ca: ca_in_status.then(|| ByteString(signed.root.clone().into_bytes())),
        failure_time: None,
    };
    let notice = Some(Notice::normal("Issued", &words));
    Plan { patch: Some(patch), notice, again: None, outcome: Outcome::Issued }
}

fn retried(
    request: &CertificateRequest,
    words: &str,
    wait: std::time::Duration,
    now: Timestamp,
) -> RequestPlan {
    let (patch, is_new) = pending(request, words, now);
    let notice = is_new.then(|| Notice::warning("RetryableError", words));
    Plan { patch, notice, again: Some(wait), outcome: Outcome::Retried }
}

/// `Ready` is false and may become true. None where the status says exactly this; with it whether
/// these words are new.
fn pending(
    request: &CertificateRequest,
    words: &str,
    now: Timestamp,
) -> (Option<CertificateRequestStatus>, bool) {
    let before = request.conditions();
    let ready = Condition::after(before, (READY, FALSE), PENDING, words, now);
    if find(before, READY).is_some_and(|old| *old == ready) {
        return (None, false);
    }
    let status =
        CertificateRequestStatus { conditions: vec![ready], ..CertificateRequestStatus::default() };
    (Some(status), true)
}

/// `Ready` is false for ever, with the time without which cert-manager never tries again.
fn failure(
    request: &CertificateRequest,
    reason: &str,
    words: &str,
    invalid: Option<&str>,
    now: Timestamp,
) -> CertificateRequestStatus {
    let before = request.conditions();
    let mut conditions = vec![Condition::after(before, (READY, FALSE), reason, words, now)];
    if let Some(words) = invalid {
        let kind = (INVALID_REQUEST, TRUE);
        conditions.push(Condition::after(before, kind, "Refused", words, now));
    }
    let earlier = request.status.as_ref().and_then(|status| status.failure_time);
    CertificateRequestStatus {
        conditions,
        failure_time: Some(earlier.unwrap_or(whole(now))),
        ..CertificateRequestStatus::default()
    }
}
