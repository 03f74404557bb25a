//! Record, store, revoke, and what each refuses.

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use ledger::{
    LedgerError, NewCertificate, NewRecord, NewRevocation, Recording, RevocationReason, Revoking,
    Status,
};

use super::{
    Factory, check_and_close,
    material::{
        authority, certificate, der, keyed, new_record, record, revocation, revoking, serial, time,
        with_authority,
    },
};

pub async fn positions_run_from_one_without_gaps(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    for name in 1..=5 {
        let first = new_record(ledger.record(record(name)).await.unwrap());
        let other = NewRecord { authority: "other".into(), ..record(100 + name) };
        let second = new_record(ledger.record(other).await.unwrap());
        assert_eq!((first.position, second.position), (name, name));
        // A refused record takes no position.
        assert!(ledger.record(record(name)).await.is_err());
    }
    let nowhere = NewRecord { authority: "nowhere".into(), ..record(9) };
    let refusal = ledger.record(nowhere).await.unwrap_err();
    assert!(matches!(&refusal, LedgerError::UnknownAuthority { name } if name == "nowhere"));
    let report = check_and_close(ledger).await;
    assert_eq!((report.checked.records, report.checked.orphans), (10, 10));
}

pub async fn a_serial_is_never_used_twice(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.add_authority(authority("other")).await.unwrap();
    ledger.record(record(1)).await.unwrap();
    // Not by another authority either, nor after closing and opening.
    let again = NewRecord { serial: serial(1), authority: "other".into(), ..record(2) };
    let refusal = ledger.record(again.clone()).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::SerialTaken { serial: taken } if taken == serial(1)));
    check_and_close(ledger).await;
    let ledger = factory.open().await;
    assert!(matches!(ledger.record(again).await, Err(LedgerError::SerialTaken { .. })));
    check_and_close(ledger).await;
}

pub async fn a_repeated_request_gets_the_same_bytes(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    new_record(ledger.record(keyed(1, "key", "body")).await.unwrap());
    // The request again, as a caller makes it: with a fresh serial and TBS.
    let Recording::Repeated(entry) = ledger.record(keyed(2, "key", "body")).await.unwrap() else {
        panic!("recorded twice");
    };
    assert_eq!((entry.serial(), entry.status()), (serial(1), Status::Orphan));
    ledger.store(certificate(1)).await.unwrap();
    let Recording::Repeated(entry) = ledger.record(keyed(3, "key", "body")).await.unwrap() else {
        panic!("recorded twice");
    };
    assert_eq!(entry.certificate.unwrap().der, der(serial(1), 0, 1));
    // Keys belong to their requester.
    let bob = NewRecord { requester: "user:bob".into(), ..keyed(4, "key", "other body") };
    assert_eq!(new_record(ledger.record(bob).await.unwrap()).position, 2);
    assert_eq!(ledger.counts().await.unwrap().records, 2);
    check_and_close(ledger).await;
}

pub async fn a_key_with_another_body_is_a_conflict(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(keyed(1, "key", "body")).await.unwrap();
    let refusal = ledger.record(keyed(2, "key", "bodz")).await.unwrap_err();
    let LedgerError::IdempotencyConflict { requester, key, serial: first } = &refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!((requester.as_str(), key.as_str(), *first), ("user:alice", "key", serial(1)));
    assert!(refusal.to_string().contains("send the same body again, or choose a new key"));
    assert_eq!(ledger.get_by_serial(serial(2)).await.unwrap(), None);
    check_and_close(ledger).await;
}

pub async fn a_stored_certificate_is_found_by_serial_and_fingerprint(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let nanoseconds = Timestamp::from_nanosecond(1_767_225_600_123_456_789).unwrap();
    let new = NewRecord { recorded_at: nanoseconds, ..keyed(1, "key", "body") };
    let recorded = new_record(ledger.record(new.clone()).await.unwrap());
    let stored = ledger.store(certificate(1)).await.unwrap();
    let entry = ledger.get_by_serial(serial(1)).await.unwrap().unwrap();
    assert_eq!(entry.record, recorded, "what was answered is what is in the ledger");
    let microseconds = Timestamp::from_microsecond(1_767_225_600_123_456).unwrap();
    assert_eq!(recorded.content, NewRecord { recorded_at: microseconds, ..new });
    assert_eq!(entry.certificate.as_ref(), Some(&stored));
    assert_eq!(entry.status(), Status::Stored);
    let fingerprint = Fingerprint::of(&der(serial(1), 0, 1));
    assert_eq!(ledger.get_by_fingerprint(fingerprint).await.unwrap(), Some(entry));
    assert_eq!(ledger.get_by_fingerprint(Fingerprint::of(b"")).await.unwrap(), None);
    assert_eq!(ledger.get_by_serial(serial(2)).await.unwrap(), None);
    check_and_close(ledger).await;
}

pub async fn a_certificate_that_was_not_recorded_is_refused(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let refusal = ledger.store(certificate(1)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownSerial { serial: s } if s == serial(1)));
    ledger.record(record(1)).await.unwrap();
    // One octet of the TBS differs.
    let mut bytes = der(serial(1), 0, 1);
    bytes[200] ^= 1;
    let changed = NewCertificate::new(serial(1), bytes, time(60)).unwrap();
    let refusal = ledger.store(changed.clone()).await.unwrap_err();
    let LedgerError::TbsMismatch { recorded, found, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!((recorded, found), (record(1).tbs_digest, changed.tbs_digest()));
    let other = NewCertificate::new(serial(1), der(serial(2), 0, 1), time(60)).unwrap_err();
    let LedgerError::SerialMismatch { recorded, found } = other else { panic!("{other:?}") };
    assert_eq!((recorded, found), (serial(1), serial(2).to_string()));
    assert_eq!(check_and_close(ledger).await.checked.orphans, 1);
}

pub async fn a_record_has_one_certificate(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(record(1)).await.unwrap();
    let stored = ledger.store(certificate(1)).await.unwrap();
    let later = NewCertificate::new(serial(1), der(serial(1), 0, 1), time(999)).unwrap();
    assert_eq!(ledger.store(later).await.unwrap(), stored, "the same bytes are no second one");
    let second = NewCertificate::new(serial(1), der(serial(1), 0, 2), time(60)).unwrap();
    let refusal = ledger.store(second.clone()).await.unwrap_err();
    let LedgerError::AlreadyStored { stored: first, refused, .. } = refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!((first, refused), (stored.fingerprint, second.fingerprint()));
    check_and_close(ledger).await;
}

pub async fn a_record_is_revoked_once(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    for (name, reason) in (1..).zip(RevocationReason::ALL) {
        ledger.record(record(name)).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
        let revoked = Revoking { reason, ..revoking(time(120)) };
        let revoked = NewRevocation { revocation: revoked, ..revocation(name) };
        let done = ledger.revoke(revoked).await.unwrap();
        assert_eq!((done.reason, done.position), (reason, name));
        let entry = ledger.get_by_serial(serial(name)).await.unwrap().unwrap();
        assert_eq!(entry.status(), Status::Revoked);
        assert_eq!(entry.revocation.unwrap().reason, reason);
        let again = NewRevocation { revocation: revoking(time(999)), ..revocation(name) };
        let refusal = ledger.revoke(again).await.unwrap_err();
        assert!(
            matches!(refusal, LedgerError::AlreadyRevoked { revoked_at, .. } if revoked_at == time(120))
        );
        assert!(refusal.to_string().ends_with("is revoked since 2026-01-01T00:02:00Z"));
    }
    let refusal = ledger.revoke(revocation(99)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::UnknownSerial { serial: s } if s == serial(99)));
    let anonymous = Revoking { revoked_by: String::new(), ..revoking(time(120)) };
    let anonymous = NewRevocation { revocation: anonymous, ..revocation(1) };
    let refusal = ledger.revoke(anonymous).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::InvalidField { field: "revoked_by", .. }));
    assert_eq!(check_and_close(ledger).await.checked.revocations, 8);
}

pub async fn what_was_cut_off_is_ended_and_nothing_that_was_stored(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let ended = |name| NewRevocation { only_orphan: true, ..revocation(name) };
    ledger.record(record(1)).await.unwrap();
    ledger.record(record(2)).await.unwrap();
    ledger.store(certificate(2)).await.unwrap();
    // At the same time, so that a store that writes many at once has both.
    let (orphan, stored) = tokio::join!(ledger.revoke(ended(1)), ledger.revoke(ended(2)));
    assert_eq!(orphan.unwrap().position, 1);
    let refusal = stored.unwrap_err();
    assert!(matches!(refusal, LedgerError::HasCertificate { serial: s } if s == serial(2)));
    let status = async |name| ledger.get_by_serial(serial(name)).await.unwrap().unwrap().status();
    assert_eq!((status(1).await, status(2).await), (Status::Revoked, Status::Stored));
    let again = ledger.revoke(ended(1)).await.unwrap_err();
    assert!(matches!(again, LedgerError::AlreadyRevoked { .. }), "{again:?}");
    let late = ledger.store(certificate(1)).await.unwrap_err();
    assert!(matches!(late, LedgerError::RevokedBeforeStored { .. }), "{late:?}");
    check_and_close(ledger).await;
}

pub async fn a_certificate_that_comes_after_its_revocation_is_refused(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    ledger.record(record(1)).await.unwrap();
    ledger.revoke(revocation(1)).await.unwrap();
    let refusal = ledger.store(certificate(1)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::RevokedBeforeStored { .. }), "{refusal:?}");
    let entry = ledger.get_by_serial(serial(1)).await.unwrap().unwrap();
    assert_eq!((entry.status(), entry.certificate), (Status::Revoked, None));
    check_and_close(ledger).await;
}

pub async fn fields_out_of_bounds_are_refused(factory: &impl Factory) {
    let ledger = factory.open().await;
    with_authority(&ledger).await;
    let long = |length: usize| "é".repeat(length);
    let refused = [
        ("profile", NewRecord { profile: String::new(), ..record(1) }),
        ("profile", NewRecord { profile: long(65), ..record(1) }),
        ("requester", NewRecord { requester: long(513), ..record(1) }),
        ("requester", NewRecord { requester: "a\nb".into(), ..record(1) }),
        ("subject", NewRecord { subject: long(4097), ..record(1) }),
        ("subject", NewRecord { subject: "CN=a\0b".into(), ..record(1) }),
        ("algorithm", NewRecord { algorithm: long(129), ..record(1) }),
        ("idempotency key", keyed(1, "", "body")),
        ("idempotency key", keyed(1, &long(257), "body")),
        ("names", NewRecord { names: vec!["DNS:a".into(); 1001], ..record(1) }),
        ("names", NewRecord { names: vec![String::new()], ..record(1) }),
        (
            "component_digests",
            NewRecord { component_digests: vec![Fingerprint::of(b""); 5], ..record(1) },
        ),
    ];
    for (expected, new) in refused {
        let refusal = ledger.record(new).await.unwrap_err();
        let LedgerError::InvalidField { field, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(field, expected);
    }
    let refusal = ledger.record(NewRecord { profile: long(65), ..record(1) }).await.unwrap_err();
    let message = "profile: found 65 characters; \
                   allowed: 1 to 64 characters without control characters";
    assert_eq!(refusal.to_string(), message);
    // The longest that are allowed, and the fewest.
    let longest = NewRecord {
        profile: long(64),
        requester: long(512),
        subject: long(4096),
        algorithm: long(128),
        names: (0..1000).map(|n| format!("DNS:\"{n}\".{}", long(1000))).collect(),
        component_digests: vec![Fingerprint::of(b"same"); 4],
        ..keyed(1, &long(256), "body")
    };
    assert_eq!(new_record(ledger.record(longest.clone()).await.unwrap()).content, longest);
    let fewest = NewRecord {
        subject: String::new(),
        names: Vec::new(),
        component_digests: Vec::new(),
        ..record(2)
    };
    assert_eq!(new_record(ledger.record(fewest.clone()).await.unwrap()).content, fewest);
    let entry = ledger.get_by_serial(serial(1)).await.unwrap().unwrap();
    assert_eq!(entry.record.content, longest);
    let entry = ledger.get_by_serial(serial(2)).await.unwrap().unwrap();
    assert_eq!(entry.record.content, fewest);
    check_and_close(ledger).await;
}
