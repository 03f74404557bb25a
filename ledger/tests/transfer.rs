//! SQLite to PostgreSQL and back: every row arrives, and the exports are the same to the octet.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod cluster;
mod suite;

use std::{path::Path, sync::Arc};

use ca_core::crl::{Scope, Subjects};
use ledger::{
    FindingKind, Ledger, LedgerError, NewAuditEvent, NewAuthority, NewCrl, NewCrlList, NewKeyBlock,
    NewRecord, sqlite::SqliteStore, transfer,
};
use suite::{
    Factory as _,
    material::{
        AUTHORITY, authority, certificate, crl_list, der, event, keyed, new_crl, record,
        revocation, revoking, serial, time, token, token_revocation, with_authority,
    },
};

async fn sqlite(folder: &Path, name: &str) -> Ledger {
    Arc::new(SqliteStore::create(&folder.join(name)).await.unwrap())
}

/// Something of every kind, and more records than a page has.
async fn fill(ledger: &Ledger) {
    with_authority(ledger).await;
    let child = NewAuthority { parent: Some(AUTHORITY.into()), ..authority("other") };
    ledger.add_authority(child).await.unwrap();
    for name in [50, 51] {
        let added = ledger.add_authority_certificate(AUTHORITY, der(serial(name), 0, 1), time(0));
        added.await.unwrap();
    }
    for name in 1..=1_100 {
        let other = NewRecord { authority: "other".into(), ..record(name) };
        let places = NewRecord { crl_places: vec!["http://a.test/1.crl".into()], ..record(name) };
        let new = match name % 4 {
            0 => other,
            1 => places,
            2 => keyed(name, &format!("key \"{name}\" \u{1f512}"), "body"),
            _ => record(name),
        };
        ledger.record(new).await.unwrap();
        if name % 5 != 0 {
            ledger.store(certificate(name)).await.unwrap();
        }
    }
    let digests = vec![record(3).component_digests[0], record(5_000).key_digest];
    for (name, base) in [(7, None), (9, Some(1)), (11, None), (4, None)] {
        ledger.revoke(revocation(name)).await.unwrap();
        let scope = match name {
            11 => Scope::all().only(Subjects::EndEntities),
            _ => Scope::all(),
        };
        let crl = ledger.reserve_crl(NewCrl { scope, ..new_crl(base) }).await.unwrap();
        let entries = ledger.revoked(AUTHORITY, crl.number, 0, 10).await.unwrap().entries;
        let list = NewCrlList::new(AUTHORITY, &crl_list(&crl, &entries), time(201)).unwrap();
        ledger.store_crl(list).await.unwrap();
    }
    ledger.reserve_crl(new_crl(None)).await.unwrap();
    ledger.block_keys(NewKeyBlock { digests, revocation: revoking(time(130)) }).await.unwrap();
    let bare = NewAuditEvent { subject: None, address: None, ..event(2) };
    for new in [event(1), bare] {
        ledger.add_audit(new).await.unwrap();
    }
    for name in [1, 2] {
        ledger.add_token(token(name)).await.unwrap();
    }
    ledger.revoke_token(token_revocation(1)).await.unwrap();
}

async fn exported(ledger: &Ledger) -> Vec<String> {
    let mut lines = Vec::new();
    let write = |line: &str| {
        lines.push(line.to_owned());
        Ok(())
    };
    let (_, rows) = transfer::export(&**ledger, |error| error, write).await.unwrap();
    assert_eq!(rows, lines.len() as u64 - 2);
    lines
}

async fn imported(ledger: &Ledger, lines: &[String]) -> Result<u64, LedgerError> {
    let mut lines = lines.iter().map(|line| line.trim_end().to_owned());
    transfer::import(&**ledger, |error| error, || Ok(lines.next())).await.map(|(_, rows)| rows)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_moves_to_postgres_and_back() {
    let Some(database) = cluster::Database::new("server").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let first = sqlite(folder.path(), "first.db").await;
    fill(&first).await;
    let lines = exported(&first).await;
    let second = database.open().await;
    imported(&second, &lines).await.unwrap();
    assert!(exported(&second).await == lines, "PostgreSQL exports other lines");
    let third = sqlite(folder.path(), "third.db").await;
    imported(&third, &lines).await.unwrap();
    assert!(exported(&third).await == lines, "SQLite exports other lines");
    let mut counts = Vec::new();
    for ledger in [&first, &second, &third] {
        // It goes on where it was.
        let next = suite::material::new_record(ledger.record(record(2_000)).await.unwrap());
        assert_eq!(next.position, 826);
        assert_eq!(ledger.reserve_crl(new_crl(Some(1))).await.unwrap().number, 6);
        counts.push(ledger.counts().await.unwrap());
        let refusal = imported(ledger, &lines).await.unwrap_err().to_string();
        assert!(refusal.contains("allowed: an empty ledger"), "{refusal}");
    }
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    for ledger in [first, second, third] {
        suite::check_and_close(ledger).await;
    }
}

#[tokio::test]
async fn rows_that_break_a_rule_are_refused_by_both_stores() {
    let Some(database) = cluster::Database::new("server").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = sqlite(folder.path(), "source.db").await;
    with_authority(&source).await;
    for name in 1..=3 {
        source.record(record(name)).await.unwrap();
        source.store(certificate(name)).await.unwrap();
    }
    source.revoke(revocation(1)).await.unwrap();
    let rows: Vec<_> = {
        let mut reader = transfer::LineReader::default();
        let lines = exported(&source).await;
        lines.iter().filter_map(|line| reader.read(line.trim_end()).unwrap()).collect()
    };
    for ledger in [database.open().await, sqlite(folder.path(), "target.db").await] {
        // The second record is left out: what follows leaves a gap.
        let mut gap = rows.clone();
        gap.remove(2);
        let refusal = ledger.import(gap, true).await.unwrap_err();
        assert!(refusal.to_string().contains("without a gap"), "{refusal}");
        // A record twice.
        let mut twice = rows.clone();
        twice.insert(2, rows[1].clone());
        let refusal = ledger.import(twice, true).await.unwrap_err();
        assert!(matches!(refusal, LedgerError::Refused { .. }), "{refusal:?}");
        let named = |name| serial(name).to_string().to_ascii_lowercase();
        assert!(refusal.to_string().contains(&named(1)), "{refusal}");
        // The record of what is revoked is left out, and its place is the last one's.
        let mut lost = rows.clone();
        lost.remove(1);
        for row in &mut lost {
            if let transfer::ExportRow::Record(record) = row {
                record.position -= 1;
            }
        }
        let refusal = ledger.import(lost, true).await.unwrap_err().to_string();
        let words = format!("a revocation of serial number {}: no record has it", named(1));
        assert!(refusal.contains(&words), "{refusal}");
        // Nothing of either is there.
        assert_eq!(ledger.counts().await.unwrap().records, 0);
        ledger.import(rows.clone(), true).await.unwrap();
        let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
        assert!(!report.found.contains_key(&FindingKind::PositionGap), "{:#?}", report.findings);
        suite::check_and_close(ledger).await;
    }
}
