//! What comes by the hundred: certificates, revocations, records, audit events. Each kind is a few
//! statements over arrays, whatever the size of the batch.
//!
//! Requests of a batch came at the same time, so any order of them is right: certificates first,
//! then revocations, records and events. What is refused is found before anything is inserted; the
//! triggers look at it once more.

mod certificates;
mod events;
mod known;
mod records;
mod revocations;

use super::transaction::Named;
use crate::queue::{Answer, Held, Write, hold};
use crate::{
    AuditEvent, Certificate, LedgerError, NewAuditEvent, NewCertificate, NewRecord, NewRevocation,
    Recording, Revocation,
};

/// Requests of one transaction, by kind.
#[derive(Default)]
pub(super) struct Batch {
    certificates: Requests<NewCertificate, Certificate>,
    revocations: Requests<NewRevocation, Revocation>,
    records: Requests<Box<NewRecord>, Recording>,
    events: Requests<Box<NewAuditEvent>, AuditEvent>,
}

/// Requests of one kind, with the way of each answer.
struct Requests<N, T> {
    new: Vec<N>,
    answers: Vec<Answer<T>>,
}

/// How each request of one kind went.
type Results<T> = Vec<Result<T, LedgerError>>;

/// How each request of a batch went, before the commit.
pub(super) struct BatchResults {
    certificates: Results<Certificate>,
    revocations: Results<Revocation>,
    records: Results<Recording>,
    events: Results<AuditEvent>,
}

impl<N, T> Default for Requests<N, T> {
    fn default() -> Self {
        Self { new: Vec::new(), answers: Vec::new() }
    }
}

impl<N, T: Send + 'static> Requests<N, T> {
    fn push(&mut self, new: N, answer: Answer<T>) {
        self.new.push(new);
        self.answers.push(answer);
    }

    fn answered(self, results: Results<T>) -> impl Iterator<Item = Held> {
        self.answers.into_iter().zip(results).map(|(answer, result)| hold(answer, result))
    }

    fn refused(self, error: &LedgerError) -> impl Iterator<Item = Held> {
        self.answers.into_iter().map(|answer| hold(answer, Err(error.clone())))
    }

    fn singles(self) -> impl Iterator<Item = Self> {
        let pairs = self.new.into_iter().zip(self.answers);
        pairs.map(|(new, answer)| Self { new: vec![new], answers: vec![answer] })
    }
}

impl Batch {
    /// Keeps a request that comes by the hundred; gives any other back.
    pub(super) fn take(&mut self, request: Write) -> Option<Write> {
        match request {
            Write::Store(new, answer) => self.certificates.push(new, answer),
            Write::Revoke(new, answer) => self.revocations.push(new, answer),
            Write::Record(new, answer) => self.records.push(new, answer),
            Write::Audit(new, answer) => self.events.push(new, answer),
            other => return Some(other),
        }
        None
    }

    pub(super) fn len(&self) -> usize {
        self.certificates.new.len()
            + self.revocations.new.len()
            + self.records.new.len()
            + self.events.new.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answers, to be held until the commit.
    pub(super) fn answered(self, results: BatchResults) -> Vec<Held> {
        let certificates = self.certificates.answered(results.certificates);
        let revocations = self.revocations.answered(results.revocations);
        let records = self.records.answered(results.records);
        let events = self.events.answered(results.events);
        certificates.chain(revocations).chain(records).chain(events).collect()
    }

    /// The same answer for all.
    pub(super) fn refused(self, error: &LedgerError) -> Vec<Held> {
        let certificates = self.certificates.refused(error);
        let revocations = self.revocations.refused(error);
        let records = self.records.refused(error);
        let events = self.events.refused(error);
        certificates.chain(revocations).chain(records).chain(events).collect()
    }

    /// Each request as a batch of its own.
    pub(super) fn singles(self) -> Vec<Self> {
        let certificates =
            self.certificates.singles().map(|it| Self { certificates: it, ..Self::default() });
        let revocations =
            self.revocations.singles().map(|it| Self { revocations: it, ..Self::default() });
        let records = self.records.singles().map(|it| Self { records: it, ..Self::default() });
        let events = self.events.singles().map(|it| Self { events: it, ..Self::default() });
        certificates.chain(revocations).chain(records).chain(events).collect()
    }
}

/// Writes the batch in this transaction.
///
/// # Errors
/// When the database fails, or refuses what was not foreseen: then the transaction is lost.
pub(super) async fn write(
    transaction: &mut Named<'_>,
    batch: &Batch,
) -> Result<BatchResults, LedgerError> {
    Ok(BatchResults {
        certificates: certificates::store(transaction, &batch.certificates.new).await?,
        revocations: revocations::revoke(transaction, &batch.revocations.new).await?,
        records: records::record(transaction, &batch.records.new).await?,
        events: events::add(transaction, &batch.events.new).await?,
    })
}
