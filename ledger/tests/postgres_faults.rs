//! What the ledger does when its PostgreSQL is not as it should be, or goes away.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod cluster;
mod suite;

use std::{sync::Arc, time::Duration};

use cluster::Database;
use ledger::{
    FindingKind, Ledger, LedgerError, Location, NewCrl, PostgresLocation, Recording,
    postgres::{PostgresOptions, PostgresStore},
};
use suite::material::{certificate, new_crl, record, serial, with_authority};
use suite::sabotage;
use test_postgres::Cluster;
use tokio::task::JoinSet;

fn psql(database: &Database, sql: &str) -> String {
    cluster::cluster().unwrap().psql(&database.name, sql).unwrap()
}

async fn refusal(location: &PostgresLocation) -> LedgerError {
    PostgresStore::open(location).await.unwrap_err()
}

#[tokio::test]
async fn settings_that_would_lose_answers_are_refused() {
    let Some(database) = Database::new("server").await else { return };
    for (value, safe) in [
        ("off", false),
        ("local", false),
        ("remote_write", false),
        ("on", true),
        ("remote_apply", true),
    ] {
        let name = &database.name;
        psql(&database, &format!("ALTER DATABASE {name} SET synchronous_commit = {value}"));
        match PostgresStore::open(&database.location).await {
            Ok(store) => {
                assert!(safe, "{value} was accepted");
                ledger::Store::close(&store).await.unwrap();
            }
            Err(refusal) => {
                let LedgerError::Unsafe { setting: "synchronous_commit", found, .. } = &refusal
                else {
                    panic!("{refusal:?}");
                };
                assert!(!safe && found == value, "{refusal}");
                assert!(refusal.to_string().contains("allowed: on, remote_apply"), "{refusal}");
            }
        }
    }
}

#[tokio::test]
async fn another_schema_is_refused_with_both_versions() {
    let Some(database) = Database::new("owner").await else { return };
    let (before, after) = PostgresStore::migrate(&database.location).await.unwrap();
    assert_eq!(before, after, "there is nothing to do");
    let newer = "INSERT INTO espalier._sqlx_migrations VALUES (9999, 'x', now(), true, '\\x00', 0)";
    psql(&database, newer);
    let newer = refusal(&database.location).await;
    assert!(matches!(newer, LedgerError::NewerSchema { found: 9999, known, .. } if known == after));
    let newer = PostgresStore::migrate(&database.location).await.unwrap_err();
    assert!(matches!(newer, LedgerError::NewerSchema { found: 9999, .. }), "{newer:?}");
    psql(&database, "DELETE FROM espalier._sqlx_migrations");
    let older = refusal(&database.location).await;
    assert!(matches!(older, LedgerError::OlderSchema { found: 0, .. }), "{older:?}");
    assert!(older.to_string().contains("`espalier ledger migrate`"));
    // A database without ledger, and a role that may not make one.
    psql(&database, "DROP SCHEMA espalier CASCADE");
    assert!(matches!(refusal(&database.location).await, LedgerError::OlderSchema { found: 0, .. }));
    let server = PostgresLocation::new(&cluster::cluster().unwrap().url("server", &database.name));
    let forbidden = PostgresStore::migrate(&server.unwrap()).await.unwrap_err();
    assert!(matches!(forbidden, LedgerError::Forbidden { .. }), "{forbidden:?}");
    assert_eq!(PostgresStore::migrate(&database.location).await.unwrap(), (0, after));
}

#[tokio::test]
async fn who_may_not_connect_is_told_why_and_no_password_is_shown() {
    let Some(database) = Database::new("server").await else { return };
    let url = cluster::cluster().unwrap().tcp_url("server", &database.name);
    let location = PostgresLocation::new(&url).unwrap();
    let with = |password: &str| location.clone().with_password(password.to_owned().into());
    let wrong = refusal(&with("wrong horse")).await;
    assert!(matches!(wrong, LedgerError::Unavailable { .. }), "{wrong:?}");
    let words = format!("{wrong} {wrong:?} {}", std::error::Error::source(&wrong).unwrap());
    assert!(words.contains("password authentication failed"), "{words}");
    assert!(!words.contains("wrong horse"), "{words}");
    let right = Location::Postgres(with(Cluster::PASSWORD));
    let ledger = ledger::open(&right).await.unwrap();
    assert!(!format!("{ledger:?} {right:?}").contains(Cluster::PASSWORD));
    suite::check_and_close(ledger).await;
    let nowhere = PostgresLocation::new("postgres://server@127.0.0.1:1/ledger").unwrap();
    let nobody = refusal(&nowhere).await;
    assert!(matches!(nobody, LedgerError::Unavailable { .. }), "{nobody:?}");
    let missing = PostgresLocation::new(&cluster::cluster().unwrap().url("server", "missing"));
    let missing = refusal(&missing.unwrap()).await;
    assert!(matches!(missing, LedgerError::Unavailable { .. }), "{missing:?}");
    // A role without grants.
    psql(&database, "REVOKE ALL ON ALL TABLES IN SCHEMA espalier FROM server");
    let forbidden = refusal(&database.location).await;
    assert!(matches!(forbidden, LedgerError::Forbidden { .. }), "{forbidden:?}");
    assert!(forbidden.to_string().contains("`espalier ledger grants"), "{forbidden}");
}

/// What the database refuses though the rules allow it is found in a batch, and harms nobody else.
#[tokio::test]
async fn what_only_the_database_refuses_harms_no_other() {
    let Some(database) = Database::new("server").await else { return };
    let ledger = database.ledger().await;
    with_authority(&ledger).await;
    psql(&database, "ALTER TABLE espalier.record ADD CHECK (subject <> 'CN=poison')");
    let mut tasks = JoinSet::new();
    for name in 0..40 {
        let ledger = Arc::clone(&ledger);
        let mut new = record(name);
        if name == 20 {
            new.subject = "CN=poison".into();
        }
        tasks.spawn(async move { (name, ledger.record(new).await) });
    }
    for (name, outcome) in tasks.join_all().await {
        match outcome {
            Ok(Recording::New(_)) => assert_ne!(name, 20),
            Err(LedgerError::Refused { message, .. }) if name == 20 => {
                assert!(message.contains("violates check constraint"), "{message}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    let counts = ledger.counts().await.unwrap();
    assert_eq!(counts.records, 39);
    psql(&database, "ALTER TABLE espalier.record DROP CONSTRAINT record_subject_check1");
    suite::check_and_close(ledger).await;
}

#[tokio::test]
async fn whoever_holds_the_turn_too_long_is_not_waited_for() {
    let Some(database) = Database::new("server").await else { return };
    let options =
        PostgresOptions { lock_timeout: Duration::from_millis(100), ..PostgresOptions::default() };
    let store = PostgresStore::open_with(&database.location, options.clone()).await.unwrap();
    let ledger: Ledger = Arc::new(store);
    with_authority(&ledger).await;
    let held = "BEGIN; UPDATE espalier.writer SET turn = turn; SELECT pg_sleep(1.5); COMMIT";
    let name = database.name.clone();
    let holder = tokio::task::spawn_blocking(move || cluster::cluster().unwrap().psql(&name, held));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let refusal = ledger.record(record(1)).await.unwrap_err();
    let LedgerError::Contended { waited, .. } = refusal else { panic!("{refusal:?}") };
    assert_eq!(waited, options.lock_timeout);
    // Readers are not held up.
    assert_eq!(ledger.get_by_serial(serial(1)).await.unwrap(), None);
    holder.await.unwrap().unwrap();
    assert!(matches!(ledger.record(record(1)).await, Ok(Recording::New(_))));
    suite::check_and_close(ledger).await;
}

/// The turn ends with the transaction, also when the request is refused.
#[tokio::test]
async fn a_refused_request_holds_up_no_other_server() {
    let Some(database) = Database::new("server").await else { return };
    let options =
        PostgresOptions { lock_timeout: Duration::from_millis(500), ..PostgresOptions::default() };
    let open = async || {
        let store = PostgresStore::open_with(&database.location, options.clone()).await.unwrap();
        let ledger: Ledger = Arc::new(store);
        ledger
    };
    let (first, second) = (open().await, open().await);
    with_authority(&first).await;
    let refusal = first.reserve_crl(NewCrl { authority: "nobody".into(), ..new_crl(None) }).await;
    assert!(matches!(refusal, Err(LedgerError::UnknownAuthority { .. })), "{refusal:?}");
    assert!(matches!(second.record(record(1)).await, Ok(Recording::New(_))));
    second.close().await.unwrap();
    suite::check_and_close(first).await;
}

/// Those behind a request that waited in vain do not wait as long, one after the other.
#[tokio::test]
async fn what_waits_behind_a_failure_fails_with_it() {
    let Some(database) = Database::new("server").await else { return };
    let options =
        PostgresOptions { lock_timeout: Duration::from_millis(300), ..PostgresOptions::default() };
    let store = PostgresStore::open_with(&database.location, options).await.unwrap();
    let ledger: Ledger = Arc::new(store);
    with_authority(&ledger).await;
    let held = "BEGIN; UPDATE espalier.writer SET turn = turn; SELECT pg_sleep(2.5); COMMIT";
    let name = database.name.clone();
    let holder = tokio::task::spawn_blocking(move || cluster::cluster().unwrap().psql(&name, held));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let ledger = Arc::clone(&ledger);
        // A transaction for each.
        tasks.spawn(async move { ledger.reserve_crl(new_crl(None)).await });
    }
    for outcome in tasks.join_all().await {
        assert!(matches!(outcome, Err(LedgerError::Contended { .. })), "{outcome:?}");
    }
    // The first, which waited alone; the first of those that came meanwhile, and the rest of them.
    assert!(ledger.stats().failed_transactions <= 3, "{:?}", ledger.stats());
    holder.await.unwrap().unwrap();
    ledger.reserve_crl(new_crl(None)).await.unwrap();
    suite::check_and_close(ledger).await;
}

/// No standby takes what is committed: nobody may hear that it is safe, nor that it is not there.
#[tokio::test]
async fn a_commit_that_is_not_answered_is_unknown() {
    let Some(server) = Cluster::start_or_skip(&[]) else { return };
    server.role("owner");
    server.database("ledger", "owner");
    let location = PostgresLocation::new(&server.url("owner", "ledger")).unwrap();
    PostgresStore::migrate(&location).await.unwrap();
    // A statement may take less than a commit: its timeout must not end the wait.
    let options = PostgresOptions {
        statement_timeout: Duration::from_millis(500),
        commit_timeout: Duration::from_millis(1_500),
        ..PostgresOptions::default()
    };
    let ledger: Ledger = Arc::new(PostgresStore::open_with(&location, options).await.unwrap());
    with_authority(&ledger).await;
    let standby = |names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        // ALTER SYSTEM itself commits without waiting.
        let sql = format!("SET synchronous_commit = local; {set}; SELECT pg_reload_conf()");
        for statement in sql.split("; ") {
            server.psql("postgres", statement).unwrap();
        }
    };
    standby("nobody");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refusal = ledger.record(record(1)).await.unwrap_err();
    let LedgerError::OutcomeUnknown { transaction, .. } = &refusal else { panic!("{refusal:?}") };
    assert_eq!(*transaction, "ledger.write");
    assert!(refusal.to_string().contains("whether it was written is unknown"), "{refusal}");
    standby("");
    // Here it went through; whoever asks again learns that, and nothing is there twice.
    let again = loop {
        match ledger.record(record(1)).await {
            Err(LedgerError::Contended { .. } | LedgerError::OutcomeUnknown { .. }) => {}
            other => break other,
        }
    };
    assert!(matches!(again, Err(LedgerError::SerialTaken { .. })), "{again:?}");
    assert_eq!(suite::check_and_close(ledger).await.checked.records, 1);
}

/// Killed under load, again and again: what was answered is there, what was refused is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_was_answered() {
    let Some(mut server) = Cluster::start_or_skip(&[]) else { return };
    server.role("owner");
    server.database("ledger", "owner");
    let location = PostgresLocation::new(&server.url("owner", "ledger")).unwrap();
    PostgresStore::migrate(&location).await.unwrap();
    let ledger: Ledger = Arc::new(PostgresStore::open(&location).await.unwrap());
    with_authority(&ledger).await;
    let (mut answered, mut unknown, mut name) = (0, 0, 0);
    for _ in 0..3 {
        let mut tasks = JoinSet::new();
        for _ in 0..400 {
            name += 1;
            let ledger = Arc::clone(&ledger);
            tasks.spawn(async move {
                // Not all at once, so that some are in every state.
                tokio::time::sleep(Duration::from_millis(name % 40)).await;
                let recorded = ledger.record(record(name)).await;
                let stored = match &recorded {
                    Ok(_) => Some(ledger.store(certificate(name)).await),
                    Err(_) => None,
                };
                (name, recorded.map(drop), stored.map(|it| it.map(drop)))
            });
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
        server.kill();
        let outcomes = tasks.join_all().await;
        server.start_again();
        for (name, recorded, stored) in outcomes {
            let entry = ledger.get_by_serial(serial(name)).await.unwrap();
            let certificate = entry.as_ref().and_then(|entry| entry.certificate.as_ref());
            for (outcome, is_there) in
                [(Some(recorded), entry.is_some()), (stored, certificate.is_some())]
            {
                match outcome {
                    Some(Ok(())) => {
                        assert!(is_there, "{name} was answered and is gone");
                        answered += 1;
                    }
                    Some(Err(LedgerError::OutcomeUnknown { .. })) => unknown += 1,
                    Some(Err(LedgerError::Unavailable { .. })) => {
                        assert!(!is_there, "{name} was refused and is there");
                    }
                    None => assert!(!is_there),
                    Some(Err(other)) => panic!("{name}: {other:?}"),
                }
            }
        }
    }
    assert!(answered > 0, "nothing was answered; {unknown} unknown");
    assert!(matches!(ledger.record(record(100_000)).await, Ok(Recording::New(_))));
    suite::check_and_close(ledger).await;
}

/// Each change that somebody who may switch triggers off can make.
#[tokio::test]
async fn the_checker_finds_what_was_changed_behind_its_back() {
    let Some(database) = Database::new("server").await else { return };
    let ledger = database.ledger().await;
    sabotage::fill(&ledger).await;
    ledger.close().await.unwrap();
    let own = OWN_CHANGES.iter().map(|(sql, kind)| ((*sql).to_owned(), *kind));
    let changes = sabotage::changes("decode(repeat('00', 32), 'hex')").into_iter().chain(own);
    for (change, expected) in changes {
        // Each on a copy.
        let copy = format!("copy_of_{}", database.name);
        let server = cluster::cluster().unwrap();
        server
            .psql("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {}", database.name))
            .unwrap();
        let sql = format!(
            "SET search_path = espalier, pg_temp; SET session_replication_role = replica; {change}"
        );
        server.psql(&copy, &sql).unwrap();
        let location = PostgresLocation::new(&server.url("server", &copy)).unwrap();
        let ledger: Ledger = Arc::new(PostgresStore::open(&location).await.unwrap());
        let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
        let sound = report.is_sound();
        assert!(!sound || expected == FindingKind::Orphan, "{change}");
        assert!(report.found.contains_key(&expected), "{change}: {:#?}", report.findings);
        ledger.close().await.unwrap();
        server.psql("postgres", &format!("DROP DATABASE {copy} WITH (FORCE)")).unwrap();
    }
}

/// Changes in PostgreSQL's own words.
const OWN_CHANGES: [(&str, FindingKind); 23] = [
    (
        "UPDATE record SET serial = set_byte(serial, 1, get_byte(serial, 1) # 1) WHERE id = 1",
        FindingKind::SerialMismatch,
    ),
    (
        "UPDATE certificate SET certificate = certificate || '\\x00' WHERE record = 1",
        FindingKind::MalformedCertificate,
    ),
    ("ALTER TABLE record DISABLE TRIGGER record_only_grows", FindingKind::SchemaChanged),
    ("ALTER TABLE certificate DISABLE TRIGGER ALL", FindingKind::SchemaChanged),
    ("DROP TRIGGER revocation_added ON revocation", FindingKind::SchemaChanged),
    ("ALTER TABLE record DROP CONSTRAINT record_serial_key", FindingKind::SchemaChanged),
    (
        "CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RETURN NULL; END $$",
        FindingKind::SchemaChanged,
    ),
    ("CREATE RULE quiet AS ON INSERT TO revocation DO INSTEAD NOTHING", FindingKind::SchemaChanged),
    ("CREATE POLICY hidden ON revocation USING (reason <> 1)", FindingKind::SchemaChanged),
    ("ALTER TABLE audit_event FORCE ROW LEVEL SECURITY", FindingKind::SchemaChanged),
    ("GRANT DELETE ON record TO server", FindingKind::SchemaChanged),
    ("GRANT INSERT ON record_key TO server", FindingKind::SchemaChanged),
    ("GRANT UPDATE (reason) ON revocation TO PUBLIC", FindingKind::SchemaChanged),
    ("GRANT SELECT ON record TO server WITH GRANT OPTION", FindingKind::SchemaChanged),
    ("GRANT EXECUTE ON FUNCTION record_added() TO PUBLIC", FindingKind::SchemaChanged),
    ("GRANT CREATE ON SCHEMA espalier TO server", FindingKind::SchemaChanged),
    ("ALTER TABLE crl OWNER TO server", FindingKind::SchemaChanged),
    ("ALTER FUNCTION only_grows() OWNER TO server", FindingKind::SchemaChanged),
    ("GRANT SELECT ON record TO PUBLIC", FindingKind::SchemaChanged),
    ("GRANT INSERT ON record TO PUBLIC", FindingKind::SchemaChanged),
    ("GRANT USAGE ON SCHEMA espalier TO PUBLIC", FindingKind::SchemaChanged),
    ("GRANT UPDATE ON _sqlx_migrations TO server", FindingKind::SchemaChanged),
    (
        "CREATE RULE quiet AS ON INSERT TO _sqlx_migrations DO INSTEAD NOTHING",
        FindingKind::SchemaChanged,
    ),
];

/// Whoever takes no turn, because its row is gone, writes nothing: neither a server nor a shell.
#[tokio::test]
async fn without_the_row_for_turns_nothing_is_written() {
    let Some(database) = Database::new("server").await else { return };
    let ledger = database.ledger().await;
    with_authority(&ledger).await;
    let refused = cluster::cluster().unwrap().psql(&database.name, "DELETE FROM espalier.writer");
    assert!(refused.unwrap_err().contains("the ledger only grows; DELETE is refused"));
    psql(&database, "SET session_replication_role = replica; DELETE FROM espalier.writer");
    let refusal = ledger.record(record(1)).await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Corrupt { .. }), "{refusal:?}");
    let words = std::error::Error::source(&refusal).unwrap().to_string();
    assert!(words.contains("the row by which writers take turns"), "{words}");
    // Nor does anybody read: how far the ledger got can't be told.
    let blind = database.ledger().await;
    let refusal = blind.counts().await.unwrap_err();
    assert!(matches!(refusal, LedgerError::Corrupt { .. }), "{refusal:?}");
    blind.close().await.unwrap();
    let shell = "INSERT INTO espalier.lease VALUES ('a', 'b', 1, 1); \
                 INSERT INTO espalier.blocked_key VALUES (sha256('a'), 0, 0, 'x')";
    let shell = cluster::cluster().unwrap().psql(&database.name, shell).unwrap_err();
    assert!(shell.contains("take turns is not there"), "{shell}");
    psql(&database, "INSERT INTO espalier.writer VALUES (1, 100)");
    ledger.record(record(1)).await.unwrap();
    suite::check_and_close(ledger).await;
}
