//! Rows as databases have them, and the way back into the ledger's types.

pub(crate) mod revocation;
pub(crate) mod service;

use ca_core::{
    fingerprint::Fingerprint, profile::KeyReuse, serial::SerialNumber, validity::Validity,
};
use jiff::Timestamp;

use crate::{
    Authority, Certificate, Entry, Idempotency, Inconsistent, NewAuthority, NewRecord, Record,
    Revocation,
};

/// A row of `record` with the rows of `certificate` and `revocation` that belong to it.
#[derive(sqlx::FromRow)]
pub(crate) struct EntryRow {
    pub(crate) id: i64,
    pub(crate) position: i64,
    authority: String,
    serial: Vec<u8>,
    profile: String,
    requester: String,
    idempotency_key: Option<String>,
    body_digest: Option<Vec<u8>>,
    tbs_digest: Vec<u8>,
    subject: String,
    names: String,
    algorithm: String,
    key_digest: Vec<u8>,
    component_digests: Vec<u8>,
    for_authority: bool,
    key_reuse: Option<i64>,
    crl_places: Option<String>,
    not_before: i64,
    not_after: i64,
    recorded_at: i64,
    fingerprint: Option<Vec<u8>>,
    certificate: Option<Vec<u8>>,
    stored_at: Option<i64>,
    reason: Option<i64>,
    invalidity_date: Option<i64>,
    revoked_at: Option<i64>,
    revoked_by: Option<String>,
    revocation_position: Option<i64>,
}

/// The SELECT of an [`EntryRow`], with what follows it. Records from before it was noted whose they
/// are, are an authority's when their key is.
macro_rules! select_entry {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, r.position, a.name AS authority, r.serial, r.profile, r.requester, \
             r.idempotency_key, r.body_digest, r.tbs_digest, r.subject, r.names, r.algorithm, \
             r.key_digest, r.component_digests, coalesce(r.for_authority, \
             EXISTS (SELECT 1 FROM authority k WHERE k.key_digest = r.key_digest)) \
             AS for_authority, r.key_reuse, r.crl_places, r.not_before, r.not_after, \
             r.recorded_at, c.fingerprint, c.certificate, c.stored_at, v.reason, \
             v.invalidity_date, v.revoked_at, v.revoked_by, v.position AS revocation_position \
             FROM record r JOIN authority a ON a.id = r.authority \
             LEFT JOIN certificate c ON c.record = r.id \
             LEFT JOIN revocation v ON v.record = r.id ",
            $rest
        )
    };
}
pub(crate) use select_entry;

/// Where a value stands, for the error when it can't be.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    pub(crate) id: i64,
}

impl Cell {
    pub(crate) fn column(self, column: &'static str) -> Self {
        Self { column, ..self }
    }

    pub(crate) fn impossible(self, found: impl Into<String>) -> Inconsistent {
        Inconsistent { table: self.table, column: self.column, id: self.id, found: found.into() }
    }

    pub(crate) fn fingerprint(self, octets: &[u8]) -> Result<Fingerprint, Inconsistent> {
        let digest = octets.try_into();
        let digest =
            digest.map_err(|_| self.impossible(format!("a digest of {} octets", octets.len())))?;
        Ok(Fingerprint::from_bytes(digest))
    }

    pub(crate) fn microseconds(self, value: i64) -> Result<Timestamp, Inconsistent> {
        Timestamp::from_microsecond(value).map_err(|_| self.impossible(format!("time {value}")))
    }

    pub(crate) fn seconds(self, value: i64) -> Result<Timestamp, Inconsistent> {
        Timestamp::from_second(value).map_err(|_| self.impossible(format!("time {value}")))
    }

    pub(crate) fn serial(self, octets: &[u8]) -> Result<SerialNumber, Inconsistent> {
        SerialNumber::from_bytes(octets)
            .map_err(|_| self.impossible(crate::certificate::hex(octets)))
    }

    pub(crate) fn digests(self, octets: &[u8]) -> Result<Vec<Fingerprint>, Inconsistent> {
        octets.chunks(32).map(|digest| self.fingerprint(digest)).collect()
    }

    fn texts(self, json: &str) -> Result<Vec<String>, Inconsistent> {
        serde_json::from_str(json).map_err(|error| self.impossible(format!("other JSON ({error})")))
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = Inconsistent;

    fn try_from(row: EntryRow) -> Result<Self, Inconsistent> {
        let certificate = certificate(&row)?;
        let revocation = revocation(&row)?;
        Ok(Self { record: record(row)?, certificate, revocation })
    }
}

fn record(row: EntryRow) -> Result<Record, Inconsistent> {
    let cell = Cell { table: "record", column: "id", id: row.id };
    let position = u64::try_from(row.position)
        .map_err(|_| cell.column("position").impossible(row.position.to_string()))?;
    let validity = Validity::new(
        cell.column("not_before").seconds(row.not_before)?,
        cell.column("not_after").seconds(row.not_after)?,
    )
    .map_err(|error| cell.column("not_after").impossible(error.to_string()))?;
    let content = NewRecord {
        serial: cell.column("serial").serial(&row.serial)?,
        idempotency: idempotency(cell, row.idempotency_key, row.body_digest)?,
        tbs_digest: cell.column("tbs_digest").fingerprint(&row.tbs_digest)?,
        names: cell.column("names").texts(&row.names)?,
        key_digest: cell.column("key_digest").fingerprint(&row.key_digest)?,
        component_digests: cell.column("component_digests").digests(&row.component_digests)?,
        for_authority: row.for_authority,
        key_reuse: match row.key_reuse {
            Some(0) => KeyReuse::Refused,
            // What was not noted was not asked for.
            Some(1) | None => KeyReuse::SameKey,
            Some(other) => return Err(cell.column("key_reuse").impossible(other.to_string())),
        },
        crl_places: match &row.crl_places {
            Some(places) => cell.column("crl_places").texts(places)?,
            None => Vec::new(),
        },
        validity,
        recorded_at: cell.column("recorded_at").microseconds(row.recorded_at)?,
        authority: row.authority,
        profile: row.profile,
        requester: row.requester,
        subject: row.subject,
        algorithm: row.algorithm,
    };
    Ok(Record { content, position })
}

fn idempotency(
    cell: Cell,
    key: Option<String>,
    digest: Option<Vec<u8>>,
) -> Result<Option<Idempotency>, Inconsistent> {
    match (key, digest) {
        (None, None) => Ok(None),
        (Some(key), Some(digest)) => {
            let body_digest = cell.column("body_digest").fingerprint(&digest)?;
            Ok(Some(Idempotency { key, body_digest }))
        }
        (Some(_), None) => Err(cell.column("body_digest").impossible("NULL beside a key")),
        (None, Some(_)) => Err(cell.column("idempotency_key").impossible("NULL beside a digest")),
    }
}

fn certificate(row: &EntryRow) -> Result<Option<Certificate>, Inconsistent> {
    let cell = Cell { table: "certificate", column: "record", id: row.id };
    let (fingerprint, der, stored_at) = match (&row.fingerprint, &row.certificate, row.stored_at) {
        (None, None, None) => return Ok(None),
        (Some(fingerprint), Some(der), Some(stored_at)) => (fingerprint, der, stored_at),
        _ => return Err(cell.impossible("a row with NULLs")),
    };
    Ok(Some(Certificate {
        der: der.clone(),
        fingerprint: cell.column("fingerprint").fingerprint(fingerprint)?,
        stored_at: cell.column("stored_at").microseconds(stored_at)?,
    }))
}

fn revocation(row: &EntryRow) -> Result<Option<Revocation>, Inconsistent> {
    let cell = Cell { table: "revocation", column: "record", id: row.id };
    let columns = (row.reason, row.revoked_at, &row.revoked_by, row.revocation_position);
    let (code, revoked_at, revoked_by, position) = match columns {
        (None, None, None, None) => return Ok(None),
        (Some(code), Some(at), Some(by), Some(position)) => (code, at, by.clone(), position),
        _ => return Err(cell.impossible("a row with NULLs")),
    };
    Ok(Some(Revocation {
        reason: cell.column("reason").reason(code)?,
        invalidity_date: cell.column("invalidity_date").date(row.invalidity_date)?,
        revoked_at: cell.column("revoked_at").microseconds(revoked_at)?,
        revoked_by,
        position: cell.column("position").number(position)?,
    }))
}

/// A row of `authority`, with the name of its parent.
#[derive(sqlx::FromRow)]
pub(crate) struct AuthorityRow {
    pub(crate) id: i64,
    name: String,
    algorithm: String,
    key_digest: Vec<u8>,
    component_digests: Option<Vec<u8>>,
    parent: Option<String>,
    created_at: i64,
}

/// A row of `authority_certificate`.
#[derive(sqlx::FromRow)]
pub(crate) struct AuthorityCertificateRow {
    id: i64,
    fingerprint: Vec<u8>,
    certificate: Vec<u8>,
    added_at: i64,
}

impl AuthorityRow {
    /// Puts the authority together with its certificates.
    pub(crate) fn with_certificates(
        self,
        certificates: Vec<AuthorityCertificateRow>,
    ) -> Result<Authority, Inconsistent> {
        let cell = Cell { table: "authority", column: "id", id: self.id };
        let content = NewAuthority {
            key_digest: cell.column("key_digest").fingerprint(&self.key_digest)?,
            component_digests: cell
                .column("component_digests")
                .digests(&self.component_digests.unwrap_or_default())?,
            created_at: cell.column("created_at").microseconds(self.created_at)?,
            name: self.name,
            algorithm: self.algorithm,
            parent: self.parent,
        };
        let certificates = certificates.into_iter().map(Certificate::try_from);
        Ok(Authority { content, certificates: certificates.collect::<Result<_, _>>()? })
    }
}

impl TryFrom<AuthorityCertificateRow> for Certificate {
    type Error = Inconsistent;

    fn try_from(row: AuthorityCertificateRow) -> Result<Self, Inconsistent> {
        let cell = Cell { table: "authority_certificate", column: "id", id: row.id };
        Ok(Self {
            fingerprint: cell.column("fingerprint").fingerprint(&row.fingerprint)?,
            stored_at: cell.column("added_at").microseconds(row.added_at)?,
            der: row.certificate,
        })
    }
}

/// Digests one behind the other, as they stand in one column.
pub(crate) fn joined(digests: &[Fingerprint]) -> Vec<u8> {
    digests.iter().flat_map(|digest| *digest.as_bytes()).collect()
}
