//! Import: rows of one kind that follow each other are one statement, so that a page of an export is a
//! few trips to a database that may be far away.

use std::collections::BTreeSet;
use std::mem::discriminant;

use ca_core::fingerprint::Fingerprint;

use super::{Named, authority::authority_id, transfer};
use crate::LedgerError;
use crate::transfer::{
    ExportRow, ExportedBlock, ExportedCertificate, ExportedCrl, ExportedEvent, ExportedRecord,
    ExportedRevocation, ExportedToken, Hex, refused_row,
};

/// Adds rows in the order of an export. The first ones are refused unless the ledger is empty.
pub(super) async fn import(
    transaction: &mut Named<'_>,
    rows: Vec<ExportRow>,
    is_first: bool,
) -> Result<(), LedgerError> {
    /// The rows of a run, which are all of one kind.
    macro_rules! all {
        ($run:ident, $kind:ident) => {
            $run.iter().filter_map(|row| match row {
                ExportRow::$kind(row) => Some(row),
                _ => None,
            })
        };
    }
    if is_first {
        transfer::expect_empty(transaction).await?;
    }
    for run in rows.chunk_by(|one, next| discriminant(one) == discriminant(next)) {
        match run.first() {
            Some(ExportRow::Authority(_)) => {
                for row in all!(run, Authority) {
                    transfer::add_authority(transaction, row.clone()).await?;
                }
            }
            Some(ExportRow::Record(_)) => {
                let rows: Vec<&ExportedRecord> = all!(run, Record).map(|row| &**row).collect();
                refuse_twins(&rows)?;
                let named = |error| named(error, &rows);
                add_records(transaction, &rows).await.map_err(named)?;
                add_certificates(transaction, &rows).await.map_err(named)?;
            }
            Some(ExportRow::Revocation(_)) => {
                add_revocations(transaction, &all!(run, Revocation).collect::<Vec<_>>()).await?;
            }
            Some(ExportRow::Crl(_)) => {
                // A list is held to those before it, which must be there.
                for row in all!(run, Crl) {
                    add_crl(transaction, row).await?;
                }
            }
            Some(ExportRow::BlockedKey(_)) => {
                add_blocked_keys(transaction, &all!(run, BlockedKey).collect::<Vec<_>>()).await?;
            }
            Some(ExportRow::AuditEvent(_)) => {
                add_events(transaction, &all!(run, AuditEvent).collect::<Vec<_>>()).await?;
            }
            Some(ExportRow::Token(_)) => {
                add_tokens(transaction, &all!(run, Token).collect::<Vec<_>>()).await?;
            }
            Some(ExportRow::Header(_) | ExportRow::End(_)) | None => {}
        }
    }
    Ok(())
}

/// A column of rows, as an array.
fn column<'a, R, T>(rows: &[&'a R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|row| value(row)).collect()
}

/// Two records of one serial number in one run: the database would not say which.
fn refuse_twins(rows: &[&ExportedRecord]) -> Result<(), LedgerError> {
    let mut seen = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert(&row.serial.0)) {
        Some(twin) => Err(refused_row("a record", &twin.serial, "it is there twice")),
        None => Ok(()),
    }
}

/// What the database refuses of a run, with the first and the last of its records: it does not say which.
fn named(error: LedgerError, rows: &[&ExportedRecord]) -> LedgerError {
    match (error, rows.first(), rows.last()) {
        (LedgerError::Refused { transaction, message }, Some(first), Some(last)) => {
            let [first, last] =
                [first, last].map(|row| base16ct::lower::encode_string(&row.serial.0));
            let message = format!("records of serial numbers {first} to {last}: {message}");
            LedgerError::Refused { transaction, message }
        }
        (error, ..) => error,
    }
}

async fn add_records(
    transaction: &mut Named<'_>,
    rows: &[&ExportedRecord],
) -> Result<(), LedgerError> {
    let added = sqlx::query(
        "INSERT INTO record (id, authority, position, serial, profile, requester, \
         idempotency_key, body_digest, tbs_digest, subject, names, algorithm, key_digest, \
         component_digests, for_authority, key_reuse, crl_places, not_before, not_after, \
         recorded_at) \
         SELECT (SELECT coalesce(max(id), 0) FROM record) + w.place, a.id, w.position, w.serial, \
         w.profile, w.requester, w.idempotency_key, w.body_digest, w.tbs_digest, w.subject, \
         w.names, w.algorithm, w.key_digest, w.component_digests, w.for_authority, w.key_reuse, \
         w.crl_places, w.not_before, w.not_after, w.recorded_at \
         FROM unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], \
         $7::bytea[], $8::bytea[], $9::text[], $10::text[], $11::text[], $12::bytea[], \
         $13::bytea[], $14::boolean[], $15::bigint[], $16::text[], $17::bigint[], $18::bigint[], \
         $19::bigint[]) WITH ORDINALITY w (authority, position, serial, profile, requester, \
         idempotency_key, body_digest, tbs_digest, subject, names, algorithm, key_digest, \
         component_digests, for_authority, key_reuse, crl_places, not_before, not_after, \
         recorded_at, place) \
         JOIN authority a ON a.name = w.authority",
    )
    .bind(column(rows, |row| row.authority.as_str()))
    .bind(column(rows, |row| row.position))
    .bind(column(rows, |row| row.serial.0.as_slice()))
    .bind(column(rows, |row| row.profile.as_str()))
    .bind(column(rows, |row| row.requester.as_str()))
    .bind(column(rows, |row| row.idempotency_key.as_deref()))
    .bind(column(rows, |row| row.body_digest.as_ref().map(|digest| digest.0.as_slice())))
    .bind(column(rows, |row| row.tbs_digest.0.as_slice()))
    .bind(column(rows, |row| row.subject.as_str()))
    .bind(column(rows, |row| row.names.as_str()))
    .bind(column(rows, |row| row.algorithm.as_str()))
    .bind(column(rows, |row| row.key_digest.0.as_slice()))
    .bind(column(rows, |row| row.component_digests.0.as_slice()))
    .bind(column(rows, |row| row.for_authority))
    .bind(column(rows, |row| row.key_reuse))
    .bind(column(rows, |row| row.crl_places.as_deref()))
    .bind(column(rows, |row| row.not_before_s))
    .bind(column(rows, |row| row.not_after_s))
    .bind(column(rows, |row| row.recorded_at_us))
    .execute(transaction.sql())
    .await;
    if transaction.check(added)?.rows_affected() == rows.len() as u64 {
        return Ok(());
    }
    let mut authorities = column(rows, |row| row.authority.as_str());
    authorities.dedup();
    for name in authorities {
        authority_id(transaction, name).await?;
    }
    // Each is there, and the name of an authority is unique.
    Err(refused("fewer records were added than there are rows"))
}

/// The certificates of records that were just added.
async fn add_certificates(
    transaction: &mut Named<'_>,
    rows: &[&ExportedRecord],
) -> Result<(), LedgerError> {
    let stored = rows.iter().filter_map(|row| Some((&row.serial, row.certificate.as_ref()?)));
    let (serials, certificates): (Vec<_>, Vec<&ExportedCertificate>) = stored.unzip();
    if certificates.is_empty() {
        return Ok(());
    }
    let fingerprint =
        |it: &ExportedCertificate| Fingerprint::of(&it.der.0).as_bytes().as_slice().to_vec();
    let added = sqlx::query(
        "INSERT INTO certificate (record, fingerprint, certificate, stored_at) \
         SELECT r.id, w.fingerprint, w.certificate, w.stored_at \
         FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[]) \
         w (serial, fingerprint, certificate, stored_at) JOIN record r ON r.serial = w.serial",
    )
    .bind(serials.into_iter().map(|serial| serial.0.as_slice()).collect::<Vec<_>>())
    .bind(column(&certificates, fingerprint))
    .bind(column(&certificates, |it| it.der.0.as_slice()))
    .bind(column(&certificates, |it| it.stored_at_us))
    .execute(transaction.sql())
    .await;
    // A serial number is one record's.
    transaction.check(added).map(drop)
}

async fn add_revocations(
    transaction: &mut Named<'_>,
    rows: &[&ExportedRevocation],
) -> Result<(), LedgerError> {
    let added = sqlx::query(
        "INSERT INTO revocation (record, authority, position, reason, invalidity_date, \
         revoked_at, revoked_by) \
         SELECT r.id, r.authority, w.position, w.reason, w.invalidity_date, w.revoked_at, \
         w.revoked_by \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], \
         $6::text[]) w (serial, position, reason, invalidity_date, revoked_at, revoked_by) \
         JOIN record r ON r.serial = w.serial",
    )
    .bind(column(rows, |row| row.serial.0.as_slice()))
    .bind(column(rows, |row| row.position))
    .bind(column(rows, |row| row.reason))
    .bind(column(rows, |row| row.invalidity_date_s))
    .bind(column(rows, |row| row.revoked_at_us))
    .bind(column(rows, |row| row.revoked_by.as_str()))
    .execute(transaction.sql())
    .await;
    if transaction.check(added)?.rows_affected() == rows.len() as u64 {
        return Ok(());
    }
    let missing = sqlx::query_scalar(
        "SELECT w.serial FROM unnest($1::bytea[]) WITH ORDINALITY w (serial, place) \
         WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.serial = w.serial) \
         ORDER BY w.place LIMIT 1",
    )
    .bind(column(rows, |row| row.serial.0.as_slice()))
    .fetch_one(transaction.sql())
    .await;
    let missing = Hex(transaction.check(missing)?);
    Err(refused_row("a revocation", &missing, "no record has it"))
}

/// A list, and that it was signed, in one trip.
async fn add_crl(transaction: &mut Named<'_>, row: &ExportedCrl) -> Result<(), LedgerError> {
    let list = row.list.as_ref();
    let added = sqlx::query_scalar(
        "WITH reserved AS (INSERT INTO crl (authority, number, subjects, places, base, since, \
           through, settled_through, settled_at, this_update, next_update) \
           SELECT id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM authority WHERE name = $1 \
           RETURNING id), \
         signed AS (INSERT INTO crl_list (crl, fingerprint, entries, octets, stored_at) \
           SELECT id, $12, $13, $14, $15 FROM reserved WHERE $12::bytea IS NOT NULL) \
         SELECT count(*) FROM reserved",
    )
    .bind(&row.authority)
    .bind(row.number)
    .bind(row.subjects)
    .bind(&row.places)
    .bind(row.base)
    .bind(row.since)
    .bind(row.through)
    .bind(row.settled_through)
    .bind(row.settled_at_s)
    .bind(row.this_update_s)
    .bind(row.next_update_s)
    .bind(list.map(|list| list.fingerprint.0.as_slice()))
    .bind(list.map(|list| list.entries))
    .bind(list.map(|list| list.octets))
    .bind(list.map(|list| list.stored_at_us))
    .fetch_one(transaction.sql())
    .await;
    match transaction.check::<i64>(added)? {
        1 => Ok(()),
        _ => Err(LedgerError::UnknownAuthority { name: row.authority.clone() }),
    }
}

async fn add_blocked_keys(
    transaction: &mut Named<'_>,
    rows: &[&ExportedBlock],
) -> Result<(), LedgerError> {
    let added = sqlx::query(
        "INSERT INTO blocked_key (digest, reason, blocked_at, blocked_by) \
         SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[])",
    )
    .bind(column(rows, |row| row.digest_of_key.0.as_slice()))
    .bind(column(rows, |row| row.reason))
    .bind(column(rows, |row| row.blocked_at_us))
    .bind(column(rows, |row| row.blocked_by.as_str()))
    .execute(transaction.sql())
    .await;
    transaction.check(added).map(drop)
}

async fn add_events(
    transaction: &mut Named<'_>,
    rows: &[&ExportedEvent],
) -> Result<(), LedgerError> {
    let added = sqlx::query(
        "INSERT INTO audit_event (position, at, request_id, actor, action, subject, address, \
         problem) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], \
         $5::text[], $6::text[], $7::text[], $8::text[])",
    )
    .bind(column(rows, |row| row.position))
    .bind(column(rows, |row| row.at_us))
    .bind(column(rows, |row| row.request_id.as_str()))
    .bind(column(rows, |row| row.actor.as_str()))
    .bind(column(rows, |row| row.action.as_str()))
    .bind(column(rows, |row| row.subject.as_deref()))
    .bind(column(rows, |row| row.address.as_deref()))
    .bind(column(rows, |row| row.problem.as_deref()))
    .execute(transaction.sql())
    .await;
    transaction.check(added).map(drop)
}

async fn add_tokens(
    transaction: &mut Named<'_>,
    rows: &[&ExportedToken],
) -> Result<(), LedgerError> {
    let added = sqlx::query(
        "INSERT INTO token (number, id, name, secret_digest, scope, created_at, expires_at, \
         created_by) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], \
         $5::text[], $6::bigint[], $7::bigint[], $8::text[])",
    )
    .bind(column(rows, |row| row.number))
    .bind(column(rows, |row| row.id.as_str()))
    .bind(column(rows, |row| row.name.as_str()))
    .bind(column(rows, |row| row.secret_digest.0.as_slice()))
    .bind(column(rows, |row| row.scope.as_str()))
    .bind(column(rows, |row| row.created_at_us))
    .bind(column(rows, |row| row.expires_at_us))
    .bind(column(rows, |row| row.created_by.as_str()))
    .execute(transaction.sql())
    .await;
    transaction.check(added)?;
    let revoked: Vec<(i64, i64, &str)> = rows
        .iter()
        .filter_map(|row| Some((row.number, row.revoked_at_us?, row.revoked_by.as_deref()?)))
        .collect();
    if revoked.is_empty() {
        return Ok(());
    }
    let added = sqlx::query(
        "INSERT INTO token_revocation (token, revoked_at, revoked_by) \
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])",
    )
    .bind(revoked.iter().map(|(number, _, _)| *number).collect::<Vec<_>>())
    .bind(revoked.iter().map(|(_, at, _)| *at).collect::<Vec<_>>())
    .bind(revoked.iter().map(|(_, _, by)| *by).collect::<Vec<_>>())
    .execute(transaction.sql())
    .await;
    transaction.check(added).map(drop)
}

fn refused(message: &str) -> LedgerError {
    LedgerError::Refused { transaction: "ledger.write", message: message.to_owned() }
}
