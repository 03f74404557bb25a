#![allow(clippy::unwrap_used)] // a panic is the failure report

mod drafts;
mod policies;
mod revocation;
mod rules;
mod searching;
mod signatures;

use super::{Options, Outcome, Reason, SecurityPolicy, Verdict, verify_path};
use crate::certificate::Certificate;

/// The instant of every test that does not say otherwise.
fn at(text: &str) -> Options {
    Options::at(text.parse().unwrap())
}

fn options() -> Options {
    at("2026-06-01T00:00:00Z")
}

fn verify(leaf: &Certificate, pool: &[Certificate], anchor: &Certificate) -> Outcome {
    verify_path(leaf, pool, std::slice::from_ref(anchor), &options())
}

#[track_caller]
fn assert_valid(outcome: &Outcome) {
    assert!(outcome.valid, "{outcome}");
    assert!(outcome.error.is_none() && outcome.steps.iter().all(|s| s.verdict != Verdict::Failed));
}

/// Refused for this reason, with the field, and with the failed step last.
#[track_caller]
fn assert_refused(outcome: &Outcome, reason: Reason, field: &str) {
    assert!(!outcome.valid, "{outcome}");
    let error = outcome.error.as_ref().unwrap();
    assert_eq!((error.reason, error.field.as_str()), (reason, field), "{outcome}");
    assert!(!error.found.is_empty() && !error.allowed.is_empty(), "{outcome}");
    assert_eq!(outcome.steps.last().unwrap().verdict, Verdict::Failed, "{outcome}");
}

fn with_policy(policy: SecurityPolicy) -> Options {
    Options { policy, ..options() }
}
