//! Named transactions: all SQL of the store runs in one.

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::fault::Place;
use crate::LedgerError;

/// A transaction with a name, for traces and errors. Dropped without [`Named::commit`] it is rolled
/// back. Nothing is ever signed inside one.
#[derive(Debug)]
pub(super) struct Named<'c> {
    name: &'static str,
    place: &'c Place,
    transaction: Transaction<'c, Sqlite>,
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
                Ok(Self { name, place, transaction })
            }
            Err(error) => Err(failed(name, place, error)),
        }
    }

    /// What statements run on.
    pub(super) fn sql(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Tells in the ledger's words why a statement failed.
    pub(super) fn check<T>(&self, result: Result<T, sqlx::Error>) -> Result<T, LedgerError> {
        result.map_err(|error| self.place.explain(self.name, error))
    }

    /// Commits; after that the rows are on the disk.
    pub(super) async fn commit(self) -> Result<(), LedgerError> {
        let Self { name, place, transaction } = self;
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
