//! How many certificates are issued anew at a time.

use crate::Refusal;

/// How fast a policy moves its objects. How many a second is the controller's matter; this is how many at once, and
/// after how many failures it goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    at_once_percent: u8,
    failures_percent: u8,
}

/// A quarter of the objects may be moving at once, and a tenth may fail: a namespace keeps most of what works, whatever
/// happens, and a single broken object does not undo what its neighbours did.
impl Default for Pace {
    fn default() -> Self {
        Self { at_once_percent: 25, failures_percent: 10 }
    }
}

/// Where the objects of a policy are that it wants moved: all of them, by its canaries of today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Those that have what they should.
    pub done: u32,
    /// Those whose certificate is being issued.
    pub moving: u32,
    /// Those whose last try failed, and that are not tried again by themselves yet.
    pub failed: u32,
    /// Those that nobody has begun with.
    pub waiting: u32,
    /// Those that have a certificate and can't be begun with now, for a reason that no authority is to blame for.
    pub blocked: u32,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many of those that wait are begun with.
    Start(u32),
    /// Those that move are waited for.
    Wait,
    /// Nobody waits and nobody moves; some may have failed.
    Done,
    /// Too many failed: the policy goes back.
    GoBack,
}

impl Pace {
    /// A pace: percents of all objects, rounded up to a whole object of those that may move at once, and down of those
    /// that may fail. Of several objects one may always fail.
    ///
    /// # Errors
    /// For 0 at once, which would never end, and for more than 100.
    pub fn new(at_once_percent: u32, failures_percent: u32) -> Result<Self, Refusal> {
        let percent = |field, found: u32, least: u8| match u8::try_from(found) {
            Ok(percent @ 0..=100) if percent >= least => Ok(percent),
            _ => Err(Refusal::of(field, found, format!("{least} to 100"))),
        };
        Ok(Self {
            at_once_percent: percent("at_once_percent", at_once_percent, 1)?,
            failures_percent: percent("failures_percent", failures_percent, 0)?,
        })
    }

    /// What is done next on the way forth.
    #[must_use]
    pub fn step(self, census: Census) -> Step {
        let Census { moving, failed, waiting, .. } = census;
        let all = census.all();
        // One object says more of itself than of its authority, where there are others.
        let may_fail = (all * u64::from(self.failures_percent) / 100).max(u64::from(all > 1));
        let may_move = (all * u64::from(self.at_once_percent)).div_ceil(100);
        if u64::from(failed) > may_fail {
            return Step::GoBack;
        }
        let free = may_move.saturating_sub(u64::from(moving));
        match u32::try_from(free).unwrap_or(u32::MAX).min(waiting) {
            0 if moving == 0 && waiting == 0 => Step::Done,
            0 => Step::Wait,
            start => Step::Start(start),
        }
    }
}

impl Census {
    /// The whole of these namespaces, as a pace judges it; with each, how many of its objects were issued since the policy
    /// became what it is. Where the objects of one alone fail, and of the others as many were issued, the fault is its own:
    /// whoever may write there must not bring back everybody else. Its failures are blocked then.
    #[must_use]
    pub fn judged(namespaces: &[(Self, u32)]) -> Self {
        let censuses = namespaces.iter().map(|(census, _)| *census);
        let mut whole = censuses.fold(Self::default(), Self::and);
        let is_failing = |(census, _): &&(Self, u32)| census.failed > 0;
        if namespaces.iter().filter(is_failing).count() == 1 {
            let others = namespaces.iter().filter(|(census, _)| census.failed == 0);
            let issued: u64 = others.map(|(_, issued)| u64::from(*issued)).sum();
            if issued >= u64::from(whole.failed) {
                whole.blocked = whole.blocked.saturating_add(whole.failed);
                whole.failed = 0;
            }
        }
        whole
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            done: self.done.saturating_add(other.done),
            moving: self.moving.saturating_add(other.moving),
            failed: self.failed.saturating_add(other.failed),
            waiting: self.waiting.saturating_add(other.waiting),
            blocked: self.blocked.saturating_add(other.blocked),
        }
    }

    /// Every object.
    #[must_use]
    pub fn all(&self) -> u64 {
        let all = [self.done, self.moving, self.failed, self.waiting, self.blocked];
        all.into_iter().map(u64::from).sum()
    }

    /// What is done next on the way back: everybody at once, and failures hold up nobody, since there is nowhere else
    /// to go.
    #[must_use]
    pub fn step_back(&self) -> Step {
        match (self.waiting, self.moving) {
            (0, 0) => Step::Done,
            (0, _) => Step::Wait,
            (waiting, _) => Step::Start(waiting),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use proptest::prelude::*;

    use super::*;

    fn census(done: u32, moving: u32, failed: u32, waiting: u32) -> Census {
        Census { done, moving, failed, waiting, blocked: 0 }
    }

    #[test]
    fn a_quarter_moves_and_more_than_a_tenth_fails_back() {
        let pace = Pace::default();
        for (census, step) in [
            (census(0, 0, 0, 200), Step::Start(50)),
            (census(0, 50, 0, 150), Step::Wait),
            (census(49, 1, 0, 150), Step::Start(49)),
            (census(190, 0, 0, 10), Step::Start(10)),
            (census(200, 0, 0, 0), Step::Done),
            (census(0, 0, 20, 180), Step::Start(50)),
            (census(0, 0, 21, 179), Step::GoBack),
            // What failed at the end is told in the status, and no reason to go on for ever.
            (census(199, 0, 1, 0), Step::Done),
            // One of one: it moves, and its failure is too much.
            (census(0, 0, 0, 1), Step::Start(1)),
            (census(0, 0, 1, 0), Step::GoBack),
            // One of a few may be broken by itself, two are too many.
            (census(0, 0, 1, 1), Step::Start(1)),
            (census(1, 0, 2, 3), Step::GoBack),
            // Those whose issuer rests count among all, and nobody begins with them.
            (Census { blocked: 190, ..census(0, 0, 10, 0) }, Step::Done),
            (Census { blocked: 160, ..census(0, 0, 0, 40) }, Step::Start(40)),
            (Census { blocked: 160, ..census(0, 40, 0, 0) }, Step::Wait),
            (census(0, 0, 0, 0), Step::Done),
        ] {
            assert_eq!(pace.step(census), step, "{census:?}");
        }
    }

    #[test]
    fn one_namespace_alone_brings_nobody_else_back() {
        let judged = |namespaces: &[(Census, u32)]| {
            let whole = Census::judged(namespaces);
            (whole.failed, whole.blocked)
        };
        let fails = (census(3, 0, 5, 0), 3);
        // The only one there is.
        assert_eq!(judged(&[fails]), (5, 0));
        // Of the others as many were issued, and nothing fails.
        assert_eq!(judged(&[fails, (census(90, 2, 0, 9), 5)]), (0, 5));
        // Too few of the others were issued to say that, whatever they had before.
        assert_eq!(judged(&[fails, (census(90, 9, 0, 9), 4)]), (5, 0));
        // It fails elsewhere as well.
        assert_eq!(judged(&[fails, (census(90, 0, 1, 9), 90)]), (6, 0));
        assert_eq!(judged(&[]), (0, 0));
    }

    #[test]
    fn the_way_back_waits_for_nobody() {
        assert_eq!(census(0, 50, 100, 50).step_back(), Step::Start(50));
        assert_eq!(census(0, 50, 100, 0).step_back(), Step::Wait);
        assert_eq!(census(100, 0, 100, 0).step_back(), Step::Done);
    }

    #[test]
    fn percents_that_would_never_end_are_refused() {
        assert!(Pace::new(1, 0).is_ok() && Pace::new(100, 100).is_ok());
        let refused = |at_once, failures| Pace::new(at_once, failures).unwrap_err().to_string();
        assert_eq!(refused(0, 0), "at_once_percent: found 0, allowed: 1 to 100");
        assert_eq!(refused(101, 0), "at_once_percent: found 101, allowed: 1 to 100");
        assert_eq!(refused(1, 101), "failures_percent: found 101, allowed: 0 to 100");
    }

    proptest! {
        /// However fast objects end, and however many fail: never more than the share move, and every rollout ends.
        #[test]
        fn a_rollout_ends_and_never_moves_more_than_its_share(
            all in 0u32..400, at_once in 1u32..=100, failures in 0u32..=100,
            ends in proptest::collection::vec((1u32..40, 0u32..40), 1..40),
        ) {
            let pace = Pace::new(at_once, failures).unwrap();
            let mut census = census(0, 0, 0, all);
            let most = (u64::from(all) * u64::from(at_once)).div_ceil(100);
            let too_many = |failed: u32| {
                let share = u64::from(failed) * 100 > u64::from(all) * u64::from(failures);
                share && (failed > 1 || all == 1)
            };
            for turn in 0..4_000 {
                match pace.step(census) {
                    Step::Start(start) => {
                        census.waiting -= start;
                        census.moving += start;
                    }
                    Step::Wait => {
                        let (ended, failed) = ends[turn % ends.len()];
                        let ended = ended.min(census.moving);
                        let failed = failed.min(ended);
                        census.moving -= ended;
                        census.failed += failed;
                        census.done += ended - failed;
                    }
                    Step::Done => {
                        prop_assert_eq!(census.done + census.failed, all);
                        prop_assert!(!too_many(census.failed));
                        return Ok(());
                    }
                    Step::GoBack => {
                        prop_assert!(too_many(census.failed));
                        return Ok(());
                    }
                }
                prop_assert!(u64::from(census.moving) <= most);
            }
            prop_assert!(false, "it never ends");
        }
    }
}
