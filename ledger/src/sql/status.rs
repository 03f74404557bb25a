//! What is revoked and what is not: answers for OCSP, and blocked keys.

use std::collections::HashMap;

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;
use sqlx::QueryBuilder;

use super::{Db, Named};
use crate::rows::revocation::{BlockedKeyRow, StatusRow};
use crate::{BlockedKey, LedgerError, SerialStatus, Unexpired};

const SELECT_STATUS: &str = "SELECT r.id, r.position, r.serial, r.not_after, \
     c.record IS NOT NULL AS stored, v.reason, v.revoked_at, v.invalidity_date \
     FROM record r LEFT JOIN certificate c ON c.record = r.id \
     LEFT JOIN revocation v ON v.record = r.id \
     WHERE r.authority = (SELECT id FROM authority WHERE name = ";

/// The status of each serial number, in the order of the request.
pub(super) async fn statuses(
    transaction: &mut Named<'_>,
    authority: &str,
    serials: &[SerialNumber],
) -> Result<Vec<SerialStatus>, LedgerError> {
    let mut query = QueryBuilder::<Db>::new(SELECT_STATUS);
    query.push_bind(authority.to_owned()).push(") AND r.serial IN (");
    let mut list = query.separated(", ");
    for serial in serials {
        list.push_bind(serial.as_bytes().to_vec());
    }
    query.push(")");
    let rows = query.build_query_as().fetch_all(transaction.sql()).await;
    let rows: Vec<StatusRow> = transaction.check(rows)?;
    let found =
        rows.into_iter().map(|row| Unexpired::try_from(row).map(|it| (it.serial, it.status)));
    let found = found.collect::<Result<HashMap<_, _>, _>>()?;
    let status = |serial| found.get(serial).cloned().unwrap_or(SerialStatus::Unknown);
    Ok(serials.iter().map(status).collect())
}

/// Rows of an authority behind a position that are not expired, and issued or revoked.
pub(super) async fn unexpired(
    transaction: &mut Named<'_>,
    authority: &str,
    at: Timestamp,
    after: u64,
    limit: u32,
) -> Result<Vec<Unexpired>, LedgerError> {
    let mut query = QueryBuilder::<Db>::new(SELECT_STATUS);
    query.push_bind(authority.to_owned()).push(") AND r.position > ");
    query.push_bind(i64::try_from(after).unwrap_or(i64::MAX));
    query.push(" AND r.not_after >= ").push_bind(at.as_second());
    query.push(" AND (c.record IS NOT NULL OR v.record IS NOT NULL) ORDER BY r.position LIMIT ");
    query.push_bind(i64::from(limit));
    let rows = query.build_query_as().fetch_all(transaction.sql()).await;
    let rows: Vec<StatusRow> = transaction.check(rows)?;
    Ok(rows.into_iter().map(Unexpired::try_from).collect::<Result<_, _>>()?)
}

/// Blocked keys behind a digest.
pub(super) async fn blocked_keys(
    transaction: &mut Named<'_>,
    after: Option<Fingerprint>,
    limit: u32,
) -> Result<Vec<BlockedKey>, LedgerError> {
    let rows = sqlx::query_as(
        "SELECT digest, reason, blocked_at, blocked_by FROM blocked_key WHERE digest > $1 \
         ORDER BY digest LIMIT $2",
    )
    .bind(after.map_or(Vec::new(), |digest| digest.as_bytes().to_vec()))
    .bind(i64::from(limit))
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<BlockedKeyRow> = transaction.check(rows)?;
    Ok(rows.into_iter().map(BlockedKey::try_from).collect::<Result<_, _>>()?)
}
