//! Audit events: who did what to what, when, from where, and how it went.
//!
//! Rows of the same kind as records: added, never changed, each with a place in one order without
//! gaps.

use jiff::Timestamp;

use crate::{Cursor, LedgerError, record::text};

/// An event to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEvent {
    /// When; kept to the microsecond.
    pub at: Timestamp,
    /// The request that it belongs to, as in the log. 1 to 128 characters.
    pub request_id: String,
    /// Who asked, authenticated; whoever is not, by a name that no requester has, such as
    /// `anonymous`. 1 to 512 characters.
    pub actor: String,
    /// What was asked for, such as `certificate.issue`. 1 to 64 characters.
    pub action: String,
    /// What it was done to, as `KIND:VALUE`: `serial:4f…`, `authority:root-2026`, `key:…`,
    /// `token:…`. 1 to 512 characters.
    pub subject: Option<String>,
    /// From where it came: the address of the client. 1 to 128 characters.
    pub address: Option<String>,
    /// How it went.
    pub outcome: AuditOutcome,
}

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused, or failed.
    Refused {
        /// The type of the problem (RFC 9457), as the requester was told. 1 to 256 characters.
        problem: String,
    },
}

/// A committed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub content: NewAuditEvent,
    /// Place in the order of all events, from 1, without gaps.
    pub position: u64,
}

/// Which events; each field that is set narrows the search. The default takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Who asked.
    pub actor: Option<String>,
    /// What was asked for.
    pub action: Option<String>,
    /// What it was done to, whole.
    pub subject: Option<String>,
    /// The request that it belongs to.
    pub request_id: Option<String>,
    /// Only what was done, or only what was refused.
    pub done: Option<bool>,
    /// At this instant or later.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub before: Option<Timestamp>,
}

/// One page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvents {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Cursor>,
}

impl NewAuditEvent {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        text("request_id", &self.request_id, 1, 128)?;
        text("actor", &self.actor, 1, 512)?;
        text("action", &self.action, 1, 64)?;
        if let Some(subject) = &self.subject {
            text("subject", subject, 1, 512)?;
        }
        if let Some(address) = &self.address {
            text("address", address, 1, 128)?;
        }
        match &self.outcome {
            AuditOutcome::Done => Ok(()),
            AuditOutcome::Refused { problem } => text("problem", problem, 1, 256),
        }
    }

    /// The type of the problem, where there was one.
    pub(crate) fn problem(&self) -> Option<&str> {
        match &self.outcome {
            AuditOutcome::Done => None,
            AuditOutcome::Refused { problem } => Some(problem),
        }
    }

    /// The same with the time as it comes back from the ledger.
    pub(crate) fn cut_to_stored_precision(self) -> Self {
        Self { at: crate::record::whole_microseconds(self.at), ..self }
    }
}
