//! What the database can check, and whether the rules are still in it.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::{Named, PostgresStore, revocation_check};
use crate::check::finding;
use crate::{Finding, FindingKind, LedgerError};

/// What the migrations make, as [`OBJECTS`] tells it; a test holds it against a fresh ledger.
const EXPECTED: &str = include_str!("schema.txt");
const OBJECTS: &str = include_str!("schema.sql");

/// Every reference: table, column, and where it points.
const REFERENCES: [(&str, &str, &str, &str); 12] = [
    ("authority", "parent", "authority", "id"),
    ("authority_certificate", "authority", "authority", "id"),
    ("authority_key", "authority", "authority", "id"),
    ("record", "authority", "authority", "id"),
    ("record_name", "record", "record", "id"),
    ("record_key", "record", "record", "id"),
    ("certificate", "record", "record", "id"),
    ("revocation", "record", "record", "id"),
    ("revocation", "authority", "authority", "id"),
    ("crl", "authority", "authority", "id"),
    ("crl_list", "crl", "crl", "id"),
    ("token_revocation", "token", "token", "number"),
];

/// Everything that is wrong with the database. Each part has a transaction of its own: a failed
/// statement ends one.
pub(super) async fn findings(store: &PostgresStore) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    for part in 0.. {
        let mut transaction = store.reading("ledger.storage_findings").await?;
        // A large ledger takes its time.
        let unlimited = sqlx::raw_sql("SET LOCAL statement_timeout = 0");
        let unlimited = unlimited.execute(transaction.sql()).await;
        transaction.check(unlimited)?;
        let found = match part {
            0 => schema_differences(&mut transaction).await,
            1 => dangling_references(&mut transaction).await,
            2 => doubled_serials(&mut transaction).await,
            3 => stale_indexes(&mut transaction).await,
            4 => revocation_check::findings(&mut transaction).await,
            5 => revocation_check::newest_lists(&mut transaction).await,
            _ => break,
        };
        findings.extend(found.or_else(as_finding)?);
    }
    Ok(findings)
}

/// A part that can't be checked because the database is damaged or its tables are others: the rest
/// still can.
fn as_finding(error: LedgerError) -> Result<Vec<Finding>, LedgerError> {
    match &error {
        LedgerError::Corrupt { source, .. } | LedgerError::Database { source, .. } => {
            let message = format!("a part of the check failed: {source}");
            Ok(vec![finding(FindingKind::Storage, None, message)])
        }
        LedgerError::Inconsistent(row) => {
            Ok(vec![finding(FindingKind::ImpossibleRow, None, row.to_string())])
        }
        // A text that is no JSON, where the constraint is gone.
        LedgerError::Refused { message, .. } => {
            let message = format!("a part of the check failed: {message}");
            Ok(vec![finding(FindingKind::ImpossibleRow, None, message)])
        }
        _ => Err(error),
    }
}

async fn schema_differences(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let found = sqlx::query_scalar(OBJECTS).fetch_all(transaction.sql()).await;
    let found: Vec<String> = transaction.check(found)?;
    Ok(differences(EXPECTED, &found).into_iter().map(changed).collect())
}

fn changed(message: String) -> Finding {
    finding(FindingKind::SchemaChanged, None, message)
}

fn differences(expected: &str, found: &[String]) -> Vec<String> {
    let expected: BTreeSet<&str> = expected.lines().collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let name = |line: &str| line.split_once(": ").map_or(line, |(name, _)| name).to_owned();
    let names = |lines: &BTreeSet<&str>| lines.iter().map(|it| name(it)).collect::<BTreeSet<_>>();
    let (expected_names, found_names) = (names(&expected), names(&found));
    let lost = expected.difference(&found).map(|line| match found_names.contains(&name(line)) {
        true => format!("{} was changed", name(line)),
        false => format!("{} is missing", name(line)),
    });
    let foreign = found.iter().filter(|line| !expected_names.contains(&name(line)));
    lost.chain(foreign.map(|line| format!("{} is not Espalier's", name(line)))).collect()
}

async fn dangling_references(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    for (table, column, parent, key) in REFERENCES {
        // Every part of the statement is a name from the table above.
        let statement = format!(
            "SELECT count(*) FROM {table} t WHERE t.{column} IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE p.{key} = t.{column})"
        );
        let count = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(transaction.sql()).await;
        let count: i64 = transaction.check(count)?;
        if count > 0 {
            let message =
                format!("{count} rows of {table} point at rows of {parent} that are not there");
            findings.push(finding(FindingKind::DanglingReference, None, message));
        }
    }
    Ok(findings)
}

async fn doubled_serials(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    // Past the index that should make it impossible.
    let past = sqlx::raw_sql(
        "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; \
         SET LOCAL enable_bitmapscan = off",
    );
    let past = past.execute(transaction.sql()).await;
    transaction.check(past)?;
    let rows = sqlx::query_as(
        "SELECT lower(hex(serial)), count(*) FROM record GROUP BY serial HAVING count(*) > 1",
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
           SELECT n.value, r.id FROM record r, jsonb_array_elements_text(r.names::jsonb) n (value)), \
         wanted_key (digest, record) AS ( \
           SELECT key_digest, id FROM record \
           UNION SELECT substr(component_digests, 1 + 32 * n, 32), id \
             FROM record, generate_series(0, 3) n WHERE 32 * n < length(component_digests)), \
         stale (what, record) AS ( \
           SELECT 'name without row in record_name', record FROM \
             (SELECT name, record FROM wanted_name EXCEPT SELECT name, record FROM record_name) a \
           UNION SELECT 'row in record_name without name', record FROM \
             (SELECT name, record FROM record_name EXCEPT SELECT name, record FROM wanted_name) b \
           UNION SELECT 'key without row in record_key', record FROM \
             (SELECT digest, record FROM wanted_key EXCEPT SELECT digest, record FROM record_key) c \
           UNION SELECT 'row in record_key without key', record FROM \
             (SELECT digest, record FROM record_key EXCEPT SELECT digest, record FROM wanted_key) d) \
         SELECT s.what, lower(hex(r.serial)) FROM stale s LEFT JOIN record r ON r.id = s.record",
    )
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<(String, Option<String>)> = transaction.check(rows)?;
    let describe = |(what, serial)| finding(FindingKind::StaleIndex, serial, what);
    Ok(rows.into_iter().map(describe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_changed_or_foreign_is_told_once() {
        let expected = "table a: x\ntrigger b of a: y\nindex c: z\n";
        let found = ["table a: x", "trigger b of a: y DISABLED", "function evil(): 1"];
        let told = differences(expected, &found.map(str::to_owned));
        let wanted = [
            "index c is missing",
            "trigger b of a was changed",
            "function evil() is not Espalier's",
        ];
        assert_eq!(told, wanted);
    }
}
