//! The suite of every store, on PostgreSQL, as the role of a server: SELECT, INSERT, and UPDATE of the
//! few rows that are made for it.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod cluster;
mod suite;

use std::{sync::Arc, time::Duration};

use ca_core::crl::Scope;
use cluster::Database;
use ledger::{
    Ledger, PostgresLocation,
    postgres::{PostgresStore, grants},
};
use suite::Factory as _;
use suite::material::{AUTHORITY, time, with_authority};

suite_for!(match Database::new("server").await {
    Some(database) => database,
    None => return,
});

#[tokio::test]
async fn the_schema_is_the_one_that_is_known() {
    let Some(database) = Database::new("server").await else { return };
    let objects = format!(
        "SET search_path = espalier, pg_temp; {}",
        include_str!("../src/postgres/schema.sql")
    );
    let found = cluster::cluster().unwrap().psql(&database.name, &objects).unwrap() + "\n";
    let known = include_str!("../src/postgres/schema.txt");
    assert!(found == known, "ledger/src/postgres/schema.txt should be:\n{found}");
}

/// Lists that are over, one for each second of more than an hour.
const OVER: &str = "SET search_path = espalier, pg_temp; SET session_replication_role = replica; \
    INSERT INTO crl (authority, number, subjects, places, since, through, settled_through, settled_at, \
    this_update, next_update) SELECT a.id, n, 0, '[]', 0, 0, 0, 0, 1767225600 + n, 1767225610 + n \
    FROM authority a, generate_series(1, 5000) n; \
    INSERT INTO crl_list (crl, fingerprint, entries, octets, stored_at) \
    SELECT id, sha256(number::text::bytea), 0, 1, 0 FROM crl; ANALYZE";

#[tokio::test]
async fn lists_that_are_over_are_not_read_to_find_one_that_is_not() {
    let Some(database) = Database::new("server").await else { return };
    let ledger = database.open().await;
    with_authority(&ledger).await;
    let psql = |sql: &str| cluster::cluster().unwrap().psql(&database.name, sql).unwrap();
    psql(OVER);
    // More often than it takes until PostgreSQL has one plan for all values.
    for _ in 0..8 {
        let oldest =
            ledger.oldest_current_crl(AUTHORITY, &Scope::all(), time(9_000), time(4_995)).await;
        assert_eq!(oldest.unwrap().unwrap().number, 4_986);
    }
    ledger.close().await.unwrap();
    // What a session read is counted at its end.
    let read = "SELECT sum(idx_scan) FILTER (WHERE indexrelname = 'crl_by_end'), sum(idx_tup_read) \
        FROM pg_stat_user_indexes WHERE relname = 'crl'";
    let mut counted = psql(read);
    for _ in 0..100 {
        if !counted.starts_with("0|") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        counted = psql(read);
    }
    let (scans, rows) = counted.split_once('|').unwrap();
    assert_eq!(scans, "8", "{counted}");
    assert!(rows.parse::<u64>().unwrap() <= 8 * 20, "rows read: {rows}");
}

/// Where the owner of the ledger may make no schema, the administrator makes it.
#[tokio::test]
async fn a_schema_of_the_administrator_is_as_good() {
    let Some(database) = Database::new("server").await else { return };
    let (cluster, name) = (cluster::cluster().unwrap(), format!("made_for_{}", database.name));
    cluster.psql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
    let owner = PostgresLocation::new(&cluster.url("owner", &name)).unwrap();
    let refusal = PostgresStore::migrate(&owner).await.unwrap_err();
    assert!(matches!(refusal, ledger::LedgerError::Forbidden { .. }), "{refusal:?}");
    let schema = "CREATE SCHEMA espalier; GRANT USAGE, CREATE ON SCHEMA espalier TO owner; \
        GRANT USAGE ON SCHEMA espalier TO server";
    cluster.psql(&name, schema).unwrap();
    PostgresStore::migrate(&owner).await.unwrap();
    cluster.psql_as("owner", &name, &grants("server").unwrap()).unwrap();
    let server = PostgresLocation::new(&cluster.url("server", &name)).unwrap();
    let ledger: Ledger = Arc::new(PostgresStore::open(&server).await.unwrap());
    with_authority(&ledger).await;
    suite::check_and_close(ledger).await;
    // The administrator's table is none of the ledger's.
    cluster.psql(&name, "ALTER TABLE espalier.crl OWNER TO postgres").unwrap();
    let ledger: Ledger = Arc::new(PostgresStore::open(&server).await.unwrap());
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    assert!(report.found.contains_key(&ledger::FindingKind::SchemaChanged), "{report:?}");
    ledger.close().await.unwrap();
}
