//! SQLite's result codes told in the ledger's words.

use std::{path::Path, sync::Arc, time::Duration};

use sqlx::error::DatabaseError;

use crate::LedgerError;

// Primary result codes, https://sqlite.org/rescode.html
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const TOOBIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;
/// The extended code of a full disk met while the shared memory of the write-ahead log grows.
const IOERR_SHMSIZE: i32 = 4874;

/// Which ledger, for messages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) location: String,
    pub(super) busy_timeout: Duration,
}

impl Place {
    pub(super) fn new(path: &Path, busy_timeout: Duration) -> Self {
        Self { location: path.display().to_string(), busy_timeout }
    }

    /// Tells what a failure of SQLite means here.
    pub(super) fn explain(&self, transaction: &'static str, error: sqlx::Error) -> LedgerError {
        let location = self.location.clone();
        let extended = error.as_database_error().and_then(extended_code);
        // The primary code is the low octet of the extended one.
        let code = extended.map(|code| if code == IOERR_SHMSIZE { FULL } else { code & 0xff });
        match (code, error) {
            (Some(BUSY | LOCKED), _) => LedgerError::Busy { location, waited: self.busy_timeout },
            (Some(READONLY), _) => LedgerError::ReadOnly { location },
            (Some(FULL), _) => LedgerError::Full { location },
            (Some(NOTADB), _) => {
                LedgerError::NotALedger { location, found: "not an SQLite database".into() }
            }
            (Some(CORRUPT), error) => LedgerError::Corrupt { location, source: Arc::new(error) },
            (Some(CANTOPEN), error) => {
                LedgerError::CannotOpen { location, source: Arc::new(error) }
            }
            (Some(CONSTRAINT | TOOBIG), error) => {
                LedgerError::Refused { transaction, message: message(&error) }
            }
            (_, sqlx::Error::PoolClosed) => LedgerError::Closed,
            (_, error) => LedgerError::Database { location, transaction, source: Arc::new(error) },
        }
    }
}

/// The message of the database alone, where there is one.
fn message(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(error) => error.message().to_owned(),
        None => error.to_string(),
    }
}

fn extended_code(error: &(dyn DatabaseError + 'static)) -> Option<i32> {
    error.code()?.parse().ok()
}
