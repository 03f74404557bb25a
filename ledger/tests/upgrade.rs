//! A ledger of the first schema is brought up to date with everything that is in it.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod suite;

use std::{fs, path::Path, sync::Arc};

use ca_core::{
    crl::{Scope, Subjects},
    fingerprint::Fingerprint,
    profile::KeyReuse,
};
use ledger::{
    KeyHolder, Ledger, LedgerError, NewCrl, NewRecord, Recording, Revocation, RevocationReason,
    SerialStatus, sqlite::SqliteStore,
};
use sqlx::{
    AssertSqlSafe, Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions,
};
use suite::material::{
    AUTHORITY, authority, certificate, der, new_crl, record, revocation, serial, time,
};

/// A ledger as the release with one migration left it: an authority with its own certificate, five
/// leaves, three of them revoked, not in the order of their records.
async fn first_schema(path: &Path) {
    let migrations = path.with_extension("migrations");
    fs::create_dir(&migrations).unwrap();
    let first = "0001_ledger.sql";
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    fs::copy(shipped.join(first), migrations.join(first)).unwrap();
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    Migrator::new(migrations).await.unwrap().run(&mut connection).await.unwrap();
    let of_root = authority(AUTHORITY);
    let root = hex(of_root.key_digest.as_bytes());
    let mut statements = format!(
        "INSERT INTO authority VALUES (1, '{AUTHORITY}', '{}', x'{root}', NULL, 0);",
        of_root.algorithm
    );
    let own = NewRecord { key_digest: of_root.key_digest, ..record(0) };
    let leaves = (1..=5).map(record);
    for (position, content) in (1..).zip(std::iter::once(own).chain(leaves)) {
        statements += &insert(position, &content);
    }
    for (record, at) in [(3, 30), (6, 20), (2, 20)] {
        let at = time(at).as_microsecond();
        statements += &format!("INSERT INTO revocation VALUES ({record}, 4, {at}, 'user:oscar');");
    }
    let certificate = der(serial(3), 0, 1);
    let fingerprint = hex(Fingerprint::of(&certificate).as_bytes());
    let certificate = hex(&certificate);
    statements +=
        &format!("INSERT INTO certificate VALUES (4, x'{fingerprint}', x'{certificate}', 0);");
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn insert(position: i64, content: &NewRecord) -> String {
    let components: Vec<u8> =
        content.component_digests.iter().flat_map(|digest| *digest.as_bytes()).collect();
    format!(
        "INSERT INTO record VALUES ({position}, 1, {position}, x'{}', 'tls-server', 'user:alice', \
         NULL, NULL, x'{}', 'CN=a', '[\"DNS:a\"]', '{}', x'{}', x'{}', {}, {}, 0);",
        hex(content.serial.as_bytes()),
        hex(content.tbs_digest.as_bytes()),
        content.algorithm,
        hex(content.key_digest.as_bytes()),
        hex(&components),
        content.validity.not_before().as_second(),
        content.validity.not_after().as_second(),
    )
}

async fn upgraded(path: &Path) -> Ledger {
    first_schema(path).await;
    let refusal = SqliteStore::open(path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::OlderSchema { found: 1, .. }), "{refusal:?}");
    let (before, after) = SqliteStore::migrate(path).await.unwrap();
    assert!(before == 1 && after > 1);
    Arc::new(SqliteStore::open(path).await.unwrap())
}

#[tokio::test]
async fn an_older_ledger_keeps_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = upgraded(&folder.path().join("ledger.db")).await;
    let entry = |name| {
        let ledger = &ledger;
        async move { ledger.get_by_serial(serial(name)).await.unwrap().unwrap() }
    };
    // In the order in which they were revoked; those of one moment in the order of the records.
    for (name, position, at) in [(1, 1, 20), (5, 2, 20), (2, 3, 30)] {
        let expected = Revocation {
            reason: RevocationReason::SUPERSEDED,
            invalidity_date: None,
            revoked_at: time(at),
            revoked_by: "user:oscar".into(),
            position,
        };
        assert_eq!(entry(name).await.revocation, Some(expected));
    }
    let next = ledger.revoke(revocation(4)).await.unwrap();
    assert_eq!(next.position, 4);
    let read = entry(3).await;
    assert_eq!(read.certificate.unwrap().fingerprint, certificate(3).fingerprint());
    let content = read.record.content;
    assert_eq!((content.for_authority, content.key_reuse), (false, KeyReuse::SameKey));
    assert!(entry(0).await.record.content.for_authority, "its key is the authority's");
    let statuses = ledger.statuses(AUTHORITY, vec![serial(3), serial(4)]).await.unwrap();
    assert!(matches!(statuses[..], [SerialStatus::Good, SerialStatus::Revoked { .. }]));
    let crl = ledger.reserve_crl(new_crl(None)).await.unwrap();
    assert_eq!(ledger.revoked(AUTHORITY, crl.number, 0, 10).await.unwrap().entries.len(), 4);
    // Nobody noted whether they are authorities': they are on the lists of both.
    for subjects in [Subjects::EndEntities, Subjects::Authorities] {
        let new = NewCrl { scope: Scope::all().only(subjects), ..new_crl(None) };
        let crl = ledger.reserve_crl(new).await.unwrap();
        let entries = ledger.revoked(AUTHORITY, crl.number, 0, 10).await.unwrap().entries;
        assert_eq!(entries.len(), 4, "{subjects:?}");
    }
    suite::check_and_close(ledger).await;
}

#[tokio::test]
async fn the_rules_for_keys_hold_for_an_older_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = upgraded(&folder.path().join("ledger.db")).await;
    // Components of the authority's key are known from its own certificate.
    let half = record(0).component_digests[0];
    for new in [
        NewRecord { key_digest: half, component_digests: vec![half], ..record(10) },
        NewRecord { key_digest: authority(AUTHORITY).key_digest, ..record(10) },
    ] {
        let refusal = ledger.record(new).await.unwrap_err();
        let LedgerError::KeyTaken { holder, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!(*holder, KeyHolder::Authority(AUTHORITY.into()));
    }
    let renewed = NewRecord {
        serial: serial(10),
        key_digest: authority(AUTHORITY).key_digest,
        for_authority: true,
        ..record(0)
    };
    assert!(matches!(ledger.record(renewed).await, Ok(Recording::New(_))));
    // Of an older leaf nobody noted that it is one; its key may be renewed, its halves not reused.
    let renewed = NewRecord { serial: serial(11), ..record(1) };
    assert!(matches!(ledger.record(renewed).await, Ok(Recording::New(_))));
    let half = record(1).component_digests[1];
    let new = NewRecord { component_digests: vec![half], ..record(12) };
    let refusal = ledger.record(new).await.unwrap_err();
    let LedgerError::KeyTaken { holder, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!(*holder, KeyHolder::Record(serial(1)));
    suite::check_and_close(ledger).await;
}
