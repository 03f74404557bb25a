//! To whom a key belongs: components, authorities, renewals, blocked keys.

use ca_core::{fingerprint::Fingerprint, profile::KeyReuse};
use ledger::{
    KeyHolder, Ledger, LedgerError, NewAuthority, NewKeyBlock, NewRecord, Recording, Status,
};
use tokio::task::JoinSet;

use super::{
    Factory, check_and_close,
    material::{
        AUTHORITY, authority, certificate, record, revocation, revoking, serial, time,
        with_authority,
    },
};

fn digest(what: &str) -> Fingerprint {
    Fingerprint::of(what.as_bytes())
}

/// A record of a key that is made of these.
fn keyed(name: u64, whole: &str, components: &[&str]) -> NewRecord {
    let component_digests = components.iter().map(|part| digest(part)).collect();
    NewRecord { key_digest: digest(whole), component_digests, ..record(name) }
}

/// Field, digest and holder of a refusal.
async fn taken(ledger: &Ledger, new: NewRecord) -> (&'static str, Fingerprint, KeyHolder) {
    match ledger.record(new.clone()).await.unwrap_err() {
        LedgerError::KeyTaken { field, digest, holder, .. } => {
            assert_eq!(ledger.get_by_serial(new.serial).await.unwrap(), None);
            (field, digest, *holder)
        }
        other => panic!("{other:?}"),
    }
}

pub async fn a_component_belongs_to_one_key(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(keyed(1, "ab", &["a", "b"])).await.unwrap();
    ledger.record(keyed(2, "c", &["c"])).await.unwrap();
    let first = KeyHolder::Record(serial(1));
    let second = KeyHolder::Record(serial(2));
    // In two composites, each half; as a composite of the same halves; alone; as somebody's half.
    for (new, digest_of, holder) in [
        (keyed(3, "ax", &["a", "x"]), "a", &first),
        (keyed(3, "yb", &["y", "b"]), "b", &first),
        (keyed(3, "ab, another algorithm", &["a", "b"]), "a", &first),
        (keyed(3, "cz", &["c", "z"]), "c", &second),
        // An alternative key that is a half, or that stands alone elsewhere.
        (keyed(3, "d", &["d", "b"]), "b", &first),
        (keyed(3, "d", &["d", "c"]), "c", &second),
    ] {
        let found = taken(&ledger, new).await;
        assert_eq!(found, ("component key", digest(digest_of), holder.clone()));
    }
    let alone = taken(&ledger, keyed(3, "a", &["a"])).await;
    assert_eq!(alone, ("key", digest("a"), first.clone()));
    // The same whole key again, and other keys. An alternative key may come beside a known key.
    ledger.record(keyed(4, "ab", &["a", "b"])).await.unwrap();
    ledger.record(keyed(5, "c", &["c", "alternative"])).await.unwrap();
    ledger.record(keyed(6, "xy", &["x", "y"])).await.unwrap();
    assert_eq!(taken(&ledger, keyed(7, "d", &["d", "alternative"])).await.1, digest("alternative"));
    // Beside the same key, the alternative one is no half of another, nor has it a half of one.
    let first = taken(&ledger, keyed(7, "c", &["c", "alternative", "e"])).await;
    let fifth = KeyHolder::Record(serial(5));
    assert_eq!(first, ("component key", digest("alternative"), fifth));
    ledger.record(keyed(7, "f", &["f", "g", "h"])).await.unwrap();
    for parts in [["f", "g", "i"], ["f", "i", "h"], ["f", "h", "g"]] {
        assert_eq!(taken(&ledger, keyed(8, "f", &parts)).await.2, KeyHolder::Record(serial(7)));
    }
    // The same again, another alternative key, and none.
    ledger.record(keyed(8, "f", &["f", "g", "h"])).await.unwrap();
    ledger.record(keyed(9, "f", &["f", "i"])).await.unwrap();
    ledger.record(keyed(10, "f", &["f"])).await.unwrap();
    let refusal = ledger.record(keyed(11, "a", &["a"])).await.unwrap_err().to_string();
    let words = [
        format!("key: found {}, which the record of serial {} has", digest("a"), serial(1)),
        "allowed: a component key in one key only".into(),
        "make a new key".into(),
    ];
    assert!(words.iter().all(|word| refusal.contains(word)), "{refusal}");
    assert_eq!(check_and_close(ledger).await.checked.records, 9);
}

pub async fn a_key_is_certified_again_unless_the_record_refuses(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let once = |name| NewRecord { key_reuse: KeyReuse::Refused, ..keyed(name, "ab", &["a", "b"]) };
    ledger.record(once(1)).await.unwrap();
    assert_eq!(taken(&ledger, once(2)).await, ("key", digest("ab"), KeyHolder::Record(serial(1))));
    ledger.record(keyed(3, "ab", &["a", "b"])).await.unwrap();
    // A revoked or cut-off one counts as well: it was, or may have been, signed.
    ledger.revoke(revocation(1)).await.unwrap();
    ledger.revoke(revocation(3)).await.unwrap();
    let refusal = ledger.record(once(4)).await.unwrap_err().to_string();
    assert!(refusal.contains("never certified, as the profile's key_reuse says"), "{refusal}");
    check_and_close(ledger).await;
}

pub async fn an_authority_keeps_its_keys_to_itself(factory: &impl Factory) {
    let ledger = factory.open().await;
    let parts = vec![digest("ca a"), digest("ca b")];
    let root = NewAuthority {
        key_digest: digest("ca"),
        component_digests: parts.clone(),
        ..authority(AUTHORITY)
    };
    ledger.add_authority(root.clone()).await.unwrap();
    let holder = KeyHolder::Authority(AUTHORITY.into());
    for (new, digest_of, field) in [
        (keyed(1, "ca", &["ca a", "ca b"]), "ca", "key"),
        (keyed(1, "ca a", &["ca a"]), "ca a", "key"),
        (keyed(1, "x", &["y", "ca b"]), "ca b", "component key"),
    ] {
        let leaf = taken(&ledger, new.clone()).await;
        assert_eq!(leaf, (field, digest(digest_of), holder.clone()));
    }
    // Not for a CA with another whole key either; its own certificates, cross and renewed, are.
    let of_ca = |new| NewRecord { for_authority: true, ..new };
    let other = taken(&ledger, of_ca(keyed(1, "ca a", &["ca a"]))).await;
    assert_eq!(other, ("key", digest("ca a"), holder));
    for name in 1..=3 {
        ledger.record(of_ca(keyed(name, "ca", &["ca a", "ca b"]))).await.unwrap();
    }
    // A key that was certified for an end entity becomes no authority's, nor the other way round.
    ledger.record(keyed(10, "leaf", &["leaf a", "leaf b"])).await.unwrap();
    ledger.record(of_ca(keyed(11, "crossed", &["crossed"]))).await.unwrap();
    let leaf = KeyHolder::Record(serial(10));
    let crossed = taken(&ledger, of_ca(keyed(12, "leaf", &["leaf a", "leaf b"]))).await;
    assert_eq!(crossed, ("key", digest("leaf"), leaf.clone()));
    let found = taken(&ledger, keyed(12, "crossed", &["crossed"])).await;
    assert_eq!(found, ("key", digest("crossed"), KeyHolder::Record(serial(11))));
    for (key, components, holder) in [
        ("leaf", vec![digest("leaf a"), digest("leaf b")], leaf.clone()),
        ("new", vec![digest("new a"), digest("leaf b")], leaf),
        ("ca", parts, KeyHolder::Authority(AUTHORITY.into())),
    ] {
        let key_digest = digest(key);
        let new = NewAuthority { key_digest, component_digests: components, ..authority("second") };
        let refusal = ledger.add_authority(new).await.unwrap_err();
        let LedgerError::KeyTaken { holder: found, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(*found, holder);
    }
    let imported = NewAuthority {
        key_digest: digest("crossed"),
        component_digests: vec![digest("crossed")],
        ..authority("crossed")
    };
    ledger.add_authority(imported.clone()).await.unwrap();
    let read = ledger.authority("crossed").await.unwrap().unwrap();
    assert_eq!(read.content, imported);
    assert_eq!(ledger.add_authority(root.clone()).await.unwrap().content, root);
    check_and_close(ledger).await;
}

pub async fn a_blocked_key_is_revoked_and_never_certified_again(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=3 {
        ledger.record(keyed(name, "ab", &["a", "b"])).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
    }
    // One elsewhere, one cut off, one with another key, and one that was revoked before.
    let elsewhere = NewRecord { authority: "other".into(), ..keyed(4, "ab", &["a", "b"]) };
    ledger.record(elsewhere).await.unwrap();
    ledger.record(keyed(5, "ab", &["a", "b"])).await.unwrap();
    ledger.record(record(6)).await.unwrap();
    let earlier = ledger.revoke(revocation(2)).await.unwrap();
    let block = |digests: &[&str], at| NewKeyBlock {
        digests: digests.iter().map(|it| digest(it)).collect(),
        revocation: revoking(time(at)),
    };
    let done = ledger.block_keys(block(&["b", "unknown"], 500)).await.unwrap();
    assert_eq!((done.blocked, done.revoked, done.keys.len()), (2, 4, 2));
    let entry = |name| {
        let ledger = &ledger;
        async move { ledger.get_by_serial(serial(name)).await.unwrap().unwrap() }
    };
    let positions = [(1, 2), (3, 3), (4, 1), (5, 4)];
    for (name, position) in positions {
        let revocation = entry(name).await.revocation.unwrap();
        assert_eq!((revocation.position, revocation.revoked_at), (position, time(500)));
    }
    assert_eq!(entry(2).await.revocation, Some(earlier));
    assert_eq!(entry(6).await.status(), Status::Orphan);
    // Again it changes nothing, and tells of the first time.
    let again = ledger.block_keys(block(&["b"], 600)).await.unwrap();
    assert_eq!((again.blocked, again.revoked), (0, 0));
    assert_eq!(again.keys, done.keys[..1]);
    for (new, field) in [
        (keyed(7, "ab", &["a", "b"]), "component key"),
        (keyed(7, "b", &["b"]), "key"),
        (keyed(7, "unknown", &["unknown"]), "key"),
    ] {
        let refusal = ledger.record(new).await.unwrap_err();
        let LedgerError::KeyBlocked { field: found, blocked_at, .. } = &refusal else {
            panic!("{refusal:?}");
        };
        assert_eq!((*found, *blocked_at), (field, time(500)));
        assert!(refusal.to_string().contains("(keyCompromise); allowed: keys that are not"));
    }
    let listed = ledger.blocked_keys(None, 1).await.unwrap();
    let rest = ledger.blocked_keys(Some(listed[0].digest), 10).await.unwrap();
    assert_eq!((listed.len(), rest.len()), (1, 1));
    let mut keys = done.keys;
    keys.sort_by_key(|key| key.digest);
    assert_eq!([listed, rest].concat(), keys);
    check_and_close(ledger).await;
}

pub async fn an_authority_with_a_blocked_key_issues_nothing(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    let digests = vec![authority(AUTHORITY).component_digests[0]];
    let block = NewKeyBlock { digests: digests.clone(), revocation: revoking(time(5)) };
    ledger.block_keys(block).await.unwrap();
    let refusal = ledger.record(record(1)).await.unwrap_err();
    let LedgerError::AuthorityKeyBlocked { name, digest, .. } = &refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!((name.as_str(), *digest), (AUTHORITY, digests[0]));
    ledger.record(NewRecord { authority: "other".into(), ..record(1) }).await.unwrap();
    let new = NewAuthority { key_digest: digests[0], ..authority("third") };
    let refusal = ledger.add_authority(new).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::KeyBlocked { field: "key", .. }), "{refusal:?}");
    let none = NewKeyBlock { digests: Vec::new(), revocation: revoking(time(5)) };
    let refusal = ledger.block_keys(none).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::InvalidField { field: "digests", .. }), "{refusal:?}");
    check_and_close(ledger).await;
}

/// Two connections to the same database want keys that share a half: one of each pair wins.
pub async fn one_of_two_that_want_a_component_wins(factory: &impl Factory) {
    let ledgers = [factory.open().await, factory.open().await];
    with_authority(&ledgers[0]).await;
    let mut tasks = JoinSet::new();
    for name in 0..60 {
        let ledger = std::sync::Arc::clone(&ledgers[name as usize % 2]);
        let (whole, half) = (format!("whole {name}"), format!("half {}", name / 2));
        let new = keyed(name, &whole, &[&half, &format!("own half {name}")]);
        tasks.spawn(async move { (name / 2, ledger.record(new).await) });
    }
    let mut won = [0; 30];
    for (pair, answer) in tasks.join_all().await {
        match answer {
            Ok(Recording::New(_)) => won[pair as usize] += 1,
            Err(LedgerError::KeyTaken { field: "component key", .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(won, [1; 30]);
    let [first, second] = ledgers;
    second.close().await.unwrap();
    check_and_close(first).await;
}
