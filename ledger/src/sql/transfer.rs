//! Export, and what imports share: rows as they are, in the order of [`crate::transfer`].

use ca_core::fingerprint::Fingerprint;
use tokio::sync::mpsc;

use super::{Named, authority::authority_id};
use crate::LedgerError;
use crate::transfer::{
    Base64, ExportRow, ExportedAuthority, ExportedBlock, ExportedCertificate, ExportedCrl,
    ExportedEvent, ExportedList, ExportedRecord, ExportedRevocation, ExportedToken, Hex,
    ROWS_AT_ONCE,
};

/// Rows of a page, for LIMIT.
const PAGE: i64 = ROWS_AT_ONCE as i64;

/// Where pages go. Whoever takes them may stop listening; then the rest is not read.
struct Sink {
    pages: mpsc::Sender<Vec<ExportRow>>,
    gone: bool,
}

impl Sink {
    async fn send(&mut self, rows: Vec<ExportRow>) {
        if !rows.is_empty() && self.pages.send(rows).await.is_err() {
            self.gone = true;
        }
    }
}

/// Sends every row, from one moment of the ledger.
pub(super) async fn export(
    transaction: &mut Named<'_>,
    pages: mpsc::Sender<Vec<ExportRow>>,
) -> Result<(), LedgerError> {
    let mut sink = Sink { pages, gone: false };
    let authorities = authorities(transaction, &mut sink).await?;
    records(transaction, &mut sink).await?;
    for authority in authorities {
        revocations_and_crls(transaction, authority, &mut sink).await?;
    }
    blocked_keys(transaction, &mut sink).await?;
    events(transaction, &mut sink).await?;
    tokens(transaction, &mut sink).await
}

/// A row and the certificate that belongs to it.
#[derive(sqlx::FromRow)]
struct RecordRow {
    id: i64,
    #[sqlx(flatten)]
    record: ExportedRecord,
    certificate: Option<Base64>,
    stored_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct AuthorityRow {
    id: i64,
    #[sqlx(flatten)]
    authority: ExportedAuthority,
}

async fn authorities(
    transaction: &mut Named<'_>,
    sink: &mut Sink,
) -> Result<Vec<i64>, LedgerError> {
    let rows = sqlx::query_as(
        "SELECT a.id, a.name, a.algorithm, a.key_digest, a.component_digests, p.name AS parent, \
         a.created_at FROM authority a LEFT JOIN authority p ON p.id = a.parent ORDER BY a.id",
    )
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<AuthorityRow> = transaction.check(rows)?;
    let mut ids = Vec::new();
    for AuthorityRow { id, mut authority } in rows {
        let certificates = sqlx::query_as(
            "SELECT certificate AS der, added_at AS stored_at FROM authority_certificate \
             WHERE authority = $1 ORDER BY id",
        )
        .bind(id)
        .fetch_all(transaction.sql())
        .await;
        authority.certificates = transaction.check(certificates)?;
        sink.send(vec![ExportRow::Authority(authority)]).await;
        ids.push(id);
    }
    Ok(ids)
}

async fn records(transaction: &mut Named<'_>, sink: &mut Sink) -> Result<(), LedgerError> {
    let mut after = 0;
    while !sink.gone {
        let rows = sqlx::query_as(
            "SELECT r.id, a.name AS authority, r.position, r.serial, r.profile, r.requester, \
             r.idempotency_key, r.body_digest, r.tbs_digest, r.subject, r.names, r.algorithm, \
             r.key_digest, r.component_digests, r.for_authority, r.key_reuse, r.crl_places, \
             r.not_before, r.not_after, r.recorded_at, c.certificate, c.stored_at \
             FROM record r JOIN authority a ON a.id = r.authority \
             LEFT JOIN certificate c ON c.record = r.id \
             WHERE r.id > $1 ORDER BY r.id LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<RecordRow> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        let row = |RecordRow { mut record, certificate, stored_at, .. }: RecordRow| {
            let certificate = certificate.zip(stored_at);
            record.certificate =
                certificate.map(|(der, stored_at_us)| ExportedCertificate { der, stored_at_us });
            ExportRow::Record(Box::new(record))
        };
        sink.send(rows.into_iter().map(row).collect()).await;
    }
    Ok(())
}

#[derive(sqlx::FromRow)]
struct CrlRow {
    #[sqlx(flatten)]
    crl: ExportedCrl,
    fingerprint: Option<Hex>,
    entries: Option<i64>,
    octets: Option<i64>,
    stored_at: Option<i64>,
}

/// Each list behind the revocations that it ends with, as both were added.
async fn revocations_and_crls(
    transaction: &mut Named<'_>,
    authority: i64,
    sink: &mut Sink,
) -> Result<(), LedgerError> {
    let (mut number, mut position) = (0, 0);
    while !sink.gone {
        let rows = sqlx::query_as(
            "SELECT a.name AS authority, c.number, c.subjects, c.places, c.base, c.since, \
             c.through, c.settled_through, c.settled_at, c.this_update, c.next_update, \
             l.fingerprint, l.entries, l.octets, l.stored_at \
             FROM crl c JOIN authority a ON a.id = c.authority \
             LEFT JOIN crl_list l ON l.crl = c.id \
             WHERE c.authority = $1 AND c.number > $2 ORDER BY c.number LIMIT $3",
        )
        .bind(authority)
        .bind(number)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<CrlRow> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        number = last.crl.number;
        for CrlRow { mut crl, fingerprint, entries, octets, stored_at } in rows {
            revocations(transaction, authority, &mut position, crl.through, sink).await?;
            crl.list = match (fingerprint, entries, octets, stored_at) {
                (Some(fingerprint), Some(entries), Some(octets), Some(stored_at_us)) => {
                    Some(ExportedList { fingerprint, entries, octets, stored_at_us })
                }
                _ => None,
            };
            sink.send(vec![ExportRow::Crl(crl)]).await;
        }
    }
    revocations(transaction, authority, &mut position, i64::MAX, sink).await
}

/// Revocations behind a position, up to another one.
async fn revocations(
    transaction: &mut Named<'_>,
    authority: i64,
    position: &mut i64,
    through: i64,
    sink: &mut Sink,
) -> Result<(), LedgerError> {
    while !sink.gone && *position < through {
        let rows = sqlx::query_as(
            "SELECT r.serial, v.position, v.reason, v.invalidity_date, v.revoked_at, v.revoked_by \
             FROM revocation v JOIN record r ON r.id = v.record \
             WHERE v.authority = $1 AND v.position > $2 AND v.position <= $3 \
             ORDER BY v.position LIMIT $4",
        )
        .bind(authority)
        .bind(*position)
        .bind(through)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<ExportedRevocation> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        *position = last.position;
        sink.send(rows.into_iter().map(ExportRow::Revocation).collect()).await;
    }
    Ok(())
}

async fn blocked_keys(transaction: &mut Named<'_>, sink: &mut Sink) -> Result<(), LedgerError> {
    let mut after = Vec::new();
    while !sink.gone {
        let rows = sqlx::query_as(
            "SELECT digest, reason, blocked_at, blocked_by FROM blocked_key WHERE digest > $1 \
             ORDER BY digest LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<ExportedBlock> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        after = last.digest_of_key.0.clone();
        sink.send(rows.into_iter().map(ExportRow::BlockedKey).collect()).await;
    }
    Ok(())
}

async fn events(transaction: &mut Named<'_>, sink: &mut Sink) -> Result<(), LedgerError> {
    let mut after = 0;
    while !sink.gone {
        let rows = sqlx::query_as(
            "SELECT position, at, request_id, actor, action, subject, address, problem \
             FROM audit_event WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<ExportedEvent> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        sink.send(rows.into_iter().map(ExportRow::AuditEvent).collect()).await;
    }
    Ok(())
}

async fn tokens(transaction: &mut Named<'_>, sink: &mut Sink) -> Result<(), LedgerError> {
    let mut after = 0;
    while !sink.gone {
        let rows = sqlx::query_as(
            "SELECT t.number, t.id, t.name, t.secret_digest, t.scope, t.created_at, t.expires_at, \
             t.created_by, v.revoked_at, v.revoked_by \
             FROM token t LEFT JOIN token_revocation v ON v.token = t.number \
             WHERE t.number > $1 ORDER BY t.number LIMIT $2",
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(transaction.sql())
        .await;
        let rows: Vec<ExportedToken> = transaction.check(rows)?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        sink.send(rows.into_iter().map(ExportRow::Token).collect()).await;
    }
    Ok(())
}

/// Refuses a ledger in which there is something.
pub(super) async fn expect_empty(transaction: &mut Named<'_>) -> Result<(), LedgerError> {
    let count = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM authority) + (SELECT count(*) FROM blocked_key) \
         + (SELECT count(*) FROM audit_event) + (SELECT count(*) FROM token)",
    )
    .fetch_one(transaction.sql())
    .await;
    let count: i64 = transaction.check(count)?;
    if count == 0 {
        return Ok(());
    }
    Err(LedgerError::InvalidField {
        field: "ledger",
        found: format!("{count} rows in it"),
        allowed: "an empty ledger, to import into".into(),
    })
}

/// Adds an authority with its certificates.
pub(super) async fn add_authority(
    transaction: &mut Named<'_>,
    row: ExportedAuthority,
) -> Result<(), LedgerError> {
    let parent = match &row.parent {
        Some(parent) => Some(authority_id(transaction, parent).await?),
        None => None,
    };
    let inserted = sqlx::query(
        "INSERT INTO authority (name, algorithm, key_digest, component_digests, parent, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.name)
    .bind(row.algorithm)
    .bind(row.key_digest.0)
    .bind(row.component_digests.map(|digests| digests.0))
    .bind(parent)
    .bind(row.created_at_us)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    let authority = authority_id(transaction, &row.name).await?;
    for ExportedCertificate { der: Base64(der), stored_at_us } in row.certificates {
        let inserted = sqlx::query(
            "INSERT INTO authority_certificate (authority, fingerprint, certificate, added_at) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(authority)
        .bind(Fingerprint::of(&der).as_bytes().to_vec())
        .bind(der)
        .bind(stored_at_us)
        .execute(transaction.sql())
        .await;
        transaction.check(inserted)?;
    }
    Ok(())
}
