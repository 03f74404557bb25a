//! What SQLite itself can check, and whether the rules are still in the file.

use std::collections::BTreeMap;

use super::{Named, revocation_check};
use crate::check::finding;
use crate::{Finding, FindingKind, LedgerError};

/// Tables, indexes and triggers: kind and name, with the SQL that made them.
pub(super) type Schema = BTreeMap<(String, String), String>;

/// The schema, but for what SQLite and the migrations keep for themselves.
pub(super) async fn schema(transaction: &mut Named<'_>) -> Result<Schema, LedgerError> {
    let rows: Result<Vec<(String, String, String)>, _> = sqlx::query_as(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_schema \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(transaction.sql())
    .await;
    let rows = transaction.check(rows)?.into_iter();
    Ok(rows.map(|(kind, name, sql)| ((kind, name), sql)).collect())
}

/// Everything that is wrong with the file. `expected` is the schema that the migrations make.
pub(super) async fn findings(
    transaction: &mut Named<'_>,
    expected: &Schema,
) -> Result<Vec<Finding>, LedgerError> {
    let parts = [
        integrity(transaction).await,
        dangling_references(transaction).await,
        schema(transaction).await.map(|found| schema_differences(expected, &found)),
        doubled_serials(transaction).await,
        stale_indexes(transaction).await,
        revocation_check::findings(transaction).await,
        revocation_check::newest_lists(transaction).await,
    ];
    let mut findings = Vec::new();
    for part in parts {
        findings.extend(part.or_else(as_finding)?);
    }
    Ok(findings)
}

/// A part that can't be checked because the file is damaged or its tables are others: the rest
/// still can.
fn as_finding(error: LedgerError) -> Result<Vec<Finding>, LedgerError> {
    match &error {
        LedgerError::Corrupt { source, .. } | LedgerError::Database { source, .. } => {
            let message = format!("a part of the check failed: {source}");
            Ok(vec![finding(FindingKind::Storage, None, message)])
        }
        _ => Err(error),
    }
}

async fn integrity(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let lines = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(transaction.sql()).await;
    let lines: Vec<String> = transaction.check(lines)?;
    let damage = lines.into_iter().filter(|line| line != "ok");
    Ok(damage.map(|line| finding(FindingKind::Storage, None, line)).collect())
}

async fn dangling_references(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let rows = sqlx::query_as("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check")
        .fetch_all(transaction.sql())
        .await;
    let rows: Vec<(String, Option<i64>, String)> = transaction.check(rows)?;
    let describe = |(table, id, parent): (String, Option<i64>, String)| {
        let id = id.map_or_else(String::new, |id| format!(" {id}"));
        let message = format!("row{id} of {table} points at a row of {parent} that is not there");
        finding(FindingKind::DanglingReference, None, message)
    };
    Ok(rows.into_iter().map(describe).collect())
}

fn schema_differences(expected: &Schema, found: &Schema) -> Vec<Finding> {
    let mut differences = Vec::new();
    for ((kind, name), sql) in expected {
        match found.get(&(kind.clone(), name.clone())) {
            Some(other) if other == sql => {}
            Some(_) => differences.push(format!("{kind} {name} was changed")),
            None => differences.push(format!("{kind} {name} is missing")),
        }
    }
    let unknown = found.keys().filter(|key| !expected.contains_key(*key));
    differences.extend(unknown.map(|(kind, name)| format!("{kind} {name} is not Espalier's")));
    let found = differences.into_iter();
    found.map(|message| finding(FindingKind::SchemaChanged, None, message)).collect()
}

async fn doubled_serials(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let rows = sqlx::query_as(
        "SELECT lower(hex(serial)), count(*) FROM record NOT INDEXED \
         GROUP BY serial HAVING count(*) > 1",
    )
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<(String, i64)> = transaction.check(rows)?;
    let describe = |(serial, count): (String, i64)| {
        let message = format!("{count} records have this serial; allowed is one");
        finding(FindingKind::DoubledSerial, Some(serial), message)
    };
    Ok(rows.into_iter().map(describe).collect())
}

/// Compares the tables to find records by with the records.
async fn stale_indexes(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let rows = sqlx::query_as(
        "WITH wanted_name (name, record) AS ( \
           SELECT j.value, r.id FROM record r, \
             json_each(CASE WHEN json_valid(r.names) THEN r.names ELSE '[]' END) j), \
         wanted_key (digest, record) AS ( \
           SELECT key_digest, id FROM record \
           UNION SELECT substr(component_digests, 1 + 32 * n, 32), id FROM record, \
             (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) \
             WHERE 32 * n < length(component_digests)), \
         stale (what, record) AS ( \
           SELECT 'name without row in record_name', record FROM \
             (SELECT name, record FROM wanted_name EXCEPT SELECT name, record FROM record_name) \
           UNION SELECT 'row in record_name without name', record FROM \
             (SELECT name, record FROM record_name EXCEPT SELECT name, record FROM wanted_name) \
           UNION SELECT 'key without row in record_key', record FROM \
             (SELECT digest, record FROM wanted_key EXCEPT SELECT digest, record FROM record_key) \
           UNION SELECT 'row in record_key without key', record FROM \
             (SELECT digest, record FROM record_key EXCEPT SELECT digest, record FROM wanted_key)) \
         SELECT s.what, lower(hex(r.serial)) FROM stale s LEFT JOIN record r ON r.id = s.record",
    )
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<(String, Option<String>)> = transaction.check(rows)?;
    let describe = |(what, serial)| finding(FindingKind::StaleIndex, serial, what);
    Ok(rows.into_iter().map(describe).collect())
}
