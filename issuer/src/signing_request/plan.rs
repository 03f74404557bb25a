//! What is done with a `CertificateSigningRequest`, decided without asking anybody.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use serde::Serialize;

use super::{FAILED, uid};
use crate::condition::whole;
use crate::fault::Fault;
use crate::history::{History, RetryRules};
use crate::kinds::IssuerRef;
use crate::plan::{Notice, Outcome, Plan};
use crate::signing::Signed;

/// The plan for a request.
pub type SigningPlan = Plan<SigningStatus>;

/// How often a request that waits for its issuer is looked at, beside whenever the issuer changes.
const POLL: Duration = Duration::from_secs(300);

/// What we own of its status: the certificate, or that there will be none.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SigningStatus {
    /// The certificate and those above it without the root, in PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<ByteString>,
    /// `Failed`, or nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<SigningCondition>,
}

/// A condition of a `CertificateSigningRequest`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SigningCondition {
    /// Which.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `True`: the others can't be taken back.
    pub status: &'static str,
    /// Why, in a word for programs.
    pub reason: &'static str,
    /// Why, for people.
    pub message: String,
    /// When.
    pub last_update_time: Timestamp,
    /// When.
    pub last_transition_time: Timestamp,
}

/// It can't be fulfilled, now or later.
#[must_use]
pub fn failed(reason: &'static str, words: &str, outcome: Outcome, now: Timestamp) -> SigningPlan {
    let now = whole(now);
    let condition = SigningCondition {
        kind: FAILED,
        status: "True",
        reason,
        message: words.chars().take(1024).collect(),
        last_update_time: now,
        last_transition_time: now,
    };
    let patch = SigningStatus { certificate: None, conditions: vec![condition] };
    let notice = Some(Notice::warning(reason, words));
    Plan { patch: Some(patch), notice, again: None, outcome }
}

/// Whoever made it may not name its issuer. That is all that is said: of an issuer of another namespace
/// its author learns nothing.
#[must_use]
pub fn denied_reference(
    request: &CertificateSigningRequest,
    issuer: &IssuerRef,
    now: Timestamp,
) -> SigningPlan {
    let name = &issuer.name;
    let namespace = issuer.namespace.as_deref().unwrap_or_default();
    let words = format!(
        "spec.signerName: found {:?}, allowed to {:?} are issuers of namespace {namespace} that a role there lets them name: \
         verb reference, resource signers of cert-manager.io, name {name} or *",
        request.spec.signer_name,
        request.spec.username.as_deref().unwrap_or_default()
    );
    failed("DeniedReference", &words, Outcome::Refused, now)
}

/// It waits for its issuer. Its status has no place for that: an event says why, once.
#[must_use]
pub fn waiting(why: &str, history: &History) -> (SigningPlan, History) {
    let history = history.waiting_for_issuer();
    let (notice, history) = told(Notice::normal("WaitingForIssuer", why), history);
    (Plan { patch: None, notice, again: Some(POLL), outcome: Outcome::WaitingForIssuer }, history)
}

/// Whether its author may name the issuer is not known. That the API server says so is waited for, as it is
/// waited for whenever it does not answer.
#[must_use]
pub fn not_judged(
    request: &CertificateSigningRequest,
    why: &str,
    history: &History,
    rules: &RetryRules,
    now: Timestamp,
) -> (SigningPlan, History) {
    let history = history.failed_by_issuer(now);
    let wait = history.wait(uid(request), rules, None);
    let (notice, history) = told(Notice::warning("RetryableError", why), history);
    let plan = Plan { patch: None, notice, again: Some(wait), outcome: Outcome::Retried };
    (plan, history.resting(wait, now))
}

/// What follows from a try, and what is remembered of it.
#[must_use]
pub fn concluded(
    request: &CertificateSigningRequest,
    result: &Result<Signed, Fault>,
    history: &History,
    rules: &RetryRules,
    now: Timestamp,
) -> (SigningPlan, History) {
    let over =
        |reason, words: &str, outcome| (failed(reason, words, outcome, now), history.decided());
    match result {
        Ok(signed) => (issued(signed), history.decided()),
        Err(Fault::BadRequest(words)) => over("InvalidRequest", words, Outcome::BadRequest),
        Err(Fault::Refused(words)) => over("Refused", words, Outcome::Refused),
        Err(Fault::Issuer(words)) => {
            let history = history.failed_by_issuer(now);
            let wait = history.wait(uid(request), rules, None);
            let (plan, history) = waiting(words, &history);
            (plan, history.resting(wait, now))
        }
        Err(Fault::Transient { words, after }) => {
            let history = history.failed(now);
            if history.is_over(rules.limit, now) {
                let seconds = rules.limit.as_secs();
                let words = format!("tried for {seconds} s: {words}");
                return over("GaveUp", &words, Outcome::GaveUp);
            }
            let wait = history.wait(uid(request), rules, *after);
            let (notice, history) = told(Notice::warning("RetryableError", words), history);
            let plan = Plan { patch: None, notice, again: Some(wait), outcome: Outcome::Retried };
            (plan, history.resting(wait, now))
        }
    }
}

fn issued(signed: &Signed) -> SigningPlan {
    let certificate = Some(ByteString(signed.chain.clone().into_bytes()));
    let patch = SigningStatus { certificate, conditions: Vec::new() };
    let notice = Some(Notice::issued(signed));
    Plan { patch: Some(patch), notice, again: None, outcome: Outcome::Issued }
}

/// The notice, unless it was the last that was told.
fn told(notice: Notice, history: History) -> (Option<Notice>, History) {
    if history.told.as_deref() == Some(notice.note.as_str()) {
        return (None, history);
    }
    let told = Some(notice.note.clone());
    (Some(notice), History { told, ..history })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::super::tests::request;
    use super::*;

    const RULES: RetryRules = RetryRules {
        limit: Duration::from_secs(3600),
        initial: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    fn now() -> Timestamp {
        "2026-11-27T06:00:00.5Z".parse().unwrap()
    }

    fn tried(fault: Fault, history: &History) -> (SigningPlan, History) {
        concluded(&request(&["Approved"]), &Err(fault), history, &RULES, now())
    }

    fn transient() -> Fault {
        Fault::Transient { words: "busy".into(), after: None }
    }

    #[test]
    fn what_cannot_be_is_failed_for_good_and_says_why() {
        for (fault, reason) in [
            (Fault::BadRequest("csr: weak".into()), "InvalidRequest"),
            (Fault::Refused("csr: weak".into()), "Refused"),
        ] {
            let (plan, history) = tried(fault, &History::default());
            let patch = serde_json::to_value(plan.patch.unwrap()).unwrap();
            assert_eq!(patch["conditions"][0]["type"], "Failed");
            assert_eq!(patch["conditions"][0]["status"], "True");
            assert_eq!(patch["conditions"][0]["reason"], reason);
            assert_eq!(patch["conditions"][0]["message"], "csr: weak");
            assert_eq!(patch["conditions"][0]["lastUpdateTime"], "2026-11-27T06:00:00Z");
            assert_eq!(patch.get("certificate"), None);
            assert_eq!((plan.again, history), (None, History::default()));
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_told_once() {
        let (plan, history) = tried(transient(), &History::default());
        assert_eq!((plan.patch, plan.outcome), (None, Outcome::Retried));
        assert_eq!(history.rest(now(), RULES.longest), plan.again);
        assert_eq!(plan.notice.unwrap().reason, "RetryableError");
        let (again, history) = tried(transient(), &history);
        assert_eq!(again.notice, None);
        let long = now().checked_sub(jiff::SignedDuration::from_secs(3600)).ok();
        let (over, _) = tried(transient(), &History { failing_since: long, ..history });
        assert_eq!(over.outcome, Outcome::GaveUp);
        assert!(over.notice.unwrap().note.contains("tried for 3600 s: busy"));
    }

    #[test]
    fn the_issuers_fault_is_waited_for() {
        let (plan, history) = tried(Fault::Issuer("no Secret".into()), &History::default());
        assert_eq!((plan.patch, plan.again), (None, Some(POLL)));
        assert!(history.rest(now(), RULES.longest).is_some());
        let (second, _) = waiting("no Secret", &history);
        assert_eq!(second.notice, None, "told once");
        assert!(waiting("no authority", &history).0.notice.is_some());
    }
}
