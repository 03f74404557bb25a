//! Why a certificate was not issued, sorted by what follows from it.

use std::time::Duration;

use client::{ClientError, Refused};

/// Why a certificate was not issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The request itself can't be fulfilled by anyone.
    #[error("{0}")]
    BadRequest(String),
    /// The server's rules refuse it, now and later.
    #[error("{0}")]
    Refused(String),
    /// The issuer is at fault: its address, trust, credential, authority or profile.
    #[error("{0}")]
    Issuer(String),
    /// It may work the next time.
    #[error("{words}")]
    Transient {
        /// What happened.
        words: String,
        /// When it is worth to try again, where the server says so.
        after: Option<Duration>,
    },
}

/// What follows from a kind of problem of the REST API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    BadRequest,
    Refused,
    Issuer,
    Transient,
    /// The member or grant at fault decides, which stands first in the detail.
    ByField,
}

/// Each kind of problem of the REST API (docs/reference/problems.md).
const CLASSES: &[(&str, Class)] = &[
    // Ours and the server's ideas of the API differ, as they may while one of them is being
    // upgraded.
    ("malformed-body", Class::Transient),
    ("invalid-parameter", Class::Transient),
    ("method-not-allowed", Class::Transient),
    ("not-acceptable", Class::Transient),
    ("uri-too-long", Class::Transient),
    ("unsupported-media-type", Class::Transient),
    ("conflicting-parameters", Class::Transient),
    ("headers-too-large", Class::Transient),
    ("unauthenticated", Class::Issuer),
    ("forbidden", Class::ByField),
    ("not-found", Class::Issuer),
    ("slow-request", Class::Transient),
    ("idempotency-conflict", Class::Refused),
    ("request-under-way", Class::Transient),
    // What is left of it when every name that a request may have was cut off (ADR 0170).
    ("request-abandoned", Class::Transient),
    ("key-taken", Class::Refused),
    ("already-revoked", Class::Refused),
    ("not-issued", Class::Refused),
    ("body-too-large", Class::BadRequest),
    ("csr-malformed", Class::BadRequest),
    ("invalid-field", Class::ByField),
    ("csr-refused", Class::BadRequest),
    ("certificate-refused", Class::Refused),
    ("key-blocked", Class::Refused),
    ("too-many-requests", Class::Transient),
    ("internal", Class::Transient),
    ("overloaded", Class::Transient),
    ("ledger-unavailable", Class::Transient),
    ("not-stored", Class::Transient),
    ("credential-not-judged", Class::Transient),
    ("timed-out", Class::Transient),
];

impl Fault {
    /// The same for a request that chose its profile itself: what speaks against that is its own
    /// fault, and no reason to stop the issuer for everybody.
    #[must_use]
    pub fn of_chosen_profile(error: ClientError) -> Self {
        let speaks_of_profile = matches!(
            &error,
            ClientError::Refused(refused) if refused.problem.detail.starts_with("profile:")
        );
        match Self::from(error) {
            Self::Issuer(words) if speaks_of_profile => Self::Refused(words),
            other => other,
        }
    }
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Self {
        let words = error.to_string();
        match error {
            ClientError::Config { .. } | ClientError::Tls { .. } => Self::Issuer(words),
            ClientError::Unreachable { .. }
            | ClientError::Broken { .. }
            | ClientError::TimedOut { .. } => Self::Transient { words, after: None },
            ClientError::Refused(refused) => refused_by_server(&refused),
            ClientError::Unexpected { status, retry_after, .. } => match status {
                // Not Espalier's API: another program answers at this address.
                300..=399 | 401 | 403 | 404 | 405 => Self::Issuer(words),
                _ => Self::Transient { words, after: retry_after },
            },
            // A kind of error that this version of the client does not have.
            _ => Self::Transient { words, after: None },
        }
    }
}

/// The longest words of a server that go into conditions and events, in octets. Its own are shorter;
/// another program's may be as long as it likes.
const LONGEST_WORDS: usize = 2000;

/// The beginning of what a server says.
fn shortened(mut words: String) -> String {
    if words.len() > LONGEST_WORDS {
        words.truncate(words.floor_char_boundary(LONGEST_WORDS));
        words.push('…');
    }
    words
}

/// How long all calls of a server may take that belong together, for a check or a request: an answer
/// that comes in drips, or one that is asked for twice, holds a place that others wait for.
const TOGETHER: Duration = Duration::from_secs(60);

/// What a server is asked for, if it answers in time. Whatever it made of it, the next try gets the same.
///
/// # Errors
/// What the work gives; [`Fault::Transient`] when it takes too long as a whole.
pub async fn in_time<T>(asked: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(TOGETHER, asked).await.unwrap_or_else(|_| {
        let words = format!("the server's answers took more than {} s", TOGETHER.as_secs());
        Err(Fault::Transient { words, after: None })
    })
}

fn refused_by_server(refused: &Refused) -> Fault {
    let problem = &refused.problem;
    // The id of the request is another one each time; it goes to the log, and not into a condition,
    // which changes only when something changes.
    let words = shortened(format!("{}: {}", problem.title, problem.detail));
    let known = CLASSES.iter().find(|(slug, _)| *slug == problem.slug());
    let class = match (known, problem.status) {
        (Some((_, class)), _) => *class,
        // A kind that a newer server has: as its status says.
        (None, 401 | 403 | 404) => Class::Issuer,
        (None, 408 | 409 | 425 | 429) => Class::Transient,
        (None, 400..=499) => Class::Refused,
        (None, _) => Class::Transient,
    };
    match class {
        Class::BadRequest => Fault::BadRequest(words),
        Class::Refused => Fault::Refused(words),
        Class::Issuer => Fault::Issuer(words),
        Class::Transient => Fault::Transient { words, after: refused.retry_after },
        Class::ByField => by_field(&problem.detail, words),
    }
}

/// A refusal whose detail begins with the field: those that a request decides on are the request's
/// fault, the others the issuer's.
fn by_field(detail: &str, words: String) -> Fault {
    match detail.split(':').next().unwrap_or_default() {
        "names" | "subject" => Fault::Refused(words),
        "csr" | "validity_days" | "validity_seconds" => Fault::BadRequest(words),
        _ => Fault::Issuer(words),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::collections::BTreeSet;

    use client::v1::Problem;

    use super::*;

    const REFERENCE: &str = include_str!("../../docs/reference/openapi.json");
    const PROBLEMS: &str = include_str!("../../docs/reference/problems.md");

    fn refused(slug: &str, status: u16, detail: &str) -> Fault {
        let problem = Problem {
            r#type: format!("/docs/problems#{slug}"),
            status,
            title: "Title".into(),
            detail: detail.into(),
            request_id: "r-1".into(),
        };
        let retry_after = Some(Duration::from_secs(7));
        Fault::from(ClientError::Refused(Box::new(Refused { problem, retry_after })))
    }

    #[test]
    fn every_kind_of_problem_is_sorted() {
        let sorted: BTreeSet<&str> = CLASSES.iter().map(|(slug, _)| *slug).collect();
        assert_eq!(sorted.len(), CLASSES.len());
        for slug in &sorted {
            assert!(PROBLEMS.contains(slug), "{slug} is no problem of the API");
        }
        let headings = PROBLEMS.lines().filter_map(|line| line.strip_prefix("## "));
        let described: BTreeSet<&str> = headings.map(str::trim).collect();
        assert!(described.len() > 20, "the page has its kinds as headings: {described:?}");
        assert_eq!(described, sorted);
        assert!(REFERENCE.contains("problem+json"));
    }

    #[test]
    fn each_class_has_its_twin() {
        let words = |detail: &str| format!("Title: {detail}");
        for (slug, status, detail, fault) in [
            ("csr-refused", 422, "csr: weak", Fault::BadRequest(words("csr: weak"))),
            ("certificate-refused", 422, "x", Fault::Refused(words("x"))),
            ("forbidden", 403, "names: found a", Fault::Refused(words("names: found a"))),
            ("forbidden", 403, "profile: found a", Fault::Issuer(words("profile: found a"))),
            (
                "invalid-field",
                422,
                "authority: found a",
                Fault::Issuer(words("authority: found a")),
            ),
            (
                "invalid-field",
                422,
                "validity_seconds: 0",
                Fault::BadRequest(words("validity_seconds: 0")),
            ),
            ("unauthenticated", 401, "x", Fault::Issuer(words("x"))),
            ("not-issued", 409, "x", Fault::Refused(words("x"))),
            ("of-next-year", 422, "x", Fault::Refused(words("x"))),
            ("of-next-year", 403, "x", Fault::Issuer(words("x"))),
        ] {
            assert_eq!(refused(slug, status, detail), fault, "{slug}");
        }
        for (slug, status) in [
            ("overloaded", 503),
            ("internal", 500),
            ("of-next-year", 500),
            ("of-next-year", 429),
            ("request-under-way", 409),
        ] {
            let after = Some(Duration::from_secs(7));
            let wanted = Fault::Transient { words: words("x"), after };
            assert_eq!(refused(slug, status, "x"), wanted, "{slug}");
        }
    }

    #[test]
    fn a_server_that_says_too_much_is_quoted_in_part() {
        let told = |length: usize| refused("internal", 500, &"ä".repeat(length)).to_string();
        assert_eq!(told(900), format!("Title: {}", "ä".repeat(900)));
        let cut = told(20_000);
        assert!(cut.len() <= LONGEST_WORDS + '…'.len_utf8() && cut.ends_with('…'), "{}", cut.len());
    }

    #[test]
    fn a_profile_that_the_request_chose_is_the_requests_fault() {
        let forbidden = |detail: &str| {
            let problem = Problem {
                r#type: "/docs/problems#forbidden".into(),
                status: 403,
                title: "Title".into(),
                detail: detail.into(),
                request_id: "r-1".into(),
            };
            ClientError::Refused(Box::new(Refused { problem, retry_after: None }))
        };
        let chosen = Fault::of_chosen_profile(forbidden("profile: found a"));
        assert_eq!(chosen, Fault::Refused("Title: profile: found a".into()));
        let other = Fault::of_chosen_profile(forbidden("authority: found a"));
        assert_eq!(other, Fault::Issuer("Title: authority: found a".into()));
        assert!(matches!(Fault::from(forbidden("profile: found a")), Fault::Issuer(_)));
    }

    #[test]
    fn answers_of_other_programs_are_the_issuers_fault_unless_they_pass() {
        let unexpected = |status| {
            let (server, reason) = ("https://ca.example".to_owned(), "odd".to_owned());
            Fault::from(ClientError::Unexpected { server, status, reason, retry_after: None })
        };
        for status in [301, 401, 403, 404, 405] {
            assert!(matches!(unexpected(status), Fault::Issuer(_)), "{status}");
        }
        for status in [200, 429, 500, 502, 503] {
            assert!(matches!(unexpected(status), Fault::Transient { .. }), "{status}");
        }
        let server = "https://ca.example".to_owned();
        let tls = ClientError::Tls { server: server.clone(), reason: "unknown issuer".into() };
        assert!(matches!(Fault::from(tls), Fault::Issuer(_)));
        let broken = ClientError::Broken { server, reason: "reset".into() };
        assert!(matches!(Fault::from(broken), Fault::Transient { after: None, .. }));
    }
}
