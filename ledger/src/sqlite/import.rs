//! Import into a file, where no row has a long way to go: one after the other.

use ca_core::fingerprint::Fingerprint;

use super::{Named, authority::authority_id, transfer};
use crate::LedgerError;
use crate::transfer::{
    Base64, ExportRow, ExportedBlock, ExportedCertificate, ExportedCrl, ExportedEvent,
    ExportedRecord, ExportedRevocation, ExportedToken, refused_row,
};

/// Adds rows in the order of an export. The first ones are refused unless the ledger is empty.
pub(super) async fn import(
    transaction: &mut Named<'_>,
    rows: Vec<ExportRow>,
    is_first: bool,
) -> Result<(), LedgerError> {
    if is_first {
        transfer::expect_empty(transaction).await?;
    }
    for row in rows {
        match row {
            ExportRow::Authority(row) => transfer::add_authority(transaction, row).await?,
            ExportRow::Record(row) => {
                let serial = row.serial.clone();
                add_record(transaction, *row).await.map_err(|error| match error {
                    LedgerError::Refused { message, .. } => {
                        refused_row("a record", &serial, &message)
                    }
                    error => error,
                })?;
            }
            ExportRow::Revocation(row) => add_revocation(transaction, row).await?,
            ExportRow::Crl(row) => add_crl(transaction, row).await?,
            ExportRow::BlockedKey(row) => add_blocked_key(transaction, row).await?,
            ExportRow::AuditEvent(row) => add_event(transaction, row).await?,
            ExportRow::Token(row) => add_token(transaction, row).await?,
            ExportRow::Header(_) | ExportRow::End(_) => {}
        }
    }
    Ok(())
}

async fn add_record(transaction: &mut Named<'_>, row: ExportedRecord) -> Result<(), LedgerError> {
    let authority = authority_id(transaction, &row.authority).await?;
    let id = sqlx::query_scalar(
        "INSERT INTO record (id, authority, position, serial, profile, requester, \
         idempotency_key, body_digest, tbs_digest, subject, names, algorithm, key_digest, \
         component_digests, for_authority, key_reuse, crl_places, not_before, not_after, \
         recorded_at) \
         SELECT (SELECT coalesce(max(id), 0) + 1 FROM record), $1, $2, $3, $4, $5, $6, $7, $8, $9, \
         $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 RETURNING id",
    )
    .bind(authority)
    .bind(row.position)
    .bind(row.serial.0)
    .bind(row.profile)
    .bind(row.requester)
    .bind(row.idempotency_key)
    .bind(row.body_digest.map(|digest| digest.0))
    .bind(row.tbs_digest.0)
    .bind(row.subject)
    .bind(row.names)
    .bind(row.algorithm)
    .bind(row.key_digest.0)
    .bind(row.component_digests.0)
    .bind(row.for_authority)
    .bind(row.key_reuse)
    .bind(row.crl_places)
    .bind(row.not_before_s)
    .bind(row.not_after_s)
    .bind(row.recorded_at_us)
    .fetch_one(transaction.sql())
    .await;
    let id: i64 = transaction.check(id)?;
    let Some(ExportedCertificate { der: Base64(der), stored_at_us }) = row.certificate else {
        return Ok(());
    };
    let inserted = sqlx::query(
        "INSERT INTO certificate (record, fingerprint, certificate, stored_at) \
         VALUES ($1, $2, $3, $4)",
    )
    .bind(id)
    .bind(Fingerprint::of(&der).as_bytes().to_vec())
    .bind(der)
    .bind(stored_at_us)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}

async fn add_revocation(
    transaction: &mut Named<'_>,
    row: ExportedRevocation,
) -> Result<(), LedgerError> {
    let inserted = sqlx::query_scalar(
        "INSERT INTO revocation (record, authority, position, reason, invalidity_date, \
         revoked_at, revoked_by) \
         SELECT id, authority, $1, $2, $3, $4, $5 FROM record WHERE serial = $6 RETURNING record",
    )
    .bind(row.position)
    .bind(row.reason)
    .bind(row.invalidity_date_s)
    .bind(row.revoked_at_us)
    .bind(row.revoked_by)
    .bind(&row.serial.0)
    .fetch_optional(transaction.sql())
    .await;
    match transaction.check::<Option<i64>>(inserted)? {
        Some(_) => Ok(()),
        None => Err(refused_row("a revocation", &row.serial, "no record has it")),
    }
}

async fn add_crl(transaction: &mut Named<'_>, row: ExportedCrl) -> Result<(), LedgerError> {
    let authority = authority_id(transaction, &row.authority).await?;
    let id = sqlx::query_scalar(
        "INSERT INTO crl (authority, number, subjects, places, base, since, through, \
         settled_through, settled_at, this_update, next_update) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(authority)
    .bind(row.number)
    .bind(row.subjects)
    .bind(row.places)
    .bind(row.base)
    .bind(row.since)
    .bind(row.through)
    .bind(row.settled_through)
    .bind(row.settled_at_s)
    .bind(row.this_update_s)
    .bind(row.next_update_s)
    .fetch_one(transaction.sql())
    .await;
    let id: i64 = transaction.check(id)?;
    let Some(list) = row.list else { return Ok(()) };
    let inserted = sqlx::query(
        "INSERT INTO crl_list (crl, fingerprint, entries, octets, stored_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(list.fingerprint.0)
    .bind(list.entries)
    .bind(list.octets)
    .bind(list.stored_at_us)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}

async fn add_blocked_key(
    transaction: &mut Named<'_>,
    row: ExportedBlock,
) -> Result<(), LedgerError> {
    let inserted = sqlx::query(
        "INSERT INTO blocked_key (digest, reason, blocked_at, blocked_by) VALUES ($1, $2, $3, $4)",
    )
    .bind(row.digest_of_key.0)
    .bind(row.reason)
    .bind(row.blocked_at_us)
    .bind(row.blocked_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}

async fn add_event(transaction: &mut Named<'_>, row: ExportedEvent) -> Result<(), LedgerError> {
    let inserted = sqlx::query(
        "INSERT INTO audit_event (position, at, request_id, actor, action, subject, address, \
         problem) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(row.position)
    .bind(row.at_us)
    .bind(row.request_id)
    .bind(row.actor)
    .bind(row.action)
    .bind(row.subject)
    .bind(row.address)
    .bind(row.problem)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}

async fn add_token(transaction: &mut Named<'_>, row: ExportedToken) -> Result<(), LedgerError> {
    let inserted = sqlx::query(
        "INSERT INTO token (number, id, name, secret_digest, scope, created_at, expires_at, \
         created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(row.number)
    .bind(row.id)
    .bind(row.name)
    .bind(row.secret_digest.0)
    .bind(row.scope)
    .bind(row.created_at_us)
    .bind(row.expires_at_us)
    .bind(row.created_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    let (Some(revoked_at), Some(revoked_by)) = (row.revoked_at_us, row.revoked_by) else {
        return Ok(());
    };
    let inserted = sqlx::query(
        "INSERT INTO token_revocation (token, revoked_at, revoked_by) VALUES ($1, $2, $3)",
    )
    .bind(row.number)
    .bind(revoked_at)
    .bind(revoked_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}
