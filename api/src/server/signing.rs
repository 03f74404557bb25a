//! Threads that plan, lint, sign and verify, so that the runtime's threads only wait.
//!
//! The queue is bounded: a request takes a [`Slot`] before anything of it is recorded, and keeps it
//! until its certificate is stored. Who finds no free slot is told to come again, and waits for
//! nothing.

use std::sync::Arc;
use std::time::Duration;

use rayon_core::{ThreadPool, ThreadPoolBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::metrics::Metrics;
use crate::authority::Authority;
use crate::issuance::{self, IssueError, ReadyToSign, Signatory, Signed, Step};

/// Octets of a thread's stack: SLH-DSA and ML-DSA keep large arrays there.
pub(super) const STACK: usize = 8 * 1024 * 1024;

/// The threads and the bound of what waits for them.
#[derive(Clone, Debug)]
pub struct SigningPool {
    threads: Arc<ThreadPool>,
    slots: Arc<Semaphore>,
    capacity: usize,
}

/// Room for one request.
#[derive(Debug)]
pub struct Slot {
    threads: Arc<ThreadPool>,
    _permit: OwnedSemaphorePermit,
}

/// No slot is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{capacity} requests are being worked on, allowed are no more at once")]
pub struct Full {
    /// How many slots there are.
    pub capacity: usize,
}

/// The work panicked; its thread lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work ended without a result")]
pub struct Lost;

impl SigningPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(
        threads: usize,
        capacity: usize,
    ) -> Result<Self, rayon_core::ThreadPoolBuildError> {
        let builder = ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK)
            .thread_name(|index| format!("signing-{index}"))
            // The panic's own message is on standard error; whoever waits gets `Lost`.
            .panic_handler(|_| tracing::error!("a signing thread panicked"));
        let threads = Arc::new(builder.build()?);
        Ok(Self { threads, slots: Arc::new(Semaphore::new(capacity)), capacity })
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// `Full`, at once.
    pub fn enter(&self) -> Result<Slot, Full> {
        let permit = Arc::clone(&self.slots).try_acquire_owned();
        let permit = permit.map_err(|_| Full { capacity: self.capacity })?;
        Ok(Slot { threads: Arc::clone(&self.threads), _permit: permit })
    }

    /// How many requests have a slot.
    pub fn taken(&self) -> usize {
        self.capacity - self.slots.available_permits()
    }

    /// How many slots there are.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

impl Slot {
    /// Does the work on one of the threads. It is done also when nobody waits any more.
    ///
    /// # Errors
    /// `Lost` when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Lost> {
        let (answer, result) = oneshot::channel();
        let span = tracing::Span::current();
        self.threads.spawn(move || {
            let done = span.in_scope(work);
            // Nobody waits when the request was given up.
            let _ = answer.send(done);
        });
        result.await.map_err(|_| Lost)
    }
}

/// An authority that signs on the threads.
#[derive(Debug)]
pub struct OnThreads {
    authority: Arc<Authority>,
    slot: Slot,
    metrics: Metrics,
}

impl OnThreads {
    /// Joins the authority with the request's slot.
    pub fn new(authority: Arc<Authority>, slot: Slot, metrics: Metrics) -> Self {
        Self { authority, slot, metrics }
    }
}

impl Signatory for OnThreads {
    fn authority(&self) -> &Authority {
        &self.authority
    }

    fn took(&self, step: Step, time: Duration) {
        self.metrics.step(step, time);
    }

    async fn sign(&self, ready: ReadyToSign) -> Result<Signed, IssueError> {
        let (authority, serial) = (Arc::clone(&self.authority), ready.serial());
        let signed = self.slot.run(move || issuance::sign(ready, &authority)).await;
        signed.unwrap_or(Err(IssueError::Lost { serial }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_a_free_slot_serves() {
        let pool = SigningPool::start(1, 2).unwrap();
        let (first, second) = (pool.enter().unwrap(), pool.enter().unwrap());
        assert_eq!(pool.enter().unwrap_err(), Full { capacity: 2 });
        assert_eq!(pool.taken(), 2);
        drop(first);
        assert_eq!(pool.enter().unwrap().run(|| 1).await, Ok(1));
        assert_eq!(second.run(|| 2).await, Ok(2));
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_thread_lives_on() {
        let pool = SigningPool::start(1, 1).unwrap();
        let slot = pool.enter().unwrap();
        assert_eq!(slot.run(|| panic!("on purpose")).await, Err::<(), _>(Lost));
        assert_eq!(slot.run(|| 3).await, Ok(3));
    }
}
