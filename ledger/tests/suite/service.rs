//! What a server needs besides certificates: audit events, API tokens, leases.

use std::{sync::Arc, time::Duration};

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use ledger::{
    AuditFilter, AuditOutcome, Leasing, Ledger, LedgerError, NewAuditEvent, NewLease, NewToken,
    Order, Page, TokenRevocation,
};
use tokio::task::JoinSet;

use super::{
    Factory, check_and_close,
    material::{event, time, token, token_revocation},
};

pub async fn events_have_an_order_without_gaps(factory: &impl Factory) {
    let ledgers = [factory.open().await, factory.open().await];
    let mut tasks = JoinSet::new();
    for name in 0..40 {
        let ledger = Arc::clone(&ledgers[name as usize % 2]);
        tasks.spawn(async move { ledger.add_audit(event(name)).await.unwrap().position });
    }
    let mut positions = tasks.join_all().await;
    positions.sort_unstable();
    assert_eq!(positions, (1..=40).collect::<Vec<_>>());
    let [ledger, second] = ledgers;
    second.close().await.unwrap();
    let nanoseconds = Timestamp::from_nanosecond(1_767_225_600_123_456_789).unwrap();
    let outcome = AuditOutcome::Refused { problem: "urn:problem:denied".into() };
    let new = NewAuditEvent { at: nanoseconds, subject: None, address: None, outcome, ..event(40) };
    let added = ledger.add_audit(new.clone()).await.unwrap();
    let at = Timestamp::from_microsecond(1_767_225_600_123_456).unwrap();
    assert_eq!((added.position, &added.content), (41, &NewAuditEvent { at, ..new }));
    let read = ledger.audit(AuditFilter::default(), Page::newest(1)).await.unwrap();
    assert_eq!(read.events, [added], "what was answered is what is in the ledger");
    for (field, new) in [
        ("request_id", NewAuditEvent { request_id: String::new(), ..event(41) }),
        ("actor", NewAuditEvent { actor: "a\nb".into(), ..event(41) }),
        ("action", NewAuditEvent { action: "x".repeat(65), ..event(41) }),
        ("subject", NewAuditEvent { subject: Some(String::new()), ..event(41) }),
        ("address", NewAuditEvent { address: Some("1".repeat(129)), ..event(41) }),
        (
            "problem",
            NewAuditEvent {
                outcome: AuditOutcome::Refused { problem: String::new() },
                ..event(41)
            },
        ),
    ] {
        let refusal = ledger.add_audit(new).await.unwrap_err();
        let LedgerError::InvalidField { field: found, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(found, field);
    }
    check_and_close(ledger).await;
}

pub async fn each_filter_narrows_the_events(factory: &impl Factory) {
    let ledger = factory.open().await;
    let refused = AuditOutcome::Refused { problem: "urn:problem:denied".into() };
    for new in [
        event(1),
        NewAuditEvent { actor: "user:bob".into(), ..event(2) },
        NewAuditEvent { action: "token.create".into(), at: time(20), ..event(3) },
        NewAuditEvent { subject: Some("token:1".into()), at: time(30), ..event(4) },
        NewAuditEvent { outcome: refused, ..event(5) },
    ] {
        ledger.add_audit(new).await.unwrap();
    }
    let all = AuditFilter::default;
    let text = |value: &str| Some(value.to_owned());
    let later = time(20) + Duration::from_nanos(1);
    let cases: [(AuditFilter, &[u64]); 11] = [
        (all(), &[1, 2, 3, 4, 5]),
        (AuditFilter { actor: text("user:bob"), ..all() }, &[2]),
        (AuditFilter { actor: text("user:bo_"), ..all() }, &[]),
        (AuditFilter { action: text("token.create"), ..all() }, &[3]),
        (AuditFilter { subject: text("token:1"), ..all() }, &[4]),
        (AuditFilter { request_id: text("request-5"), ..all() }, &[5]),
        (AuditFilter { done: Some(false), ..all() }, &[5]),
        (AuditFilter { done: Some(true), ..all() }, &[1, 2, 3, 4]),
        (AuditFilter { from: Some(time(20)), ..all() }, &[3, 4]),
        (AuditFilter { from: Some(later), ..all() }, &[4]),
        (AuditFilter { before: Some(later), ..all() }, &[1, 2, 3, 5]),
    ];
    for (filter, expected) in cases {
        let found = ledger.audit(filter.clone(), Page::first(10)).await.unwrap();
        let positions: Vec<_> = found.events.iter().map(|event| event.position).collect();
        assert_eq!((positions.as_slice(), found.next), (expected, None), "{filter:?}");
    }
    for (order, expected) in
        [(Order::OldestFirst, [1, 2, 3, 4, 5]), (Order::NewestFirst, [5, 4, 3, 2, 1])]
    {
        let mut page = Page { after: None, limit: 2, order };
        let mut walked = Vec::new();
        loop {
            let found = ledger.audit(all(), page).await.unwrap();
            walked.extend(found.events.iter().map(|event| event.position));
            let Some(next) = found.next else { break };
            page = page.after(next);
        }
        assert_eq!(walked, expected);
    }
    let refusal = ledger.audit(all(), Page::first(0)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::InvalidField { field: "limit", .. }));
    check_and_close(ledger).await;
}

pub async fn a_token_is_found_by_the_digest_of_its_secret(factory: &impl Factory) {
    let ledger = factory.open().await;
    for name in 1..=3 {
        let added = ledger.add_token(token(name)).await.unwrap();
        assert_eq!((added.content, added.revocation), (token(name), None));
    }
    let found = ledger.token_by_hash(token(2).secret_digest).await.unwrap().unwrap();
    assert_eq!(found.content, token(2));
    assert_eq!(ledger.token_by_hash(Fingerprint::of(b"secret 4")).await.unwrap(), None);
    for taken in [
        NewToken { id: token(1).id, ..token(4) },
        NewToken { secret_digest: token(1).secret_digest, ..token(4) },
    ] {
        let refusal = ledger.add_token(taken.clone()).await.unwrap_err();
        assert!(matches!(&refusal, LedgerError::TokenTaken { id } if *id == taken.id));
    }
    let other = NewToken { name: "deployer".into(), ..token(4) };
    ledger.add_token(other.clone()).await.unwrap();
    for (name, expected) in
        [(token(1).name, vec![token(1), token(2), token(3)]), ("deployer".into(), vec![other])]
    {
        let found = ledger.tokens_named(name).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| found.content).collect();
        assert_eq!(found, expected);
    }
    assert_eq!(ledger.tokens_named("nobody".into()).await.unwrap(), []);
    let first = ledger.tokens(Page::newest(3)).await.unwrap();
    let rest = ledger.tokens(Page::newest(3).after(first.next.unwrap())).await.unwrap();
    let ids: Vec<_> = first.tokens.into_iter().chain(rest.tokens).map(|it| it.content.id).collect();
    assert_eq!((ids, rest.next), ((1..=4).rev().map(|name| token(name).id).collect(), None));
    check_and_close(ledger).await;
}

pub async fn one_of_two_that_want_a_name_gets_it(factory: &impl Factory) {
    let (ledger, second) = (factory.open().await, factory.open().await);
    let named = |number| NewToken { name: "deployer".into(), ..token(number) };
    let id = |number| token(number).id;
    // Each saw that nobody has the name.
    let (one, other) = tokio::join!(
        ledger.add_token_behind(named(1), None),
        second.add_token_behind(named(2), None)
    );
    let (winner, refusal) = match (one, other) {
        (Ok(winner), Err(refusal)) | (Err(refusal), Ok(winner)) => (winner, refusal),
        both => panic!("{both:?}"),
    };
    let first = winner.content.id;
    let taken = |refusal: &LedgerError, last: &str| matches!(refusal, LedgerError::TokenNameTaken { id } if id == last);
    assert!(taken(&refusal, &first), "{refusal:?}");
    assert!(
        refusal.to_string().starts_with(&format!("name: found that of token {first}, allowed:"))
    );
    // Taken over, with all tokens in view; whoever saw fewer is refused.
    ledger.add_token_behind(named(3), Some(first.clone())).await.unwrap();
    for stale in [None, Some(first)] {
        let refusal = second.add_token_behind(named(4), stale).await.unwrap_err();
        assert!(taken(&refusal, &id(3)), "{refusal:?}");
    }
    let refusal = second.add_token_behind(token(5), Some(id(3))).await.unwrap_err();
    assert!(taken(&refusal, &id(3)), "nobody has this name, {refusal:?}");
    assert_eq!(ledger.tokens(Page::first(10)).await.unwrap().tokens.len(), 2);
    second.close().await.unwrap();
    check_and_close(ledger).await;
}

pub async fn a_token_is_revoked_once(factory: &impl Factory) {
    let ledger = factory.open().await;
    ledger.add_token(token(1)).await.unwrap();
    assert!(ledger.add_token(token(2)).await.unwrap().is_valid_at(time(3_599)));
    let revoked = ledger.revoke_token(token_revocation(1)).await.unwrap();
    let said = TokenRevocation { revoked_at: time(60), revoked_by: "user:oscar".into() };
    assert_eq!(revoked.revocation, Some(said));
    assert!(!revoked.is_valid_at(time(61)));
    assert_eq!(ledger.token_by_hash(token(1).secret_digest).await.unwrap(), Some(revoked));
    assert_eq!(
        ledger.token_by_hash(token(2).secret_digest).await.unwrap().unwrap().revocation,
        None
    );
    let refusal = ledger.revoke_token(token_revocation(1)).await.unwrap_err();
    assert_eq!(refusal.to_string(), "token \"token-1\" is revoked since 2026-01-01T00:01:00Z");
    let refusal = ledger.revoke_token(token_revocation(3)).await.unwrap_err();
    assert!(matches!(&refusal, LedgerError::UnknownToken { id } if id == "token-3"));
    check_and_close(ledger).await;
}

/// What a process asks for; stores with a clock of their own take their own time.
async fn asked(ledger: &Ledger, holder: &str, now: Timestamp, duration: Duration) -> Leasing {
    let new = NewLease { name: "crl:root".into(), holder: holder.into(), duration, now };
    ledger.lease(new).await.unwrap()
}

pub async fn a_lease_has_one_holder(factory: &impl Factory) {
    let (ledger, second) = (factory.open().await, factory.open().await);
    let hour = Duration::from_secs(3_600);
    let Leasing::Granted(lease) = asked(&ledger, "one", time(0), hour).await else { panic!() };
    let taken = asked(&second, "two", time(1), hour).await;
    assert_eq!(taken, Leasing::Taken(lease.clone()));
    // Its holder prolongs it; another name is another lease.
    let Leasing::Granted(longer) = asked(&ledger, "one", time(60), hour).await else { panic!() };
    assert!(longer.until > lease.until && longer.term == lease.term, "{longer:?}");
    let other = NewLease { name: "crl:issuing".into(), ..new_lease("two") };
    assert!(matches!(second.lease(other).await.unwrap(), Leasing::Granted(_)));
    // Given back, it is anybody's; who had it before gives back nothing of another's.
    ledger.end_lease(longer.clone()).await.unwrap();
    let short = Duration::from_millis(1);
    let Leasing::Granted(next) = asked(&second, "two", time(61), short).await else { panic!() };
    assert_eq!((next.holder.as_str(), next.term), ("two", lease.term + 1));
    ledger.end_lease(longer).await.unwrap();
    // It runs out by itself.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let Leasing::Granted(last) = asked(&ledger, "one", time(62), hour).await else { panic!() };
    assert_eq!(last.term, next.term + 1);
    // Whoever asks for less time has a clock that is not ahead.
    assert!(matches!(asked(&second, "two", time(63), short).await, Leasing::Granted(_)));
    // One of another version takes longer leases, or shorter ones; neither's clock is ahead.
    let version = |holder, seconds, now| NewLease {
        name: "crl:versions".into(),
        duration: Duration::from_secs(seconds),
        now: time(now),
        ..new_lease(holder)
    };
    let longer = ledger.lease(version("one", 10, 63)).await.unwrap();
    assert!(matches!(longer, Leasing::Granted(_)), "{longer:?}");
    let shorter = second.lease(version("two", 3, 64)).await.unwrap();
    assert!(matches!(&shorter, Leasing::Taken(lease) if lease.holder == "one"), "{shorter:?}");
    for (field, new) in [
        ("name", NewLease { name: String::new(), ..new_lease("one") }),
        ("holder", NewLease { holder: String::new(), ..new_lease("one") }),
        ("duration", NewLease { duration: Duration::ZERO, ..new_lease("one") }),
        ("duration", NewLease { duration: hour * 25, ..new_lease("one") }),
    ] {
        let refusal = ledger.lease(new).await.unwrap_err();
        let LedgerError::InvalidField { field: found, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(found, field);
    }
    second.close().await.unwrap();
    check_and_close(ledger).await;
}

fn new_lease(holder: &str) -> NewLease {
    NewLease {
        name: "crl:root".into(),
        holder: holder.into(),
        duration: Duration::from_secs(60),
        now: time(0),
    }
}
