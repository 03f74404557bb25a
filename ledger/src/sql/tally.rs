//! Counting a little at a time.

use sqlx::QueryBuilder;

use super::{Db, Named};
use crate::{LedgerError, Tally};

/// Most ids in one statement.
const IDS: usize = 1_000;

/// Looks again at the orphans that are known, then at records that were not looked at.
pub(super) async fn tally(
    transaction: &mut Named<'_>,
    mut known: Tally,
) -> Result<Tally, LedgerError> {
    let ids: Vec<i64> = std::mem::take(&mut known.orphans).into_iter().collect();
    for part in ids.chunks(IDS) {
        known.orphans.extend(still_orphans(transaction, part).await?);
    }
    // Positions have no gaps, so the last one is the number of records. One look into an index for
    // each authority.
    let records = sqlx::query_scalar(
        "SELECT CAST(coalesce(sum((SELECT max(r.position) FROM record r WHERE r.authority = a.id)), 0) \
         AS bigint) FROM authority a",
    )
    .fetch_one(transaction.sql())
    .await;
    known.records = transaction.check::<i64>(records)?.unsigned_abs();
    let next: Result<(i64, Option<i64>), _> = sqlx::query_as(
        "SELECT count(*), max(id) \
         FROM (SELECT id FROM record WHERE id > $1 ORDER BY id LIMIT $2) n",
    )
    .bind(known.through)
    .bind(i64::try_from(known.next_look()).unwrap_or(0))
    .fetch_one(transaction.sql())
    .await;
    let (number, through) = transaction.check(next)?;
    if let Some(through) = through {
        known.orphans.extend(orphans_between(transaction, known.through, through).await?);
        known.through = through;
        known.looked_at += number.unsigned_abs();
    }
    Ok(known)
}

async fn still_orphans(transaction: &mut Named<'_>, ids: &[i64]) -> Result<Vec<i64>, LedgerError> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT r.id FROM record r \
         WHERE NOT EXISTS (SELECT 1 FROM certificate c WHERE c.record = r.id) \
           AND NOT EXISTS (SELECT 1 FROM revocation v WHERE v.record = r.id) AND r.id IN (",
    );
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
    let rows = query.build_query_scalar().fetch_all(transaction.sql()).await;
    transaction.check(rows)
}

async fn orphans_between(
    transaction: &mut Named<'_>,
    after: i64,
    through: i64,
) -> Result<Vec<i64>, LedgerError> {
    // The certificates are bounded as well, so that a plan which reads them all is none.
    let rows = sqlx::query_scalar(
        "SELECT r.id FROM record r \
         LEFT JOIN certificate c ON c.record = r.id AND c.record > $1 AND c.record <= $2 \
         LEFT JOIN revocation v ON v.record = r.id AND v.record > $1 AND v.record <= $2 \
         WHERE r.id > $1 AND r.id <= $2 AND c.record IS NULL AND v.record IS NULL",
    )
    .bind(after)
    .bind(through)
    .fetch_all(transaction.sql())
    .await;
    transaction.check(rows)
}
