//! Rows that a server needs besides certificates: audit events, tokens, leases.

use super::Cell;
use crate::{
    AuditEvent, AuditOutcome, Inconsistent, Lease, NewAuditEvent, NewToken, Token, TokenRevocation,
};

/// A row of `audit_event`.
#[derive(sqlx::FromRow)]
pub(crate) struct AuditRow {
    pub(crate) position: i64,
    at: i64,
    request_id: String,
    actor: String,
    action: String,
    subject: Option<String>,
    address: Option<String>,
    problem: Option<String>,
}

impl TryFrom<AuditRow> for AuditEvent {
    type Error = Inconsistent;

    fn try_from(row: AuditRow) -> Result<Self, Inconsistent> {
        let cell = Cell { table: "audit_event", column: "position", id: row.position };
        let content = NewAuditEvent {
            at: cell.column("at").microseconds(row.at)?,
            request_id: row.request_id,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            address: row.address,
            outcome: match row.problem {
                None => AuditOutcome::Done,
                Some(problem) => AuditOutcome::Refused { problem },
            },
        };
        Ok(Self { content, position: cell.number(row.position)? })
    }
}

/// A row of `token` with the row of `token_revocation` that belongs to it.
#[derive(sqlx::FromRow)]
pub(crate) struct TokenRow {
    pub(crate) number: i64,
    id: String,
    name: String,
    secret_digest: Vec<u8>,
    scope: String,
    created_at: i64,
    expires_at: i64,
    created_by: String,
    revoked_at: Option<i64>,
    revoked_by: Option<String>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Inconsistent;

    fn try_from(row: TokenRow) -> Result<Self, Inconsistent> {
        let cell = Cell { table: "token", column: "number", id: row.number };
        let revocation = match (row.revoked_at, row.revoked_by) {
            (None, None) => None,
            (Some(at), Some(revoked_by)) => {
                let cell = Cell { table: "token_revocation", column: "revoked_at", ..cell };
                Some(TokenRevocation { revoked_at: cell.microseconds(at)?, revoked_by })
            }
            _ => {
                let cell = Cell { table: "token_revocation", column: "token", ..cell };
                return Err(cell.impossible("a row with NULLs"));
            }
        };
        let content = NewToken {
            secret_digest: cell.column("secret_digest").fingerprint(&row.secret_digest)?,
            created_at: cell.column("created_at").microseconds(row.created_at)?,
            expires_at: cell.column("expires_at").microseconds(row.expires_at)?,
            id: row.id,
            name: row.name,
            scope: row.scope,
            created_by: row.created_by,
        };
        Ok(Self { content, revocation })
    }
}

/// A row of `lease`.
#[derive(sqlx::FromRow)]
pub(crate) struct LeaseRow {
    name: String,
    holder: String,
    until: i64,
    term: i64,
}

impl TryFrom<LeaseRow> for Lease {
    type Error = Inconsistent;

    fn try_from(row: LeaseRow) -> Result<Self, Inconsistent> {
        // The table's key is the name; it has no number to name the row by.
        let cell = Cell { table: "lease", column: "name", id: 0 };
        Ok(Self {
            until: cell.column("until").microseconds(row.until)?,
            term: cell.column("term").number(row.term)?,
            name: row.name,
            holder: row.holder,
        })
    }
}
