//! PostgreSQL's error codes told in the ledger's words.

use std::{io, sync::Arc, time::Duration};

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::LedgerError;

/// Which ledger, for messages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Without password.
    pub(super) location: String,
    pub(super) lock_timeout: Duration,
}

/// What a failure means for whoever asked (<https://www.postgresql.org/docs/15/errcodes-appendix.html>).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The row or value is refused.
    Refused,
    /// Two transactions were in each other's way: the same again may go through.
    Conflict,
    /// Waited too long for another transaction, or for a statement.
    Held,
    Full,
    Standby,
    Forbidden,
    Corrupt,
    /// The server is not there, going down, coming up, or takes no more connections.
    Unavailable,
    Other,
}

fn fault(code: &str) -> Fault {
    match code {
        "40001" | "40P01" => Fault::Conflict,
        "55P03" | "57014" => Fault::Held,
        "53100" => Fault::Full,
        "25006" => Fault::Standby,
        "42501" => Fault::Forbidden,
        "XX001" | "XX002" => Fault::Corrupt,
        // raise_exception, program_limit_exceeded
        "P0001" | "54000" => Fault::Refused,
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "3D000" => Fault::Unavailable,
        _ => match code.get(..2) {
            Some("22" | "23") => Fault::Refused,
            Some("08" | "28" | "53") => Fault::Unavailable,
            _ => Fault::Other,
        },
    }
}

impl Place {
    /// Tells what a failure of PostgreSQL means here, before anything was committed.
    pub(super) fn explain(&self, transaction: &'static str, error: sqlx::Error) -> LedgerError {
        let location = self.location.clone();
        let found = database_error(&error).map(|error| fault(error.code()));
        let found = found.unwrap_or(match &error {
            sqlx::Error::PoolClosed => return LedgerError::Closed,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::BeginFailed
            | sqlx::Error::WorkerCrashed => Fault::Unavailable,
            _ => Fault::Other,
        });
        match found {
            Fault::Refused => {
                let message = database_error(&error).map(|error| error.message().to_owned());
                let message = message.unwrap_or_else(|| error.to_string());
                LedgerError::Refused { transaction, message }
            }
            Fault::Conflict | Fault::Held => {
                LedgerError::Contended { location, waited: self.lock_timeout }
            }
            Fault::Full => LedgerError::Full { location },
            Fault::Standby => LedgerError::Standby { location },
            Fault::Forbidden => LedgerError::Forbidden { location, source: Arc::new(error) },
            Fault::Corrupt => LedgerError::Corrupt { location, source: Arc::new(error) },
            Fault::Unavailable => LedgerError::Unavailable { location, source: Arc::new(error) },
            Fault::Other => {
                LedgerError::Database { location, transaction, source: Arc::new(error) }
            }
        }
    }

    /// Tells how a commit failed. Only when the server itself answered that it took the transaction
    /// back is it certain that nothing was written.
    pub(super) fn explain_commit(
        &self,
        transaction: &'static str,
        error: sqlx::Error,
    ) -> LedgerError {
        let taken_back =
            database_error(&error).is_some_and(|error| error.severity() == PgSeverity::Error);
        if taken_back {
            return self.explain(transaction, error);
        }
        let (location, source) = (self.location.clone(), Arc::new(error));
        LedgerError::OutcomeUnknown { location, transaction, source }
    }

    /// A commit that was given up.
    pub(super) fn commit_too_late(
        &self,
        transaction: &'static str,
        waited: Duration,
    ) -> LedgerError {
        let (location, source) = (self.location.clone(), Arc::new(timed_out(waited)));
        LedgerError::OutcomeUnknown { location, transaction, source }
    }

    /// There is no row to take the turn by: two could write at once.
    pub(super) fn no_turn(&self) -> LedgerError {
        let words = "table writer lacks the row by which writers take turns";
        let source = Arc::new(sqlx::Error::Protocol(words.into()));
        LedgerError::Corrupt { location: self.location.clone(), source }
    }

    /// Something that was given up before a commit.
    pub(super) fn too_late(&self, transaction: &'static str, waited: Duration) -> LedgerError {
        self.explain(transaction, timed_out(waited))
    }
}

/// Whether the same may go through when it is tried again.
pub(super) fn is_conflict(error: &sqlx::Error) -> bool {
    database_error(error).is_some_and(|error| fault(error.code()) == Fault::Conflict)
}

fn database_error(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

fn timed_out(waited: Duration) -> sqlx::Error {
    let message = format!("no answer for {waited:?}");
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_server_took_back_is_certainly_not_there() {
        let place = Place { location: "here".into(), lock_timeout: Duration::from_secs(5) };
        for lost in [
            sqlx::Error::Io(io::ErrorKind::ConnectionReset.into()),
            sqlx::Error::Protocol("cut off".into()),
            timed_out(Duration::from_secs(1)),
        ] {
            let told = place.explain_commit("ledger.write", lost);
            assert!(matches!(told, LedgerError::OutcomeUnknown { .. }), "{told:?}");
        }
        let lost = sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        let told = place.explain("ledger.write", lost);
        assert!(matches!(told, LedgerError::Unavailable { .. }), "{told:?}");
    }

    #[test]
    fn classes_of_codes_are_told_apart() {
        for (code, expected) in [
            ("23505", Fault::Refused),
            ("22021", Fault::Refused),
            ("P0001", Fault::Refused),
            ("40001", Fault::Conflict),
            ("40P01", Fault::Conflict),
            ("55P03", Fault::Held),
            ("08006", Fault::Unavailable),
            ("28P01", Fault::Unavailable),
            ("53300", Fault::Unavailable),
            ("53100", Fault::Full),
            ("57P01", Fault::Unavailable),
            ("42P01", Fault::Other),
            ("", Fault::Other),
        ] {
            assert!(fault(code) == expected, "{code}");
        }
    }
}
