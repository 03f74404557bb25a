//! How far the ledger had got when this process last heard of it.
//!
//! Table `writer` counts the transactions that wrote. A server that counts fewer than were answered
//! here is not the one that the rows are on: a primary from before a failover that still lives, a
//! standby that was promoted without all of them, a backup. This process neither reads from it nor
//! writes to it (`docs/adr/0093-the-ledger-does-not-go-back.md`).

use std::sync::atomic::{AtomicI64, Ordering};

use sqlx::PgConnection;

use super::fault::Place;
use crate::LedgerError;

/// The highest turn that was committed or seen here.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicI64);

impl Progress {
    /// Notes the turn of a connection that committed it, to the disk and every synchronous standby.
    pub(super) fn note(&self, (connection, turn): (PgConnection, i64)) -> PgConnection {
        self.0.fetch_max(turn, Ordering::AcqRel);
        connection
    }

    /// Refuses a server that is behind.
    ///
    /// # Errors
    /// `Behind`, `Corrupt` without the row, and whatever keeps the server from answering.
    pub(super) async fn expect(
        &self,
        name: &'static str,
        place: &Place,
        connection: &mut PgConnection,
    ) -> Result<(), LedgerError> {
        // Read first: others may commit while the server is asked.
        let known = self.0.load(Ordering::Acquire);
        let turn = sqlx::query_scalar("SELECT turn FROM espalier.writer WHERE id = 1");
        let found: Option<i64> =
            turn.fetch_optional(connection).await.map_err(|error| place.explain(name, error))?;
        let found = found.ok_or_else(|| place.no_turn())?;
        if found < known {
            let location = place.location.clone();
            return Err(LedgerError::Behind { location, found, known });
        }
        Ok(())
    }
}
