//! Reading.

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{Db, Named};
use crate::rows::{AuthorityCertificateRow, AuthorityRow, EntryRow, select_entry};
use crate::{
    Authority, Counts, Cursor, Entry, Filter, Found, Idempotency, LedgerError, Order, Page,
    Scanned, Status, Visible,
};

/// Every authority, or the one of this name.
pub(super) async fn authorities(
    transaction: &mut Named<'_>,
    name: Option<&str>,
) -> Result<Vec<Authority>, LedgerError> {
    let rows: Result<Vec<AuthorityRow>, _> = sqlx::query_as(
        "SELECT a.id, a.name, a.algorithm, a.key_digest, a.component_digests, p.name AS parent, \
         a.created_at \
         FROM authority a LEFT JOIN authority p ON p.id = a.parent \
         WHERE CAST($1 AS text) IS NULL OR a.name = $1 ORDER BY a.id",
    )
    .bind(name)
    .fetch_all(transaction.sql())
    .await;
    let mut authorities = Vec::new();
    for row in transaction.check(rows)? {
        let certificates: Result<Vec<AuthorityCertificateRow>, _> = sqlx::query_as(
            "SELECT id, fingerprint, certificate, added_at FROM authority_certificate \
             WHERE authority = $1 ORDER BY id",
        )
        .bind(row.id)
        .fetch_all(transaction.sql())
        .await;
        authorities.push(row.with_certificates(transaction.check(certificates)?)?);
    }
    Ok(authorities)
}

/// The entry of a serial number, with the record's row id.
pub(super) async fn entry_by_serial(
    transaction: &mut Named<'_>,
    serial: SerialNumber,
) -> Result<Option<(i64, Entry)>, LedgerError> {
    let row: Result<Option<EntryRow>, _> = sqlx::query_as(select_entry!("WHERE r.serial = $1"))
        .bind(serial.as_bytes().to_vec())
        .fetch_optional(transaction.sql())
        .await;
    let Some(row) = transaction.check(row)? else { return Ok(None) };
    Ok(Some((row.id, Entry::try_from(row)?)))
}

/// The entry whose certificate has this fingerprint.
pub(super) async fn entry_by_fingerprint(
    transaction: &mut Named<'_>,
    fingerprint: Fingerprint,
) -> Result<Option<Entry>, LedgerError> {
    let row: Result<Option<EntryRow>, _> =
        sqlx::query_as(select_entry!("WHERE c.fingerprint = $1"))
            .bind(fingerprint.as_bytes().to_vec())
            .fetch_optional(transaction.sql())
            .await;
    Ok(transaction.check(row)?.map(Entry::try_from).transpose()?)
}

/// The entry that a requester made with an idempotency key.
pub(super) async fn entry_by_idempotency(
    transaction: &mut Named<'_>,
    requester: &str,
    key: &str,
) -> Result<Option<Entry>, LedgerError> {
    let row: Result<Option<EntryRow>, _> = sqlx::query_as(by_idempotency_key!())
        .bind(requester)
        .bind(key)
        .fetch_optional(transaction.sql())
        .await;
    Ok(transaction.check(row)?.map(Entry::try_from).transpose()?)
}

/// The entry that the requester made with the same idempotency key and body.
pub(super) async fn earlier(
    transaction: &mut Named<'_>,
    requester: &str,
    idempotency: &Idempotency,
) -> Result<Option<Entry>, LedgerError> {
    let found = entry_by_idempotency(transaction, requester, &idempotency.key).await?;
    found.map(|entry| entry.repeated(requester, idempotency).map(|entry| *entry)).transpose()
}

/// Rows of an authority behind a position.
pub(super) async fn entries(
    transaction: &mut Named<'_>,
    authority: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Scanned>, LedgerError> {
    let rows: Result<Vec<EntryRow>, _> = sqlx::query_as(select_entry!(
        "WHERE r.authority = (SELECT id FROM authority WHERE name = $1) AND r.position > $2 \
         ORDER BY r.position LIMIT $3"
    ))
    .bind(authority)
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(i64::from(limit))
    .fetch_all(transaction.sql())
    .await;
    let rows = transaction.check(rows)?.into_iter();
    // Positions are above `after`, so never negative.
    let scanned = |row: EntryRow| Scanned {
        position: row.position.unsigned_abs(),
        entry: Entry::try_from(row),
    };
    Ok(rows.map(scanned).collect())
}

/// One page of a search.
pub(super) async fn search(
    transaction: &mut Named<'_>,
    filter: &Filter,
    page: Page,
) -> Result<Found, LedgerError> {
    let mut query = QueryBuilder::<Db>::new(select_entry!("WHERE r.id "));
    match page.order {
        Order::OldestFirst => query.push("> ").push_bind(page.after.map_or(0, |cursor| cursor.0)),
        Order::NewestFirst => {
            query.push("< ").push_bind(page.after.map_or(i64::MAX, |cursor| cursor.0))
        }
    };
    push_filter(&mut query, filter);
    query.push(match page.order {
        Order::OldestFirst => " ORDER BY r.id LIMIT ",
        Order::NewestFirst => " ORDER BY r.id DESC LIMIT ",
    });
    // One more than asked for tells whether there is a next page.
    query.push_bind(i64::from(page.limit) + 1);
    let rows = query.build_query_as().fetch_all(transaction.sql()).await;
    let mut rows: Vec<EntryRow> = transaction.check(rows)?;
    let asked = page.limit as usize;
    let more = rows.len() > asked;
    rows.truncate(asked);
    let next = rows.last().filter(|_| more).map(|row| Cursor(row.id));
    let entries = rows.into_iter().map(Entry::try_from).collect::<Result<_, _>>()?;
    Ok(Found { entries, next })
}

/// Adds what narrows the search. Values are always bound, never text of the statement.
fn push_filter(query: &mut QueryBuilder<Db>, filter: &Filter) {
    let texts = [
        (" AND a.name = ", &filter.authority),
        (" AND r.profile = ", &filter.profile),
        (" AND r.requester = ", &filter.requester),
        (" AND r.algorithm = ", &filter.algorithm),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    if let Some(name) = &filter.name {
        query.push(" AND r.id IN (SELECT record FROM record_name WHERE name = ");
        query.push_bind(name.clone()).push(")");
    }
    if let Some(key) = &filter.key {
        query.push(" AND r.id IN (SELECT record FROM record_key WHERE digest = ");
        query.push_bind(key.as_bytes().to_vec()).push(")");
    }
    match filter.status {
        Some(Status::Stored) => {
            query.push(" AND c.record IS NOT NULL AND v.record IS NULL");
        }
        Some(Status::Orphan) => {
            query.push(" AND c.record IS NULL AND v.record IS NULL");
        }
        Some(Status::Revoked) => {
            query.push(" AND v.record IS NOT NULL");
        }
        None => {}
    }
    if let Some(time) = filter.expires_before {
        query.push(" AND r.not_after < ").push_bind(next_whole_second(time));
    }
    if let Some(time) = filter.expires_after {
        query.push(" AND r.not_after >= ").push_bind(next_whole_second(time));
    }
    if let Some(time) = filter.recorded_before {
        query.push(" AND r.recorded_at < ").push_bind(time.as_microsecond());
    }
    if let Some(visible) = &filter.visible {
        push_visible(query, visible);
    }
}

/// Adds what somebody may see; without any reach and requester that is nothing.
fn push_visible(query: &mut QueryBuilder<Db>, visible: &Visible) {
    query.push(" AND (1 = 0");
    if let Some(requester) = &visible.requester {
        query.push(" OR r.requester = ").push_bind(requester.clone());
    }
    for reach in &visible.reaches {
        query.push(" OR (1 = 1");
        for (column, names) in
            [(" AND a.name IN (", &reach.authorities), (" AND r.profile IN (", &reach.profiles)]
        {
            let Some(names) = names else { continue };
            query.push(column);
            let mut list = query.separated(", ");
            // No name is empty, and a list must not be.
            for name in names.iter().cloned().chain([String::new()]) {
                list.push_bind(name);
            }
            query.push(")");
        }
        query.push(")");
    }
    query.push(")");
}

/// The first whole second that is not before `time`: whole seconds lie before `time` exactly when
/// they lie before this one.
fn next_whole_second(time: Timestamp) -> i64 {
    let second = time.as_second();
    if time.subsec_nanosecond() > 0 { second + 1 } else { second }
}

/// How much is in the ledger.
pub(super) async fn counts(transaction: &mut Named<'_>) -> Result<Counts, LedgerError> {
    let row: Result<(i64, i64, i64, i64, i64), _> = sqlx::query_as(
        "SELECT (SELECT count(*) FROM authority), (SELECT count(*) FROM record), \
         (SELECT count(*) FROM certificate), (SELECT count(*) FROM revocation), \
         (SELECT count(*) FROM record r \
          WHERE NOT EXISTS (SELECT 1 FROM certificate c WHERE c.record = r.id) \
            AND NOT EXISTS (SELECT 1 FROM revocation v WHERE v.record = r.id))",
    )
    .fetch_one(transaction.sql())
    .await;
    let (authorities, records, certificates, revocations, orphans) = transaction.check(row)?;
    Ok(Counts {
        authorities: authorities.unsigned_abs(),
        records: records.unsigned_abs(),
        certificates: certificates.unsigned_abs(),
        revocations: revocations.unsigned_abs(),
        orphans: orphans.unsigned_abs(),
    })
}
