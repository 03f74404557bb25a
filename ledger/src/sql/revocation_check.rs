//! The rules for keys, revocations and CRLs, held against the rows: the triggers that hold them
//! may have been dropped.

use super::{Named, crl};
use crate::check::finding;
use crate::{Finding, FindingKind, LedgerError};

/// Most findings of one kind that are listed from here.
const MOST: i64 = 1_000;

/// A finding of a statement: authority, serial and message.
type Row = (Option<String>, Option<String>, String);

/// Each statement finds what breaks one rule.
const RULES: [(FindingKind, &str); 11] = [
    (
        FindingKind::PositionGap,
        "SELECT NULL, NULL, count(*) || ' audit events have the positions ' || min(position) \
         || ' to ' || max(position) FROM audit_event \
         HAVING min(position) <> 1 OR max(position) <> count(*) LIMIT $1",
    ),
    (
        FindingKind::PositionGap,
        "SELECT a.name, NULL, count(*) || ' revocations have the positions ' || min(v.position) \
         || ' to ' || max(v.position) \
         FROM revocation v LEFT JOIN authority a ON a.id = v.authority GROUP BY v.authority, a.name \
         HAVING min(v.position) <> 1 OR max(v.position) <> count(*) \
             OR count(DISTINCT v.position) <> count(*) LIMIT $1",
    ),
    (
        FindingKind::MisplacedRevocation,
        "SELECT a.name, lower(hex(r.serial)), 'the revocation counts under another authority' \
         FROM revocation v JOIN record r ON r.id = v.record \
         LEFT JOIN authority a ON a.id = r.authority WHERE v.authority <> r.authority LIMIT $1",
    ),
    (
        FindingKind::BlockedKeyInUse,
        "SELECT a.name, lower(hex(r.serial)), \
         'its key ' || lower(hex(b.digest)) || ' is blocked, and it is not revoked' \
         FROM blocked_key b JOIN record_key k ON k.digest = b.digest JOIN record r ON r.id = k.record \
         LEFT JOIN authority a ON a.id = r.authority LEFT JOIN revocation v ON v.record = r.id \
         WHERE v.record IS NULL LIMIT $1",
    ),
    (
        FindingKind::KeyReused,
        "SELECT a.name, lower(hex(r.serial)), 'its key ' || lower(hex(k.digest)) \
         || ' belongs to another key or holder, the one of serial ' || lower(hex(f.serial)) \
         FROM record_key k JOIN record r ON r.id = k.record \
         JOIN record f ON f.id = (SELECT min(record) FROM record_key WHERE digest = k.digest) \
         LEFT JOIN authority a ON a.id = r.authority LEFT JOIN revocation v ON v.record = r.id \
         WHERE f.id <> r.id AND v.record IS NULL \
           AND (f.key_digest <> r.key_digest OR f.for_authority <> r.for_authority \
                OR (k.digest <> r.key_digest AND f.component_digests <> r.component_digests)) \
         LIMIT $1",
    ),
    (
        FindingKind::KeyReused,
        "SELECT a.name, lower(hex(r.serial)), 'its key ' || lower(hex(k.digest)) \
         || ' is authority ' || o.name || '''s' \
         FROM authority_key k JOIN authority o ON o.id = k.authority \
         JOIN record_key p ON p.digest = k.digest JOIN record r ON r.id = p.record \
         LEFT JOIN authority a ON a.id = r.authority LEFT JOIN revocation v ON v.record = r.id \
         WHERE v.record IS NULL AND (r.key_digest <> o.key_digest OR NOT r.for_authority \
                OR (k.digest <> o.key_digest AND o.component_digests <> r.component_digests)) \
         LIMIT $1",
    ),
    (
        FindingKind::KeyReused,
        "SELECT a.name, lower(hex(r.serial)), 'its key was certified before, which it must not be' \
         FROM record r LEFT JOIN authority a ON a.id = r.authority \
         LEFT JOIN revocation v ON v.record = r.id \
         WHERE r.key_reuse = 0 AND v.record IS NULL AND EXISTS (\
               SELECT 1 FROM record_key k WHERE k.digest = r.key_digest AND k.record < r.id) LIMIT $1",
    ),
    (
        FindingKind::StaleIndex,
        "WITH wanted (digest, authority) AS ( \
           SELECT key_digest, id FROM authority \
           UNION SELECT substr(component_digests, 1 + 32 * n, 32), id FROM authority, \
             (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) part \
             WHERE 32 * n < length(component_digests)) \
         SELECT a.name, NULL, 'key ' || lower(hex(w.digest)) || ' without row in authority_key' \
         FROM (SELECT digest, authority FROM wanted EXCEPT \
               SELECT digest, authority FROM authority_key) w \
         LEFT JOIN authority a ON a.id = w.authority LIMIT $1",
    ),
    (
        FindingKind::CrlSeries,
        "SELECT a.name, NULL, 'CRL number ' || c.number || ', through revocation ' || c.through \
         || ', follows ' || coalesce(c.before, 0) || ', through ' || coalesce(c.through_before, 0) \
         FROM (SELECT authority, number, through, lag(number) OVER w AS before, \
                      lag(through) OVER w AS through_before \
               FROM crl WINDOW w AS (PARTITION BY authority ORDER BY id)) c \
         LEFT JOIN authority a ON a.id = c.authority \
         WHERE c.number <= c.before OR c.through < c.through_before \
            OR c.through > (SELECT coalesce(max(position), 0) FROM revocation \
                             WHERE authority = c.authority) LIMIT $1",
    ),
    (
        FindingKind::CrlSeries,
        "SELECT a.name, NULL, \
         'CRL number ' || c.number || ' is a delta to ' || c.base \
         || ', which is no stored complete list of its scope' \
         FROM crl c LEFT JOIN authority a ON a.id = c.authority \
         WHERE c.base IS NOT NULL AND NOT EXISTS (\
               SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id \
                WHERE b.authority = c.authority AND b.number = c.base AND b.base IS NULL \
                  AND b.through = c.since AND b.subjects = c.subjects AND b.places = c.places) \
         LIMIT $1",
    ),
    (
        FindingKind::CrlSeries,
        "SELECT a.name, NULL, \
         'CRL number ' || c.number || ' leaves out what stood on no stored complete list' \
         FROM crl c LEFT JOIN authority a ON a.id = c.authority \
         WHERE (c.base IS NULL AND c.since <> 0) OR (c.settled_through <> 0 \
           AND (c.base IS NOT NULL OR NOT EXISTS (\
               SELECT 1 FROM crl b JOIN crl_list l ON l.crl = b.id \
                WHERE b.authority = c.authority AND b.number < c.number AND b.base IS NULL \
                  AND b.subjects = c.subjects AND b.places = c.places \
                  AND b.through = c.settled_through AND b.this_update = c.settled_at))) LIMIT $1",
    ),
];

/// Everything that breaks a rule.
pub(super) async fn findings(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    for (kind, statement) in RULES {
        let rows = sqlx::query_as(statement).bind(MOST).fetch_all(transaction.sql()).await;
        let rows: Vec<Row> = transaction.check(rows)?;
        let describe =
            |(authority, serial, message)| Finding { authority, ..finding(kind, serial, message) };
        findings.extend(rows.into_iter().map(describe));
    }
    Ok(findings)
}

/// Counts the entries of the newest list of each series once more.
pub(super) async fn newest_lists(transaction: &mut Named<'_>) -> Result<Vec<Finding>, LedgerError> {
    let lists = sqlx::query_as(
        "SELECT a.name, c.number, l.entries FROM crl c \
         JOIN crl_list l ON l.crl = c.id JOIN authority a ON a.id = c.authority \
         WHERE c.number = (SELECT max(n.number) FROM crl n JOIN crl_list s ON s.crl = n.id \
                            WHERE n.authority = c.authority AND n.subjects = c.subjects \
                              AND n.places = c.places AND (n.base IS NULL) = (c.base IS NULL))",
    )
    .fetch_all(transaction.sql())
    .await;
    let lists: Vec<(String, i64, i64)> = transaction.check(lists)?;
    let mut findings = Vec::new();
    for (authority, number, entries) in lists {
        let (number, entries) = (number.unsigned_abs(), entries.unsigned_abs());
        let counted = crl::count(transaction, &authority, number).await?;
        if counted != entries {
            let message =
                format!("CRL number {number} has {entries} entries, the ledger {counted}");
            let incomplete = finding(FindingKind::CrlIncomplete, None, message);
            findings.push(Finding { authority: Some(authority), ..incomplete });
        }
    }
    Ok(findings)
}
