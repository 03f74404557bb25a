//! How many requests of one issuer are worked on at the same time: a server that answers slowly, or a
//! flood of requests, takes no place of another issuer's.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kinds::IssuerRef;

/// How often a request that waits for a place looks whether one is free, if it is not told before.
pub const IN_LINE: Duration = Duration::from_secs(30);

/// Whether whoever asked has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has one.
    Taken,
    /// It is in line from now on.
    Joins,
    /// It was in line before.
    Waits,
}

/// The places of every issuer, and who waits for one, as `W`.
#[derive(Debug)]
pub struct Places<W> {
    each: usize,
    lines: Mutex<HashMap<IssuerRef, Line<W>>>,
}

/// One issuer's.
#[derive(Debug)]
struct Line<W> {
    taken: usize,
    waiting: VecDeque<W>,
    /// Those of `waiting` that still wait.
    still: HashSet<W>,
}

impl<W> Default for Line<W> {
    fn default() -> Self {
        Self { taken: 0, waiting: VecDeque::new(), still: HashSet::new() }
    }
}

impl<W: Clone + Eq + Hash> Places<W> {
    /// So many for each issuer.
    #[must_use]
    pub fn new(each: u16) -> Self {
        Self { each: usize::from(each), lines: Mutex::default() }
    }

    /// Takes a place, to be given back by [`Self::leave`]. Where there is none, whoever asks is put into
    /// the line, once, and is told by [`Self::next`].
    #[must_use]
    pub fn take(&self, issuer: &IssuerRef, who: &W) -> Turn {
        let mut lines = self.lines();
        let line = lines.entry(issuer.clone()).or_default();
        if line.taken < self.each {
            line.taken += 1;
            line.still.remove(who);
            return Turn::Taken;
        }
        if !line.still.insert(who.clone()) {
            return Turn::Waits;
        }
        line.waiting.push_back(who.clone());
        Turn::Joins
    }

    /// Gives a place back.
    pub fn leave(&self, issuer: &IssuerRef) {
        let mut lines = self.lines();
        if let Some(line) = lines.get_mut(issuer) {
            line.taken = line.taken.saturating_sub(1);
            if line.taken == 0 && line.still.is_empty() {
                lines.remove(issuer);
            }
        }
    }

    /// Whoever has waited longest and is still there, if a place is free. They take it themselves.
    #[must_use]
    pub fn next(&self, issuer: &IssuerRef, is_there: impl Fn(&W) -> bool) -> Option<W> {
        let mut lines = self.lines();
        let line = lines.get_mut(issuer).filter(|line| line.taken < self.each)?;
        while let Some(who) = line.waiting.pop_front() {
            if line.still.remove(&who) && is_there(&who) {
                return Some(who);
            }
        }
        if line.taken == 0 {
            lines.remove(issuer);
        }
        None
    }

    /// Forgets who waits for an issuer that is gone.
    pub fn retain(&self, is_there: impl Fn(&IssuerRef) -> bool) {
        let mut lines = self.lines();
        for (issuer, line) in lines.iter_mut() {
            if !is_there(issuer) {
                line.waiting.clear();
                line.still.clear();
            }
        }
        lines.retain(|_, line| line.taken > 0 || !line.still.is_empty());
    }

    fn lines(&self) -> MutexGuard<'_, HashMap<IssuerRef, Line<W>>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::IssuerKind;

    fn issuer(name: &str) -> IssuerRef {
        IssuerRef { kind: IssuerKind::Cluster, namespace: None, name: name.into() }
    }

    fn takes(places: &Places<i32>, issuer: &IssuerRef, who: i32) -> bool {
        places.take(issuer, &who) == Turn::Taken
    }

    #[test]
    fn who_comes_again_is_told_from_who_comes_first() {
        let (places, busy) = (Places::new(1), issuer("busy"));
        let turns = [0, 1, 2, 1].map(|who| places.take(&busy, &who));
        assert_eq!(turns, [Turn::Taken, Turn::Joins, Turn::Joins, Turn::Waits]);
    }

    #[test]
    fn a_full_issuer_leaves_the_others_their_places() {
        let places = Places::new(2);
        let (busy, other) = (issuer("busy"), issuer("other"));
        assert!(takes(&places, &busy, 1) && takes(&places, &busy, 2));
        assert!(!takes(&places, &busy, 3));
        assert!(takes(&places, &other, 4));
        assert_eq!(places.next(&busy, |_| true), None, "no place is free");
        assert_eq!(places.next(&other, |_| true), None, "nobody waits");
    }

    #[test]
    fn who_waits_for_an_issuer_that_is_gone_is_forgotten() {
        let places = Places::new(1);
        let (gone, other) = (issuer("gone"), issuer("other"));
        for issuer in [&gone, &other] {
            assert!(takes(&places, issuer, 1));
            assert!(!takes(&places, issuer, 2));
        }
        places.leave(&gone);
        places.retain(|issuer| *issuer == other);
        assert_eq!(places.lines().keys().collect::<Vec<_>>(), [&other]);
        places.leave(&other);
        assert_eq!(places.next(&other, |_| true), Some(2));
        // A place that is taken counts until it is given back.
        assert!(takes(&places, &gone, 1));
        places.retain(|_| false);
        assert!(!takes(&places, &gone, 3));
    }

    #[test]
    fn who_waits_is_told_once_in_turn_and_only_while_there() {
        let places = Places::new(1);
        let busy = issuer("busy");
        assert!(takes(&places, &busy, 0));
        for who in [1, 2, 1, 3, 4, 2] {
            assert!(!takes(&places, &busy, who));
        }
        let is_there = |who: &i32| *who != 2;
        let next = || {
            places.leave(&busy);
            places.next(&busy, is_there)
        };
        assert_eq!(next(), Some(1));
        assert!(takes(&places, &busy, 1));
        assert_eq!(next(), Some(3), "2 is gone");
        // It took a place before it was told.
        assert!(takes(&places, &busy, 4));
        assert_eq!(next(), None);
        assert!(places.lines().is_empty(), "an issuer that nobody asks takes no memory");
    }
}
