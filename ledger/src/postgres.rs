//! The ledger of several servers: a PostgreSQL database, version 15 or newer.
//!
//! Each process writes on one connection, behind the queue of [`crate::queue`]: a batch is a constant
//! number of statements over arrays, whatever its size. One transaction at a time writes, over all
//! servers, by taking the turn in table `writer`: so positions have no gaps, rules for keys see all
//! that was there before, and nothing deadlocks (`docs/adr/0017-postgresql-writers-take-turns.md`).
//! A few connections read beside it.
//!
//! The tables are in the schema `espalier`. The role that migrates owns them; servers use a role that
//! may SELECT and INSERT only ([`grants`]).

use std::{fmt, future::Future, sync::Arc, time::Duration};

use sqlx::Postgres;

use crate::location::PostgresLocation;
use crate::queue::WriteQueue;
use crate::{Finding, LedgerError};
use fault::Place;
use readers::{Generation, Readers};
use transaction::Named;

/// The time that counts for leases: the database's, for each server has a clock of its own.
macro_rules! now {
    ($argument:literal) => {
        // The caller's is bound all the same, as the text of the statement is shared.
        concat!(
            "coalesce(CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint), ",
            $argument,
            ")"
        )
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
             JOIN revocation v \
               ON v.authority = c.authority AND v.position > greatest(c.since, $3) \
              AND v.position <= c.through \
             JOIN record r ON r.id = v.record \
             WHERE c.authority = (SELECT id FROM authority WHERE name = $1) AND c.number = $2 \
             AND NOT (v.position <= c.settled_through AND r.not_after < c.settled_at) \
             AND (c.subjects = 0 OR r.for_authority IS NULL OR (c.subjects = 2) = r.for_authority) \
             AND (c.places = '[]' OR r.crl_places IS NULL OR EXISTS (\
                  SELECT 1 FROM jsonb_array_elements_text(r.crl_places::jsonb) p (value) \
                    JOIN jsonb_array_elements_text(c.places::jsonb) w (value) \
                      ON w.value = p.value)) ",
            $rest
        )
    };
}

/// The entry that requester $1 made with idempotency key $2, as the index has them.
macro_rules! by_idempotency_key {
    () => {
        crate::rows::select_entry!(
            "WHERE text_digest(r.requester) = text_digest($1) \
             AND text_digest(r.idempotency_key) = text_digest($2) \
             AND r.idempotency_key IS NOT NULL"
        )
    };
}

mod batch;
mod connect;
mod fault;
mod import;
mod open;
mod progress;
mod readers;
mod roles;
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

pub use roles::grants;

// What the shared SQL calls the database and the store.
type Db = Postgres;
type DatabaseStore = PostgresStore;

/// How a database is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long to wait for another server's turn to end.
    pub lock_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// How long a commit may take; after that nobody knows whether it happened. Synchronous standbys
    /// are waited for within it.
    pub commit_timeout: Duration,
    /// Most connections that read at the same time.
    pub readers: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(20),
            commit_timeout: Duration::from_secs(15),
            readers: 8,
        }
    }
}

/// A ledger in a PostgreSQL database.
pub struct PostgresStore {
    place: Place,
    queue: WriteQueue,
    readers: Arc<Readers>,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.place.location)
    }
}

impl PostgresStore {
    /// Opens a ledger for reading and writing.
    ///
    /// # Errors
    /// `Unavailable`, `Forbidden`, `Unsafe`, `OlderSchema`, `NewerSchema`.
    pub async fn open(location: &PostgresLocation) -> Result<Self, LedgerError> {
        Self::open_with(location, PostgresOptions::default()).await
    }

    /// As [`Self::open`], with options.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(
        location: &PostgresLocation,
        options: PostgresOptions,
    ) -> Result<Self, LedgerError> {
        let opened = open::open(location, options).await?;
        let place = opened.place.clone();
        let queue = WriteQueue::start(opened.writer);
        Ok(Self { place, queue, readers: opened.readers })
    }

    /// Makes the schema, or brings an older one up to date, in one transaction, as the role that
    /// owns it. Answers the schema version before and after.
    ///
    /// # Errors
    /// `Unavailable`, `Forbidden`, `Unsafe`, `NewerSchema`, `Migration`.
    pub async fn migrate(location: &PostgresLocation) -> Result<(i64, i64), LedgerError> {
        open::migrate(location, &PostgresOptions::default()).await
    }

    /// Lets a role serve, and do nothing else to the ledger, by what [`grants`] says; as the role
    /// that owns it.
    ///
    /// # Errors
    /// `InvalidField` for a name that no role has; `Unavailable`, `Forbidden`, and what the database
    /// says of a role that it does not know.
    pub async fn grant(location: &PostgresLocation, role: &str) -> Result<(), LedgerError> {
        open::grant(location, role, &PostgresOptions::default()).await
    }

    /// Starts a transaction that reads: what it sees is one moment of the ledger.
    async fn reading(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        self.readers.begin(name).await
    }

    /// A connection for one statement that reads.
    async fn single(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        self.readers.single(name).await
    }

    /// Which connections read now.
    fn read_by(&self) -> Result<Generation, LedgerError> {
        self.readers.current()
    }

    /// Whether a single statement that failed is worth another try.
    fn read_again(&self, by: &Generation, error: &LedgerError) -> bool {
        self.readers.read_again(by, error)
    }

    /// Bounds how long reading takes, whatever becomes of the network.
    async fn bounded<T>(
        &self,
        name: &'static str,
        reading: impl Future<Output = Result<T, LedgerError>>,
    ) -> Result<T, LedgerError> {
        let limit = self.readers.limit();
        let connections = self.readers.current()?;
        let read = match tokio::time::timeout(limit, reading).await {
            Ok(read) => read,
            Err(_) => Err(self.readers.too_late(name)),
        };
        self.readers.judge(&connections, &read);
        read
    }

    async fn check_storage(&self) -> Result<Vec<Finding>, LedgerError> {
        storage_check::findings(self).await
    }
}
