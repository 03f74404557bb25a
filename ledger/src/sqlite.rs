//! The ledger of one machine: an SQLite file.
//!
//! WAL, `synchronous=FULL`: what was answered is on the disk. One connection writes, behind the
//! queue of [`crate::queue`]; a few read-only connections read beside it. Several processes may use
//! one file: each transaction that writes takes SQLite's write lock first, so they take turns
//! (`docs/adr/0012-two-processes-one-file.md`). Don't put the file on a network file system: SQLite's
//! locks and shared memory don't work there.

/// The time that counts for leases: the caller's, for all of them are on this machine.
macro_rules! now {
    ($argument:literal) => {
        $argument
    };
}

/// The revocations `v` of the records `r` that the list `c` of authority $1 and number $2 has,
/// behind position $3. Records from before their places and kind were noted are on every list:
/// nobody knows whether one that is left out was an authority's.
macro_rules! entries_of_list {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM crl c \
             CROSS JOIN revocation v \
               ON v.authority = c.authority AND v.position > max(c.since, $3) \
              AND v.position <= c.through \
             CROSS JOIN record r ON r.id = v.record \
             WHERE c.authority = (SELECT id FROM authority WHERE name = $1) AND c.number = $2 \
             AND NOT (v.position <= c.settled_through AND r.not_after < c.settled_at) \
             AND (c.subjects = 0 OR r.for_authority IS NULL OR (c.subjects = 2) = r.for_authority) \
             AND (c.places = '[]' OR r.crl_places IS NULL OR EXISTS (\
                  SELECT 1 FROM json_each(r.crl_places) p \
                    JOIN json_each(c.places) w ON w.value = p.value)) ",
            $rest
        )
    };
}

/// The entry that requester $1 made with idempotency key $2.
macro_rules! by_idempotency_key {
    () => {
        crate::rows::select_entry!("WHERE r.requester = $1 AND r.idempotency_key = $2")
    };
}

mod fault;
mod import;
mod open;
mod storage_check;
mod transaction;
mod write;

// SQL that every store shares: one text, compiled once for each database
// (docs/adr/0016-one-text-of-sql.md).
#[path = "sql/audit.rs"]
mod audit;
#[path = "sql/authority.rs"]
mod authority;
#[path = "sql/crl.rs"]
mod crl;
#[path = "sql/lease.rs"]
mod lease;
#[path = "sql/operations.rs"]
mod operations;
#[path = "sql/read.rs"]
mod read;
#[path = "sql/reuse.rs"]
mod reuse;
#[path = "sql/revocation_check.rs"]
mod revocation_check;
#[path = "sql/revoke.rs"]
mod revoke;
#[path = "sql/status.rs"]
mod status;
#[path = "sql/tally.rs"]
mod tally;
#[path = "sql/token.rs"]
mod token;
#[path = "sql/transfer.rs"]
mod transfer;

use std::{fmt, future::Future, path::Path, time::Duration};

use sqlx::{Sqlite, SqlitePool};

use crate::queue::WriteQueue;
use crate::{Finding, LedgerError};
use fault::Place;
use transaction::Named;

// What the shared SQL calls the database and the store.
type Db = Sqlite;
type DatabaseStore = SqliteStore;

/// How a ledger file is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long to wait for another process's write lock.
    pub busy_timeout: Duration,
    /// Most connections that read at the same time.
    pub readers: u32,
    /// Most pages (of 4096 bytes) that the file may have: a quota. `None`: what the disk holds.
    pub max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), readers: 4, max_pages: None }
    }
}

/// A ledger in an SQLite file.
pub struct SqliteStore {
    place: Place,
    queue: WriteQueue,
    readers: SqlitePool,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.place.location)
    }
}

impl SqliteStore {
    /// Makes a new ledger and opens it. The file appears whole or not at all, mode 0600.
    ///
    /// # Errors
    /// `AlreadyExists`, `FolderMissing`, `ReadOnly`, `Full`, `Create`.
    pub async fn create(path: &Path) -> Result<Self, LedgerError> {
        Self::create_with(path, SqliteOptions::default()).await
    }

    /// As [`Self::create`], with options.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn create_with(path: &Path, options: SqliteOptions) -> Result<Self, LedgerError> {
        open::create(path, &options).await?;
        Self::open_with(path, options).await
    }

    /// Opens a ledger for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, `FolderMissing`, `NotALedger`, `OlderSchema`, `NewerSchema`, `ReadOnly`,
    /// `CannotOpen`, `Busy`, `Corrupt`.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// As [`Self::open`], with options.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(path: &Path, options: SqliteOptions) -> Result<Self, LedgerError> {
        let opened = open::open(path, &options).await?;
        let place = opened.place.clone();
        let queue = WriteQueue::start(opened.writer);
        Ok(Self { place, queue, readers: opened.readers })
    }

    /// Brings the schema of an older ledger up to date, in one transaction. Answers the schema
    /// version before and after.
    ///
    /// # Errors
    /// As [`Self::open`], and `Migration`.
    pub async fn migrate(path: &Path) -> Result<(i64, i64), LedgerError> {
        open::migrate(path, &SqliteOptions::default()).await
    }

    /// Starts a transaction that reads: what it sees is one moment of the ledger.
    async fn reading(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        if self.readers.is_closed() {
            return Err(LedgerError::Closed);
        }
        Named::start(name, &self.place, self.readers.begin().await)
    }

    /// A connection for one statement that reads.
    async fn single(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        if self.readers.is_closed() {
            return Err(LedgerError::Closed);
        }
        Named::single(name, &self.place, self.readers.acquire().await)
    }

    /// Connections to a file are all alike.
    fn read_by(&self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// What failed in a file fails again.
    fn read_again(&self, _by: &(), _error: &LedgerError) -> bool {
        false
    }

    /// Bounds how long reading takes. A file on this machine answers or fails.
    async fn bounded<T>(
        &self,
        _name: &'static str,
        reading: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        reading.await
    }

    async fn check_storage(&self) -> Result<Vec<Finding>, LedgerError> {
        let expected = open::schema_of_migrations(&self.place).await?;
        let mut transaction = self.reading("ledger.storage_findings").await?;
        let findings = storage_check::findings(&mut transaction, expected).await?;
        transaction.commit().await?;
        Ok(findings)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::crl::Scope;
    use jiff::Timestamp;
    use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

    use super::*;
    use crate::{CrlFilter, CrlKind, Store as _};

    /// What SQLite does for this SELECT, step by step.
    async fn plan(path: &Path, filter: &CrlFilter) -> String {
        let mut connection = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
        let select = crl::select(filter, 1).into_string();
        let select = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {select}"));
        let rows = sqlx::query(select).fetch_all(&mut connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
    }

    #[tokio::test]
    async fn lists_that_are_over_are_not_read_to_find_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        SqliteStore::create(&path).await.unwrap().close().await.unwrap();
        let newest = CrlFilter {
            scope: Some(Scope::all()),
            kind: Some(CrlKind::Complete),
            stored: true,
            ..CrlFilter::of("issuing")
        };
        let current = CrlFilter {
            current_at: Some(Timestamp::UNIX_EPOCH),
            oldest_first: true,
            ..newest.clone()
        };
        let steps = plan(&path, &current).await;
        let search =
            "USING INDEX crl_by_end (authority=? AND subjects=? AND places=? AND next_update>?)";
        assert!(steps.contains(search), "{steps}");
        let steps = plan(&path, &newest).await;
        assert!(steps.contains("USING INDEX crl_by_series"), "{steps}");
    }
}
