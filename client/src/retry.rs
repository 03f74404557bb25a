//! Which requests are sent again, and when.

use std::time::Duration;

use backon::ExponentialBuilder;

use crate::ClientError;

/// The first wait; each further one is twice as long, with jitter.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait, also where the server names a longer one: that is told to the caller instead.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Refusals after which nothing was done: any request may be sent again.
const NOTHING_DONE: [&str; 3] = ["too-many-requests", "overloaded", "credential-not-judged"];
/// Refusals after which something may have been done: only what is done once may be sent again.
const PERHAPS_DONE: [&str; 3] = ["ledger-unavailable", "timed-out", "request-under-way"];

/// The waits between `retries` repetitions.
pub(crate) fn waits(retries: usize) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_WAIT)
        .with_max_delay(LONGEST_WAIT)
        .with_max_times(retries)
        .with_jitter()
}

impl ClientError {
    /// Whether the request may be sent again, and be it that the first one was carried out where
    /// `repeatable`: it only looks, or has an idempotency key.
    pub(crate) fn may_be_repeated(&self, repeatable: bool) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Broken { .. } => repeatable,
            Self::Refused(refused) => {
                let slug = refused.problem.slug();
                NOTHING_DONE.contains(&slug) || (repeatable && PERHAPS_DONE.contains(&slug))
            }
            Self::Unexpected { status: 429, .. } => true,
            Self::Unexpected { status: 502..=504, .. } => repeatable,
            Self::Config { .. }
            | Self::Tls { .. }
            | Self::TimedOut { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// The wait before the next repetition: ours, or the server's where that is longer; none where
    /// it is too long to wait for.
    pub(crate) fn wait(&self, ours: Option<Duration>) -> Option<Duration> {
        let theirs = match self {
            Self::Refused(refused) => refused.retry_after,
            Self::Unexpected { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = ours?.max(theirs.unwrap_or_default());
        (wait <= LONGEST_WAIT).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Refused;
    use crate::v1::Problem;

    fn refused(slug: &str, retry_after: u64) -> ClientError {
        ClientError::Refused(Box::new(Refused {
            problem: Problem {
                r#type: format!("/docs/problems#{slug}"),
                status: 503,
                title: String::new(),
                detail: String::new(),
                request_id: String::new(),
            },
            retry_after: Some(Duration::from_secs(retry_after)),
        }))
    }

    #[test]
    fn what_may_have_been_done_is_sent_again_only_where_it_is_done_once() {
        for (slug, any, repeatable) in [
            ("too-many-requests", true, true),
            ("overloaded", true, true),
            ("ledger-unavailable", false, true),
            ("timed-out", false, true),
            ("request-under-way", false, true),
            ("not-stored", false, false),
            ("forbidden", false, false),
        ] {
            let error = refused(slug, 1);
            assert_eq!(error.may_be_repeated(false), any, "{slug}");
            assert_eq!(error.may_be_repeated(true), repeatable, "{slug}");
        }
    }

    #[test]
    fn the_longer_wait_counts_up_to_a_bound() {
        let ours = Some(Duration::from_secs(2));
        assert_eq!(refused("overloaded", 1).wait(ours), ours);
        assert_eq!(refused("overloaded", 7).wait(ours), Some(Duration::from_secs(7)));
        assert_eq!(refused("overloaded", 31).wait(ours), None, "too long");
        assert_eq!(refused("overloaded", 1).wait(None), None, "no repetition is left");
    }
}
