#![allow(clippy::unwrap_used)] // a panic is the failure report

use policy::{Offer, Signers};
use serde_json::{Value, json};

use super::*;
use crate::certificate_request::CertificateRequest;

const ROOT: &str = include_str!("../../../../api/tests/auth/root.pem");
const SINCE: i64 = 1_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A Certificate that was issued this often, with this in its status as well.
fn certificate(revision: u64, status: &Value) -> Certificate {
    let mut whole = json!({"revision": revision});
    whole.as_object_mut().unwrap().extend(status.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": {"name": "web", "namespace": "shop", "uid": "a"},
        "spec": {"secretName": "web", "issuerRef": {"name": "hybrid"}},
        "status": whole,
    }))
    .unwrap()
}

fn issuing() -> Value {
    let since = at(SINCE).to_string();
    json!({"conditions": [{"type": "Issuing", "status": "True", "lastTransitionTime": since}]})
}

fn failed_at(second: i64) -> Value {
    failed_often(second, 1)
}

fn failed_often(second: i64, times: u32) -> Value {
    json!({"lastFailureTime": at(second).to_string(), "failedIssuanceAttempts": times})
}

/// A request of it that began then.
fn request(began: i64, conditions: &Value) -> CertificateRequest {
    serde_json::from_value(json!({
        "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
        "metadata": {
            "name": "web-2", "namespace": "shop", "creationTimestamp": at(began).to_string(),
            "annotations": {"cert-manager.io/certificate-revision": "2"},
            "ownerReferences": [{
                "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "uid": "a",
                "controller": true,
            }],
        },
        "spec": {"issuerRef": {"group": "espalier.dev", "kind": "PQIssuer", "name": "hybrid"}},
        "status": {"conditions": conditions, "failureTime": at(began).to_string()},
    }))
    .unwrap()
}

fn failed() -> Value {
    json!([
        {"type": "Approved", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "Failed", "message": "no"},
    ])
}

fn open() -> Value {
    json!([
        {"type": "Approved", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "Pending", "message": "503"},
    ])
}

fn invalid() -> Value {
    json!([
        {"type": "InvalidRequest", "status": "True"},
        {"type": "Ready", "status": "False", "reason": "Failed", "message": "no"},
    ])
}

/// The stage of an object on its way forth that is known, and has not what it should.
fn stage_of(inventory: &Inventory, certificate: &Certificate, now: i64) -> Stage {
    stage_on(Way::Forth, (inventory, true), certificate, now)
}

fn stage_on(
    way: Way,
    (inventory, is_known): (&Inventory, bool),
    certificate: &Certificate,
    now: i64,
) -> Stage {
    stage_with(way, (inventory, is_known, None), certificate, now)
}

/// The stage of an object on its way forth that is known.
fn stage_as(
    has_it: bool,
    (inventory, failing_since): (&Inventory, Option<i64>),
    certificate: &Certificate,
    now: i64,
) -> Stage {
    stage_by((Way::Forth, has_it), (inventory, true, failing_since), certificate, now)
}

/// The stage of an object that has not what it should.
fn stage_with(
    way: Way,
    with: (&Inventory, bool, Option<i64>),
    certificate: &Certificate,
    now: i64,
) -> Stage {
    stage_by((way, false), with, certificate, now)
}

fn stage_by(
    (way, has_it): (Way, bool),
    (inventory, is_known, failing_since): (&Inventory, bool, Option<i64>),
    certificate: &Certificate,
    now: i64,
) -> Stage {
    let root = ca_core::pem::read_one_certificate(ROOT.as_bytes()).unwrap();
    let offer = Offer::of("composite", std::slice::from_ref(&root)).unwrap();
    let choice = Choice::By(Signers::One(&offer));
    let decision = Some(if way == Way::Back { Decision::Inactive } else { Decision::Moved });
    let verdict = Verdict { choice, decision, has_it };
    let tries = Tries {
        inventory,
        last: inventory.last(certificate),
        failing_since: failing_since.map(at),
        since: at(SINCE),
        now: at(now),
    };
    stage(&tries, certificate, is_known, &verdict, way)
}

fn with(request: &CertificateRequest) -> Inventory {
    let inventory = Inventory::default();
    inventory.saw(request, |_| None);
    inventory
}

#[test]
fn whoever_is_issued_moves_and_is_stuck_when_it_was_tried_in_vain() {
    let issuing = certificate(1, &issuing());
    assert_eq!(stage_of(&Inventory::default(), &issuing, SINCE), Stage::Moving);
    let waits = with(&request(SINCE - 500, &open()));
    let failing = |way, since, now| stage_with(way, (&waits, true, Some(since)), &issuing, now);
    let failed = || Stage::Failed("503".into());
    assert_eq!(failing(Way::Forth, SINCE + 5, SINCE + 124), Stage::Moving);
    assert_eq!(failing(Way::Forth, SINCE + 5, SINCE + 125), failed());
    assert_eq!(failing(Way::Back, SINCE + 5, SINCE + 125), Stage::Moving, "nothing is held up");
    // What failed before the policy became what it is has its time as well.
    assert_eq!(failing(Way::Forth, SINCE - 400, SINCE + 119), Stage::Moving);
    assert_eq!(failing(Way::Forth, SINCE - 400, SINCE + 120), failed());
    // Nobody tried it: it waits for its issuer, or for an approver, and no authority is to blame.
    assert_eq!(stage_of(&waits, &issuing, SINCE + 599), Stage::Moving);
    assert!(matches!(stage_of(&waits, &issuing, SINCE + 600), Stage::Blocked(Some(_))));
}

#[test]
fn a_failure_counts_by_whom_it_is_of_and_ends() {
    let certificate = certificate(1, &failed_at(SINCE + 10));
    let ours = with(&request(SINCE + 5, &failed()));
    assert_eq!(stage_of(&ours, &certificate, SINCE + 20), Stage::Failed("no".into()));
    assert_eq!(stage_of(&ours, &certificate, SINCE + 609), Stage::Failed("no".into()));
    assert_eq!(stage_of(&ours, &certificate, SINCE + 610), Stage::Waiting, "it is tried again");
    let back = |now| stage_on(Way::Back, (&ours, true), &certificate, now);
    assert_eq!(back(SINCE + 24), Stage::Failed("no".into()));
    assert_eq!(back(SINCE + 25), Stage::Waiting, "and sooner on the way back");
    let own = with(&request(SINCE + 5, &invalid()));
    for way in [Way::Forth, Way::Back] {
        let of_its_own = |now| stage_on(way, (&own, true), &certificate, now);
        assert_eq!(of_its_own(SINCE + 3_609), Stage::Blocked(Some("no".into())));
        assert_eq!(of_its_own(SINCE + 3_610), Stage::Waiting);
    }
    // A try that began before the policy became what it is says nothing of it.
    let before = with(&request(SINCE - 1, &failed()));
    assert_eq!(stage_of(&before, &certificate, SINCE + 20), Stage::Waiting);
}

#[test]
fn each_failure_doubles_the_time_until_the_next_try() {
    let ours = with(&request(SINCE + 5, &failed()));
    let waits = |times, now| {
        let certificate = certificate(1, &failed_often(SINCE + 10, times));
        stage_on(Way::Back, (&ours, true), &certificate, now) == Stage::Waiting
    };
    for (times, seconds) in [(1, 15), (2, 30), (5, 240), (12, 28_800), (u32::MAX, 28_800)] {
        assert!(!waits(times, SINCE + 10 + seconds - 1), "{times}");
        assert!(waits(times, SINCE + 10 + seconds), "{times}");
    }
}

#[test]
fn what_the_api_server_did_not_take_is_blocked_for_a_while() {
    let inventory = Inventory::default();
    let by = vec!["composite".to_owned()];
    let certificate = certificate(1, &json!({}));
    inventory.begin(&certificate, &by, Some("403".to_owned()), at(SINCE));
    let blocked = Stage::Blocked(Some("403".into()));
    assert_eq!(stage_of(&inventory, &certificate, SINCE + 599), blocked);
    assert_eq!(stage_of(&inventory, &certificate, SINCE + 600), Stage::Waiting);
}

#[test]
fn what_was_begun_with_and_did_not_become_what_it_should_is_not_begun_with_at_once() {
    let begun = |revision| {
        let inventory = Inventory::default();
        let by = vec!["composite".to_owned()];
        inventory.begin(&certificate(revision, &json!({})), &by, None, at(SINCE));
        inventory
    };
    let issued_anew = certificate(2, &json!({}));
    assert_eq!(stage_of(&begun(2), &issued_anew, SINCE + 1), Stage::Waiting, "not yet");
    let found = stage_of(&begun(1), &issued_anew, SINCE + 1);
    assert!(matches!(found, Stage::Failed(_)), "{found:?}");
    assert_eq!(stage_of(&begun(1), &issued_anew, SINCE + 600), Stage::Waiting);
    // The next time after twice as long.
    let twice = begun(1);
    twice.begin(&certificate(1, &json!({})), &["composite".to_owned()], None, at(SINCE));
    assert!(matches!(stage_of(&twice, &issued_anew, SINCE + 1_199), Stage::Failed(_)));
    assert_eq!(stage_of(&twice, &issued_anew, SINCE + 1_200), Stage::Waiting);
    // What was begun with before the policy became what it is says nothing of it.
    let before = Inventory::default();
    let by = vec!["composite".to_owned()];
    before.begin(&certificate(1, &json!({})), &by, None, at(SINCE - 1));
    assert_eq!(stage_of(&before, &issued_anew, SINCE + 1), Stage::Waiting);
    // cert-manager failed before it asked anybody.
    let failed = certificate(1, &failed_at(SINCE + 5));
    assert_eq!(stage_of(&begun(1), &failed, SINCE + 6), Stage::Blocked(None));
}

#[test]
fn what_is_not_known_is_waited_for_and_then_issued_anew() {
    let inventory = Inventory::default();
    let certificate = certificate(1, &json!({}));
    let at = |now| stage_on(Way::Forth, (&inventory, false), &certificate, now);
    assert_eq!((at(SINCE), at(SINCE + 29)), (Stage::Moving, Stage::Moving));
    assert_eq!(at(SINCE + 30), Stage::Waiting);
}

#[test]
fn the_first_certificate_is_cert_managers_to_begin_with() {
    let mut first = certificate(1, &json!({}));
    first.status = None;
    assert_eq!(stage_of(&Inventory::default(), &first, SINCE), Stage::New);
    // That it fails counts.
    let status = json!({"lastFailureTime": at(SINCE + 10).to_string()});
    first.status = Some(serde_json::from_value(status).unwrap());
    let failed = with(&request(SINCE + 5, &failed()));
    assert_eq!(stage_of(&failed, &first, SINCE + 20), Stage::Failed("no".into()));
}

#[test]
fn a_renewal_is_no_move() {
    let renewed = certificate(1, &issuing());
    let waits = with(&request(SINCE + 5, &open()));
    let of = |failing_since| stage_as(true, (&waits, failing_since), &renewed, SINCE + 900);
    assert_eq!(of(None), Stage::Done);
    assert_eq!(of(Some(SINCE + 10)), Stage::Failed("503".into()), "but that it fails counts");
}
