//! The connections that read.
//!
//! Each is held to what the one that writes is held to when it is made, and lives for a short while
//! only. When the writer had to connect anew, or a reader was lost, all are: after a failover none
//! goes on reading from where the primary was.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{PostgresOptions, connect, fault::Place, progress::Progress, transaction::Named};
use crate::{LedgerError, queue::QUEUE_WAIT};

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const CONNECT: &str = "ledger.connect_reader";
/// How long one of them lives: where a proxy sends new connections elsewhere, all are there soon.
const LIFETIME: Duration = Duration::from_secs(30);
/// Used this lately, a connection is not asked whether it still is one.
const FRESH: Duration = Duration::from_secs(1);
/// How long a connection may take to tell that it still is one.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// The connections that read.
#[derive(Debug)]
pub(super) struct Readers {
    checks: Arc<Checks>,
    connect: PgConnectOptions,
    most: u32,
    /// How long one transaction may take.
    limit: Duration,
    /// `None` when the ledger is closed.
    current: RwLock<Option<Generation>>,
}

/// Connections that were made since the last failure.
#[derive(Debug, Clone)]
pub(super) struct Generation {
    number: u64,
    made: Instant,
    pool: PgPool,
}

/// What a new connection is held to.
#[derive(Debug)]
struct Checks {
    place: Place,
    progress: Arc<Progress>,
    /// Why the last one was refused: the pool itself would tell no more than that time ran out.
    refusal: Mutex<Option<LedgerError>>,
}

impl Checks {
    async fn hold(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let safe = async {
            connect::expect_safe(CONNECT, &self.place, connection).await?;
            self.progress.expect(CONNECT, &self.place, connection).await
        };
        let refusal = safe.await.err();
        let told = refusal.as_ref().map(ToString::to_string);
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
        told.map_or(Ok(()), |told| Err(sqlx::Error::Protocol(told)))
    }

    /// What a failure to get a connection means.
    fn explain(&self, name: &'static str, error: sqlx::Error) -> LedgerError {
        let refusal = match &error {
            sqlx::Error::PoolTimedOut => self.refusal(),
            _ => None,
        };
        let error = refusal.unwrap_or_else(|| self.place.explain(name, error));
        tracing::warn!(transaction = name, %error, "transaction failed");
        error
    }

    /// Why the last connection was refused, once.
    fn refusal(&self) -> Option<LedgerError> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Readers {
    pub(super) fn new(
        place: Place,
        progress: Arc<Progress>,
        connect: PgConnectOptions,
        options: &PostgresOptions,
    ) -> Self {
        let checks = Arc::new(Checks { place, progress, refusal: Mutex::new(None) });
        let limit = options.lock_timeout + options.statement_timeout;
        let most = options.readers.max(1);
        let readers = Self { checks, connect, most, limit, current: RwLock::new(None) };
        let first = readers.generation_after(0);
        *readers.current.write().unwrap_or_else(PoisonError::into_inner) = Some(first);
        readers
    }

    fn generation_after(&self, number: u64) -> Generation {
        let checks = Arc::clone(&self.checks);
        let pool = PgPoolOptions::new()
            .max_connections(self.most)
            .acquire_timeout(QUEUE_WAIT)
            .max_lifetime(LIFETIME)
            .after_connect(move |connection, _| {
                let checks = Arc::clone(&checks);
                Box::pin(async move { checks.hold(connection).await })
            })
            // The pool's own question waits for its answer however long that takes.
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move {
                    if about.idle_for < FRESH {
                        return Ok(true);
                    }
                    match tokio::time::timeout(PING_TIMEOUT, connection.ping()).await {
                        Ok(answered) => answered.map(|()| true),
                        Err(_) => Err(sqlx::Error::Protocol("no answer to a ping".into())),
                    }
                })
            })
            .connect_lazy_with(self.connect.clone());
        Generation { number: number + 1, made: Instant::now(), pool }
    }

    /// The connections as they are now.
    ///
    /// # Errors
    /// `Closed`.
    pub(super) fn current(&self) -> Result<Generation, LedgerError> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone().ok_or(LedgerError::Closed)
    }

    /// Starts a transaction that reads: what it sees is one moment of the ledger.
    pub(super) async fn begin(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        let first = self.current()?;
        let begun = match first.pool.begin_with(BEGIN).await {
            // Nothing was read yet, and what was lost may have been lost long ago.
            Err(sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => {
                self.renew(&first);
                self.current()?.pool.begin_with(BEGIN).await
            }
            begun => begun,
        };
        let begun = begun.map_err(|error| self.refused(name, &first, error))?;
        Named::start(name, &self.checks.place, Ok(begun))
    }

    /// A connection for one statement that reads: it is a transaction without the trips for BEGIN and
    /// COMMIT. [`connect::for_reading`] sees to it that it can't write.
    pub(super) async fn single(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        let first = self.current()?;
        let got = match first.pool.acquire().await {
            Err(sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => {
                self.renew(&first);
                self.current()?.pool.acquire().await
            }
            got => got,
        };
        let got = got.map_err(|error| self.refused(name, &first, error))?;
        Ok(Named::single(name, &self.checks.place, got))
    }

    /// Why there is no connection. Where none can be hoped for, all are given up.
    fn refused(&self, name: &'static str, of: &Generation, error: sqlx::Error) -> LedgerError {
        // None came back for longer than any of them may be away.
        let stuck = matches!(error, sqlx::Error::PoolTimedOut) && of.made.elapsed() > self.limit;
        let error = self.checks.explain(name, error);
        if stuck || is_lost(&error) {
            self.renew(of);
        }
        error
    }

    /// Whether a single statement is worth another try, on connections that were made anew: its
    /// connection may have been lost long ago, and nothing was read.
    pub(super) fn read_again(&self, of: &Generation, error: &LedgerError) -> bool {
        let again = is_lost(error) && matches!(error, LedgerError::Unavailable { .. });
        if again {
            self.renew(of);
        }
        again
    }

    /// Looks at how reading went: where the server was lost, so are its other connections.
    pub(super) fn judge<T>(&self, of: &Generation, read: &Result<T, LedgerError>) {
        if read.as_ref().is_err_and(is_lost) {
            self.renew(of);
        }
    }

    /// Gives all connections up, unless that was done since.
    pub(super) fn renew(&self, seen: &Generation) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_none_or(|current| current.number != seen.number) {
            return;
        }
        let next = self.generation_after(seen.number);
        let Some(old) = current.replace(next) else { return };
        drop(current);
        let limit = self.limit;
        // Idle ones end now, the others with what they do.
        tokio::spawn(async move { tokio::time::timeout(limit, old.pool.close()).await });
    }

    /// Gives all connections up.
    pub(super) fn renew_all(&self) {
        if let Ok(current) = self.current() {
            self.renew(&current);
        }
    }

    /// Reads nothing more, and closes the connections.
    pub(super) async fn close(&self) {
        let last = self.current.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            // One that does not come back is left to the system.
            let _ = tokio::time::timeout(self.limit, last.pool.close()).await;
        }
    }

    /// Reading that was given up: because no server would do, or none answered.
    pub(super) fn too_late(&self, name: &'static str) -> LedgerError {
        let refusal = self.checks.refusal();
        refusal.unwrap_or_else(|| self.checks.place.too_late(name, self.limit))
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }
}

/// Whether a failure means that the connection, or the server behind it, is not what it was.
fn is_lost(error: &LedgerError) -> bool {
    match error {
        LedgerError::Standby { .. } | LedgerError::Behind { .. } => true,
        LedgerError::Unavailable { source, .. } => !matches!(**source, sqlx::Error::PoolTimedOut),
        _ => false,
    }
}
