//! Leases: the only rows that change.

use super::Named;
use crate::rows::service::LeaseRow;
use crate::{Lease, Leasing, LedgerError, NewLease};

/// Takes the lease when it is free, ran out, or is the asker's own; `now!` is the time that counts.
/// One that runs out more than a minute later than the asker's would was given by a clock that was
/// ahead, and is free: those of other versions may be longer than the asker's, but not by that much.
const TAKE: &str = concat!(
    "INSERT INTO lease (name, holder, until, term) \
     SELECT $1, $2, n.at + $3, 1 FROM (SELECT ",
    now!("$4"),
    " AS at) n WHERE true \
     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, \
     term = CASE WHEN lease.holder = excluded.holder AND lease.until > excluded.until - $3 \
                 THEN lease.term ELSE lease.term + 1 END \
     WHERE lease.holder = excluded.holder OR lease.until <= excluded.until - $3 \
     OR lease.until > excluded.until + 60000000 \
     RETURNING name, holder, until, term"
);

pub(super) async fn take(
    transaction: &mut Named<'_>,
    new: NewLease,
) -> Result<Leasing, LedgerError> {
    // A day at most.
    let microseconds = i64::try_from(new.duration.as_micros()).unwrap_or(i64::MAX);
    let taken: Result<Option<LeaseRow>, _> = sqlx::query_as(TAKE)
        .bind(&new.name)
        .bind(&new.holder)
        .bind(microseconds)
        .bind(new.now.as_microsecond())
        .fetch_optional(transaction.sql())
        .await;
    if let Some(row) = transaction.check(taken)? {
        return Ok(Leasing::Granted(Lease::try_from(row)?));
    }
    let other = sqlx::query_as("SELECT name, holder, until, term FROM lease WHERE name = $1")
        .bind(&new.name)
        .fetch_one(transaction.sql())
        .await;
    let other: LeaseRow = transaction.check(other)?;
    Ok(Leasing::Taken(Lease::try_from(other)?))
}

/// Gives it back, unless somebody else has it by now.
pub(super) async fn end(transaction: &mut Named<'_>, lease: Lease) -> Result<(), LedgerError> {
    let ended =
        sqlx::query("UPDATE lease SET until = 0 WHERE name = $1 AND holder = $2 AND term = $3")
            .bind(&lease.name)
            .bind(&lease.holder)
            .bind(i64::try_from(lease.term).unwrap_or(i64::MAX))
            .execute(transaction.sql())
            .await;
    transaction.check(ended).map(drop)
}
