//! What the builder makes, octet by octet where it matters, and what it refuses.

use super::*;
use crate::extensions::oid;

fn der_of(entry: &RevokedEntry) -> Vec<u8> {
    let root = Authority::root("ed25519");
    let list = list(&full(&root, 1), &root, &[*entry]);
    // The entry stands at the end of revokedCertificates, before [0].
    let der = list.tbs_der();
    let serial = [&[0x02, entry.serial.as_bytes().len() as u8], entry.serial.as_bytes()].concat();
    let at = der.windows(serial.len()).rposition(|window| window == serial).unwrap() - 2;
    der[at..at + 2 + usize::from(der[at + 1])].to_vec()
}

#[test]
fn an_entry_is_the_der_of_rfc_5280() {
    let plain = other_entry();
    assert_eq!(
        der_of(&plain),
        raw_entry(&hex("020755555555555555"), &[]),
        "no extension for an unspecified reason"
    );
    let reason = RevokedEntry { reason: RevocationReason::Superseded, ..plain };
    let encoded = extension("551d15", false, &hex("0a0104"));
    assert_eq!(der_of(&reason), raw_entry(&hex("020755555555555555"), &[&encoded]));
    let dated = RevokedEntry { invalidity_date: Some(at("2026-01-02T03:04:05.9Z")), ..reason };
    // invalidityDate is a GeneralizedTime in every year.
    let date = extension("551d18", false, &time(0x18, "20260102030405Z"));
    assert_eq!(der_of(&dated), raw_entry(&hex("020755555555555555"), &[&encoded, &date]));
}

#[test]
fn everything_in_an_entry_is_read_again() {
    let root = Authority::root("p256");
    let mut entries = Vec::new();
    for (index, reason) in RevocationReason::ALL.into_iter().enumerate() {
        let octets = vec![0x40 + index as u8; 2 * index + 1];
        let serial = EntrySerial::from_integer_octets(&octets).unwrap();
        let date = (index % 2 == 0).then(|| at("1999-12-31T23:59:59Z"));
        let entry = RevokedEntry { serial, revoked_at: then(), reason, invalidity_date: date };
        entries.push(entry);
    }
    let removal = entries.iter().position(|e| e.reason == RevocationReason::RemoveFromCrl).unwrap();
    let delta = list(&full(&root, 9).delta(8.into()).unwrap(), &root, &entries);
    assert_eq!(delta.entries().collect::<Vec<_>>(), entries);
    assert_eq!(delta.base_number(), Some(8.into()));
    entries.remove(removal);
    let full = list(&full(&root, 9), &root, &entries);
    assert_eq!(full.entries().collect::<Vec<_>>(), entries);
    assert_eq!((full.len(), full.base_number(), full.is_delta()), (9, None, false));
    for entry in &entries {
        assert_eq!(full.find(&entry.serial), Some(*entry));
    }
    assert_eq!(full.find(&EntrySerial::from_integer_octets(&[0x40, 0x41]).unwrap()), None);
}

#[test]
fn a_serial_number_that_stands_twice_is_revoked() {
    let root = Authority::root("ed25519");
    let removal = RevokedEntry { reason: RevocationReason::RemoveFromCrl, ..other_entry() };
    let builder = full(&root, 2).delta(1.into()).unwrap();
    for entries in [[removal, other_entry()], [other_entry(), removal]] {
        let delta = list(&builder, &root, &entries);
        assert_eq!(delta.find(&removal.serial), Some(other_entry()));
    }
    assert_eq!(list(&builder, &root, &[removal]).find(&removal.serial), Some(removal));
}

#[test]
fn an_empty_list_has_no_revoked_certificates() {
    let root = Authority::root("ed25519");
    let list = list(&full(&root, 128), &root, &[]);
    assert!(list.is_empty());
    assert_eq!(list.entries().count(), 0);
    assert_eq!(list.number(), 128.into());
    assert_eq!((list.this_update(), list.next_update()), (made(), due()));
    assert_eq!(list.scope(), &Scope::all());
    list.verify(&root.certificate).unwrap();
}

#[test]
fn scopes_and_places_are_read_again() {
    let root = Authority::root("ed25519");
    let places = [uri("http://crl.example/7.crl"), uri("http://b.example/7.crl")];
    for subjects in [Subjects::All, Subjects::EndEntities, Subjects::Authorities] {
        let scope = Scope::shard(&places).unwrap().only(subjects);
        let builder = full(&root, 3).scope(scope.clone()).unwrap();
        let shard = list(&builder, &root, &[other_entry()]);
        assert_eq!(shard.scope(), &scope);
        let places: Vec<&str> = shard.scope().places().collect();
        assert_eq!(places, ["http://crl.example/7.crl", "http://b.example/7.crl"]);
        let kind = list(&full(&root, 3).scope(Scope::all().only(subjects)).unwrap(), &root, &[]);
        assert_eq!(kind.scope().subjects(), subjects);
    }
    let fresh = full(&root, 3).freshest_crl(&[uri("http://crl.example/delta.crl")]).unwrap();
    let fresh = list(&fresh, &root, &[]);
    assert_eq!(fresh.freshest_crl().collect::<Vec<_>>(), ["http://crl.example/delta.crl"]);
}

#[test]
fn issuing_distribution_point_is_critical_and_exact() {
    let root = Authority::root("ed25519");
    let scope = Scope::shard(&[uri("http://a/")]).unwrap().only(Subjects::EndEntities);
    let shard = list(&full(&root, 1).scope(scope).unwrap(), &root, &[]);
    let name = [&hex("8609")[..], b"http://a/"].concat();
    let value = sequence(&[&tagged(0, &tagged(0, &name)), &hex("8101ff")]);
    let expected = extension("551d1c", true, &value);
    let tbs = shard.tbs_der();
    assert!(tbs.windows(expected.len()).any(|window| window == expected));
}

#[test]
fn dates_turn_into_generalized_time_in_2050() {
    let root = Authority::root("ed25519");
    let last = at("2049-12-31T23:59:59Z");
    let first = at("2050-01-01T00:00:00Z");
    let builder = CrlBuilder::new(&root.certificate, 1.into(), last, first).unwrap();
    let list = list(&builder, &root, &[]);
    let expected = [time(0x17, "491231235959Z"), time(0x18, "20500101000000Z")].concat();
    assert!(list.tbs_der().windows(expected.len()).any(|window| window == expected));
    assert_eq!((list.this_update(), list.next_update()), (last, first));
}

#[test]
fn a_hundred_thousand_entries_stream_through() {
    let root = Authority::root("ed25519");
    let serial = |index: u32| {
        let mut octets = [0x41; 20];
        octets[16..].copy_from_slice(&index.to_be_bytes());
        EntrySerial::from_integer_octets(&octets).unwrap()
    };
    let entries = (0..100_000).map(|index| RevokedEntry::new(serial(index), then()));
    let mut der = Vec::new();
    let signed = full(&root, 1).sign(entries, &root.signer, &mut der).unwrap();
    assert_eq!((signed.entries, signed.octets), (100_000, der.len()));
    // 39 octets for each, and little around them.
    assert!((3_900_000..3_901_000).contains(&der.len()), "{}", der.len());
    let list = CertificateList::from_der(der).unwrap();
    assert_eq!(list.len(), 100_000);
    assert_eq!(list.find(&serial(99_999)).unwrap().revoked_at, then());
    assert_eq!(list.find(&serial(100_000)), None);
    list.verify(&root.certificate).unwrap();
}

#[test]
fn what_no_list_may_say_is_not_built() {
    let root = Authority::root("ed25519");
    let removal = RevokedEntry { reason: RevocationReason::RemoveFromCrl, ..other_entry() };
    let mut out = Vec::new();
    let text = |result: Result<SignedCrl, CrlBuildError>| result.unwrap_err().to_string();
    assert_eq!(
        text(full(&root, 2).sign([removal], &root.signer, &mut out)),
        "CRL: the entry of serial number 55555555555555: reasonCode: found removeFromCRL, allowed: removeFromCRL only in a delta CRL"
    );
    assert!(out.is_empty(), "nothing is written");
    full(&root, 2).delta(1.into()).unwrap().sign([removal], &root.signer, &mut out).unwrap();
    let old = RevokedEntry { revoked_at: at("1949-12-31T23:59:59Z"), ..other_entry() };
    assert!(text(full(&root, 2).sign([old], &root.signer, &mut Vec::new())).contains(
        "revocationDate: found 1949-12-31T23:59:59Z, allowed: instants from the year 1950 on"
    ));
    let other = Authority::root("ed25519");
    let mismatch = full(&root, 2).sign([], &other.signer, &mut Vec::new());
    assert!(matches!(mismatch, Err(CrlBuildError::SignerMismatch)));
    let same = full(&root, 2).delta(2.into()).unwrap_err();
    assert_eq!(
        same.to_string(),
        "CRL: deltaCRLIndicator: found 2, allowed: below 2, the list's own number"
    );
    let place = [uri("http://crl.example/delta.crl")];
    let delta = full(&root, 2).delta(1.into()).unwrap().freshest_crl(&place);
    assert!(matches!(delta, Err(CrlBuildError::FreshestInDelta)));
    let delta = full(&root, 2).freshest_crl(&place).unwrap().delta(1.into());
    assert!(matches!(delta, Err(CrlBuildError::FreshestInDelta)));
    let nowhere = full(&root, 2).freshest_crl(&[]);
    assert_eq!(
        nowhere.unwrap_err().to_string(),
        "CRL: freshestCRL: places of a CRL: found 0, allowed are 1 to 100 URIs"
    );
    assert_eq!(Scope::shard(&[]), Err(InvalidPlaces::Count { found: 0 }));
    let many = vec![place[0].clone(); 101];
    assert_eq!(Scope::shard(&many), Err(InvalidPlaces::Count { found: 101 }));
    assert!(Scope::shard(&many[..100]).is_ok());
    let attributes = full(&root, 2).scope(Scope::all().only(Subjects::AttributeCertificates));
    assert!(matches!(attributes, Err(CrlBuildError::AttributeCertificates)));
    let never = CrlBuilder::new(&root.certificate, 1.into(), made(), made());
    assert!(matches!(never, Err(CrlBuildError::Period { .. })));
}

#[test]
fn an_issuer_that_may_not_sign_lists_makes_none() {
    let root = Authority::root("ed25519");
    let made_by = |certificate: &Certificate| {
        CrlBuilder::new(certificate, 1.into(), made(), due()).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(made_by(&root.certificate), Ok(()));
    // keyCertSign alone.
    let usage = Some(hex("03020204"));
    let no_usage = changed(&root.certificate, &root.signer, oid::KEY_USAGE, usage);
    let expected = "CRL: the issuer's certificate: found keyUsage without cRLSign, allowed: keyUsage with cRLSign";
    assert_eq!(made_by(&no_usage), Err(expected.into()));
    let no_key = changed(&root.certificate, &root.signer, oid::SUBJECT_KEY_IDENTIFIER, None);
    assert!(made_by(&no_key).unwrap_err().contains("found no subjectKeyIdentifier"));
}

#[test]
fn a_failing_writer_is_told() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let root = Authority::root("ed25519");
    let error = full(&root, 1).sign([other_entry()], &root.signer, &mut Full).unwrap_err();
    assert!(
        matches!(&error, CrlBuildError::Write(cause) if cause.kind() == std::io::ErrorKind::StorageFull)
    );
}

#[test]
fn a_list_past_the_bound_is_not_built() {
    let root = Authority::root("ed25519");
    let builder = full(&root, 1);
    let mut open = builder.begin(&root.signer).unwrap();
    // Not one by one: debug builds would take long.
    open.grow_to(MAX_CRL_SIZE - 256 * 1024 - 20);
    let error = open.push(&other_entry()).unwrap_err();
    assert!(matches!(error, CrlBuildError::TooLarge { entries: 0 }));
    assert!(error.to_string().contains("shard the list by distribution point"));
}
