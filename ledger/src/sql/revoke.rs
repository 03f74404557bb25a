//! Writing many revocations: of all that have a key, of all that an authority issued.

use ca_core::fingerprint::Fingerprint;

use super::{Named, authority::authority_id};
use crate::queue::{RevocationStep, StepDone};
use crate::rows::revocation::BlockedKeyRow;
use crate::{BlockedKey, KeyBlock, LedgerError, NewKeyBlock, Revoking};

/// Records that one step looks at: bounds how long it holds the write lock, and others up.
const STEP: i64 = 2_000;

/// Revokes the records that fulfil the condition and are not revoked, in the order of their
/// authorities' positions. What is said of them is bound to $1 to $4.
macro_rules! revoke_where {
    ($condition:literal) => {
        concat!(
            "INSERT INTO revocation (record, authority, position, reason, invalidity_date, \
             revoked_at, revoked_by) \
             SELECT r.id, r.authority, \
             coalesce((SELECT max(v.position) FROM revocation v WHERE v.authority = r.authority), 0) \
             + row_number() OVER (PARTITION BY r.authority ORDER BY r.position), $1, $2, $3, $4 \
             FROM record r \
             WHERE NOT EXISTS (SELECT 1 FROM revocation v WHERE v.record = r.id) AND ",
            $condition,
            " ORDER BY r.authority, r.position RETURNING position"
        )
    };
}

/// A statement of [`revoke_where`] with what it says of the records.
macro_rules! revoking {
    ($said:expr, $condition:literal) => {
        sqlx::query_scalar(revoke_where!($condition))
            .bind(i64::from($said.reason.code()))
            .bind($said.invalidity_date.map(|date| date.as_second()))
            .bind($said.revoked_at.as_microsecond())
            .bind(&$said.revoked_by)
    };
}

pub(super) async fn block_keys(
    transaction: &mut Named<'_>,
    new: NewKeyBlock,
) -> Result<KeyBlock, LedgerError> {
    let said = &new.revocation;
    let mut done = KeyBlock { keys: Vec::new(), blocked: 0, revoked: 0 };
    for digest in new.digests {
        let key = match blocked_key(transaction, digest).await? {
            Some(earlier) => earlier,
            None => {
                done.blocked += 1;
                block(transaction, digest, said).await?
            }
        };
        done.keys.push(key);
        let revoked: Result<Vec<i64>, _> =
            revoking!(said, "r.id IN (SELECT record FROM record_key WHERE digest = $5)")
                .bind(digest.as_bytes().to_vec())
                .fetch_all(transaction.sql())
                .await;
        done.revoked += transaction.check(revoked)?.len() as u64;
    }
    Ok(done)
}

/// The block of a key, if it is blocked.
pub(super) async fn blocked_key(
    transaction: &mut Named<'_>,
    digest: Fingerprint,
) -> Result<Option<BlockedKey>, LedgerError> {
    let row: Result<Option<BlockedKeyRow>, _> = sqlx::query_as(
        "SELECT digest, reason, blocked_at, blocked_by FROM blocked_key WHERE digest = $1",
    )
    .bind(digest.as_bytes().to_vec())
    .fetch_optional(transaction.sql())
    .await;
    Ok(transaction.check(row)?.map(BlockedKey::try_from).transpose()?)
}

async fn block(
    transaction: &mut Named<'_>,
    digest: Fingerprint,
    said: &Revoking,
) -> Result<BlockedKey, LedgerError> {
    let inserted = sqlx::query(
        "INSERT INTO blocked_key (digest, reason, blocked_at, blocked_by) VALUES ($1, $2, $3, $4)",
    )
    .bind(digest.as_bytes().to_vec())
    .bind(i64::from(said.reason.code()))
    .bind(said.revoked_at.as_microsecond())
    .bind(&said.revoked_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    let (reason, blocked_at) = (said.reason, said.revoked_at);
    Ok(BlockedKey { digest, reason, blocked_at, blocked_by: said.revoked_by.clone() })
}

/// Revokes what is unexpired among the next records of an authority. The last step ends at the
/// record that is the latest while it holds the write lock.
pub(super) async fn revoke_authority(
    transaction: &mut Named<'_>,
    step: RevocationStep,
) -> Result<StepDone, LedgerError> {
    let said = &step.new.revocation;
    let authority = authority_id(transaction, &step.new.authority).await?;
    let last =
        sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM record WHERE authority = $1")
            .bind(authority)
            .fetch_one(transaction.sql())
            .await;
    let last: i64 = transaction.check(last)?;
    let after = i64::try_from(step.after).unwrap_or(i64::MAX);
    let end = after.saturating_add(STEP).min(last);
    let revoked: Result<Vec<i64>, _> = revoking!(
        said,
        "r.authority = $5 AND r.position > $6 AND r.position <= $7 AND r.not_after >= $8"
    )
    .bind(authority)
    .bind(after)
    .bind(end)
    .bind(said.revoked_at.as_second())
    .fetch_all(transaction.sql())
    .await;
    let revoked = transaction.check(revoked)?.len() as u64;
    Ok(StepDone { revoked, next: (end < last).then_some(end.unsigned_abs()) })
}
