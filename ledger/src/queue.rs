//! Group commit: one task writes; what waits in its queue shares a transaction.
//!
//! A lone request waits for nobody: the task takes what is there, and commits. While it does, the
//! next requests gather. Stores differ in how they write a batch (the trait `BatchWriter`), not in this.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{
        mpsc::{self, error::SendTimeoutError},
        oneshot, watch,
    },
    task::JoinHandle,
};

use crate::transfer::ExportRow;
use crate::{
    AuditEvent, Authority, Certificate, Crl, KeyBlock, Lease, Leasing, LedgerError, NewAuditEvent,
    NewAuthority, NewAuthorityRevocation, NewCertificate, NewCrl, NewCrlList, NewKeyBlock,
    NewLease, NewRecord, NewRevocation, NewToken, NewTokenRevocation, Recording, Revocation, Token,
};

/// Most requests that wait for the writer.
pub const QUEUE_CAPACITY: usize = 4_096;
/// Most requests in one transaction: bounds how long the first one waits for the last.
pub const BATCH_CAPACITY: usize = 512;
/// How long a request waits for a place in the queue.
pub const QUEUE_WAIT: Duration = Duration::from_secs(5);

/// What the writer did since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Transactions committed.
    pub commits: u64,
    /// Transactions that failed, with all their requests.
    pub failed_transactions: u64,
    /// Requests taken out of the queue.
    pub requests: u64,
    /// Most requests in one transaction.
    pub largest_batch: u64,
}

/// Where the answer to a request goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, LedgerError>>;

/// A request that writes.
#[derive(Debug)]
pub(crate) enum Write {
    Authority(NewAuthority, Answer<Authority>),
    AuthorityCertificate(NewAuthorityCertificate, Answer<Certificate>),
    Record(Box<NewRecord>, Answer<Recording>),
    Store(NewCertificate, Answer<Certificate>),
    Revoke(NewRevocation, Answer<Revocation>),
    BlockKeys(NewKeyBlock, Answer<KeyBlock>),
    RevokeAuthority(RevocationStep, Answer<StepDone>),
    ReserveCrl(Box<NewCrl>, Answer<Crl>),
    StoreCrl(Box<NewCrlList>, Answer<Crl>),
    Audit(Box<NewAuditEvent>, Answer<AuditEvent>),
    Token(Box<WantedToken>, Answer<Token>),
    RevokeToken(NewTokenRevocation, Answer<Token>),
    Lease(NewLease, Answer<Leasing>),
    EndLease(Lease, Answer<()>),
    Import(Box<ImportPage>, Answer<()>),
}

/// A token to be added.
#[derive(Debug, Clone)]
pub(crate) struct WantedToken {
    pub(crate) new: NewToken,
    /// Set when the last token of the same name must be this one, or none.
    pub(crate) behind: Option<Option<String>>,
}

/// A part of the revocation of all that an authority issued.
#[derive(Debug, Clone)]
pub(crate) struct RevocationStep {
    pub(crate) new: NewAuthorityRevocation,
    /// Records up to this position were looked at.
    pub(crate) after: u64,
}

/// How far a step got.
#[derive(Debug)]
pub(crate) struct StepDone {
    pub(crate) revoked: u64,
    /// Where the next step starts; `None` when no record is left.
    pub(crate) next: Option<u64>,
}

/// Rows of an export, to be added as they are.
#[derive(Debug, Clone)]
pub(crate) struct ImportPage {
    pub(crate) rows: Vec<ExportRow>,
    /// Whether they must find an empty ledger.
    pub(crate) is_first: bool,
}

/// A certificate to be added to an authority.
#[derive(Debug, Clone)]
pub(crate) struct NewAuthorityCertificate {
    pub(crate) authority: String,
    pub(crate) certificate: Certificate,
}

impl NewAuthorityCertificate {
    /// Checks that the bytes are a certificate's outer structure and makes the fingerprint.
    pub(crate) fn new(
        authority: &str,
        der: Vec<u8>,
        added_at: Timestamp,
    ) -> Result<Self, LedgerError> {
        crate::encoding::certificate_parts(&der).map_err(|reason| LedgerError::InvalidField {
            field: "authority certificate",
            found: format!("{} bytes that are not one ({reason})", der.len()),
            allowed: "a DER Certificate".into(),
        })?;
        let fingerprint = ca_core::fingerprint::Fingerprint::of(&der);
        let stored_at = crate::record::whole_microseconds(added_at);
        let certificate = Certificate { der, fingerprint, stored_at };
        Ok(Self { authority: authority.to_owned(), certificate })
    }
}

impl Write {
    /// The answer to a request that was not carried out.
    pub(crate) fn refuse(self, error: LedgerError) -> Held {
        match self {
            Self::Authority(_, answer) => hold(answer, Err(error)),
            Self::AuthorityCertificate(_, answer) => hold(answer, Err(error)),
            Self::Record(_, answer) => hold(answer, Err(error)),
            Self::Store(_, answer) => hold(answer, Err(error)),
            Self::Revoke(_, answer) => hold(answer, Err(error)),
            Self::BlockKeys(_, answer) => hold(answer, Err(error)),
            Self::RevokeAuthority(_, answer) => hold(answer, Err(error)),
            Self::ReserveCrl(_, answer) | Self::StoreCrl(_, answer) => hold(answer, Err(error)),
            Self::Audit(_, answer) => hold(answer, Err(error)),
            Self::Token(_, answer) | Self::RevokeToken(_, answer) => hold(answer, Err(error)),
            Self::Lease(_, answer) => hold(answer, Err(error)),
            Self::EndLease(_, answer) | Self::Import(_, answer) => hold(answer, Err(error)),
        }
    }
}

/// An answer that waits for the commit: called with how that went.
pub(crate) type Held = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;

/// Holds an answer back until the commit. A requester that no longer listens is told nothing.
pub(crate) fn hold<T: Send + 'static>(answer: Answer<T>, result: Result<T, LedgerError>) -> Held {
    Box::new(move |commit| drop(answer.send(commit.and(result))))
}

/// A transaction after its end: an answer for each request, and how the commit went.
pub(crate) struct Written {
    pub(crate) answers: Vec<Held>,
    pub(crate) outcome: Result<(), LedgerError>,
}

/// How a store writes.
pub(crate) trait BatchWriter: Send + 'static {
    /// Writes the batch, most of it in one transaction. One refused request harms no other; a failed
    /// transaction fails all that is in it, and is rolled back when this returns.
    fn write(&mut self, batch: Vec<Write>) -> impl Future<Output = Vec<Written>> + Send;

    /// Closes the database.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The way to the writer.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    sender: mpsc::Sender<Write>,
    closing: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    commits: AtomicU64,
    failed_transactions: AtomicU64,
    requests: AtomicU64,
    largest_batch: AtomicU64,
}

impl WriteQueue {
    /// Starts the task that writes.
    pub(crate) fn start(writer: impl BatchWriter) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY);
        let (closing, close_asked) = watch::channel(false);
        let counters = Arc::new(Counters::default());
        let task = tokio::spawn(run(writer, receiver, close_asked, Arc::clone(&counters)));
        Self { sender, closing, task: Mutex::new(Some(task)), counters }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// What the writer answers; `Overloaded` when the queue stays full; `Closed`.
    pub(crate) async fn ask<T>(
        &self,
        request: impl FnOnce(Answer<T>) -> Write,
    ) -> Result<T, LedgerError> {
        if *self.closing.borrow() {
            return Err(LedgerError::Closed);
        }
        let (answer, reply) = oneshot::channel();
        match self.sender.send_timeout(request(answer), QUEUE_WAIT).await {
            Ok(()) => reply.await.unwrap_or(Err(LedgerError::Closed)),
            Err(SendTimeoutError::Timeout(_)) => {
                Err(LedgerError::Overloaded { capacity: QUEUE_CAPACITY, waited: QUEUE_WAIT })
            }
            Err(SendTimeoutError::Closed(_)) => Err(LedgerError::Closed),
        }
    }

    /// Takes no more requests and waits until those in the queue are carried out.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the ledger's writer ended early");
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: read(&self.counters.commits),
            failed_transactions: read(&self.counters.failed_transactions),
            requests: read(&self.counters.requests),
            largest_batch: read(&self.counters.largest_batch),
        }
    }
}

async fn run(
    mut writer: impl BatchWriter,
    mut receiver: mpsc::Receiver<Write>,
    mut close_asked: watch::Receiver<bool>,
    counters: Arc<Counters>,
) {
    let mut watching = true;
    loop {
        let first = tokio::select! {
            biased;
            // Ends when asked to, or when the queue itself is gone; the rest is drained below.
            _ = close_asked.wait_for(|asked| *asked), if watching => {
                watching = false;
                receiver.close();
                continue;
            }
            first = receiver.recv() => first,
        };
        let Some(first) = first else { break };
        let mut batch = vec![first];
        while batch.len() < BATCH_CAPACITY
            && let Ok(next) = receiver.try_recv()
        {
            batch.push(next);
        }
        let size = batch.len() as u64;
        counters.requests.fetch_add(size, Ordering::Relaxed);
        counters.largest_batch.fetch_max(size, Ordering::Relaxed);
        for Written { answers, outcome } in writer.write(batch).await {
            let counter =
                if outcome.is_ok() { &counters.commits } else { &counters.failed_transactions };
            counter.fetch_add(1, Ordering::Relaxed);
            answers.into_iter().for_each(|answer| answer(outcome.clone()));
        }
    }
    writer.close().await;
}
