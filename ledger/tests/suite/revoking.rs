//! Revoking all that an authority issued, and what OCSP is told.

use std::sync::Arc;

use ca_core::validity::Validity;
use ledger::{
    Ledger, LedgerError, NewAuthorityRevocation, NewRecord, NewRevocation, RevocationReason,
    Revoking, SerialStatus, Status,
};
use tokio::task::JoinSet;

use super::{
    Factory, check_and_close,
    material::{
        AUTHORITY, authority, certificate, record, revocation, revoking, serial, time,
        with_authority,
    },
};

fn everything(authority: &str, at: i64) -> NewAuthorityRevocation {
    NewAuthorityRevocation { authority: authority.into(), revocation: revoking(time(at)) }
}

pub async fn an_authority_is_revoked_as_a_whole(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=3 {
        ledger.record(record(name)).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
    }
    ledger.record(record(4)).await.unwrap();
    let expired = Validity::new(time(0), time(99)).unwrap();
    ledger.record(NewRecord { validity: expired, ..record(5) }).await.unwrap();
    let last_second = Validity::new(time(0), time(100)).unwrap();
    ledger.record(NewRecord { validity: last_second, ..record(6) }).await.unwrap();
    ledger.record(NewRecord { authority: "other".into(), ..record(7) }).await.unwrap();
    ledger.revoke(revocation(2)).await.unwrap();
    assert_eq!(ledger.revoke_authority(everything(AUTHORITY, 100)).await.unwrap(), 4);
    for (name, status) in (1..).zip([
        Status::Revoked,
        Status::Revoked,
        Status::Revoked,
        Status::Revoked,
        Status::Orphan,
        Status::Revoked,
        Status::Orphan,
    ]) {
        let entry = ledger.get_by_serial(serial(name)).await.unwrap().unwrap();
        assert_eq!(entry.status(), status, "{name}");
    }
    assert_eq!(ledger.revoke_authority(everything(AUTHORITY, 100)).await.unwrap(), 0);
    let refusal = ledger.revoke_authority(everything("nobody", 100)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownAuthority { .. }), "{refusal:?}");
    // It may issue afterwards.
    ledger.record(record(8)).await.unwrap();
    assert_eq!(ledger.revoke_authority(everything(AUTHORITY, 100)).await.unwrap(), 1);
    check_and_close(ledger).await;
}

/// More than one step, while others write.
pub async fn a_large_authority_is_revoked_in_steps(factory: &impl Factory) {
    const RECORDS: u64 = 2_100;
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let mut tasks = JoinSet::new();
    for name in 0..RECORDS {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move { ledger.record(record(name)).await.unwrap() });
    }
    tasks.join_all().await;
    let beside = Arc::clone(&ledger);
    let writing = tokio::spawn(async move { beside.record(record(RECORDS)).await.unwrap() });
    let revoked = ledger.revoke_authority(everything(AUTHORITY, 10)).await.unwrap();
    writing.await.unwrap();
    assert!((RECORDS..=RECORDS + 1).contains(&revoked), "{revoked}");
    assert_eq!(check_and_close(ledger).await.checked.revocations, revoked);
}

pub async fn what_ocsp_is_told(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=3 {
        ledger.record(record(name)).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
    }
    ledger.record(record(4)).await.unwrap();
    ledger.record(record(5)).await.unwrap();
    ledger.record(NewRecord { authority: "other".into(), ..record(6) }).await.unwrap();
    let said = Revoking {
        reason: RevocationReason::SUPERSEDED,
        invalidity_date: Some(time(50) + std::time::Duration::from_millis(700)),
        ..revoking(time(120))
    };
    for name in [2, 5, 6] {
        let new = NewRevocation { revocation: said.clone(), ..revocation(name) };
        let answer = ledger.revoke(new).await.unwrap();
        let read = ledger.get_by_serial(serial(name)).await.unwrap().unwrap();
        assert_eq!(read.revocation, Some(answer), "what was answered is what is in the ledger");
    }
    let revoked = SerialStatus::Revoked {
        reason: RevocationReason::SUPERSEDED,
        revoked_at: time(120),
        invalidity_date: Some(time(50)),
    };
    use SerialStatus::{Good, Unknown};
    // Good, revoked, orphan, revoked orphan, another authority's, nobody's; and one twice.
    let serials: Vec<_> = [1, 2, 4, 5, 6, 99, 1].map(serial).to_vec();
    let told = ledger.statuses(AUTHORITY, serials.clone()).await.unwrap();
    let expected = [Good, revoked.clone(), Unknown, revoked.clone(), Unknown, Unknown, Good];
    assert_eq!(told, expected);
    let other = ledger.statuses("other", vec![serial(6)]).await.unwrap().pop();
    assert_eq!(other.as_ref(), Some(&revoked));
    assert_eq!(ledger.statuses("nobody", serials).await.unwrap(), vec![Unknown; 7]);
    for serials in [vec![], vec![serial(1); 1_001]] {
        let refusal = ledger.statuses(AUTHORITY, serials).await.unwrap_err();
        assert!(matches!(refusal, LedgerError::InvalidField { field: "serials", .. }));
    }
    assert_eq!(ledger.statuses(AUTHORITY, vec![serial(1); 1_000]).await.unwrap().len(), 1_000);
    walk_unexpired(&ledger).await;
    check_and_close(ledger).await;
}

/// Page by page: those with a certificate and the revoked orphan, up to their last second.
async fn walk_unexpired(ledger: &Ledger) {
    for (at, expected) in [(86_399, vec![1, 2, 3, 5]), (86_400, vec![])] {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = ledger.unexpired(AUTHORITY, time(at), after, 2).await.unwrap();
            seen.extend(page.iter().map(|row| (row.serial, row.status == SerialStatus::Good)));
            let Some(last) = page.get(1) else { break };
            after = last.position;
            assert_eq!(last.not_after, time(86_399));
        }
        let good = |name: u64| (serial(name), !matches!(name, 2 | 5));
        assert_eq!(seen, expected.into_iter().map(good).collect::<Vec<_>>());
    }
}
