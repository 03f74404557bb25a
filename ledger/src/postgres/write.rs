//! Writing: what comes by the hundred shares one transaction, the rest has one each.

use std::sync::Arc;

use sqlx::{PgConnection, postgres::PgConnectOptions};

use super::{
    PostgresOptions, authority, batch, batch::Batch, connect, crl, fault::Place, import, lease,
    open, progress::Progress, readers::Readers, revoke, token, transaction::Named,
};
use crate::LedgerError;
use crate::queue::{Answer, BatchWriter, Held, ImportPage, Write, Written, hold};

/// How often a transaction is tried again after a conflict with another one. The turn leaves no
/// room for conflicts in PostgreSQL itself; databases that speak its protocol have them.
const RETRIES: u32 = 3;

/// The one connection of this process that writes.
#[derive(Debug)]
pub(super) struct PostgresWriter {
    pub(super) place: Place,
    pub(super) connect: PgConnectOptions,
    pub(super) options: PostgresOptions,
    /// `None` after a failure: the next transaction connects afresh, to whichever server is the
    /// primary then.
    pub(super) connection: Option<PgConnection>,
    pub(super) progress: Arc<Progress>,
    pub(super) readers: Arc<Readers>,
}

impl BatchWriter for PostgresWriter {
    async fn write(&mut self, requests: Vec<Write>) -> Vec<Written> {
        let mut batch = Batch::default();
        let mut alone = Vec::new();
        for request in requests {
            alone.extend(batch.take(request));
        }
        let mut written = Vec::with_capacity(1 + alone.len());
        if !batch.is_empty() {
            written.extend(self.write_batch(batch).await);
        }
        let mut alone = alone.into_iter();
        while let Some(request) = alone.next() {
            if let Some(error) = failure(&written) {
                let rest = std::iter::once(request).chain(alone);
                let answers = rest.map(|request| request.refuse(error.clone())).collect();
                written.push(Written { answers, outcome: Err(error) });
                break;
            }
            written.push(self.write_alone(request).await);
        }
        written
    }

    async fn close(mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = sqlx::Connection::close(connection).await
        {
            tracing::warn!(%error, "the ledger's connection did not close cleanly");
        }
    }
}

/// Runs the work in a transaction with the turn, on this writer's connection, again after a
/// conflict. A macro, for no bound says that what a closure borrows and gives is `Send`.
macro_rules! transact {
    ($writer:ident, |$transaction:ident| $work:expr) => {{
        let mut tried = 0;
        loop {
            let limit = $writer.options.lock_timeout + $writer.options.statement_timeout;
            let commit_limit = $writer.options.commit_timeout;
            let mut conflict = false;
            let connected = $writer.connected().await;
            let place = &$writer.place;
            // The connection comes back from a transaction that ended well, committed or refused.
            // Nothing of any other may reach the next one: it is closed, and the next connects anew.
            let (kept, outcome) = match connected {
                Err(error) => (None, Err(error)),
                Ok(connection) => {
                    let working = async {
                        let mut begun =
                            Named::start_writing("ledger.write", place, connection).await?;
                        let $transaction = &mut begun;
                        let result = $work.await;
                        conflict = begun.had_conflict();
                        match result {
                            Ok(result) => Ok(Ok((begun, result))),
                            Err(error) => Ok(Err((begun.roll_back().await, error))),
                        }
                    };
                    match tokio::time::timeout(limit, working).await {
                        Err(_) => (None, Err(place.too_late("ledger.write", limit))),
                        Ok(Err(error)) => (None, Err(error)),
                        Ok(Ok(Err((kept, error)))) => {
                            (kept.filter(|_| error.concerns_one_request()), Err(error))
                        }
                        Ok(Ok(Ok((begun, result)))) => {
                            match begun.commit_writing(commit_limit).await {
                                Ok(ended) => (ended.map(|end| $writer.progress.note(end)), Ok(result)),
                                Err(error) => (None, Err(error)),
                            }
                        }
                    }
                }
            };
            $writer.connection = kept;
            if let Err(error) = &outcome
                && !error.concerns_one_request()
            {
                tracing::warn!(transaction = "ledger.write", %error, "transaction failed");
            }
            if conflict && outcome.is_err() && tried < RETRIES {
                tried += 1;
                continue;
            }
            break outcome;
        }
    }};
}

impl PostgresWriter {
    /// The connection, made afresh after a failure. Whoever takes it brings it back.
    async fn connected(&mut self) -> Result<PgConnection, LedgerError> {
        const NAME: &str = "ledger.connect";
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let (place, options) = (&self.place, &self.options);
        let mut made = connect::connect(NAME, place, &self.connect, options).await?;
        let checking = async {
            let version = open::schema_version(NAME, place, &mut made).await?;
            open::expect_version(version, place)?;
            self.progress.expect(NAME, place, &mut made).await
        };
        let checked = tokio::time::timeout(options.connect_timeout, checking).await;
        checked.map_err(|_| place.too_late(NAME, options.connect_timeout))??;
        // It may be another server now, which those that read must follow.
        self.readers.renew_all();
        Ok(made)
    }

    /// Writes a batch in one transaction. What the database itself refuses, against all that was
    /// looked up before, is found by writing each request alone.
    async fn write_batch(&mut self, batch: Batch) -> Vec<Written> {
        let outcome = transact!(self, |transaction| batch::write(transaction, &batch));
        match outcome {
            Ok(results) => vec![Written { answers: batch.answered(results), outcome: Ok(()) }],
            Err(error) if error.concerns_one_request() && batch.len() > 1 => {
                let mut written = Vec::with_capacity(batch.len());
                let mut singles = batch.singles().into_iter();
                while let Some(single) = singles.next() {
                    if let Some(error) = failure(&written) {
                        let rest = std::iter::once(single).chain(singles);
                        let answers = rest.flat_map(|single| single.refused(&error)).collect();
                        written.push(Written { answers, outcome: Err(error) });
                        break;
                    }
                    written.push(self.write_single(single).await);
                }
                written
            }
            Err(error) if error.concerns_one_request() => {
                vec![Written { answers: batch.refused(&error), outcome: Ok(()) }]
            }
            Err(error) => vec![Written { answers: batch.refused(&error), outcome: Err(error) }],
        }
    }

    async fn write_single(&mut self, single: Batch) -> Written {
        let outcome = transact!(self, |transaction| batch::write(transaction, &single));
        match outcome {
            Ok(results) => Written { answers: single.answered(results), outcome: Ok(()) },
            Err(error) => {
                let outcome =
                    if error.concerns_one_request() { Ok(()) } else { Err(error.clone()) };
                Written { answers: single.refused(&error), outcome }
            }
        }
    }

    /// Carries out one of the rare requests, in a transaction of its own.
    async fn write_alone(&mut self, request: Write) -> Written {
        match request {
            Write::Authority(new, answer) => {
                let done = transact!(self, |t| authority::add(t, new.clone()));
                settle(answer, done)
            }
            Write::AuthorityCertificate(new, answer) => {
                let done = transact!(self, |t| authority::add_certificate(t, new.clone()));
                settle(answer, done)
            }
            Write::BlockKeys(new, answer) => {
                let done = transact!(self, |t| revoke::block_keys(t, new.clone()));
                settle(answer, done)
            }
            Write::RevokeAuthority(step, answer) => {
                let done = transact!(self, |t| revoke::revoke_authority(t, step.clone()));
                settle(answer, done)
            }
            Write::ReserveCrl(new, answer) => {
                let done = transact!(self, |t| crl::reserve(t, (*new).clone()));
                settle(answer, done)
            }
            Write::StoreCrl(new, answer) => {
                let done = transact!(self, |t| crl::store(t, (*new).clone()));
                settle(answer, done)
            }
            Write::Token(new, answer) => {
                let done = transact!(self, |t| token::add(t, (*new).clone()));
                settle(answer, done)
            }
            Write::RevokeToken(new, answer) => {
                let done = transact!(self, |t| token::revoke(t, new.clone()));
                settle(answer, done)
            }
            Write::Lease(new, answer) => {
                let done = transact!(self, |t| lease::take(t, new.clone()));
                settle(answer, done)
            }
            Write::EndLease(ended, answer) => {
                let done = transact!(self, |t| lease::end(t, ended.clone()));
                settle(answer, done)
            }
            Write::Import(page, answer) => {
                let ImportPage { rows, is_first } = *page;
                let done = transact!(self, |t| import::import(t, rows.clone(), is_first));
                settle(answer, done)
            }
            // These share a transaction: `Batch::take` keeps them.
            Write::Record(..) | Write::Store(..) | Write::Revoke(..) | Write::Audit(..) => {
                let answers = vec![request.refuse(LedgerError::Closed)];
                Written { answers, outcome: Ok(()) }
            }
        }
    }
}

/// Why a transaction of these failed: those that wait behind it would most likely wait as long, and
/// fail as well, so that nothing of them is begun.
fn failure(written: &[Written]) -> Option<LedgerError> {
    match written.last()?.outcome.as_ref().err()?.clone() {
        // Of them it is known: they are not there.
        LedgerError::OutcomeUnknown { location, source, .. } => {
            Some(LedgerError::Unavailable { location, source })
        }
        error => Some(error),
    }
}

/// The answer to a request that had a transaction of its own.
fn settle<T: Send + 'static>(answer: Answer<T>, done: Result<T, LedgerError>) -> Written {
    let outcome = match &done {
        Err(error) if !error.concerns_one_request() => Err(error.clone()),
        _ => Ok(()),
    };
    let answers: Vec<Held> = vec![hold(answer, done)];
    Written { answers, outcome }
}
