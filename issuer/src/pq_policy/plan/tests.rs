#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::collections::HashMap;
use std::sync::Arc;

use policy::{Census, Written};
use serde_json::json;

use super::super::survey::Named;
use super::*;
use crate::certificate::Certificate;

const SPEED: u32 = 50;

fn now() -> Timestamp {
    "2026-11-28T05:00:00Z".parse().unwrap()
}

fn rules(active: bool) -> Rules {
    let algorithms = vec!["dilithium3".to_owned()];
    Rules::read(Written { algorithms, active, ..Written::default() }).unwrap()
}

fn start(number: u32) -> Start {
    let certificate: Certificate = serde_json::from_value(json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": {"name": format!("web-{number}"), "namespace": "shop"},
        "spec": {"secretName": "web", "issuerRef": {"name": "hybrid"}},
    }))
    .unwrap();
    Start { certificate: Arc::new(certificate), by: vec!["composite".to_owned()] }
}

/// Objects, those that wait among them.
fn survey(forth: Census, back: Census) -> Survey {
    let in_scope = u32::try_from(forth.all() + back.all()).unwrap();
    let failed = forth.failed + back.failed;
    let named = |words: &str| Named { name: "shop/web-0".into(), words: words.into() };
    Survey {
        in_scope,
        adopted: forth.done,
        forth,
        judged: forth,
        back,
        failing: failed,
        waiting: (0..forth.waiting + back.waiting).map(start).collect(),
        first_failure: (failed > 0).then(|| named("the server says no")),
        ..Survey::default()
    }
}

fn planned(before: &PolicyStatus, survey: &Survey) -> PolicyPlan {
    planned_by(before, survey, true)
}

fn planned_by(before: &PolicyStatus, survey: &Survey, active: bool) -> PolicyPlan {
    let speed = Speed { pace: Pace::default(), a_second: SPEED };
    plan(before, (2, &rules(active)), survey, speed, None, now())
}

fn told<'a>(status: &'a PolicyStatus, kind: &str) -> (bool, &'a str) {
    let condition = find(&status.conditions, kind).unwrap();
    (condition.holds(), &condition.reason)
}

fn reasons(plan: &PolicyPlan) -> Vec<&'static str> {
    plan.notices.iter().map(|notice| notice.reason).collect()
}

const NONE: Census = Census { done: 0, moving: 0, failed: 0, waiting: 0, blocked: 0 };

#[test]
fn a_quarter_is_begun_with_and_told_once() {
    let first = planned(&PolicyStatus::default(), &survey(Census { waiting: 8, ..NONE }, NONE));
    assert_eq!(first.start.len(), 2);
    let status = first.status.clone().unwrap();
    assert_eq!(told(&status, READY), (true, "Served"));
    assert_eq!(told(&status, PROGRESSING), (true, "Moving"));
    assert_eq!(told(&status, DEGRADED), (false, "NoneFailed"));
    assert_eq!(told(&status, ROLLED_BACK), (false, "Active"));
    assert_eq!((reasons(&first), first.again), (vec!["Progressing"], WHILE_MOVING));
    assert_eq!(status.next.as_deref(), Some("8 are moved"));
    let second = planned(&status, &survey(Census { waiting: 6, moving: 2, ..NONE }, NONE));
    assert!(second.start.is_empty() && second.notices.is_empty());
    let done = survey(Census { done: 8, ..NONE }, NONE);
    let last = planned(&status, &done);
    assert_eq!((reasons(&last), last.again), (vec!["Complete"], AT_REST));
    let status = last.status.unwrap();
    assert_eq!(told(&status, PROGRESSING), (false, "Complete"));
    assert_eq!(status.adopted_percent, Some(100));
    assert_eq!(planned(&status, &done).status, None, "it says so already");
}

#[test]
fn no_more_are_begun_with_in_a_second_than_allowed() {
    let many = Census { waiting: 1_000, ..NONE };
    let count = |survey| planned(&PolicyStatus::default(), &survey).start.len();
    assert_eq!(count(survey(many, NONE)), SPEED as usize);
    assert_eq!(count(survey(NONE, many)), SPEED as usize, "neither on the way back");
}

#[test]
fn too_many_failures_go_back_until_the_spec_changes() {
    let failed = survey(Census { done: 4, failed: 2, waiting: 4, ..NONE }, NONE);
    let plan = planned(&PolicyStatus::default(), &failed);
    assert!(plan.start.is_empty(), "nobody is moved to what fails");
    assert_eq!(plan.again, WHILE_MOVING, "the way back begins at once");
    assert_eq!(reasons(&plan), ["Degraded", "RolledBack"]);
    let status = plan.status.unwrap();
    assert!(is_rolled_back(&status, 2) && !is_rolled_back(&status, 3));
    let why = &status.last_rollback.as_ref().unwrap().why;
    assert_eq!(why, "2 of 10 failed, the first shop/web-0: the server says no");
    assert_eq!(plan.notices[1].note, *why);
    assert_eq!(told(&status, DEGRADED), (true, "Failed"));
    assert_eq!(told(&status, ROLLED_BACK), (true, "TooManyFailed"));
    // From here on everybody is on the way back, all at once, and that is told once.
    let back = survey(NONE, Census { done: 6, waiting: 4, ..NONE });
    let plan = planned(&status, &back);
    assert_eq!(plan.start.len(), 4);
    assert!(!reasons(&plan).contains(&"RolledBack"));
    let status = plan.status.unwrap();
    assert_eq!(status.last_rollback.unwrap().why, *why, "the reason of the first time stays");
    // One of ten is no reason.
    let failed = survey(Census { done: 5, failed: 1, waiting: 4, ..NONE }, NONE);
    let plan = planned(&PolicyStatus::default(), &failed);
    assert!(!is_rolled_back(&plan.status.unwrap(), 2));
}

#[test]
fn what_can_not_go_back_is_told() {
    let mut survey = survey(NONE, Census { done: 3, moving: 1, ..NONE });
    survey.decisions = HashMap::from([(Decision::Inactive, 4), (Decision::CannotGoBack, 2)]);
    let plan = planned_by(&PolicyStatus::default(), &survey, false);
    let status = plan.status.unwrap();
    assert_eq!(told(&status, ROLLED_BACK), (true, "Inactive"));
    let words = &find(&status.conditions, ROLLED_BACK).unwrap().message;
    assert_eq!(words, "3 are back, 1 on the way, 2 can't");
    let mut rests = survey;
    rests.back = Census { done: 3, failed: 1, ..NONE };
    let plan = planned_by(&PolicyStatus::default(), &rests, false);
    let at_rest = plan.status.unwrap();
    assert_eq!(told(&at_rest, PROGRESSING), (false, "NotAllBack"));
    assert_eq!(at_rest.next.as_deref(), Some("3 can't go back, or not yet"));
    assert_eq!(told(&status, DEGRADED), (true, "CannotGoBack"));
    assert_eq!(told(&status, PROGRESSING), (true, "MovingBack"));
}

#[test]
fn an_issuer_that_was_not_looked_at_holds_up_no_other() {
    let mut unchecked = survey(Census { waiting: 8, blocked: 3, ..NONE }, NONE);
    unchecked.unchecked = 1;
    let plan = planned(&PolicyStatus::default(), &unchecked);
    let status = plan.status.unwrap();
    assert_eq!(plan.start.len(), 3);
    assert_eq!(told(&status, READY), (false, "Checking"));
    assert!(plan.notices.iter().all(|notice| notice.reason != "NotReady"));
    // What it said before stays, and is looked at again soon.
    let later = planned(&status, &unchecked);
    assert_eq!((later.status, later.start.len()), (None, 3));
    assert_eq!((later.notices.len(), later.again), (0, WHILE_MOVING));
    // That too many fail is told all the same.
    let mut failed = survey(Census { failed: 5, blocked: 3, ..NONE }, NONE);
    failed.unchecked = 1;
    let plan = planned(&status, &failed);
    assert!(is_rolled_back(&plan.status.unwrap(), 2));
}

#[test]
fn a_pace_judges_by_what_is_nobodys_own_fault() {
    let mut survey = survey(Census { done: 5, failed: 5, ..NONE }, NONE);
    survey.judged = Census { done: 5, blocked: 5, ..NONE };
    let status = planned(&PolicyStatus::default(), &survey).status.unwrap();
    assert!(!is_rolled_back(&status, 2));
    assert_eq!(told(&status, DEGRADED), (true, "Failed"));
}

#[test]
fn a_look_that_comes_later_begins_with_more() {
    let speed = Speed { pace: Pace::default(), a_second: 50 };
    assert_eq!(speed.over(Duration::from_millis(300)).a_second, 50);
    assert_eq!(speed.over(Duration::from_secs(4)).a_second, 200);
}

#[test]
fn who_does_not_serve_and_who_overrules_is_told() {
    let mut not_served = survey(Census { blocked: 3, ..NONE }, NONE);
    let words = "PQIssuer shop/hybrid: mode: found an issuer";
    not_served.not_serving =
        Some(Named { name: "PQIssuer shop/hybrid".into(), words: words.into() });
    let plan = planned(&PolicyStatus::default(), &not_served);
    assert_eq!(reasons(&plan), ["NotReady"]);
    let status = plan.status.unwrap();
    assert_eq!(told(&status, READY), (false, "NotServed"));
    assert_eq!(find(&status.conditions, READY).unwrap().message, words);
    let mut overruled = survey(NONE, NONE);
    overruled.overruled.insert("older".to_owned(), 7);
    let status = planned(&PolicyStatus::default(), &overruled).status.unwrap();
    assert_eq!(told(&status, READY), (false, "Overruled"));
    assert_eq!(status.overruled_by[0], Overruling { policy: "older".into(), certificates: 7 });
}

#[test]
fn an_audit_says_that_it_changes_nothing() {
    let mut counted = survey(NONE, NONE);
    (counted.in_scope, counted.adopted) = (5, 2);
    let algorithms = vec!["dilithium3".to_owned()];
    let audit = Written { algorithms, enforcement: Enforcement::Audit, ..Written::default() };
    let rules = Rules::read(audit).unwrap();
    let speed = Speed { pace: Pace::default(), a_second: SPEED };
    let plan = plan(&PolicyStatus::default(), (2, &rules), &counted, speed, None, now());
    let status = plan.status.unwrap();
    assert_eq!(told(&status, READY), (true, "Audits"));
    let next = "nothing, as it is an audit: 3 would have to change";
    assert_eq!(status.next.as_deref(), Some(next));
}

#[test]
fn a_wait_for_trust_says_what_is_missing() {
    let mut waits = survey(NONE, NONE);
    waits.in_scope = 2;
    waits.decisions = HashMap::from([(Decision::AwaitsTrust, 2)]);
    let speed = Speed { pace: Pace::default(), a_second: SPEED };
    let of = |why| plan(&PolicyStatus::default(), (2, &rules(true)), &waits, speed, why, now());
    let status = of(None).status.unwrap();
    assert_eq!(told(&status, PROGRESSING), (true, "AwaitsTrust"));
    assert!(status.next.unwrap().starts_with("2 wait: the roots of the new authority"));
    let status = of(Some("no bundle")).status.unwrap();
    assert_eq!(status.next.as_deref(), Some("2 wait: no bundle"));
}

#[test]
fn failures_count_from_when_the_policy_became_what_it_is() {
    let earlier: Timestamp = "2026-11-28T04:00:00Z".parse().unwrap();
    let status = PolicyStatus {
        observed_generation: Some(2),
        since: Some(earlier),
        ..PolicyStatus::default()
    };
    assert_eq!(since(&status, 2, now()), earlier);
    assert_eq!(since(&status, 3, now()), now(), "it changed");
}

#[test]
fn what_can_not_be_read_moves_nobody_and_says_why() {
    let refusal = Rules::read(Written::default()).unwrap_err();
    let plan = unreadable(&PolicyStatus::default(), 2, &refusal, now());
    assert_eq!((plan.start.len(), reasons(&plan)), (0, vec!["NotReady"]));
    let status = plan.status.unwrap();
    assert_eq!(find(&status.conditions, READY).unwrap().message, refusal.to_string());
}
