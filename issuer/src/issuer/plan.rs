//! What an issuer's status says, decided without asking anybody.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::check::Facts;
use crate::condition::{Condition, FALSE, TRUE, find};
use crate::fault::Fault;
use crate::kinds::{AuthorityStatus, IssuerStatus};
use crate::plan::Notice;
use policy::Mode;

/// The condition that says whether an issuer can be used.
pub const READY: &str = "Ready";
/// The condition that says whether its authority ends soon.
pub const AUTHORITY_ENDS: &str = "AuthorityEnds";
/// The condition that says whether every authority can be used that an issuer names for policies.
pub const AUTHORITIES_READY: &str = "AuthoritiesReady";
/// How long before the end of an authority that is told.
pub const WARNING: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The first wait after a check that failed; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// What shall be done with an issuer.
#[derive(Clone, Debug, PartialEq)]
pub struct IssuerPlan {
    /// Its status; none where it says so already.
    pub status: Option<IssuerStatus>,
    /// What people are told.
    pub notices: Vec<Notice>,
    /// When it is checked again.
    pub again: Duration,
}

/// What a check found.
pub type Found<'a> = Result<&'a Seen, &'a Fault>;

/// What a check saw of an issuer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its authority.
    pub own: Facts,
    /// Those that policies may choose.
    pub others: Vec<OfMode>,
}

/// An authority that policies may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfMode {
    /// The mode that it is named for.
    pub mode: Mode,
    /// Its name at the server.
    pub authority: String,
    /// What is told of it, or why it can't be used.
    pub found: Result<Facts, String>,
}

/// The plan for an issuer of this generation, whose status was `before`.
#[must_use]
pub fn plan(
    before: &IssuerStatus,
    generation: i64,
    found: Found<'_>,
    (failures, interval): (u32, Duration),
    now: Timestamp,
) -> IssuerPlan {
    let conditions = match found {
        Ok(Seen { own, others }) => {
            let words = format!("the authority {} answers", own.algorithm);
            let ready = Condition::after(&before.conditions, (READY, TRUE), "Checked", &words, now);
            let others = (!others.is_empty()).then(|| authorities(before, others, now));
            [ready, ends(before, own, now)].into_iter().chain(others).collect()
        }
        Err(fault) => {
            let (reason, words) = (reason(fault), fault.to_string());
            let ready = Condition::after(&before.conditions, (READY, FALSE), reason, &words, now);
            let kept = [AUTHORITY_ENDS, AUTHORITIES_READY];
            let kept = kept.iter().filter_map(|kind| find(&before.conditions, kind).cloned());
            std::iter::once(ready).chain(kept).collect::<Vec<_>>()
        }
    };
    let conditions =
        conditions.into_iter().map(|condition| condition.of_generation(generation)).collect();
    let after = match found {
        Ok(Seen { own, others }) => IssuerStatus {
            conditions,
            algorithm: Some(own.algorithm.clone()),
            mode: Some(own.mode),
            chain_digest: Some(own.chain_digest.clone()),
            chain_bytes: Some(own.chain_bytes),
            not_after: Some(own.not_after),
            authorities: others.iter().map(told).collect(),
        },
        // What was seen last stays to be seen.
        Err(_) => IssuerStatus { conditions, ..before.clone() },
    };
    let notices = notices(before, &after);
    let again = match found {
        Ok(_) => interval,
        Err(fault) => wait(fault, failures, interval),
    };
    IssuerPlan { status: (after != *before).then_some(after), notices, again }
}

/// Whether every one can be used, and which can't and why.
fn authorities(before: &IssuerStatus, others: &[OfMode], now: Timestamp) -> Condition {
    let wrong: Vec<&str> =
        others.iter().filter_map(|one| one.found.as_ref().err()).map(String::as_str).collect();
    let (status, reason, words) = if wrong.is_empty() {
        (TRUE, "Checked", format!("{} answer", others.len()))
    } else {
        (FALSE, "NotAll", wrong.join("; "))
    };
    Condition::after(&before.conditions, (AUTHORITIES_READY, status), reason, &words, now)
}

fn told(one: &OfMode) -> AuthorityStatus {
    let facts = one.found.as_ref().ok();
    AuthorityStatus {
        mode: one.mode,
        authority: one.authority.clone(),
        ready: facts.is_some(),
        algorithm: facts.map(|facts| facts.algorithm.clone()),
        chain_digest: facts.map(|facts| facts.chain_digest.clone()),
        not_after: facts.map(|facts| facts.not_after),
    }
}

fn ends(before: &IssuerStatus, facts: &Facts, now: Timestamp) -> Condition {
    let not_after = facts.not_after;
    let soon = not_after.duration_since(now) <= WARNING;
    let (status, reason) = if soon { (TRUE, "EndsSoon") } else { (FALSE, "EndsLater") };
    let words = format!("the authority ends at {not_after}");
    Condition::after(&before.conditions, (AUTHORITY_ENDS, status), reason, &words, now)
}

fn reason(fault: &Fault) -> &'static str {
    match fault {
        Fault::Issuer(_) => "Misconfigured",
        Fault::Transient { .. } => "Unreachable",
        Fault::BadRequest(_) | Fault::Refused(_) => "Refused",
    }
}

/// Whatever became new.
fn notices(before: &IssuerStatus, after: &IssuerStatus) -> Vec<Notice> {
    let is_new = |new: &&Condition| {
        let old = find(&before.conditions, &new.kind);
        old.is_none_or(|old| (&old.status, &old.message) != (&new.status, &new.message))
    };
    let new = after.conditions.iter().filter(is_new);
    new.filter_map(|condition| match (condition.kind.as_str(), condition.holds()) {
        (READY, true) => Some(Notice::normal("Ready", &condition.message)),
        (READY, false) => Some(Notice::warning("NotReady", &condition.message)),
        (AUTHORITY_ENDS, true) => Some(Notice::warning("AuthorityEnds", &condition.message)),
        (AUTHORITIES_READY, false) => {
            Some(Notice::warning("AuthoritiesNotReady", &condition.message))
        }
        _ => None,
    })
    .collect()
}

/// Twice as long after each failure, up to the interval of checks.
pub(super) fn wait(fault: &Fault, failures: u32, interval: Duration) -> Duration {
    let ours = FIRST_WAIT.saturating_mul(1 << failures.min(10)).min(interval);
    match fault {
        Fault::Transient { after: Some(after), .. } => ours.max((*after).min(interval)),
        _ => ours,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(60);

    fn now() -> Timestamp {
        "2026-11-27T05:00:00Z".parse().unwrap()
    }

    fn seen(ends_in_days: i64) -> Seen {
        Seen { own: facts(ends_in_days), others: Vec::new() }
    }

    fn facts(ends_in_days: i64) -> Facts {
        Facts {
            algorithm: "MLDSA65-ECDSA-P256".into(),
            mode: Mode::Composite,
            chain_digest: "00".into(),
            chain_bytes: 6000,
            not_after: now() + SignedDuration::from_hours(24 * ends_in_days),
        }
    }

    fn planned(before: &IssuerStatus, found: Found<'_>, failures: u32) -> IssuerPlan {
        plan(before, 3, found, (failures, INTERVAL), now())
    }

    #[test]
    fn an_issuer_that_answers_is_ready_and_says_so_once() {
        let facts = seen(31);
        let first = planned(&IssuerStatus::default(), Ok(&facts), 0);
        let status = first.status.unwrap();
        let ready = find(&status.conditions, READY).unwrap();
        assert!(ready.holds());
        assert_eq!(ready.observed_generation, Some(3));
        assert!(!find(&status.conditions, AUTHORITY_ENDS).unwrap().holds());
        assert_eq!((first.notices.len(), first.again), (1, INTERVAL));
        let second = planned(&status, Ok(&facts), 0);
        assert_eq!((second.status, second.notices), (None, Vec::new()));
    }

    #[test]
    fn an_authority_that_ends_within_thirty_days_is_told() {
        let plan = planned(&IssuerStatus::default(), Ok(&seen(30)), 0);
        let reasons: Vec<_> = plan.notices.iter().map(|one| (one.reason, one.warning)).collect();
        assert_eq!(reasons, [("Ready", false), ("AuthorityEnds", true)]);
        assert!(find(&plan.status.unwrap().conditions, AUTHORITY_ENDS).unwrap().holds());
    }

    #[test]
    fn an_issuer_that_fails_keeps_what_was_seen_and_is_checked_again_ever_later() {
        let status = planned(&IssuerStatus::default(), Ok(&seen(31)), 0).status.unwrap();
        let fault = Fault::Issuer("spec.auth.token.secretRef: found no Secret".into());
        let plan = planned(&status, Err(&fault), 0);
        let after = plan.status.unwrap();
        let ready = find(&after.conditions, READY).unwrap();
        assert_eq!((ready.holds(), ready.reason.as_str()), (false, "Misconfigured"));
        assert_eq!(after.chain_digest, status.chain_digest);
        assert_eq!(plan.notices[0].reason, "NotReady");
        assert_eq!(plan.again, Duration::from_secs(2));
        assert_eq!(planned(&after, Err(&fault), 3).again, Duration::from_secs(16));
        assert_eq!(planned(&after, Err(&fault), 30).again, INTERVAL);
        assert!(planned(&after, Err(&fault), 1).notices.is_empty(), "told once");
        let busy = Fault::Transient { words: "busy".into(), after: Some(Duration::from_secs(9)) };
        assert_eq!(planned(&after, Err(&busy), 0).again, Duration::from_secs(9));
    }

    #[test]
    fn an_authority_for_policies_that_can_not_be_used_is_told_and_stops_nobody() {
        let of_mode = |mode, found| OfMode { mode, authority: "a".into(), found };
        let mut seen = seen(31);
        seen.others = vec![of_mode(Mode::Composite, Ok(facts(31)))];
        let first = planned(&IssuerStatus::default(), Ok(&seen), 0).status.unwrap();
        assert!(find(&first.conditions, AUTHORITIES_READY).unwrap().holds());
        assert_eq!(first.authorities[0].algorithm.as_deref(), Some("MLDSA65-ECDSA-P256"));
        let words = "spec.authorities.catalyst: found none".to_owned();
        seen.others.push(of_mode(Mode::Catalyst, Err(words.clone())));
        let plan = planned(&first, Ok(&seen), 0);
        let after = plan.status.unwrap();
        let condition = find(&after.conditions, AUTHORITIES_READY).unwrap();
        assert_eq!((condition.holds(), &condition.message), (false, &words));
        assert!(find(&after.conditions, READY).unwrap().holds());
        let ready: Vec<bool> = after.authorities.iter().map(|one| one.ready).collect();
        assert_eq!(ready, [true, false]);
        assert_eq!(plan.notices[0].reason, "AuthoritiesNotReady");
    }
}
