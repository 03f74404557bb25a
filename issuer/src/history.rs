//! How often a request was tried, and when it is tried again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How requests are tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryRules {
    /// After this time of failures a request fails for good.
    pub limit: Duration,
    /// The first wait.
    pub initial: Duration,
    /// The longest wait; the second is twice the first, and so on.
    pub longest: Duration,
}

/// What is remembered of a request between two tries. It is lost with the process: then the limit
/// begins anew, and nothing else changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Tries since the last that got somewhere.
    pub failures: u32,
    /// Since when tries fail.
    pub failing_since: Option<Timestamp>,
    /// Before this it is not tried again, whatever wakes it: its own status among other things.
    pub not_before: Option<Timestamp>,
    /// Results in a row that the API server did not take.
    pub unwritten: u32,
    /// What people were told last, of an object whose status has no place for it.
    pub told: Option<String>,
}

impl History {
    /// One more try failed.
    #[must_use]
    pub fn failed(&self, now: Timestamp) -> Self {
        Self {
            failures: self.failures.saturating_add(1),
            failing_since: self.failing_since.or(Some(now)),
            ..self.clone()
        }
    }

    /// One more try failed, for a reason that lies with the issuer: the limit does not run.
    #[must_use]
    pub fn failed_by_issuer(&self, now: Timestamp) -> Self {
        self.failed(now).waiting_for_issuer()
    }

    /// It waits for its issuer, for as long as that takes: the limit begins anew afterwards.
    #[must_use]
    pub fn waiting_for_issuer(&self) -> Self {
        Self { failing_since: None, ..self.clone() }
    }

    /// It is decided. Whether the API server takes the result is yet to be seen.
    #[must_use]
    pub fn decided(&self) -> Self {
        Self { unwritten: self.unwritten, ..Self::default() }
    }

    /// The API server took a result.
    #[must_use]
    pub fn written(&self) -> Self {
        Self { unwritten: 0, ..self.clone() }
    }

    /// What people should have been told was not.
    #[must_use]
    pub fn not_told(&self) -> Self {
        Self { told: None, ..self.clone() }
    }

    /// It rests for this long.
    #[must_use]
    pub fn resting(self, wait: Duration, now: Timestamp) -> Self {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        Self { not_before: now.checked_add(wait).ok(), ..self }
    }

    /// How long it still rests. Where that is more than `longest` the clock was set back, and it rests no
    /// more: it would go on for as long as the clock needs to come back.
    #[must_use]
    pub fn rest(&self, now: Timestamp, longest: Duration) -> Option<Duration> {
        let left = Duration::try_from(self.not_before?.duration_since(now)).ok()?;
        (left > Duration::ZERO && left <= longest).then_some(left)
    }

    /// The API server did not take a result.
    #[must_use]
    pub fn not_written(&self) -> Self {
        Self { unwritten: self.unwritten.saturating_add(1), ..self.clone() }
    }

    /// Whether tries have failed for so long that no more are made.
    #[must_use]
    pub fn is_over(&self, limit: Duration, now: Timestamp) -> bool {
        self.failing_since.is_some_and(|since| elapsed(since, now) >= limit)
    }

    /// The wait before the next try: twice as long each time, up to the longest, and of that a half
    /// to the whole by chance, so that requests that failed together don't come again together. The
    /// chance is a digest of the request and the number of the try.
    #[must_use]
    pub fn wait(&self, uid: &str, rules: &RetryRules, server_says: Option<Duration>) -> Duration {
        let tries = self.failures.max(self.unwritten);
        let doublings = tries.saturating_sub(1).min(31);
        let full = rules.initial.saturating_mul(1 << doublings).min(rules.longest);
        let ours = full / 2 + (full / 2).mul_f64(chance(uid, tries.into()));
        ours.max(server_says.unwrap_or_default().min(rules.longest))
    }
}

/// A number from 0 to 1, which is a digest of both.
#[must_use]
pub fn chance(uid: &str, number: u64) -> f64 {
    let mut hasher = DefaultHasher::new();
    (uid, number).hash(&mut hasher);
    #[expect(clippy::cast_possible_truncation, reason = "the lower bits are as good as all")]
    let bits = hasher.finish() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

/// The time between two instants; none where the clock was set back.
#[must_use]
pub fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    const RULES: RetryRules = RetryRules {
        limit: Duration::from_secs(3600),
        initial: Duration::from_secs(1),
        longest: Duration::from_secs(60),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn waits_double_up_to_the_longest_and_differ_between_requests() {
        let mut history = History::default();
        for number in 0..40 {
            history = history.failed(at(number));
            let full = Duration::from_secs(1 << number.min(6)).min(RULES.longest);
            let wait = history.wait("a", &RULES, None);
            assert!((full / 2..=full).contains(&wait), "{number}: {wait:?}");
            assert_eq!(wait, history.wait("a", &RULES, None), "the same for the same");
        }
        assert_ne!(history.wait("a", &RULES, None), history.wait("b", &RULES, None));
        let told = Duration::from_secs(59);
        assert_eq!(History::default().failed(at(0)).wait("a", &RULES, Some(told)), told);
        let too_long = Some(Duration::from_secs(9000));
        assert_eq!(history.wait("a", &RULES, too_long), RULES.longest);
    }

    #[test]
    fn the_limit_counts_from_the_first_failure() {
        let history = History::default().failed(at(0)).failed(at(3000));
        assert!(!history.is_over(RULES.limit, at(3599)));
        assert!(history.is_over(RULES.limit, at(3600)));
        assert!(!history.is_over(RULES.limit, at(-10)), "the clock was set back");
        assert!(!History::default().is_over(RULES.limit, at(9_999)));
    }

    #[test]
    fn the_limit_does_not_run_while_the_issuer_is_at_fault() {
        let failed = History::default().failed(at(0));
        let waited = failed.waiting_for_issuer().failed(at(7200));
        assert!(!waited.is_over(RULES.limit, at(7200)));
        assert!(failed.failed(at(7200)).is_over(RULES.limit, at(7200)), "its own failures");
        let complaining = (0..50).fold(failed, |history, n| history.failed_by_issuer(at(n)));
        assert!(!complaining.is_over(RULES.limit, at(99_999)));
        assert!(complaining.wait("a", &RULES, None) >= RULES.longest / 2, "and it is no hot loop");
    }

    #[test]
    fn a_request_rests_whatever_wakes_it() {
        let history = History::default().failed(at(0)).resting(Duration::from_secs(8), at(0));
        assert_eq!(history.rest(at(3), RULES.longest), Some(Duration::from_secs(5)));
        assert_eq!(history.rest(at(8), RULES.longest), None);
        assert_eq!(history.rest(at(-52), RULES.longest), Some(RULES.longest));
        assert_eq!(history.rest(at(-53), RULES.longest), None, "the clock was set back");
        assert_eq!(History::default().rest(at(0), RULES.longest), None);
    }

    #[test]
    fn a_result_that_is_not_written_waits_ever_longer() {
        let first = History::default().not_written();
        let second = first.not_written().not_written();
        assert!(second.wait("a", &RULES, None) > first.wait("a", &RULES, None));
        assert!(!second.is_over(RULES.limit, at(99_999)), "it is not the server's failure");
        // Each try gets an answer of the server in between, which is none of the API server's.
        assert_eq!(second.decided().unwritten, second.unwritten);
        assert_eq!(second.decided().written(), History::default());
    }
}
