//! The series of CRLs: numbers, entries, and what was signed.

use ca_core::{
    crl::{EntrySerial, RevokedEntry, Scope, Subjects},
    general_name::AbsoluteUri,
    validity::Validity,
};
use ledger::{
    Crl, CrlFilter, CrlKind, Ledger, LedgerError, NewAuthorityRevocation, NewCrl, NewCrlList,
    NewRecord, NewRevocation,
};

use super::{
    Factory, check_and_close,
    material::{
        AUTHORITY, authority, crl_list, new_crl, record, revocation, revoking, serial, time,
        with_authority,
    },
};

async fn entries(ledger: &Ledger, crl: &Crl) -> Vec<RevokedEntry> {
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let authority = &crl.content.authority;
        let page = ledger.revoked(authority, crl.number, after, 2).await.unwrap();
        all.extend(page.entries);
        let Some(next) = page.next else { break all };
        after = next;
    }
}

/// The names of the records that are on the list.
async fn names_on(ledger: &Ledger, crl: &Crl) -> Vec<u64> {
    let name = |entry: RevokedEntry| {
        (0..100).find(|name| EntrySerial::from(&serial(*name)) == entry.serial).unwrap()
    };
    entries(ledger, crl).await.into_iter().map(name).collect()
}

/// Stores the list with what it should have.
async fn stored(ledger: &Ledger, crl: &Crl) -> Crl {
    let list = crl_list(crl, &entries(ledger, crl).await);
    let new = NewCrlList::new(&crl.content.authority, &list, time(201)).unwrap();
    let stored = ledger.store_crl(new.clone()).await.unwrap();
    assert_eq!(ledger.store_crl(new).await.unwrap(), stored, "the same one is no second one");
    let number = Some(crl.number);
    let filter = CrlFilter { number, ..CrlFilter::of(&crl.content.authority) };
    assert_eq!(ledger.crls(filter, 1).await.unwrap().pop().as_ref(), Some(&stored));
    stored
}

async fn made(ledger: &Ledger, new: NewCrl) -> Crl {
    let crl = ledger.reserve_crl(new).await.unwrap();
    stored(ledger, &crl).await
}

pub async fn numbers_of_an_authority_only_grow(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    let second = factory.open().await;
    let authorities = Scope::all().only(Subjects::Authorities);
    for number in (1..=9).step_by(3) {
        // Whatever became of the one before, whoever asks, whatever the scope.
        let crl = ledger.reserve_crl(new_crl(None)).await.unwrap();
        assert_eq!((crl.number, crl.list), (number, None));
        let scoped = NewCrl { scope: authorities.clone(), ..new_crl(None) };
        assert_eq!(second.reserve_crl(scoped).await.unwrap().number, number + 1);
        assert_eq!(made(&ledger, new_crl(None)).await.number, number + 2);
    }
    let other = NewCrl { authority: "other".into(), ..new_crl(None) };
    assert_eq!(second.reserve_crl(other).await.unwrap().number, 1);
    second.close().await.unwrap();
    check_and_close(ledger).await;
    let ledger = factory.open().await;
    assert_eq!(ledger.reserve_crl(new_crl(None)).await.unwrap().number, 10);
    let newest = ledger.newest_crl(AUTHORITY, &Scope::all(), CrlKind::Complete).await.unwrap();
    assert_eq!(newest.map(|crl| crl.number), Some(9), "the newest that was signed");
    let none = ledger.newest_crl(AUTHORITY, &authorities, CrlKind::Complete).await.unwrap();
    assert_eq!(none, None);
    let before = CrlFilter { before: Some(3), ..CrlFilter::of(AUTHORITY) };
    let numbers: Vec<_> =
        ledger.crls(before, 10).await.unwrap().iter().map(|it| it.number).collect();
    assert_eq!(numbers, [2, 1]);
    let nowhere = NewCrl { authority: "nowhere".into(), ..new_crl(None) };
    let refusal = ledger.reserve_crl(nowhere).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownAuthority { .. }), "{refusal:?}");
    check_and_close(ledger).await;
}

pub async fn a_list_has_what_was_revoked_before_its_number(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=7 {
        ledger.record(record(name)).await.unwrap();
    }
    ledger.record(NewRecord { authority: "other".into(), ..record(8) }).await.unwrap();
    for name in [3, 1, 2, 8] {
        ledger.revoke(revocation(name)).await.unwrap();
    }
    let first = ledger.reserve_crl(new_crl(None)).await.unwrap();
    ledger.revoke(revocation(5)).await.unwrap();
    assert_eq!(names_on(&ledger, &first).await, [3, 1, 2]);
    let first = stored(&ledger, &first).await;
    assert_eq!((first.since, first.through), (0, 3));
    ledger.revoke(revocation(4)).await.unwrap();
    let delta = made(&ledger, new_crl(Some(first.number))).await;
    assert_eq!(names_on(&ledger, &delta).await, [5, 4]);
    assert_eq!(names_on(&ledger, &made(&ledger, new_crl(None)).await).await, [3, 1, 2, 5, 4]);
    // A delta changes a complete list that was signed, of the same scope.
    let unsigned = ledger.reserve_crl(new_crl(None)).await.unwrap();
    for base in [unsigned.number, delta.number, 99] {
        let refusal = ledger.reserve_crl(new_crl(Some(base))).await.unwrap_err().to_string();
        let words = format!("number of the base CRL: found {base}; allowed: a complete list of");
        assert!(refusal.contains(&words) && refusal.contains("the newest is 3"), "{refusal}");
    }
    let scope = Scope::all().only(Subjects::EndEntities);
    let refusal = ledger.reserve_crl(NewCrl { scope, ..new_crl(Some(1)) }).await.unwrap_err();
    assert!(refusal.to_string().contains("there is none yet"), "{refusal}");
    check_and_close(ledger).await;
}

/// RFC 5280 section 3.3: an entry stays until it was on a list made after the certificate expired.
pub async fn an_expired_entry_leaves_after_one_more_list(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let short = |name, end| {
        let validity = Validity::new(time(0), time(end)).unwrap();
        NewRecord { validity, ..record(name) }
    };
    for (name, end) in [(1, 1_000), (2, 2_000), (3, 5_000)] {
        ledger.record(short(name, end)).await.unwrap();
        ledger.revoke(revocation(name)).await.unwrap();
    }
    let at = |now| NewCrl { this_update: time(now), next_update: time(now + 9), ..new_crl(None) };
    let list = |now| made(&ledger, at(now));
    assert_eq!(names_on(&ledger, &list(1_000).await).await, [1, 2, 3], "its last second");
    // Reserved, and never signed: it does not count.
    ledger.reserve_crl(at(1_500)).await.unwrap();
    let past = list(2_000).await;
    assert_eq!(names_on(&ledger, &past).await, [1, 2, 3], "past its end, once");
    assert_eq!(names_on(&ledger, &list(2_001).await).await, [2, 3]);
    // Revoked after it expired: on one list as well, and in a delta always.
    ledger.record(short(4, 100)).await.unwrap();
    ledger
        .revoke(NewRevocation { revocation: revoking(time(2_001)), ..revocation(4) })
        .await
        .unwrap();
    let delta = NewCrl { base: Some(past.number), ..at(2_002) };
    assert_eq!(names_on(&ledger, &made(&ledger, delta.clone()).await).await, [4]);
    assert_eq!(names_on(&ledger, &list(2_003).await).await, [3, 4]);
    assert_eq!(names_on(&ledger, &list(2_004).await).await, [3]);
    assert_eq!(names_on(&ledger, &made(&ledger, delta).await).await, [4]);
    // What is told of a list never changes.
    assert_eq!(names_on(&ledger, &past).await, [1, 2, 3]);
    // Another scope has a series of its own.
    let scope = Scope::all().only(Subjects::EndEntities);
    let scoped = ledger.reserve_crl(NewCrl { scope, ..at(2_005) }).await.unwrap();
    assert_eq!(names_on(&ledger, &scoped).await, [1, 2, 3, 4]);
    check_and_close(ledger).await;
}

/// A clock that was ahead is stepped back: what had expired by it is on the next list again.
pub async fn a_list_of_the_future_settles_nothing(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let validity = Validity::new(time(0), time(1_000)).unwrap();
    ledger.record(NewRecord { validity, ..record(1) }).await.unwrap();
    ledger.revoke(revocation(1)).await.unwrap();
    let at = |now| NewCrl { this_update: time(now), next_update: time(now + 9), ..new_crl(None) };
    let list = |now| made(&ledger, at(now));
    assert_eq!(names_on(&ledger, &list(200).await).await, [1]);
    assert_eq!(names_on(&ledger, &list(5_000).await).await, [1], "past its end, once");
    assert_eq!(names_on(&ledger, &list(5_001).await).await, [0; 0]);
    assert_eq!(names_on(&ledger, &list(300).await).await, [1], "not past its end");
    assert_eq!(names_on(&ledger, &list(1_001).await).await, [1], "past its end, once");
    assert_eq!(names_on(&ledger, &list(1_002).await).await, [0; 0]);
    check_and_close(ledger).await;
}

/// The base of a delta that serves everybody (RFC 5280 section 5.2.4).
pub async fn the_oldest_current_list_is_the_lowest_number_that_somebody_may_hold(
    factory: &impl Factory,
) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let between =
        |from, to| NewCrl { this_update: time(from), next_update: time(to), ..new_crl(None) };
    let oldest = async |until, now, scope: &Scope| {
        let found = ledger.oldest_current_crl(AUTHORITY, scope, time(until), time(now));
        found.await.unwrap().map(|list| list.number)
    };
    assert_eq!(oldest(1_000, 1_000, &Scope::all()).await, None);
    // Reserved and never signed: nobody holds it.
    ledger.reserve_crl(between(100, 9_000)).await.unwrap();
    let first = made(&ledger, between(100, 500)).await.number;
    let longest = made(&ledger, between(200, 800)).await.number;
    let shortest = made(&ledger, between(300, 600)).await.number;
    let last = made(&ledger, between(400, 900)).await.number;
    made(&ledger, NewCrl { base: Some(first), ..between(100, 9_000) }).await;
    assert_eq!([first, longest, shortest, last], [2, 3, 4, 5]);
    for (until, now, expected) in [
        (1_000, 499, Some(first)),
        // At its nextUpdate a list is over.
        (1_000, 500, Some(longest)),
        (1_000, 799, Some(longest)),
        (1_000, 800, Some(last)),
        (1_000, 900, None),
        // What a clock that was ahead made is none that somebody may hold.
        (399, 800, None),
        (400, 800, Some(last)),
    ] {
        assert_eq!(oldest(until, now, &Scope::all()).await, expected, "{until} {now}");
    }
    let others = Scope::all().only(Subjects::EndEntities);
    assert_eq!(oldest(1_000, 499, &others).await, None);
    check_and_close(ledger).await;
}

pub async fn a_shard_has_the_certificates_that_name_it(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let places = |places: &[&str]| places.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let (one, two) = ("http://a.test/1.crl", "http://a.test/2.crl");
    for (name, at, for_authority) in [
        (1, places(&[one]), false),
        (2, places(&[two]), true),
        (3, places(&["http://a.test/3.crl", one]), true),
        (4, places(&[]), false),
    ] {
        let new = NewRecord { crl_places: at.clone(), for_authority, ..record(name) };
        ledger.record(new).await.unwrap();
        let read = ledger.get_by_serial(serial(name)).await.unwrap().unwrap().record.content;
        assert_eq!((read.crl_places, read.for_authority), (at, for_authority));
        ledger.revoke(revocation(name)).await.unwrap();
    }
    let shard = |places: &[&str]| {
        let places: Vec<_> = places.iter().map(|it| AbsoluteUri::new(it).unwrap()).collect();
        Scope::shard(&places).unwrap()
    };
    for (scope, expected) in [
        (Scope::all(), &[1, 2, 3, 4][..]),
        (Scope::all().only(Subjects::EndEntities), &[1, 4]),
        (Scope::all().only(Subjects::Authorities), &[2, 3]),
        (shard(&[one]), &[1, 3]),
        (shard(&[one]).only(Subjects::Authorities), &[3]),
        (shard(&[two, "http://b.test/2.crl"]), &[2]),
        (shard(&["http://a.test/1.cr"]), &[]),
    ] {
        let new = NewCrl { scope: scope.clone(), ..new_crl(None) };
        let crl = ledger.reserve_crl(new).await.unwrap();
        assert_eq!(names_on(&ledger, &crl).await, expected, "{scope:?}");
        assert_eq!(crl.content.scope, scope);
    }
    check_and_close(ledger).await;
}

pub async fn only_the_reserved_list_is_stored(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    for name in 1..=3 {
        ledger.record(record(name)).await.unwrap();
        ledger.revoke(revocation(name)).await.unwrap();
    }
    let crl = ledger.reserve_crl(new_crl(None)).await.unwrap();
    let all = entries(&ledger, &crl).await;
    let scope = Scope::all().only(Subjects::EndEntities);
    let with = |content| Crl { content, ..crl.clone() };
    let refused = [
        ("revokedCertificates: found 2 entries; reserved: 3", crl_list(&crl, &all[1..])),
        ("thisUpdate", crl_list(&with(NewCrl { this_update: time(199), ..new_crl(None) }), &all)),
        ("nextUpdate", crl_list(&with(NewCrl { next_update: time(301), ..new_crl(None) }), &all)),
        ("issuingDistributionPoint", crl_list(&with(NewCrl { scope, ..new_crl(None) }), &all)),
        ("deltaCRLIndicator", crl_list(&with(new_crl(Some(0))), &all)),
    ];
    for (field, list) in refused {
        let new = NewCrlList::new(AUTHORITY, &list, time(201)).unwrap();
        let refusal = ledger.store_crl(new).await.unwrap_err();
        let words = format!("CRL number 1 of authority {AUTHORITY:?}: {field}");
        assert!(refusal.to_string().starts_with(&words), "{refusal}");
        assert!(refusal.to_string().ends_with("this list must not be published"), "{refusal}");
    }
    let unknown = crl_list(&Crl { number: 2, ..crl.clone() }, &all);
    let unknown = NewCrlList::new(AUTHORITY, &unknown, time(201)).unwrap();
    let refusal = ledger.store_crl(unknown).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownCrl { number: 2, .. }), "{refusal:?}");
    let refusal = ledger.revoked(AUTHORITY, 2, 0, 10).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownCrl { number: 2, .. }), "{refusal:?}");
    let first = stored(&ledger, &crl).await.list.unwrap();
    assert_eq!((first.entries, first.stored_at), (3, time(201)));
    let reversed: Vec<_> = all.into_iter().rev().collect();
    let second = NewCrlList::new(AUTHORITY, &crl_list(&crl, &reversed), time(201)).unwrap();
    let refusal = ledger.store_crl(second).await.unwrap_err();
    let LedgerError::CrlAlreadyStored { stored, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!(stored, first.fingerprint);
    check_and_close(ledger).await;
}

/// A list that does not reach the latest revocation lacks some.
pub async fn the_latest_revocation_is_told(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=4 {
        ledger.record(record(name)).await.unwrap();
    }
    ledger.record(NewRecord { authority: "other".into(), ..record(5) }).await.unwrap();
    for name in [AUTHORITY, "other", "nobody"] {
        assert_eq!(ledger.last_revocation(name).await.unwrap(), 0, "{name}");
    }
    let early = made(&ledger, new_crl(None)).await;
    ledger.revoke(revocation(2)).await.unwrap();
    // What is refused is no revocation.
    ledger.revoke(revocation(2)).await.unwrap_err();
    ledger.revoke(revocation(99)).await.unwrap_err();
    let second = factory.open().await;
    for one in [&ledger, &second] {
        assert_eq!(one.last_revocation(AUTHORITY).await.unwrap(), 1);
        assert_eq!(one.last_revocation("other").await.unwrap(), 0);
    }
    let late = made(&second, new_crl(None)).await;
    assert_eq!((early.through, late.through), (0, 1));
    let all =
        NewAuthorityRevocation { authority: AUTHORITY.into(), revocation: revoking(time(130)) };
    assert_eq!(second.revoke_authority(all).await.unwrap(), 3);
    second.close().await.unwrap();
    ledger.revoke(revocation(5)).await.unwrap();
    assert_eq!(ledger.last_revocation(AUTHORITY).await.unwrap(), 4);
    assert_eq!(ledger.last_revocation("other").await.unwrap(), 1);
    assert_eq!(made(&ledger, new_crl(None)).await.through, 4);
    check_and_close(ledger).await;
}
