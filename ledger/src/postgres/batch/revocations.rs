//! Revoking single records.

use std::collections::{HashMap, HashSet};

use super::{Results, certificates::entries};
use crate::postgres::transaction::Named;
use crate::{LedgerError, NewRevocation, Revocation, Revoking};

pub(super) async fn revoke(
    transaction: &mut Named<'_>,
    new: &[NewRevocation],
) -> Result<Results<Revocation>, LedgerError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let found = entries(transaction, new.iter().map(|new| new.serial)).await?;
    let mut first: HashMap<i64, &Revoking> = HashMap::new();
    let mut verdicts = Vec::with_capacity(new.len());
    let mut rows = Vec::new();
    for NewRevocation { serial, only_orphan, revocation } in new {
        let serial = *serial;
        verdicts.push(match found.get(&serial) {
            None => Err(LedgerError::UnknownSerial { serial }),
            Some((_, entry)) if entry.revocation.is_some() => {
                let earlier = entry.revocation.as_ref().map(|it| it.revoked_at);
                let revoked_at = earlier.unwrap_or(revocation.revoked_at);
                Err(LedgerError::AlreadyRevoked { serial, revoked_at })
            }
            Some((_, entry)) if *only_orphan && entry.certificate.is_some() => {
                Err(LedgerError::HasCertificate { serial })
            }
            Some((id, _)) => match first.get(id) {
                // Two of a batch want the same: the first one wins.
                Some(earlier) => {
                    let revoked_at = earlier.revoked_at;
                    Err(LedgerError::AlreadyRevoked { serial, revoked_at })
                }
                None => {
                    first.insert(*id, revocation);
                    rows.push((*id, revocation));
                    Ok((*id, revocation))
                }
            },
        });
    }
    let positions = insert(transaction, &rows).await?;
    let answer = |(id, said): (i64, &Revoking)| {
        let Revoking { reason, invalidity_date, revoked_at, revoked_by } = said.clone();
        let position = positions.get(&id).copied().unwrap_or_default();
        Revocation { reason, invalidity_date, revoked_at, revoked_by, position }
    };
    debug_assert_eq!(positions.keys().collect::<HashSet<_>>().len(), rows.len());
    Ok(verdicts.into_iter().map(|verdict| verdict.map(answer)).collect())
}

/// Inserts behind the last position of each authority, and answers the position of each record.
async fn insert(
    transaction: &mut Named<'_>,
    rows: &[(i64, &Revoking)],
) -> Result<HashMap<i64, u64>, LedgerError> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let column = |value: fn(&Revoking) -> i64| -> Vec<i64> {
        rows.iter().map(|(_, said)| value(said)).collect()
    };
    let dates: Vec<Option<i64>> =
        rows.iter().map(|(_, said)| said.invalidity_date.map(|date| date.as_second())).collect();
    let inserted = sqlx::query_as(
        "INSERT INTO revocation (record, authority, position, reason, invalidity_date, \
         revoked_at, revoked_by) \
         SELECT r.id, r.authority, \
         coalesce((SELECT max(v.position) FROM revocation v WHERE v.authority = r.authority), 0) \
         + row_number() OVER (PARTITION BY r.authority ORDER BY w.place), \
         w.reason, w.invalidity_date, w.revoked_at, w.revoked_by \
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) \
         WITH ORDINALITY w (record, reason, invalidity_date, revoked_at, revoked_by, place) \
         JOIN record r ON r.id = w.record RETURNING record, position",
    )
    .bind(rows.iter().map(|(id, _)| *id).collect::<Vec<_>>())
    .bind(column(|said| i64::from(said.reason.code())))
    .bind(dates)
    .bind(column(|said| said.revoked_at.as_microsecond()))
    .bind(rows.iter().map(|(_, said)| said.revoked_by.as_str()).collect::<Vec<_>>())
    .fetch_all(transaction.sql())
    .await;
    let positions: Vec<(i64, i64)> = transaction.check(inserted)?;
    // The schema allows positions above zero only.
    Ok(positions.into_iter().map(|(id, position)| (id, position.unsigned_abs())).collect())
}
