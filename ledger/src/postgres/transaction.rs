//! Named transactions: all SQL of the store runs in one.

use std::time::Duration;

use sqlx::{PgConnection, Postgres, Row as _, Transaction, pool::PoolConnection};

use super::fault::{Place, is_conflict};
use crate::LedgerError;

/// Takes the turn to write, and asks which one it is, in the same trip as the BEGIN. The isolation
/// level is named because a database may have another default: each statement sees what was committed
/// before the turn.
const BEGIN_WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     UPDATE espalier.writer SET turn = turn + 1 WHERE id = 1 RETURNING turn";

/// A statement timeout that ends the wait for a standby would make the server answer as if the standby
/// had the rows, so there is none for the commit. PostgreSQL itself takes the timeout off before it
/// waits; databases that speak its protocol are told to, in the same trip.
const COMMIT_WRITING: &str = "SET LOCAL statement_timeout = 0; COMMIT";

/// A transaction with a name, for traces and errors. Dropped without [`Named::commit`] it is rolled
/// back. Nothing is ever signed inside one.
#[derive(Debug)]
pub(super) struct Named<'c> {
    name: &'static str,
    place: &'c Place,
    session: Session<'c>,
    /// The last failure of a statement: PostgreSQL answers a COMMIT after one as if all were well,
    /// and rolls back.
    failed: Option<LedgerError>,
    conflict: bool,
}

#[derive(Debug)]
enum Session<'c> {
    /// A transaction of several statements.
    Begun(Transaction<'c, Postgres>),
    /// A connection for one statement that reads, which is a transaction by itself.
    Single(PoolConnection<Postgres>),
    /// The connection that has the turn. It is given back at the end of the transaction, and not
    /// before: whatever else becomes of it, it is closed, and the server takes back what was written.
    Writing { connection: PgConnection, turn: i64 },
}

impl<'c> Named<'c> {
    /// Gives the transaction that was just begun its name; or tells why it could not be begun.
    pub(super) fn start(
        name: &'static str,
        place: &'c Place,
        begun: Result<Transaction<'c, Postgres>, sqlx::Error>,
    ) -> Result<Self, LedgerError> {
        let begun = begun.map_err(|error| failed(name, place, error))?;
        tracing::trace!(transaction = name, "begun");
        Ok(Self::of(name, place, Session::Begun(begun)))
    }

    /// For one statement that reads: what a second one sees may be another moment of the ledger.
    pub(super) fn single(
        name: &'static str,
        place: &'c Place,
        connection: PoolConnection<Postgres>,
    ) -> Self {
        Self::of(name, place, Session::Single(connection))
    }

    /// Starts a transaction that writes: from here on no other does, until it ends.
    pub(super) async fn start_writing(
        name: &'static str,
        place: &'c Place,
        mut connection: PgConnection,
    ) -> Result<Self, LedgerError> {
        let begun = sqlx::raw_sql(BEGIN_WRITING).fetch_optional(&mut connection).await;
        let row = begun.map_err(|error| failed(name, place, error))?;
        // Without the row two could write at once.
        let row = row.ok_or_else(|| place.no_turn())?;
        let turn = row.try_get(0).map_err(|error| failed(name, place, error))?;
        tracing::trace!(transaction = name, turn, "begun");
        Ok(Self::of(name, place, Session::Writing { connection, turn }))
    }

    fn of(name: &'static str, place: &'c Place, session: Session<'c>) -> Self {
        Self { name, place, session, failed: None, conflict: false }
    }

    /// What statements run on.
    pub(super) fn sql(&mut self) -> &mut PgConnection {
        match &mut self.session {
            Session::Begun(transaction) => transaction,
            Session::Single(connection) => connection,
            Session::Writing { connection, .. } => connection,
        }
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

    /// Takes back what was written, and gives the turn to others at once. Answers the connection,
    /// when it is as good as before.
    pub(super) async fn roll_back(self) -> Option<PgConnection> {
        let Session::Writing { mut connection, .. } = self.session else { return None };
        match sqlx::raw_sql("ROLLBACK").execute(&mut connection).await {
            Ok(_) => Some(connection),
            Err(error) => {
                tracing::debug!(transaction = self.name, %error, "not rolled back in good order");
                None
            }
        }
    }

    /// Ends a transaction that only read.
    pub(super) async fn commit(self) -> Result<(), LedgerError> {
        let Self { name, place, session, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        match session {
            Session::Begun(transaction) => {
                transaction.commit().await.map_err(|error| place.explain(name, error))
            }
            Session::Single(_) | Session::Writing { .. } => Ok(()),
        }
    }

    /// Commits what was written; after that the rows are on the disk, and on every synchronous
    /// standby. The wait for one is given up on this side, with the connection, as an outcome that
    /// nobody knows.
    ///
    /// Answers the connection and its turn, when it had one.
    pub(super) async fn commit_writing(
        self,
        limit: Duration,
    ) -> Result<Option<(PgConnection, i64)>, LedgerError> {
        let Self { name, place, session, failed, .. } = self;
        if let Some(error) = failed {
            return Err(error);
        }
        let committing = async {
            match session {
                Session::Begun(transaction) => transaction.commit().await.map(|()| None),
                Session::Single(_) => Ok(None),
                Session::Writing { mut connection, turn } => {
                    let committed = sqlx::raw_sql(COMMIT_WRITING).execute(&mut connection).await;
                    committed.map(|_| Some((connection, turn)))
                }
            }
        };
        match tokio::time::timeout(limit, committing).await {
            Ok(Ok(ended)) => {
                let turn = ended.as_ref().map(|(_, turn)| turn);
                tracing::trace!(transaction = name, turn, "committed");
                Ok(ended)
            }
            Ok(Err(error)) => Err(place.explain_commit(name, error)),
            Err(_) => Err(place.commit_too_late(name, limit)),
        }
    }
}

/// Why a transaction could not be begun.
fn failed(name: &'static str, place: &Place, error: sqlx::Error) -> LedgerError {
    let error = place.explain(name, error);
    tracing::warn!(transaction = name, %error, "transaction failed");
    error
}
