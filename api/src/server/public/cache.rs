//! Answers that were signed, to be given again while the ledger says the same. The status is read
//! from the ledger before every look in here: what is saved is the signature.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::sync::{Mutex, PoisonError};

use ca_core::ocsp::CertStatus;
use jiff::Timestamp;

use super::dated::Dated;

/// What an answer takes beside its own octets: its key, its dates, its place in the table.
const OVERHEAD: usize = 512;

/// Answers without nonce, each about one certificate, in a bounded number of octets. `K` says which
/// certificate.
#[derive(Debug)]
pub(super) struct ResponseCache<K> {
    /// Octets of one of the two generations.
    half: usize,
    generations: Mutex<Generations<K>>,
}

/// When the young generation is full it becomes the old one, and the old one is forgotten. What is
/// asked for again meanwhile is young again.
#[derive(Debug)]
struct Generations<K> {
    young: HashMap<K, Kept>,
    old: HashMap<K, Kept>,
    /// What the young ones take.
    octets: usize,
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

impl<K: Eq + Hash> ResponseCache<K> {
    /// For so many octets; 0 keeps none.
    pub(super) fn new(octets: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), octets: 0 };
        Self { half: octets / 2, generations: Mutex::new(generations) }
    }

    /// The answer, where it says what the ledger says, and will for some time.
    pub(super) fn get(&self, key: K, status: CertStatus, now: Timestamp) -> Option<Dated> {
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

    pub(super) fn put(&self, key: K, kept: Kept) {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        self.insert(&mut generations, key, kept);
    }

    fn insert(&self, generations: &mut Generations<K>, key: K, kept: Kept) {
        let octets = OVERHEAD + kept.response.octets().len();
        if octets > self.half {
            return;
        }
        if generations.octets + octets > self.half {
            generations.old = mem::take(&mut generations.young);
            generations.octets = 0;
        }
        generations.octets += octets;
        if let Some(before) = generations.young.insert(key, kept) {
            generations.octets -= OVERHEAD + before.response.octets().len();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::crl::RevocationReason;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// An answer of so many octets, to be renewed at second 50.
    fn kept(octets: usize) -> Kept {
        let response = Dated::new("x/y", vec![0; octets], at(0), at(100));
        Kept { status: CertStatus::Good, response, since: at(10), renew: at(50) }
    }

    impl ResponseCache<u32> {
        fn has(&self, key: u32) -> bool {
            self.get(key, CertStatus::Good, at(20)).is_some()
        }

        /// What is kept, by its own count and by counting.
        fn octets(&self) -> (usize, usize) {
            let generations = self.generations.lock().unwrap();
            let of = |part: &HashMap<u32, Kept>| -> usize {
                part.values().map(|kept| OVERHEAD + kept.response.octets().len()).sum()
            };
            assert_eq!(of(&generations.young), generations.octets);
            (generations.octets, of(&generations.young) + of(&generations.old))
        }
    }

    #[test]
    fn it_keeps_no_more_octets_than_it_may() {
        let cache = ResponseCache::new(40_000);
        for key in 0..1_000 {
            // Of 488, 1512, 3488 octets; each twice, as two who ask at once do.
            cache.put(key, kept([488, 1_512, 3_488][key as usize % 3]));
            cache.put(key, kept([488, 1_512, 3_488][key as usize % 3]));
            assert!(cache.has(key));
            let (young, all) = cache.octets();
            assert!(young <= 20_000 && all <= 40_000, "{key}: {young} {all}");
        }
        assert!(!cache.has(0));
    }

    #[test]
    fn what_is_asked_for_stays_and_what_is_too_large_is_not_kept() {
        let cache = ResponseCache::new(20_000);
        cache.put(0, kept(488));
        for key in 1..1_000 {
            cache.put(key, kept(488));
            assert!(cache.has(0), "{key}");
        }
        cache.put(2_000, kept(10_000));
        assert!(!cache.has(2_000) && cache.has(0));
        let none = ResponseCache::new(0);
        none.put(1, kept(0));
        assert!(!none.has(1));
    }

    #[test]
    fn another_status_and_another_time_are_not_answered_from_it() {
        let cache = ResponseCache::new(20_000);
        cache.put(1, kept(488));
        let revoked = CertStatus::revoked(at(15), RevocationReason::KeyCompromise);
        for (status, second, found) in [
            (CertStatus::Good, 10, true),
            (CertStatus::Good, 49, true),
            (CertStatus::Good, 9, false),
            (CertStatus::Good, 50, false),
            (revoked, 20, false),
        ] {
            assert_eq!(cache.get(1, status, at(second)).is_some(), found, "{status} {second}");
        }
    }
}
