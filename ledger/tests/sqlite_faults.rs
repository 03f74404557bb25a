//! What a ledger file does when it, its folder or its disk is not as it should be.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod suite;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ledger::{
    FindingKind, Ledger, LedgerError, Recording,
    sqlite::{SqliteOptions, SqliteStore},
};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use suite::{
    material::{record, serial, with_authority},
    sabotage,
};

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    (folder, path)
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn raw(path: &Path, sql: &'static str) -> SqliteConnection {
    let options =
        SqliteConnectOptions::new().filename(path).create_if_missing(true).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn a_new_ledger_is_private_and_alone_in_its_folder() {
    let (folder, path) = place();
    let store = SqliteStore::create(&path).await.unwrap();
    let ledger: Ledger = Arc::new(store);
    with_authority(&ledger).await;
    assert_eq!(names_in(folder.path()), ["ledger.db", "ledger.db-shm", "ledger.db-wal"]);
    for name in names_in(folder.path()) {
        let mode = fs::metadata(folder.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    suite::check_and_close(ledger).await;
    assert_eq!(names_in(folder.path()), ["ledger.db"], "closing moves the log into the file");
}

#[tokio::test]
async fn creating_never_overwrites_and_leaves_nothing_behind() {
    let (folder, path) = place();
    fs::write(&path, "precious").unwrap();
    let refusal = SqliteStore::create(&path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::AlreadyExists { .. }), "{refusal:?}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    // The log of a ledger that was removed would be read into the new one.
    fs::rename(&path, folder.path().join("ledger.db-wal")).unwrap();
    let refusal = SqliteStore::create(&path).await.unwrap_err();
    let LedgerError::AlreadyExists { location } = refusal else { panic!("{refusal:?}") };
    assert!(location.ends_with("ledger.db-wal"));
    assert_eq!(names_in(folder.path()), ["ledger.db-wal"]);

    let missing = folder.path().join("missing/ledger.db");
    for outcome in [SqliteStore::create(&missing).await, SqliteStore::open(&missing).await] {
        let refusal = outcome.unwrap_err();
        let LedgerError::FolderMissing { folder } = &refusal else { panic!("{refusal:?}") };
        assert!(folder.ends_with("missing"));
    }
    let quota = SqliteOptions { max_pages: Some(3), ..SqliteOptions::default() };
    let small = folder.path().join("small.db");
    let refusal = SqliteStore::create_with(&small, quota).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Full { .. }), "{refusal:?}");
    assert_eq!(names_in(folder.path()), ["ledger.db-wal"]);
}

#[tokio::test]
async fn what_is_not_a_ledger_is_refused_and_left_as_it_is() {
    let (folder, path) = place();
    let refusal = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::NotFound { .. }), "{refusal:?}");
    assert!(matches!(SqliteStore::open(folder.path()).await, Err(LedgerError::NotALedger { .. })));
    let other = folder.path().join("other.db");
    raw(&other, "CREATE TABLE t (a); INSERT INTO t VALUES (1)").await.close().await.unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "-----BEGIN CERTIFICATE-----\n".repeat(100)).unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let before = names_in(folder.path());
    for (file, found) in [
        (other, "an SQLite database with application id 0x0"),
        (text, "not an SQLite database"),
        (empty, "an SQLite database with application id 0x0"),
    ] {
        let bytes = fs::read(&file).unwrap();
        for outcome in [SqliteStore::open(&file).await, {
            SqliteStore::migrate(&file).await.map(|_| unreachable!())
        }] {
            let refusal = outcome.unwrap_err();
            let LedgerError::NotALedger { found: told, .. } = &refusal else {
                panic!("{refusal:?}")
            };
            assert_eq!(told, found);
        }
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    assert_eq!(names_in(folder.path()), before);
}

#[tokio::test]
async fn another_schema_is_refused_with_both_versions() {
    let (_folder, path) = place();
    SqliteStore::create(&path).await.unwrap().close_now().await;
    let (before, after) = SqliteStore::migrate(&path).await.unwrap();
    assert_eq!(before, after, "there is nothing to do");
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'x', 'now', TRUE, x'00', 0)";
    raw(&path, newer).await.close().await.unwrap();
    let refusal = SqliteStore::open(&path).await.unwrap_err();
    assert!(
        matches!(refusal, LedgerError::NewerSchema { found: 9999, known, .. } if known == after)
    );
    let refusal = SqliteStore::migrate(&path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::NewerSchema { found: 9999, .. }), "{refusal:?}");
    raw(&path, "DELETE FROM _sqlx_migrations").await.close().await.unwrap();
    let refusal = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::OlderSchema { found: 0, .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("`espalier ledger migrate`"));
}

/// A short way to close what a test does not use.
trait CloseNow {
    async fn close_now(self);
}

impl CloseNow for SqliteStore {
    async fn close_now(self) {
        ledger::Store::close(&self).await.unwrap();
    }
}

#[tokio::test]
async fn a_locked_ledger_says_so_and_goes_on_when_it_is_free() {
    let (_folder, path) = place();
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(100), ..SqliteOptions::default() };
    let ledger: Ledger = Arc::new(SqliteStore::create_with(&path, options.clone()).await.unwrap());
    with_authority(&ledger).await;
    let holder = raw(&path, "BEGIN IMMEDIATE").await;
    let refusal = ledger.record(record(1)).await.unwrap_err();
    let LedgerError::Busy { waited, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!(waited, options.busy_timeout);
    assert!(refusal.to_string().contains("by another process"), "{refusal}");
    let second = SqliteStore::open_with(&path, options).await.unwrap_err();
    assert!(matches!(second, LedgerError::Busy { .. }), "{second:?}");
    // Readers are not held up.
    assert_eq!(ledger.get_by_serial(serial(1)).await.unwrap(), None);
    holder.close().await.unwrap();
    assert!(matches!(ledger.record(record(1)).await, Ok(Recording::New(_))));
    assert_eq!(ledger.stats().failed_transactions, 1);
    suite::check_and_close(ledger).await;
}

#[tokio::test]
async fn a_full_ledger_keeps_what_it_answered_and_nothing_else() {
    let (_folder, path) = place();
    let quota = SqliteOptions { max_pages: Some(80), ..SqliteOptions::default() };
    let ledger: Ledger = Arc::new(SqliteStore::create_with(&path, quota).await.unwrap());
    with_authority(&ledger).await;
    let mut answered = 0;
    let refusal = loop {
        match ledger.record(record(answered)).await {
            Ok(_) => answered += 1,
            Err(refusal) => break refusal,
        }
        assert!(answered < 10_000, "the quota has no effect");
    };
    assert!(matches!(refusal, LedgerError::Full { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("nothing was written: free some space"));
    assert!(answered > 10, "only {answered} fitted");
    assert_eq!(ledger.counts().await.unwrap().records, answered);
    suite::check_and_close(ledger).await;
    let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
    let Recording::New(next) = ledger.record(record(answered)).await.unwrap() else { panic!() };
    assert_eq!(next.position, answered + 1, "no gap where the disk was full");
    suite::check_and_close(ledger).await;
}

/// Every statement succeeds and the commit fails: nobody may hear of success.
#[tokio::test]
async fn a_failed_commit_fails_every_request_in_it() {
    let (_folder, path) = place();
    let ledger: Ledger = Arc::new(SqliteStore::create(&path).await.unwrap());
    with_authority(&ledger).await;
    let poison = "CREATE TABLE poison \
        (id INTEGER REFERENCES authority (id) DEFERRABLE INITIALLY DEFERRED) STRICT; \
        CREATE TRIGGER poisoned AFTER INSERT ON record WHEN NEW.subject = 'CN=poison' \
        BEGIN INSERT INTO poison VALUES (999); END";
    raw(&path, poison).await.close().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for name in 0..40 {
        let ledger = Arc::clone(&ledger);
        let mut new = record(name);
        if name == 20 {
            new.subject = "CN=poison".into();
        }
        tasks.spawn(async move { (name, ledger.record(new).await) });
    }
    let mut failed = 0;
    for (name, outcome) in tasks.join_all().await {
        let there = ledger.get_by_serial(serial(name)).await.unwrap().is_some();
        assert_eq!(outcome.is_ok(), there, "{name}: {outcome:?}");
        assert!(name != 20 || !there, "the poisoned record was committed");
        failed += u64::from(!there);
    }
    assert_eq!((ledger.stats().failed_transactions, failed >= 1), (1, true));
    // The writer goes on, without a gap where the failed batch was.
    let next = ledger.record(record(100)).await.unwrap();
    let Recording::New(next) = next else { panic!("{next:?}") };
    assert_eq!(next.position, 41 - failed);
    ledger.close().await.unwrap();
}

/// REPLACE deletes without asking the DELETE triggers.
#[tokio::test]
async fn replacing_rows_is_refused() {
    let (_folder, path) = place();
    let ledger = filled(&path).await;
    let options = SqliteConnectOptions::new().filename(&path).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for statement in [
        "INSERT OR REPLACE INTO record SELECT * FROM record LIMIT 1",
        "REPLACE INTO certificate SELECT * FROM certificate",
        "REPLACE INTO revocation SELECT * FROM revocation",
        "REPLACE INTO authority SELECT * FROM authority",
        "REPLACE INTO blocked_key SELECT * FROM blocked_key",
        "REPLACE INTO crl SELECT * FROM crl",
        "REPLACE INTO crl_list SELECT * FROM crl_list",
        "REPLACE INTO authority_certificate SELECT * FROM authority_certificate",
        "INSERT INTO certificate SELECT 1, fingerprint, certificate, 0 FROM certificate \
         WHERE record = 1 ON CONFLICT DO UPDATE SET stored_at = 0",
    ] {
        let outcome = sqlx::raw_sql(statement).execute(&mut connection).await;
        let refusal = outcome.expect_err(statement).to_string();
        // Of two guards that refuse it, either may come first.
        let refused = refusal.contains("never replaced") || refusal.contains("another authority's");
        assert!(refused, "{statement}: {refusal}");
    }
    let gap = "INSERT INTO record SELECT 99, authority, 99, CAST(x'41' || substr(serial, 2) AS BLOB), \
               profile, requester, NULL, NULL, tbs_digest, subject, names, algorithm, key_digest, \
               component_digests, not_before, not_after, recorded_at, 0, 1, '[]' FROM record LIMIT 1";
    for (statement, words) in [
        (gap, "without a gap"),
        ("INSERT INTO revocation VALUES (1, 1, 9, 0, NULL, 0, 'x')", "without a gap"),
        ("INSERT INTO revocation VALUES (1, 2, 1, 0, NULL, 0, 'x')", "the authority of its record"),
        ("INSERT INTO crl SELECT 9, 1, 1, 0, '[]', NULL, 0, 2, 0, 0, 0, 1", "only grow"),
        (
            "INSERT INTO crl SELECT 9, 1, 9, 0, '[]', NULL, 0, 1, 0, 0, 0, 1",
            "the latest revocation",
        ),
        ("INSERT INTO crl SELECT 9, 1, 9, 1, '[]', 1, 2, 2, 0, 0, 0, 1", "a complete list of the"),
        ("INSERT INTO crl SELECT 9, 1, 9, 0, '[]', NULL, 1, 2, 0, 0, 0, 1", "the first revocation"),
        ("INSERT INTO crl SELECT 9, 1, 9, 0, '[]', NULL, 0, 2, 2, 99, 0, 1", "what is left out"),
        ("INSERT INTO crl SELECT 9, 1, 9, 0, '[]', 1, 2, 2, 2, 200, 0, 1", "what is left out"),
        (
            "INSERT INTO record_key SELECT key_digest, 1 FROM record WHERE id = 2",
            "this record has no such key",
        ),
        (
            "INSERT INTO authority_key SELECT key_digest, 1 FROM record WHERE id = 2",
            "this authority has no such key",
        ),
    ] {
        let outcome = sqlx::raw_sql(statement).execute(&mut connection).await;
        let refusal = outcome.expect_err(statement).to_string();
        assert!(refusal.contains(words), "{statement}: {refusal}");
    }
    connection.close().await.unwrap();
    suite::check_and_close(ledger).await;
}

/// A ledger with a bit of everything.
async fn filled(path: &Path) -> Ledger {
    let ledger: Ledger = Arc::new(SqliteStore::create(path).await.unwrap());
    sabotage::fill(&ledger).await;
    ledger
}

/// Changes in SQLite's own words, and where it holds less than PostgreSQL does.
const OWN_CHANGES: [(&str, FindingKind); 8] = [
    (
        "UPDATE record SET serial = CAST(x'41' || substr(serial, 2) AS BLOB) WHERE id = 1",
        FindingKind::SerialMismatch,
    ),
    ("UPDATE record SET names = 'x' WHERE id = 1", FindingKind::ImpossibleRow),
    ("UPDATE record SET serial = x'00' WHERE id = 1", FindingKind::ImpossibleRow),
    ("UPDATE record SET body_digest = NULL WHERE id = 1", FindingKind::ImpossibleRow),
    ("UPDATE revocation SET reason = 6", FindingKind::ImpossibleRow),
    ("UPDATE record SET not_after = not_before - 1 WHERE id = 1", FindingKind::ImpossibleRow),
    (
        "UPDATE certificate SET certificate = CAST(certificate || x'00' AS BLOB) WHERE record = 1",
        FindingKind::MalformedCertificate,
    ),
    ("SELECT 1", FindingKind::SchemaChanged),
];

/// Each change that somebody with a shell and the will to drop triggers can make.
#[tokio::test]
async fn the_checker_finds_what_was_changed_behind_its_back() {
    let own = OWN_CHANGES.iter().map(|(sql, kind)| ((*sql).to_owned(), *kind));
    for (change, expected) in sabotage::changes("zeroblob(32)").into_iter().chain(own) {
        let (_folder, path) = place();
        suite::check_and_close(filled(&path).await).await;
        let mut connection = raw(&path, "PRAGMA ignore_check_constraints = ON").await;
        let triggers: Vec<String> =
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        for trigger in &triggers {
            let drop = sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}"));
            sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
        }
        let sql = sqlx::AssertSqlSafe(change.clone());
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
        let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
        assert!(!report.is_sound(), "{change}");
        assert!(report.found.contains_key(&expected), "{change}: {:#?}", report.findings);
        let dropped = report.found[&FindingKind::SchemaChanged];
        assert_eq!(dropped, triggers.len() as u64, "{:#?}", report.findings);
        ledger.close().await.unwrap();
    }
}

#[tokio::test]
async fn the_checker_finds_a_damaged_file_and_doubled_serials() {
    let (_folder, path) = place();
    suite::check_and_close(filled(&path).await).await;
    damage_table(&path, "record_key").await;
    let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    assert!(report.found.contains_key(&FindingKind::Storage), "{:#?}", report.findings);
    ledger.close().await.unwrap();

    let (_folder, path) = place();
    suite::check_and_close(filled(&path).await).await;
    damage_table(&path, "sqlite_autoindex__sqlx_migrations_1").await;
    let refusal = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Corrupt { .. }), "{refusal:?}");
    assert!(refusal.to_string().contains("restore the last backup"));

    let (_folder, path) = place();
    suite::check_and_close(filled(&path).await).await;
    let doubled = "PRAGMA legacy_alter_table = ON; CREATE TABLE other AS SELECT * FROM record; \
        DROP TRIGGER record_no_delete; DROP TABLE record; \
        ALTER TABLE other RENAME TO record; \
        UPDATE record SET serial = (SELECT serial FROM record WHERE id = 1) WHERE id = 2";
    raw(&path, doubled).await.close().await.unwrap();
    let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    assert!(report.found.contains_key(&FindingKind::DoubledSerial), "{:#?}", report.findings);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["found"]["doubled-serial"], 1);
    ledger.close().await.unwrap();
}

/// Flips the octet that tells what kind of page the first of a table or index is.
async fn damage_table(path: &Path, table: &str) {
    let mut connection = raw(path, "SELECT 1").await;
    let page: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name = ?")
        .bind(table)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let mut bytes = fs::read(path).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at] ^= 0xff;
    fs::write(path, bytes).unwrap();
}
