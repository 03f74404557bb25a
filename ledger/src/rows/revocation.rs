//! Rows about revocation as databases have them, and the way back into the ledger's types.

use ca_core::crl::{EntrySerial, RevokedEntry};
use jiff::Timestamp;

use super::Cell;
use crate::{
    BlockedKey, Crl, Inconsistent, NewCrl, RevocationReason, SerialStatus, StoredCrl, Unexpired,
};

impl Cell {
    pub(crate) fn reason(self, code: i64) -> Result<RevocationReason, Inconsistent> {
        let reason = u8::try_from(code).ok().and_then(RevocationReason::from_code);
        reason.ok_or_else(|| self.impossible(code.to_string()))
    }

    /// A date in seconds, if there is one.
    pub(crate) fn date(self, value: Option<i64>) -> Result<Option<Timestamp>, Inconsistent> {
        value.map(|seconds| self.seconds(seconds)).transpose()
    }

    pub(crate) fn number(self, value: i64) -> Result<u64, Inconsistent> {
        u64::try_from(value).map_err(|_| self.impossible(value.to_string()))
    }
}

/// An entry of a list.
#[derive(sqlx::FromRow)]
pub(crate) struct RevokedRow {
    record: i64,
    pub(crate) position: i64,
    serial: Vec<u8>,
    reason: i64,
    invalidity_date: Option<i64>,
    revoked_at: i64,
}

impl TryFrom<RevokedRow> for RevokedEntry {
    type Error = Inconsistent;

    fn try_from(row: RevokedRow) -> Result<Self, Inconsistent> {
        let record = Cell { table: "record", column: "serial", id: row.record };
        let cell = Cell { table: "revocation", column: "record", id: row.record };
        Ok(Self {
            serial: EntrySerial::from(&record.serial(&row.serial)?),
            revoked_at: cell.column("revoked_at").microseconds(row.revoked_at)?,
            reason: cell.column("reason").reason(row.reason)?.into(),
            invalidity_date: cell.column("invalidity_date").date(row.invalidity_date)?,
        })
    }
}

/// What is known of a serial number.
#[derive(sqlx::FromRow)]
pub(crate) struct StatusRow {
    id: i64,
    position: i64,
    serial: Vec<u8>,
    not_after: i64,
    stored: bool,
    reason: Option<i64>,
    revoked_at: Option<i64>,
    invalidity_date: Option<i64>,
}

impl TryFrom<StatusRow> for Unexpired {
    type Error = Inconsistent;

    fn try_from(row: StatusRow) -> Result<Self, Inconsistent> {
        let record = Cell { table: "record", column: "id", id: row.id };
        let cell = Cell { table: "revocation", column: "record", id: row.id };
        let status = match (row.reason, row.revoked_at) {
            (Some(code), Some(revoked_at)) => SerialStatus::Revoked {
                reason: cell.column("reason").reason(code)?,
                revoked_at: cell.column("revoked_at").microseconds(revoked_at)?,
                invalidity_date: cell.column("invalidity_date").date(row.invalidity_date)?,
            },
            (None, None) if row.stored => SerialStatus::Good,
            (None, None) => SerialStatus::Unknown,
            _ => return Err(cell.impossible("a row with NULLs")),
        };
        Ok(Self {
            position: record.column("position").number(row.position)?,
            serial: record.column("serial").serial(&row.serial)?,
            not_after: record.column("not_after").seconds(row.not_after)?,
            status,
        })
    }
}

/// A row of `blocked_key`.
#[derive(sqlx::FromRow)]
pub(crate) struct BlockedKeyRow {
    digest: Vec<u8>,
    reason: i64,
    blocked_at: i64,
    blocked_by: String,
}

impl TryFrom<BlockedKeyRow> for BlockedKey {
    type Error = Inconsistent;

    fn try_from(row: BlockedKeyRow) -> Result<Self, Inconsistent> {
        // The table's key is the digest; it has no number to name the row by.
        let cell = Cell { table: "blocked_key", column: "digest", id: 0 };
        Ok(Self {
            digest: cell.fingerprint(&row.digest)?,
            reason: cell.column("reason").reason(row.reason)?,
            blocked_at: cell.column("blocked_at").microseconds(row.blocked_at)?,
            blocked_by: row.blocked_by,
        })
    }
}

/// A row of `crl` with the name of its authority and the row of `crl_list` that belongs to it.
#[derive(sqlx::FromRow)]
pub(crate) struct CrlRow {
    id: i64,
    authority: String,
    number: i64,
    subjects: i64,
    places: String,
    base: Option<i64>,
    since: i64,
    through: i64,
    this_update: i64,
    next_update: i64,
    fingerprint: Option<Vec<u8>>,
    entries: Option<i64>,
    octets: Option<i64>,
    stored_at: Option<i64>,
}

impl TryFrom<CrlRow> for Crl {
    type Error = Inconsistent;

    fn try_from(row: CrlRow) -> Result<Self, Inconsistent> {
        let cell = Cell { table: "crl", column: "id", id: row.id };
        let list = stored(&row)?;
        let scope = crate::crl::scope_of_columns(row.subjects, &row.places);
        let scope = scope.ok_or_else(|| {
            cell.column("places").impossible(format!("{} {}", row.subjects, row.places))
        })?;
        let base = row.base.map(|base| cell.column("base").number(base)).transpose()?;
        Ok(Self {
            content: NewCrl {
                authority: row.authority,
                scope,
                base,
                this_update: cell.column("this_update").seconds(row.this_update)?,
                next_update: cell.column("next_update").seconds(row.next_update)?,
            },
            number: cell.column("number").number(row.number)?,
            since: cell.column("since").number(row.since)?,
            through: cell.column("through").number(row.through)?,
            list,
        })
    }
}

fn stored(row: &CrlRow) -> Result<Option<StoredCrl>, Inconsistent> {
    let cell = Cell { table: "crl_list", column: "crl", id: row.id };
    match (&row.fingerprint, row.entries, row.octets, row.stored_at) {
        (None, None, None, None) => Ok(None),
        (Some(fingerprint), Some(entries), Some(octets), Some(stored_at)) => Ok(Some(StoredCrl {
            fingerprint: cell.column("fingerprint").fingerprint(fingerprint)?,
            entries: cell.column("entries").number(entries)?,
            octets: cell.column("octets").number(octets)?,
            stored_at: cell.column("stored_at").microseconds(stored_at)?,
        })),
        _ => Err(cell.impossible("a row with NULLs")),
    }
}
