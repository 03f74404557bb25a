//! Filters, cursors and streams.

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber, validity::Validity};
use ledger::{
    Cursor, Filter, Ledger, LedgerError, NewRecord, Order, Page, Reach, Status, Tally, Visible,
};

use super::{
    Factory, check_and_close,
    material::{
        AUTHORITY, authority, certificate, record, revocation, serial, time, with_authority,
    },
};

/// A reach of these authorities and profiles; `*` is all.
fn reach(authorities: &[&str], profiles: &[&str]) -> Reach {
    let some = |names: &[&str]| {
        (names != ["*"]).then(|| names.iter().map(|name| (*name).to_owned()).collect())
    };
    Reach { authorities: some(authorities), profiles: some(profiles) }
}

async fn names_of(ledger: &Ledger, filter: Filter) -> Vec<u64> {
    let found = ledger.search(filter, Page::first(100)).await.unwrap();
    assert_eq!(found.next, None);
    let name = |serial: SerialNumber| (0..1000).find(|name| self::serial(*name) == serial).unwrap();
    found.entries.iter().map(|entry| name(entry.serial())).collect()
}

pub async fn each_filter_narrows_the_search(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    let records = [
        record(1),
        NewRecord { authority: "other".into(), ..record(2) },
        NewRecord { profile: "spiffe".into(), ..record(3) },
        NewRecord { requester: "user:bob".into(), recorded_at: time(50), ..record(4) },
        NewRecord { algorithm: "ECDSA-P256".into(), component_digests: vec![], ..record(5) },
        NewRecord { validity: Validity::new(time(0), time(10)).unwrap(), ..record(6) },
        NewRecord {
            key_digest: record(1).key_digest,
            component_digests: record(1).component_digests,
            ..record(7)
        },
    ];
    for new in records {
        ledger.record(new).await.unwrap();
    }
    for name in [1, 2, 3] {
        ledger.store(certificate(name)).await.unwrap();
    }
    ledger.revoke(revocation(3)).await.unwrap();
    ledger.revoke(revocation(4)).await.unwrap();

    let all = Filter::default;
    let text = |value: &str| Some(value.to_owned());
    let half_a_second_later = time(10) + std::time::Duration::from_millis(500);
    let cases: [(Filter, &[u64]); 17] = [
        (all(), &[1, 2, 3, 4, 5, 6, 7]),
        (Filter { authority: text("other"), ..all() }, &[2]),
        (Filter { authority: text("nobody"), ..all() }, &[]),
        (Filter { profile: text("spiffe"), ..all() }, &[3]),
        (Filter { requester: text("user:bob"), ..all() }, &[4]),
        (Filter { algorithm: text("ECDSA-P256"), ..all() }, &[5]),
        (Filter { name: text("DNS:demo-4.localhost"), ..all() }, &[4]),
        (Filter { name: text("DNS:demo-4.localhos_"), ..all() }, &[]),
        (Filter { name: text("x' OR '1'='1"), ..all() }, &[]),
        (Filter { key: Some(record(1).component_digests[1]), ..all() }, &[1, 7]),
        (Filter { status: Some(Status::Stored), ..all() }, &[1, 2]),
        (Filter { status: Some(Status::Orphan), ..all() }, &[5, 6, 7]),
        (Filter { status: Some(Status::Revoked), ..all() }, &[3, 4]),
        (Filter { expires_before: Some(time(10)), ..all() }, &[]),
        (Filter { expires_before: Some(half_a_second_later), ..all() }, &[6]),
        (Filter { expires_after: Some(half_a_second_later), ..all() }, &[1, 2, 3, 4, 5, 7]),
        (Filter { recorded_before: Some(time(50)), ..all() }, &[1, 2, 3, 5, 6, 7]),
    ];
    for (filter, expected) in cases {
        assert_eq!(names_of(&ledger, filter.clone()).await, expected, "{filter:?}");
    }
    let both = Filter { name: text("DNS:shared.localhost"), profile: text("spiffe"), ..all() };
    assert_eq!(names_of(&ledger, both).await, [3]);
    for (requester, reaches, expected) in [
        (None, vec![], &[][..]),
        (text("user:bob"), vec![], &[4]),
        (text("user:bob"), vec![reach(&["other"], &["*"])], &[2, 4]),
        (None, vec![reach(&["other"], &["spiffe"]), reach(&["*"], &["spiffe"])], &[3]),
        (None, vec![reach(&["other"], &["nothing"]), reach(&["*"], &[])], &[]),
        (None, vec![reach(&["*"], &["*"])], &[1, 2, 3, 4, 5, 6, 7]),
    ] {
        let visible = Visible { requester, reaches };
        let filter = Filter { visible: Some(visible.clone()), ..all() };
        assert_eq!(names_of(&ledger, filter).await, expected, "{visible:?}");
    }
    // A page is full of what may be seen, and the last one says so.
    let visible = Visible { requester: text("user:bob"), reaches: vec![reach(&["other"], &["*"])] };
    let filter = Filter { visible: Some(visible), ..all() };
    let first = ledger.search(filter.clone(), Page::first(1)).await.unwrap();
    let page = Page::first(1).after(first.next.unwrap());
    let second = ledger.search(filter, page).await.unwrap();
    assert_eq!((first.entries.len(), second.entries.len(), second.next), (1, 1, None));
    let nobody = Filter { key: Some(Fingerprint::of(b"nobody's")), ..all() };
    assert_eq!(names_of(&ledger, nobody).await, [0; 0]);
    assert_eq!(ledger.orphans(Page::first(100)).await.unwrap().entries.len(), 3);
    let counts = ledger.counts().await.unwrap();
    let numbers = (counts.authorities, counts.records, counts.certificates, counts.revocations);
    assert_eq!((numbers, counts.orphans), ((2, 7, 3, 2), 3));
    check_and_close(ledger).await;
}

pub async fn cursors_walk_every_entry_once_in_both_orders(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    for name in 0..10 {
        ledger.record(record(name)).await.unwrap();
    }
    for (order, expected) in [
        (Order::OldestFirst, (0..10).map(serial).collect::<Vec<_>>()),
        (Order::NewestFirst, (0..10).rev().map(serial).collect()),
    ] {
        // 10 is divided by 5 and 10: no empty page at the end.
        for (limit, pages) in [(1, 10), (3, 4), (5, 2), (10, 1), (1000, 1)] {
            let mut page = Page { after: None, limit, order };
            let (mut walked, mut count) = (Vec::new(), 0);
            loop {
                let found = ledger.search(Filter::default(), page).await.unwrap();
                walked.extend(found.entries.iter().map(|entry| entry.serial()));
                count += 1;
                let Some(next) = found.next else { break };
                page = page.after(next.to_string().parse::<Cursor>().unwrap());
            }
            assert_eq!((&walked, count), (&expected, pages), "limit {limit}");
        }
    }
    for limit in [0, 1001] {
        let refusal = ledger.search(Filter::default(), Page::first(limit)).await.unwrap_err();
        assert!(matches!(refusal, LedgerError::InvalidField { field: "limit", .. }));
    }
    check_and_close(ledger).await;
}

pub async fn entries_stream_by_position(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 0..7 {
        ledger.record(record(name)).await.unwrap();
        let other = NewRecord { authority: "other".into(), ..record(100 + name) };
        ledger.record(other).await.unwrap();
    }
    let rows = ledger.entries(AUTHORITY, 2, 3).await.unwrap();
    let seen: Vec<_> =
        rows.iter().map(|row| (row.position, row.entry.as_ref().unwrap().serial())).collect();
    assert_eq!(seen, [(3, serial(2)), (4, serial(3)), (5, serial(4))]);
    assert_eq!(ledger.entries(AUTHORITY, 5, 3).await.unwrap().len(), 2);
    assert_eq!(ledger.entries(AUTHORITY, u64::MAX, 3).await.unwrap(), []);
    assert_eq!(ledger.entries("nobody", 0, 3).await.unwrap(), []);
    assert!(ledger.entries(AUTHORITY, 0, 0).await.is_err());
    check_and_close(ledger).await;
}

pub async fn a_tally_comes_to_what_is_there(factory: &impl Factory) {
    let ledger = factory.open().await;
    assert_eq!(ledger.tally(Tally::default()).await.unwrap(), Tally::default());
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=5 {
        ledger.record(record(name)).await.unwrap();
    }
    let other = NewRecord { authority: "other".into(), ..record(6) };
    ledger.record(other).await.unwrap();
    ledger.store(certificate(1)).await.unwrap();
    ledger.revoke(revocation(2)).await.unwrap();
    let known = ledger.tally(Tally::default()).await.unwrap();
    assert_eq!((known.records(), known.orphans(), known.not_looked_at()), (6, 4, 0));
    // What is stored or revoked later is no orphan any more, and what is recorded later may be one.
    ledger.store(certificate(3)).await.unwrap();
    ledger.revoke(revocation(4)).await.unwrap();
    ledger.record(record(7)).await.unwrap();
    let known = ledger.tally(known).await.unwrap();
    assert_eq!((known.records(), known.orphans(), known.not_looked_at()), (7, 3, 0));
    let again = ledger.tally(known.clone()).await.unwrap();
    assert_eq!(again, known);
    check_and_close(ledger).await;
}
