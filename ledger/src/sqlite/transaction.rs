//! Named transactions: all SQL of the store runs in one.

use sqlx::{Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

use super::fault::Place;
use crate::LedgerError;

/// A transaction with a name, for traces and errors. Dropped without [`Named::commit`] it is rolled
/// back. Nothing is ever signed inside one.
#[derive(Debug)]
pub(super) struct Named<'c> {
    name: &'static str,
    place: &'c Place,
    session: Session<'c>,
}

#[derive(Debug)]
enum Session<'c> {
    /// A transaction of several statements.
    Begun(Transaction<'c, Sqlite>),
    /// A connection for one statement that reads, which is a transaction by itself.
    Single(PoolConnection<Sqlite>),
}

impl<'c> Named<'c> {
    /// Gives the transaction that was just begun its name; or tells why it could not be begun.
    pub(super) fn start(
        name: &'static str,
        place: &'c Place,
        begun: Result<Transaction<'c, Sqlite>, sqlx::Error>,
    ) -> Result<Self, LedgerError> {
        match begun {
            Ok(transaction) => {
                tracing::trace!(transaction = name, "begun");
                Ok(Self { name, place, session: Session::Begun(transaction) })
            }
            Err(error) => Err(failed(name, place, error)),
        }
    }

    /// For one statement that reads: what a second one sees may be another moment of the ledger.
    pub(super) fn single(
        name: &'static str,
        place: &'c Place,
        got: Result<PoolConnection<Sqlite>, sqlx::Error>,
    ) -> Result<Self, LedgerError> {
        let connection = got.map_err(|error| failed(name, place, error))?;
        Ok(Self { name, place, session: Session::Single(connection) })
    }

    /// What statements run on.
    pub(super) fn sql(&mut self) -> &mut SqliteConnection {
        match &mut self.session {
            Session::Begun(transaction) => transaction,
            Session::Single(connection) => connection,
        }
    }

    /// Tells in the ledger's words why a statement failed.
    pub(super) fn check<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, LedgerError> {
        result.map_err(|error| self.place.explain(self.name, error))
    }

    /// Commits; after that the rows are on the disk.
    pub(super) async fn commit(self) -> Result<(), LedgerError> {
        let Self { name, place, session } = self;
        let Session::Begun(transaction) = session else { return Ok(()) };
        transaction.commit().await.map_err(|error| failed(name, place, error))?;
        tracing::trace!(transaction = name, "committed");
        Ok(())
    }
}

fn failed(name: &'static str, place: &Place, error: sqlx::Error) -> LedgerError {
    let error = place.explain(name, error);
    tracing::warn!(transaction = name, %error, "transaction failed");
    error
}
