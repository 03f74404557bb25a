//! How often a requester may ask, and how often a peer may fail to say who it is.
//!
//! The memory is bounded: when more keys are known than [`MAX_KEYS`], those that have their full
//! allowance again are forgotten, and when that is not enough new ones share one allowance.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
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
    clock: C,
    most: usize,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Counter<K, C> {
    fn new(allowance: Allowance, most: usize, clock: C) -> Self {
        let quota = Quota::per_second(allowance.per_second).allow_burst(allowance.burst);
        let keyed = RateLimiter::new(quota, HashMapStateStore::default(), clock.clone());
        Self { keyed, clock, most }
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
        // None is the key of all those that there is no room for.
        let key = (self.keyed.len() < self.most).then_some(key);
        self.keyed
            .check_key(&key)
            .map_err(|until| until.wait_time_from(self.clock.now()).max(Duration::from_millis(1)))
    }
}

/// The limits of a server.
#[derive(Debug)]
pub struct RateLimits<C: Clock = MonotonicClock> {
    requesters: Counter<String, C>,
    peers: Counter<IpAddr, C>,
}

impl RateLimits {
    /// Limits with full allowances.
    pub fn new(requester: Allowance, unauthenticated: Allowance) -> Self {
        Self::with_clock(requester, unauthenticated, MAX_KEYS, MonotonicClock)
    }
}

impl<C: Clock + Clone> RateLimits<C> {
    fn with_clock(requester: Allowance, peer: Allowance, most: usize, clock: C) -> Self {
        Self {
            requesters: Counter::new(requester, most, clock.clone()),
            peers: Counter::new(peer, most, clock),
        }
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
