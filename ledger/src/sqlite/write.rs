//! Writing: one batch, one transaction.

use ca_core::{fingerprint::Fingerprint, profile::KeyReuse};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{Named, authority, crl, fault::Place, import, lease, read, reuse, revoke, token};
use crate::key_rules::Key;
use crate::queue::{Answer, BatchWriter, Held, Write, Written, hold};
use crate::rows::joined;
use crate::{
    AuditEvent, BlockedKey, Certificate, LedgerError, NewAuditEvent, NewCertificate, NewRecord,
    NewRevocation, Record, Recording, Revocation, Revoking,
};

/// The one connection of this process that writes.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    pub(super) place: Place,
    pub(super) options: SqliteConnectOptions,
    /// `None` after a failed transaction: the next one opens the file afresh, so that nothing of
    /// the failed one can reach it.
    pub(super) connection: Option<SqliteConnection>,
}

impl BatchWriter for SqliteWriter {
    async fn write(&mut self, batch: Vec<Write>) -> Vec<Written> {
        let mut waiting = batch.into_iter();
        let mut answers = Vec::with_capacity(waiting.len());
        let outcome = self.transact(&mut waiting, &mut answers).await;
        if let Err(error) = &outcome {
            self.close_connection().await;
            answers.extend(waiting.map(|write| write.refuse(error.clone())));
        }
        vec![Written { answers, outcome }]
    }

    async fn close(mut self) {
        self.close_connection().await;
    }
}

impl SqliteWriter {
    /// Carries out what is waiting and commits. On an error, what is still waiting was not looked
    /// at.
    async fn transact(
        &mut self,
        waiting: &mut std::vec::IntoIter<Write>,
        answers: &mut Vec<Held>,
    ) -> Result<(), LedgerError> {
        const NAME: &str = "ledger.write";
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => {
                let opened = SqliteConnection::connect_with(&self.options).await;
                closed.insert(opened.map_err(|error| self.place.explain(NAME, error))?)
            }
        };
        // The write lock first: positions that are read here can't be taken by another process.
        let begun = connection.begin_with("BEGIN IMMEDIATE").await;
        let mut transaction = Named::start(NAME, &self.place, begun)?;
        for write in waiting {
            let (answer, fatal) = carry_out(&mut transaction, write).await;
            answers.push(answer);
            if let Some(error) = fatal {
                tracing::warn!(transaction = NAME, %error, "transaction failed");
                return Err(error);
            }
        }
        transaction.commit().await
    }

    async fn close_connection(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the ledger's connection did not close cleanly");
        }
    }
}

/// Carries one request out. The second value is set when the whole transaction is lost.
async fn carry_out(transaction: &mut Named<'_>, write: Write) -> (Held, Option<LedgerError>) {
    match write {
        Write::Authority(new, answer) => settle(answer, authority::add(transaction, new).await),
        Write::AuthorityCertificate(new, answer) => {
            settle(answer, authority::add_certificate(transaction, new).await)
        }
        Write::Record(new, answer) => settle(answer, record(transaction, *new).await),
        Write::Store(new, answer) => settle(answer, store(transaction, new).await),
        Write::Revoke(new, answer) => settle(answer, revoke(transaction, new).await),
        Write::BlockKeys(new, answer) => settle(answer, revoke::block_keys(transaction, new).await),
        Write::RevokeAuthority(step, answer) => {
            settle(answer, revoke::revoke_authority(transaction, step).await)
        }
        Write::ReserveCrl(new, answer) => settle(answer, crl::reserve(transaction, *new).await),
        Write::StoreCrl(new, answer) => settle(answer, crl::store(transaction, *new).await),
        Write::Audit(new, answer) => settle(answer, add_event(transaction, *new).await),
        Write::Token(new, answer) => settle(answer, token::add(transaction, *new).await),
        Write::RevokeToken(new, answer) => settle(answer, token::revoke(transaction, new).await),
        Write::Lease(new, answer) => settle(answer, lease::take(transaction, new).await),
        Write::EndLease(ended, answer) => settle(answer, lease::end(transaction, ended).await),
        Write::Import(page, answer) => {
            let done = import::import(transaction, page.rows, page.is_first).await;
            // All of a page or nothing, so that what was imported ends at a page.
            let fatal = done.as_ref().err().cloned();
            (hold(answer, done), fatal)
        }
    }
}

fn settle<T: Send + 'static>(
    answer: Answer<T>,
    result: Result<T, LedgerError>,
) -> (Held, Option<LedgerError>) {
    let fatal = result.as_ref().err().filter(|error| !error.concerns_one_request()).cloned();
    (hold(answer, result), fatal)
}

async fn record(transaction: &mut Named<'_>, new: NewRecord) -> Result<Recording, LedgerError> {
    if let Some(idempotency) = &new.idempotency
        && let Some(entry) = read::earlier(transaction, &new.requester, idempotency).await?
    {
        return Ok(Recording::Repeated(Box::new(entry)));
    }
    match insert_record(transaction, &new).await {
        Ok(Some(position)) => {
            // The schema allows positions above zero only.
            let position = position.unsigned_abs();
            Ok(Recording::New(Box::new(Record { content: new, position })))
        }
        Ok(None) => Err(LedgerError::UnknownAuthority { name: new.authority }),
        Err(refused @ LedgerError::Refused { .. }) => {
            if read::entry_by_serial(transaction, new.serial).await?.is_some() {
                return Err(LedgerError::SerialTaken { serial: new.serial });
            }
            let facts = reuse::facts(transaction, &Key::of_record(&new)).await?;
            let block = authority_block(transaction, &new.authority).await?;
            Err(facts.of_record(&new, block.as_ref())?.unwrap_or(refused))
        }
        Err(error) => Err(error),
    }
}

/// What blocks the key of an authority, if something does.
async fn authority_block(
    transaction: &mut Named<'_>,
    name: &str,
) -> Result<Option<BlockedKey>, LedgerError> {
    let digest: Result<Option<Vec<u8>>, _> = sqlx::query_scalar(
        "SELECT b.digest FROM authority a JOIN authority_key k ON k.authority = a.id \
         JOIN blocked_key b ON b.digest = k.digest WHERE a.name = $1 LIMIT 1",
    )
    .bind(name)
    .fetch_optional(transaction.sql())
    .await;
    let digest = transaction.check(digest)?.and_then(|digest| digest.try_into().ok());
    match digest.map(Fingerprint::from_bytes) {
        Some(digest) => revoke::blocked_key(transaction, digest).await,
        None => Ok(None),
    }
}

/// Inserts the row and answers its position; `None` when there is no such authority.
///
/// One statement, with triggers that fill the tables to find it by: when any of it fails, SQLite
/// takes all of it back and the transaction goes on, without a savepoint for each request.
async fn insert_record(
    transaction: &mut Named<'_>,
    new: &NewRecord,
) -> Result<Option<i64>, LedgerError> {
    let inserted: Result<Vec<i64>, _> = sqlx::query_scalar(
        "INSERT INTO record (authority, position, serial, profile, requester, idempotency_key, \
         body_digest, tbs_digest, subject, names, algorithm, key_digest, component_digests, \
         for_authority, key_reuse, crl_places, not_before, not_after, recorded_at) \
         SELECT a.id, coalesce((SELECT max(position) FROM record WHERE authority = a.id), 0) + 1, \
         ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18 \
         FROM authority a WHERE a.name = ?1 RETURNING position",
    )
    .bind(&new.authority)
    .bind(new.serial.as_bytes().to_vec())
    .bind(&new.profile)
    .bind(&new.requester)
    .bind(new.idempotency.as_ref().map(|it| &it.key))
    .bind(new.idempotency.as_ref().map(|it| it.body_digest.as_bytes().to_vec()))
    .bind(new.tbs_digest.as_bytes().to_vec())
    .bind(&new.subject)
    .bind(serde_json::json!(new.names).to_string())
    .bind(&new.algorithm)
    .bind(new.key_digest.as_bytes().to_vec())
    .bind(joined(&new.component_digests))
    .bind(new.for_authority)
    .bind(new.key_reuse == KeyReuse::SameKey)
    .bind(serde_json::json!(new.crl_places).to_string())
    .bind(new.validity.not_before().as_second())
    .bind(new.validity.not_after().as_second())
    .bind(new.recorded_at.as_microsecond())
    .fetch_all(transaction.sql())
    .await;
    Ok(transaction.check(inserted)?.first().copied())
}

async fn store(
    transaction: &mut Named<'_>,
    new: NewCertificate,
) -> Result<Certificate, LedgerError> {
    let Some((id, entry)) = read::entry_by_serial(transaction, new.serial).await? else {
        return Err(LedgerError::UnknownSerial { serial: new.serial });
    };
    if let Some(stored) = new.earlier_in(&entry)? {
        return Ok(stored);
    }
    let inserted = sqlx::query(
        "INSERT INTO certificate (record, fingerprint, certificate, stored_at) VALUES (?, ?, ?, ?)",
    )
    .bind(id)
    .bind(new.fingerprint.as_bytes().to_vec())
    .bind(&new.der)
    .bind(new.stored_at.as_microsecond())
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    Ok(new.stored())
}

async fn revoke(
    transaction: &mut Named<'_>,
    new: NewRevocation,
) -> Result<Revocation, LedgerError> {
    let serial = new.serial;
    let Some((id, entry)) = read::entry_by_serial(transaction, serial).await? else {
        return Err(LedgerError::UnknownSerial { serial });
    };
    if let Some(earlier) = entry.revocation {
        return Err(LedgerError::AlreadyRevoked { serial, revoked_at: earlier.revoked_at });
    }
    if new.only_orphan && entry.certificate.is_some() {
        return Err(LedgerError::HasCertificate { serial });
    }
    let Revoking { reason, invalidity_date, revoked_at, revoked_by } = new.revocation;
    let position = sqlx::query_scalar(
        "INSERT INTO revocation (record, authority, position, reason, invalidity_date, \
         revoked_at, revoked_by) \
         SELECT r.id, r.authority, coalesce((SELECT max(v.position) FROM revocation v \
         WHERE v.authority = r.authority), 0) + 1, $1, $2, $3, $4 \
         FROM record r WHERE r.id = $5 RETURNING position",
    )
    .bind(i64::from(reason.code()))
    .bind(invalidity_date.map(|date| date.as_second()))
    .bind(revoked_at.as_microsecond())
    .bind(&revoked_by)
    .bind(id)
    .fetch_one(transaction.sql())
    .await;
    let position: i64 = transaction.check(position)?;
    // The schema allows positions above zero only.
    let position = position.unsigned_abs();
    Ok(Revocation { reason, invalidity_date, revoked_at, revoked_by, position })
}

/// Adds an event behind all others.
async fn add_event(
    transaction: &mut Named<'_>,
    new: NewAuditEvent,
) -> Result<AuditEvent, LedgerError> {
    let inserted = sqlx::query_scalar(
        "INSERT INTO audit_event (position, at, request_id, actor, action, subject, address, \
         problem) \
         SELECT coalesce(max(position), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM audit_event \
         RETURNING position",
    )
    .bind(new.at.as_microsecond())
    .bind(&new.request_id)
    .bind(&new.actor)
    .bind(&new.action)
    .bind(&new.subject)
    .bind(&new.address)
    .bind(new.problem())
    .fetch_one(transaction.sql())
    .await;
    let position: i64 = transaction.check(inserted)?;
    // The schema allows positions above zero only.
    Ok(AuditEvent { content: new, position: position.unsigned_abs() })
}
