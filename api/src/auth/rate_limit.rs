//! How often a requester may ask, and how often a peer may fail to say who it is.
//!
//! Both are asked before a credential is judged, by what costs nothing to know: the digest of a
//! credential that was good a while ago, and the address.
//!
//! The memory is bounded: when more keys are known than [`MAX_KEYS`], those that have their full
//! allowance again are forgotten, and when that is not enough new ones share one allowance.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use governor::clock::{Clock, MonotonicClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

/// How many requesters, or peers, are told apart.
const MAX_KEYS: usize = 20_000;

/// An allowance: so many at once, and so many a second after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many a second.
    pub per_second: NonZeroU32,
    /// How many at once.
    pub burst: NonZeroU32,
}

type Keyed<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// Counts by key.
#[derive(Debug)]
struct Counter<K: Hash + Eq + Clone, C: Clock> {
    keyed: Keyed<Option<K>, C>,
    /// Until when those have nothing left who asked for more than there was.
    spent: Mutex<HashMap<Option<K>, C::Instant>>,
    clock: C,
    most: usize,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Counter<K, C> {
    fn new(allowance: Allowance, most: usize, clock: C) -> Self {
        let quota = Quota::per_second(allowance.per_second).allow_burst(allowance.burst);
        let keyed = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { keyed, spent: Mutex::default(), clock, most }
    }

    fn spent(&self) -> MutexGuard<'_, HashMap<Option<K>, C::Instant>> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// None is the key of all those that there is no room for.
    fn place(&self, key: K) -> Option<K> {
        (self.keyed.len() < self.most).then_some(key)
    }

    /// Whether one more can't be counted for `key` now; counts nothing.
    ///
    /// # Errors
    /// How long to wait.
    fn look(&self, key: K) -> Result<(), Duration> {
        let until = self.spent().get(&self.place(key)).copied();
        match until.map(|until| until.duration_since(self.clock.now()).into()) {
            None | Some(Duration::ZERO) => Ok(()),
            Some(wait) => Err(wait),
        }
    }

    /// Counts one for `key`.
    ///
    /// # Errors
    /// How long to wait, when it is one too many.
    fn count(&self, key: K) -> Result<(), Duration> {
        if self.keyed.len() >= self.most {
            self.keyed.retain_recent();
            self.keyed.shrink_to_fit();
        }
        let key = self.place(key);
        self.keyed.check_key(&key).map_err(|until| {
            let now = self.clock.now();
            let mut spent = self.spent();
            if spent.len() >= self.most {
                spent.retain(|_, until| *until > now);
            }
            if spent.len() < self.most {
                spent.insert(key, until.earliest_possible());
            }
            until.wait_time_from(now).max(Duration::from_millis(1))
        })
    }
}

/// The limits of a server.
#[derive(Debug)]
pub struct RateLimits<C: Clock = MonotonicClock> {
    allowances: (Allowance, Allowance),
    requesters: Counter<String, C>,
    peers: Counter<IpAddr, C>,
    /// Whose the credentials are that were good, by their digests. It decides on nothing but who is
    /// counted before a credential is judged again.
    seen: Mutex<HashMap<Fingerprint, String>>,
}

impl RateLimits {
    /// Limits with full allowances.
    pub fn new(requester: Allowance, unauthenticated: Allowance) -> Self {
        Self::with_clock(requester, unauthenticated, MAX_KEYS, MonotonicClock)
    }

    /// Whether `other` allows the same.
    pub fn allows_as(&self, other: &Self) -> bool {
        self.allowances == other.allowances
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(requester: Allowance, peer: Allowance, most: usize, clock: C) -> Self {
        Self {
            allowances: (requester, peer),
            requesters: Counter::new(requester, most, clock.clone()),
            peers: Counter::new(peer, most, clock),
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Fingerprint, String>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request before its credential is judged, where it was good before: gives who was
    /// counted. A credential that is new and `costly` to judge is not judged for an address that
    /// has failed too often.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(
        &self,
        credential: Option<Fingerprint>,
        costly: bool,
        peer: IpAddr,
    ) -> Result<Option<String>, Duration> {
        let name = credential.and_then(|credential| self.seen().get(&credential).cloned());
        match name {
            Some(name) => self.requesters.count(name.clone()).map(|()| Some(name)),
            None if costly => self.peers.look(network_of(peer)).map(|()| None),
            None => Ok(None),
        }
    }

    /// The credential is good, and `name`'s: counts the request unless it was counted as theirs.
    ///
    /// # Errors
    /// How long to wait.
    pub fn good(
        &self,
        credential: Option<Fingerprint>,
        name: &str,
        counted: Option<&str>,
    ) -> Result<(), Duration> {
        if counted == Some(name) {
            return Ok(());
        }
        if let Some(credential) = credential {
            let mut seen = self.seen();
            if seen.len() >= self.requesters.most {
                seen.clear();
            }
            seen.insert(credential, name.to_owned());
        }
        self.requester(name)
    }

    /// The credential is not good, or there is none.
    ///
    /// # Errors
    /// How long to wait.
    pub fn bad(&self, credential: Option<Fingerprint>, peer: IpAddr) -> Result<(), Duration> {
        if let Some(credential) = credential {
            self.seen().remove(&credential);
        }
        self.unauthenticated(peer)
    }

    /// Counts a request of someone who is known.
    ///
    /// # Errors
    /// How long to wait.
    pub fn requester(&self, name: &str) -> Result<(), Duration> {
        self.requesters.count(name.to_owned())
    }

    /// Counts a request that nobody could be found for. An IPv6 address stands for its /64: who
    /// has one has all of them.
    ///
    /// # Errors
    /// How long to wait.
    pub fn unauthenticated(&self, peer: IpAddr) -> Result<(), Duration> {
        self.peers.count(network_of(peer))
    }
}

fn network_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limits(most: usize) -> (RateLimits<FakeRelativeClock>, FakeRelativeClock) {
        let number = |number| NonZeroU32::new(number).unwrap();
        let clock = FakeRelativeClock::default();
        let allowance = Allowance { per_second: number(1), burst: number(3) };
        (RateLimits::with_clock(allowance, allowance, most, clock.clone()), clock)
    }

    #[test]
    fn each_has_its_own_allowance_which_comes_back() {
        let (limits, clock) = limits(100);
        for _ in 0..3 {
            limits.requester("token:a").unwrap();
        }
        let wait = limits.requester("token:a").unwrap_err();
        assert!(wait > Duration::from_millis(900) && wait <= Duration::from_secs(1), "{wait:?}");
        limits.requester("token:b").unwrap();
        clock.advance(Duration::from_secs(1));
        limits.requester("token:a").unwrap();
        limits.requester("token:a").unwrap_err();
    }

    #[test]
    fn addresses_of_one_network_share_an_allowance() {
        let (limits, _) = limits(100);
        let peer = |text: &str| text.parse::<IpAddr>().unwrap();
        for text in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"] {
            limits.unauthenticated(peer(text)).unwrap();
        }
        limits.unauthenticated(peer("2001:db8::3")).unwrap_err();
        limits.unauthenticated(peer("2001:db8:0:1::3")).unwrap();
        for text in ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"] {
            limits.unauthenticated(peer(text)).unwrap();
        }
        limits.unauthenticated(peer("192.0.2.1")).unwrap_err();
        limits.unauthenticated(peer("192.0.2.2")).unwrap();
    }

    #[test]
    fn a_credential_that_was_good_is_counted_before_it_is_judged() {
        let (limits, clock) = limits(100);
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let credential = Some(Fingerprint::of(b"a credential"));
        assert_eq!(limits.admit(credential, true, peer), Ok(None));
        limits.good(credential, "cert:a", None).unwrap();
        for _ in 0..2 {
            assert_eq!(limits.admit(credential, true, peer), Ok(Some("cert:a".into())));
            limits.good(credential, "cert:a", Some("cert:a")).unwrap();
        }
        limits.admit(credential, true, peer).unwrap_err();
        clock.advance(Duration::from_secs(1));
        // It went bad, and is a stranger again.
        assert_eq!(limits.admit(credential, true, peer), Ok(Some("cert:a".into())));
        limits.bad(credential, peer).unwrap();
        assert_eq!(limits.admit(credential, true, peer), Ok(None));
    }

    #[test]
    fn strangers_of_an_address_that_failed_too_often_are_judged_no_more_where_that_is_costly() {
        let (limits, clock) = limits(100);
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let (friend, stranger) = (Some(Fingerprint::of(b"a")), Some(Fingerprint::of(b"b")));
        limits.good(friend, "cert:a", None).unwrap();
        for _ in 0..3 {
            limits.bad(None, peer).unwrap();
        }
        assert_eq!(limits.admit(stranger, true, peer), Ok(None));
        limits.bad(stranger, peer).unwrap_err();
        let wait = limits.admit(stranger, true, peer).unwrap_err();
        assert!(wait > Duration::from_millis(900) && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(limits.admit(stranger, false, peer), Ok(None));
        assert_eq!(limits.admit(friend, true, peer), Ok(Some("cert:a".into())));
        assert_eq!(limits.admit(stranger, true, "192.0.2.2".parse().unwrap()), Ok(None));
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.admit(stranger, true, peer), Ok(None));
    }

    #[test]
    fn no_flood_of_names_takes_more_than_its_share_of_memory() {
        let (limits, clock) = limits(10);
        let admitted = (0..10_000).filter(|n| limits.requester(&format!("jwt:{n}")).is_ok());
        assert_eq!(admitted.count(), 10 + 3);
        assert!(limits.requesters.keyed.len() <= 11);
        // Those that are known are still served, and the room comes back.
        limits.requester("jwt:late").unwrap_err();
        clock.advance(Duration::from_secs(10));
        limits.requester("jwt:late").unwrap();
        assert!(limits.requesters.keyed.len() <= 11);
    }
}
