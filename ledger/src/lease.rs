//! Leases: of several processes on one ledger, one makes the next revocation list.
//!
//! A lease is a hint that saves work, not a lock that safety rests on: numbers of lists are reserved
//! in the ledger whoever makes them. A lease is no part of what a ledger tells: its row changes.

use std::time::Duration;

use jiff::Timestamp;

use crate::{LedgerError, record::text};

/// Longest time for which a lease is given at once.
pub const MAX_LEASE: Duration = Duration::from_secs(86_400);

/// A lease that is asked for, or asked to be prolonged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLease {
    /// What for, such as `crl:root-2026`. 1 to 128 characters.
    pub name: String,
    /// Who asks; no two processes have the same name. 1 to 128 characters.
    pub holder: String,
    /// For how long; 1 ms to [`MAX_LEASE`]. The same for all who ask for this name: a lease that
    /// runs out later was given by a clock that was ahead, and is taken.
    pub duration: Duration,
    /// Now. A store with a clock of its own, which all of its users share, takes that instead.
    pub now: Timestamp,
}

/// How [`crate::Store::lease`] answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leasing {
    /// It is the asker's.
    Granted(Lease),
    /// Somebody else has it.
    Taken(Lease),
}

/// A lease that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What for.
    pub name: String,
    /// Whose it is.
    pub holder: String,
    /// From this instant on anybody may take it.
    pub until: Timestamp,
    /// Grows whenever it goes to another holder, or to the same one after it ran out.
    pub term: u64,
}

impl NewLease {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        text("name", &self.name, 1, 128)?;
        text("holder", &self.holder, 1, 128)?;
        if (Duration::from_millis(1)..=MAX_LEASE).contains(&self.duration) {
            return Ok(());
        }
        Err(LedgerError::InvalidField {
            field: "duration",
            found: format!("{:?}", self.duration),
            allowed: format!("1ms to {MAX_LEASE:?}"),
        })
    }
}
