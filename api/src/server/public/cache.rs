//! Answers that were signed, to be given again while the ledger says the same. The status is read
//! from the ledger before every look in here: what is saved is the signature.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use ca_core::ocsp::{CertId, CertStatus};
use jiff::Timestamp;

use super::dated::Dated;

/// A bounded number of answers without nonce, each about one certificate.
#[derive(Debug)]
pub(super) struct ResponseCache {
    /// Entries of one of the two generations.
    half: usize,
    generations: Mutex<Generations>,
}

type Generation = HashMap<(String, CertId), Kept>;

/// When the young generation is full it becomes the old one, and the old one is forgotten.
#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) status: CertStatus,
    pub(super) response: Dated,
    pub(super) since: Timestamp,
    /// From then on a new one is signed.
    pub(super) renew: Timestamp,
}

impl ResponseCache {
    /// For so many answers; 0 keeps none.
    pub(super) fn new(entries: usize) -> Self {
        Self { half: entries.div_ceil(2), generations: Mutex::default() }
    }

    /// The answer, where it says what the ledger says, and will for some time.
    pub(super) fn get(
        &self,
        authority: &str,
        cert_id: &CertId,
        status: CertStatus,
        now: Timestamp,
    ) -> Option<Dated> {
        let key = (authority.to_owned(), cert_id.clone());
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = match generations.young.get(&key) {
            Some(kept) => kept.clone(),
            None => {
                let kept = generations.old.remove(&key)?;
                self.insert(&mut generations, key, kept.clone());
                kept
            }
        };
        // A clock that was stepped back must not give answers from the future.
        let current = kept.since <= now && now < kept.renew;
        (current && kept.status == status).then_some(kept.response)
    }

    pub(super) fn put(&self, authority: &str, cert_id: CertId, kept: Kept) {
        if self.half == 0 {
            return;
        }
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        self.insert(&mut generations, (authority.to_owned(), cert_id), kept);
    }

    fn insert(&self, generations: &mut Generations, key: (String, CertId), kept: Kept) {
        if generations.young.len() >= self.half {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(key, kept);
    }
}
