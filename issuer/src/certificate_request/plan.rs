//! What is done with a `CertificateRequest`, decided without asking anybody.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;

use super::{
    CertificateRequest, CertificateRequestStatus, DENIED, FAILED, INVALID_REQUEST, ISSUED, PENDING,
    READY,
};
use crate::condition::{Condition, FALSE, TRUE, find, whole};
use crate::fault::Fault;
use crate::history::{History, RetryRules};
use crate::kinds::IssuerRef;
use crate::places::IN_LINE;
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

/// How often a request that waits for its issuer is looked at, beside whenever the issuer changes.
const POLL: Duration = Duration::from_secs(300);

/// It waits for its issuer, for as long as it takes: it is looked at when the issuer changes.
#[must_use]
pub fn waiting(request: &CertificateRequest, why: &str, now: Timestamp) -> RequestPlan {
    let (patch, is_new) = pending(request, why, now);
    let notice = is_new.then(|| Notice::normal("WaitingForIssuer", why));
    Plan { patch, notice, again: Some(POLL), outcome: Outcome::WaitingForIssuer }
}

/// How often a request is looked at whose issuer was not checked yet, or whose namespace or Certificate is not known.
const NOT_KNOWN: Duration = Duration::from_secs(5);

/// It waits for the first check of its issuer, which wakes it.
#[must_use]
pub fn unchecked(request: &CertificateRequest, issuer: &IssuerRef, now: Timestamp) -> RequestPlan {
    not_known(request, &format!("{issuer}: it was not checked yet"), now)
}

/// It waits for something that this process has not read yet. One that says nothing of itself yet says
/// so.
#[must_use]
pub fn not_known(request: &CertificateRequest, words: &str, now: Timestamp) -> RequestPlan {
    let says_nothing = find(request.conditions(), READY).is_none();
    let patch = says_nothing.then(|| pending(request, words, now).0).flatten();
    let outcome = Outcome::WaitingForIssuer;
    Plan { patch, notice: None, again: Some(NOT_KNOWN), outcome }
}

/// It waits until others of its issuer are done, and has waited a while. One that says nothing of itself yet
/// says so.
#[must_use]
pub fn in_line(request: &CertificateRequest, issuer: &IssuerRef, now: Timestamp) -> RequestPlan {
    let says_nothing = find(request.conditions(), READY).is_none();
    let words =
        format!("{issuer}: it waits until others of the same issuer have their certificates");
    let patch = says_nothing.then(|| pending(request, &words, now).0).flatten();
    Plan { patch, notice: None, again: Some(IN_LINE), outcome: Outcome::WaitingForIssuer }
}

/// It is being signed, and that takes its time. None where `Ready` is there already: what it says of
/// the last try stays until there is a result.
#[must_use]
pub fn signing(request: &CertificateRequest, now: Timestamp) -> Option<CertificateRequestStatus> {
    if find(request.conditions(), READY).is_some() {
        return None;
    }
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
        (Plan { patch: Some(patch), notice, again: None, outcome }, history.decided())
    };
    match result {
        Ok(signed) => (issued(request, signed, now, ca_in_status), history.decided()),
        Err(Fault::BadRequest(words)) => over(Outcome::BadRequest, words, Some(words)),
        Err(Fault::Refused(words)) => over(Outcome::Refused, words, None),
        // The issuer's controller wakes the request once the issuer was checked again.
        Err(Fault::Issuer(words)) => {
            let history = history.failed_by_issuer(now);
            let wait = history.wait(request.uid(), rules, None);
            (waiting(request, words, now), history.resting(wait, now))
        }
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
    let words = signed.words();
    let before = request.conditions();
    let patch = CertificateRequestStatus {
        conditions: vec![Condition::after(before, (READY, TRUE), ISSUED, &words, now)],
        certificate: Some(ByteString(signed.chain.clone().into_bytes())),
        ca: ca_in_status.then(|| ByteString(signed.root.clone().into_bytes())),
        failure_time: None,
    };
    let notice = Some(Notice::issued(signed));
    Plan { patch: Some(patch), notice, again: None, outcome: Outcome::Issued }
}

fn retried(
    request: &CertificateRequest,
    words: &str,
    wait: Duration,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::time::Duration;

    use jiff::SignedDuration;

    use super::super::tests::request;
    use super::*;

    const APPROVED: [&str; 3] = ["Approved", "True", "cert-manager.io"];
    const RULES: RetryRules = RetryRules {
        limit: Duration::from_secs(3600),
        initial: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    fn now() -> Timestamp {
        "2026-11-27T06:00:00.7Z".parse().unwrap()
    }

    /// The plan for an approved request whose try ended like this, and what is remembered.
    fn tried(fault: Fault, history: &History) -> (RequestPlan, History) {
        let request = request(&[APPROVED]);
        concluded(&request, &Err(fault), history, &RULES, (now(), true))
    }

    fn transient(words: &str) -> Fault {
        Fault::Transient { words: words.into(), after: None }
    }

    /// `Ready`'s status and reason, the time of failure, and whether the request is invalid.
    fn told(plan: &RequestPlan) -> (String, String, bool, bool) {
        let status = plan.patch.as_ref().unwrap();
        let ready = find(&status.conditions, READY).unwrap();
        let invalid = find(&status.conditions, INVALID_REQUEST).is_some_and(Condition::holds);
        (ready.status.clone(), ready.reason.clone(), status.failure_time.is_some(), invalid)
    }

    #[test]
    fn each_outcome_has_its_conditions_time_event_and_next_look() {
        let failed = |reason: &str, invalid| (FALSE.to_owned(), reason.to_owned(), true, invalid);
        let pending = (FALSE.to_owned(), PENDING.to_owned(), false, false);
        for (fault, wanted, event, outcome, again) in [
            (
                Fault::BadRequest("x".into()),
                failed(FAILED, true),
                "PermanentError",
                Outcome::BadRequest,
                false,
            ),
            (
                Fault::Refused("x".into()),
                failed(FAILED, false),
                "PermanentError",
                Outcome::Refused,
                false,
            ),
            (
                Fault::Issuer("x".into()),
                pending.clone(),
                "WaitingForIssuer",
                Outcome::WaitingForIssuer,
                true,
            ),
            (transient("x"), pending.clone(), "RetryableError", Outcome::Retried, true),
        ] {
            let (plan, _) = tried(fault, &History::default());
            assert_eq!(told(&plan), wanted, "{outcome:?}");
            assert_eq!(plan.notice.as_ref().unwrap().reason, event);
            assert_eq!((plan.outcome, plan.again.is_some()), (outcome, again));
        }
        let plan = denied(&request(&[["Denied", "True", "policy"]]), now());
        assert_eq!(told(&plan), failed(DENIED, false));
        assert_eq!((plan.outcome, plan.again), (Outcome::Denied, None));
    }

    #[test]
    fn a_transient_fault_is_tried_up_to_the_limit_and_rests_between() {
        let (plan, history) = tried(transient("no connection"), &History::default());
        assert_eq!(history.rest(now(), RULES.longest), plan.again);
        let begun = |seconds| History {
            failures: 9,
            failing_since: now().checked_sub(SignedDuration::from_secs(seconds)).ok(),
            ..History::default()
        };
        let (just, _) = tried(transient("x"), &begun(3599));
        assert_eq!((just.outcome, told(&just).2), (Outcome::Retried, false));
        let (over, history) = tried(transient("x"), &begun(3600));
        assert_eq!((over.outcome, told(&over).2), (Outcome::GaveUp, true));
        assert!(over.notice.unwrap().note.contains("tried for 3600 s: x"));
        assert_eq!(history, History::default(), "nothing is remembered of what is over");
    }

    #[test]
    fn a_fault_of_the_issuer_never_uses_up_the_limit() {
        let long = History {
            failing_since: now().checked_sub(SignedDuration::from_hours(99)).ok(),
            ..History::default()
        };
        let (plan, history) = tried(Fault::Issuer("no Secret".into()), &long);
        assert_eq!(plan.outcome, Outcome::WaitingForIssuer);
        assert_eq!(told(&plan).1, PENDING);
        assert!(history.rest(now(), RULES.longest).is_some(), "it is not sent again at once");
        let (first_of_its_own, _) = tried(transient("x"), &history);
        assert_eq!(first_of_its_own.outcome, Outcome::Retried);
        assert_eq!(tried(transient("x"), &long).0.outcome, Outcome::GaveUp);
    }

    #[test]
    fn a_result_that_was_not_written_stays_counted_whatever_the_server_answers() {
        let history = History { unwritten: 4, failures: 2, ..History::default() };
        let (_, after) = tried(Fault::Refused("x".into()), &history);
        assert_eq!(after, History { unwritten: 4, ..History::default() });
    }

    #[test]
    fn that_it_is_being_signed_is_said_where_nothing_else_is() {
        assert!(signing(&request(&[APPROVED]), now()).is_some());
        let tried = request(&[APPROVED, ["Ready", "False", "Pending"]]);
        assert!(signing(&tried, now()).is_none(), "why the last try failed stays to be read");
    }

    #[test]
    fn what_a_status_says_already_is_neither_written_nor_told_again() {
        let mut request = request(&[APPROVED, ["Ready", "False", "Pending"]]);
        let first = waiting(&request, "no issuer", now());
        let status = request.status.as_mut().unwrap();
        status.conditions[1] = first.patch.unwrap().conditions[0].clone();
        let second = waiting(&request, "no issuer", now());
        assert_eq!((second.patch, second.notice), (None, None));
        let other = waiting(&request, "no Secret", now());
        assert!(other.patch.is_some() && other.notice.is_some());
    }

    #[test]
    fn an_end_without_its_time_gets_one_and_keeps_its_words() {
        let request = request(&[APPROVED, ["Ready", "False", "Failed"]]);
        let plan = completed(&request, now());
        assert_eq!(told(&plan), (FALSE.to_owned(), FAILED.to_owned(), true, false));
        let time = plan.patch.unwrap().failure_time.unwrap();
        assert_eq!(time.to_string(), "2026-11-27T06:00:00Z", "whole seconds");
        assert_eq!(plan.notice, None);
    }
}
