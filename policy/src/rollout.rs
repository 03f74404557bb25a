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
/// happens, and a single broken object of ten does not undo what its neighbours did.
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
    /// that may fail.
    ///
    /// # Errors
    /// For 0 at once, which would never end, and for more than 100.
    pub fn new(at_once_percent: u32, failures_percent: u32) -> Result<Self, Refusal> {
        let percent = |field, found: u32, least: u8| match u8::try_from(found) {
            Ok(percent @ 0..=100) if percent >= least => Ok(percent),
            _ => Err(Refusal::of(field, found, format!("{least} to 100"))),
        };
        Ok(Self {
            at_once_percent: percent("rollout.atOncePercent", at_once_percent, 1)?,
            failures_percent: percent("rollout.failuresPercent", failures_percent, 0)?,
        })
    }

    /// What is done next on the way forth.
    #[must_use]
    pub fn step(self, census: Census) -> Step {
        let Census { moving, failed, waiting, .. } = census;
        let all = census.all();
        let may_fail = all * u64::from(self.failures_percent) / 100;
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
    fn all(&self) -> u64 {
        [self.done, self.moving, self.failed, self.waiting].into_iter().map(u64::from).sum()
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
        Census { done, moving, failed, waiting }
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
            (census(0, 0, 0, 0), Step::Done),
        ] {
            assert_eq!(pace.step(census), step, "{census:?}");
        }
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
        assert_eq!(refused(0, 0), "rollout.atOncePercent: found 0, allowed: 1 to 100");
        assert_eq!(refused(101, 0), "rollout.atOncePercent: found 101, allowed: 1 to 100");
        assert_eq!(refused(1, 101), "rollout.failuresPercent: found 101, allowed: 0 to 100");
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
                        prop_assert!(u64::from(census.failed) * 100 <= u64::from(all) * u64::from(failures));
                        return Ok(());
                    }
                    Step::GoBack => {
                        prop_assert!(u64::from(census.failed) * 100 > u64::from(all) * u64::from(failures));
                        return Ok(());
                    }
                }
                prop_assert!(u64::from(census.moving) <= most);
            }
            prop_assert!(false, "it never ends");
        }
    }
}
