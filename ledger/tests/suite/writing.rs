//! Group commit, closing, and rows that only grow.

use std::sync::Arc;

use ledger::{LedgerError, NewCrlList, NewKeyBlock, Page, Recording, Status};
use tokio::task::JoinSet;

use super::{
    Factory, check_and_close,
    material::{
        AUTHORITY, certificate, crl_list, der, event, keyed, new_crl, record, revocation, revoking,
        serial, time, token, token_revocation, with_authority,
    },
};

pub async fn concurrent_requests_share_commits(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let before = ledger.stats();
    let mut tasks = JoinSet::new();
    // All 64 are in the queue's reach before the first runs.
    let start = Arc::new(tokio::sync::Barrier::new(64));
    for name in 0..64 {
        let (ledger, start) = (Arc::clone(&ledger), Arc::clone(&start));
        tasks.spawn(async move {
            start.wait().await;
            ledger.record(record(name)).await.unwrap();
            ledger.store(certificate(name)).await.unwrap();
        });
    }
    tasks.join_all().await;
    let after = ledger.stats();
    assert_eq!(after.requests - before.requests, 128);
    let commits = after.commits - before.commits;
    assert!(commits <= 40, "{commits} commits for 128 requests");
    assert!(after.largest_batch >= 8, "{after:?}");
    // A lone request waits for nobody: it has a commit of its own.
    ledger.record(record(100)).await.unwrap();
    assert_eq!(ledger.stats().commits, after.commits + 1);
    assert_eq!(check_and_close(ledger).await.checked.certificates, 64);
}

pub async fn one_refused_request_harms_no_other(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(keyed(0, "key", "body")).await.unwrap();
    let mut tasks = JoinSet::new();
    for name in 1..=60 {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move {
            match name % 6 {
                0 => assert!(ledger.record(record(0)).await.is_err(), "serial"),
                1 => assert!(ledger.record(keyed(name, "key", "bodz")).await.is_err(), "key"),
                2 => assert!(ledger.store(certificate(name)).await.is_err(), "unknown"),
                3 => assert!(ledger.revoke(revocation(name)).await.is_err(), "unknown"),
                _ => assert!(matches!(ledger.record(record(name)).await, Ok(Recording::New(_)))),
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(check_and_close(ledger).await.checked.records, 21);
}

pub async fn closing_carries_out_what_waits(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let mut tasks = JoinSet::new();
    for name in 0..200 {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move { (name, ledger.record(record(name)).await) });
    }
    tokio::task::yield_now().await;
    ledger.close().await.unwrap();
    let refusal = ledger.record(record(999)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Closed), "{refusal:?}");
    ledger.close().await.unwrap();
    let outcomes = tasks.join_all().await;
    let ledger = factory.open().await;
    for (name, outcome) in outcomes {
        let there = ledger.get_by_serial(serial(name)).await.unwrap().is_some();
        match outcome {
            Ok(_) => assert!(there, "{name} was answered and is gone"),
            Err(LedgerError::Closed) => assert!(!there, "{name} was refused and is there"),
            Err(other) => panic!("{other:?}"),
        }
    }
    check_and_close(ledger).await;
}

pub async fn rows_only_grow(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority_certificate(AUTHORITY, der(serial(9), 0, 1), time(0)).await.unwrap();
    ledger.record(record(1)).await.unwrap();
    ledger.store(certificate(1)).await.unwrap();
    ledger.revoke(revocation(1)).await.unwrap();
    let digests = vec![record(2).key_digest];
    ledger.block_keys(NewKeyBlock { digests, revocation: revoking(time(1)) }).await.unwrap();
    let crl = ledger.reserve_crl(new_crl(None)).await.unwrap();
    let entries = ledger.revoked(AUTHORITY, crl.number, 0, 10).await.unwrap().entries;
    let list = NewCrlList::new(AUTHORITY, &crl_list(&crl, &entries), time(201)).unwrap();
    ledger.store_crl(list).await.unwrap();
    ledger.add_audit(event(1)).await.unwrap();
    ledger.add_token(token(1)).await.unwrap();
    ledger.revoke_token(token_revocation(1)).await.unwrap();
    let before = ledger.get_by_serial(serial(1)).await.unwrap();
    for (table, statement) in [
        ("authority", "UPDATE authority SET algorithm = 'none'"),
        ("authority", "DELETE FROM authority"),
        ("authority_certificate", "UPDATE authority_certificate SET added_at = 0"),
        ("authority_certificate", "DELETE FROM authority_certificate"),
        ("record", "UPDATE record SET profile = 'other'"),
        ("record", "DELETE FROM record"),
        ("record_name", "UPDATE record_name SET name = 'DNS:other'"),
        ("record_name", "DELETE FROM record_name"),
        ("record_key", "UPDATE record_key SET record = 2"),
        ("record_key", "DELETE FROM record_key"),
        ("authority_key", "UPDATE authority_key SET authority = 2"),
        ("authority_key", "DELETE FROM authority_key"),
        ("blocked_key", "UPDATE blocked_key SET reason = 0"),
        ("blocked_key", "DELETE FROM blocked_key"),
        ("crl", "UPDATE crl SET number = 9"),
        ("crl", "DELETE FROM crl"),
        ("crl_list", "UPDATE crl_list SET entries = 0"),
        ("crl_list", "DELETE FROM crl_list"),
        ("certificate", "UPDATE certificate SET stored_at = 0"),
        ("certificate", "DELETE FROM certificate"),
        ("revocation", "UPDATE revocation SET reason = 0"),
        ("revocation", "DELETE FROM revocation"),
        ("audit_event", "UPDATE audit_event SET actor = 'user:nobody'"),
        ("audit_event", "DELETE FROM audit_event"),
        ("token", "UPDATE token SET expires_at = expires_at + 1"),
        ("token", "DELETE FROM token"),
        ("token_revocation", "UPDATE token_revocation SET revoked_at = 0"),
        ("token_revocation", "DELETE FROM token_revocation"),
    ] {
        let refusal = factory.raw(statement).await.expect_err(statement);
        let verb = &statement[..6];
        let message = format!("{table}: the ledger only grows; {verb} is refused");
        assert!(refusal.contains(&message), "{statement}: {refusal}");
    }
    assert_eq!(ledger.get_by_serial(serial(1)).await.unwrap(), before);
    check_and_close(ledger).await;
}

/// The worst moment: signed, but the last INSERT fails. The record stays, and can be revoked.
pub async fn an_orphan_is_revoked_by_its_serial(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(record(1)).await.unwrap();
    factory.break_certificate_inserts().await;
    let refusal = ledger.store(certificate(1)).await.unwrap_err();
    let LedgerError::Refused { message, .. } = &refusal else { panic!("{refusal:?}") };
    assert!(message.contains("disk on fire"), "{message}");
    let orphans = ledger.orphans(Page::first(10)).await.unwrap().entries;
    assert_eq!(orphans.iter().map(|entry| entry.serial()).collect::<Vec<_>>(), [serial(1)]);
    ledger.revoke(revocation(1)).await.unwrap();
    assert_eq!(ledger.orphans(Page::first(10)).await.unwrap().entries, []);
    let entry = ledger.get_by_serial(serial(1)).await.unwrap().unwrap();
    assert_eq!((entry.status(), entry.certificate), (Status::Revoked, None));
    // The checker sees the foreign trigger, and nothing else.
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    let kinds: Vec<_> = report.found.into_keys().collect();
    assert_eq!(kinds, [ledger::FindingKind::SchemaChanged], "{:?}", report.findings);
    ledger.close().await.unwrap();
}
