//! Named transactions: all SQL of the store runs in one.

use std::time::Duration;

use sqlx::{Connection, PgConnection, Postgres, Transaction};

use super::fault::{Place, is_conflict};
use crate::LedgerError;

/// Takes the turn to write, in the same trip as the BEGIN. The isolation level is named because a
/// database may have another default: each statement sees what was committed before the turn.
const BEGIN_WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     UPDATE espalier.writer SET turn = turn + 1 WHERE id = 1";

/// A transaction with a name, for traces and errors. Dropped without [`Named::commit`] it is rolled
/// back. Nothing is ever signed inside one.
#[derive(Debug)]
pub(super) struct Named<'c> {
    name: &'static str,
    place: &'c Place,
    transaction: Transaction<'c, Postgres>,
    /// The last failure of a statement: PostgreSQL answers a COMMIT after one as if all were well,
    /// and rolls back.
    failed: Option<LedgerError>,
    conflict: bool,
}

impl<'c> Named<'c> {
    /// Gives the transaction that was just begun its name; or tells why it could not be begun.
    pub(super) fn start(
        name: &'static str,
        place: &'c Place,
        begun: Result<Transaction<'c, Postgres>, sqlx::Error>,
    ) -> Result<Self, LedgerError> {
        match begun {
            Ok(transaction) => {
                tracing::trace!(transaction = name, "begun");
                Ok(Self { name, place, transaction, failed: None, conflict: false })
            }
            Err(error) => {
                let error = place.explain(name, error);
                tracing::warn!(transaction = name, %error, "transaction failed");
                Err(error)
            }
        }
    }

    /// Starts a transaction that writes: from here on no other does, until it ends.
    pub(super) async fn start_writing(
        name: &'static str,
        place: &'c Place,
        connection: &'c mut PgConnection,
    ) -> Result<Self, LedgerError> {
        let begun = connection.begin_with(BEGIN_WRITING).await;
        Self::start(name, place, begun)
    }

    /// What statements run on.
    pub(super) fn sql(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Tells in the ledger's words why a statement failed.
    pub(super) fn check<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T, LedgerError> {
        result.map_err(|error| {
            self.conflict = is_conflict(&error);
            let error = self.place.explain(self.name, error);
            self.failed = Some(error.clone());
            error
        })
    }

    /// Whether the last failure may go away when all is done again.
    pub(super) fn had_conflict(&self) -> bool {
        self.conflict
    }

    /// Takes back what was written, and gives the turn to others at once: dropped, the transaction
    /// would hold it until this connection is used again.
    pub(super) async fn roll_back(self) {
        if let Err(error) = self.transaction.rollback().await {
            // Whoever uses the connection next learns the same.
            tracing::debug!(transaction = self.name, %error, "not rolled back in good order");
        }
    }

    /// Ends a transaction that only read.
    pub(super) async fn commit(self) -> Result<(), LedgerError> {
        let Self { name, place, transaction, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        transaction.commit().await.map_err(|error| place.explain(name, error))
    }

    /// Commits what was written; after that the rows are on the disk, and on every synchronous
    /// standby.
    ///
    /// A statement timeout that ends the wait for a standby would make the server answer as if the
    /// standby had the rows, so there is none for the commit: the wait is given up on this side, with
    /// the connection, as an outcome that nobody knows.
    ///
    /// Answers the turn that it was, which the same trip asks for.
    pub(super) async fn commit_writing(mut self, limit: Duration) -> Result<i64, LedgerError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let unlimited = sqlx::query_as(
            "SELECT turn, set_config('statement_timeout', '0', true) FROM espalier.writer WHERE id = 1",
        );
        let unlimited = unlimited.fetch_one(self.sql()).await;
        let (turn, _): (i64, String) = self.check(unlimited)?;
        let Self { name, place, transaction, .. } = self;
        match tokio::time::timeout(limit, transaction.commit()).await {
            Ok(Ok(())) => {
                tracing::trace!(transaction = name, turn, "committed");
                Ok(turn)
            }
            Ok(Err(error)) => Err(place.explain_commit(name, error)),
            Err(_) => Err(place.commit_too_late(name, limit)),
        }
    }
}
