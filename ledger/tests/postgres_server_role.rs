//! Everything that the role of a server may not do. What it may is the suite, in `postgres.rs`.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod cluster;
mod suite;

use cluster::Database;
use suite::Factory as _;

/// Every table with a column of it.
const TABLES: [(&str, &str); 16] = [
    ("authority", "name"),
    ("authority_certificate", "added_at"),
    ("authority_key", "authority"),
    ("record", "profile"),
    ("record_name", "name"),
    ("record_key", "record"),
    ("blocked_key", "reason"),
    ("certificate", "stored_at"),
    ("revocation", "reason"),
    ("crl", "number"),
    ("crl_list", "entries"),
    ("audit_event", "actor"),
    ("token", "expires_at"),
    ("token_revocation", "revoked_at"),
    ("lease", "until"),
    ("writer", "turn"),
];

fn refused(database: &str, role: &str, sql: &str, words: &[&str]) {
    let sql = format!("SET search_path = espalier, pg_temp; {sql}");
    let refusal = cluster::cluster().unwrap().psql_as(role, database, &sql).expect_err(&sql);
    assert!(words.iter().any(|word| refusal.contains(word)), "{sql}: {refusal}");
}

#[tokio::test]
async fn a_server_only_adds() {
    let Some(database) = Database::new("server").await else { return };
    let ledger = database.open().await;
    let tables = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE \
        relnamespace = 'espalier'::regnamespace AND relkind = 'r' AND relname NOT LIKE '\\_sqlx%'";
    let found = cluster::cluster().unwrap().psql(&database.name, tables).unwrap();
    let mut known = TABLES.map(|(table, _)| table);
    known.sort_unstable();
    assert_eq!(found, known.join(" "), "a table without a row in this test");
    let denied = &["permission denied", "must be owner"][..];
    let server = |sql: &str| refused(&database.name, "server", sql, denied);
    for (table, column) in TABLES.into_iter().chain([("_sqlx_migrations", "version")]) {
        server(&format!("DELETE FROM {table}"));
        server(&format!("TRUNCATE {table} CASCADE"));
        server(&format!("DROP TABLE {table} CASCADE"));
        server(&format!("ALTER TABLE {table} DISABLE TRIGGER ALL"));
        server(&format!(
            "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION only_grows()"
        ));
        server(&format!("CREATE INDEX ON {table} ((1))"));
        if !matches!(table, "lease" | "writer") {
            server(&format!(
                "DROP TRIGGER IF EXISTS {table}_only_grows ON {table}; DELETE FROM {table}"
            ));
            server(&format!("UPDATE {table} SET {column} = {column}"));
        }
    }
    // Only triggers of the owner write here.
    server("INSERT INTO record_key VALUES ('\\x00', 1)");
    server("INSERT INTO record_name VALUES ('DNS:a', 1)");
    server("INSERT INTO authority_key VALUES ('\\x00', 1)");
    server("INSERT INTO writer VALUES (2, 1)");
    server("INSERT INTO _sqlx_migrations SELECT * FROM _sqlx_migrations");
    server("UPDATE writer SET id = 2");
    server("UPDATE lease SET name = 'mine'");
    server("SET session_replication_role = replica");
    server("CREATE TABLE espalier.mine ()");
    server(
        "CREATE OR REPLACE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    );
    server("GRANT DELETE ON record TO server; DELETE FROM record");
    // Functions with the owner's rights serve the owner's triggers alone.
    for function in ["record_added", "authority_added"] {
        server(&format!(
            "CREATE TEMP TABLE mine (id bigint, names text); CREATE TRIGGER mine AFTER INSERT ON mine \
             REFERENCING NEW TABLE AS added EXECUTE FUNCTION espalier.{function}()"
        ));
    }
    // What it may.
    let allowed = "UPDATE espalier.writer SET turn = turn; SELECT count(*) FROM espalier.record";
    cluster::cluster().unwrap().psql_as("server", &database.name, allowed).unwrap();
    suite::check_and_close(ledger).await;
}

/// The owner may do all that, but for what its own triggers refuse.
#[tokio::test]
async fn triggers_refuse_the_owner_too() {
    let Some(database) = Database::new("server").await else { return };
    for (table, _) in TABLES {
        if !matches!(table, "lease" | "writer") {
            let words = format!("{table}: the ledger only grows; TRUNCATE is refused");
            let owner = |sql: &str, words: &str| refused(&database.name, "owner", sql, &[words]);
            // Of the tables that go with it, another may refuse first.
            let words = if table == "authority"
                || table == "record"
                || table == "crl"
                || table == "token"
            {
                "the ledger only grows; TRUNCATE is refused"
            } else {
                &words
            };
            owner(&format!("TRUNCATE {table} CASCADE"), words);
            owner(
                &format!("DELETE FROM {table}"),
                &format!("{table}: the ledger only grows; DELETE is refused"),
            );
        }
    }
    // No temporary table stands before one of the ledger.
    let ledger = database.open().await;
    suite::material::with_authority(&ledger).await;
    ledger.record(suite::material::record(1)).await.unwrap();
    ledger.revoke(suite::material::revocation(1)).await.unwrap();
    let shadow = "CREATE TEMP TABLE revocation (record bigint, authority bigint, position bigint); \
        SET search_path = pg_temp, espalier; \
        INSERT INTO espalier.certificate VALUES (1, decode(repeat('00', 32), 'hex'), '\\x00', 0)";
    let refusal = cluster::cluster().unwrap().psql_as("server", &database.name, shadow);
    let refusal = refusal.unwrap_err();
    assert!(refusal.contains("the record is revoked"), "{refusal}");
    suite::check_and_close(ledger).await;
}
