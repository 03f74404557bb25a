//! What can go wrong when a server is asked.

use std::fmt;
use std::time::Duration;

use crate::v1::Problem;

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// What the client was given can't be used; nothing was sent.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Config {
        /// Which field.
        field: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// No connection; nothing was sent.
    #[error("server {server}: found no connection ({reason}), allowed is a server that listens")]
    Unreachable {
        /// The server.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// The server did not prove who it is, or refused the client in the handshake.
    #[error(
        "server {server}: TLS failed ({reason}), allowed is a certificate below one that is trusted"
    )]
    Tls {
        /// The server.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The connection broke after the request was sent; it may be carried out nevertheless.
    #[error("server {server}: the connection broke before the answer was whole ({reason})")]
    Broken {
        /// The server.
        server: String,
        /// What is known of it.
        reason: String,
    },
    /// No answer in time; the request may be carried out nevertheless.
    #[error(
        "server {server}: no answer within {seconds} s; the request may be carried out nevertheless"
    )]
    TimedOut {
        /// The server.
        server: String,
        /// The client's patience.
        seconds: u64,
    },
    /// The server says what is wrong (RFC 9457).
    #[error(transparent)]
    Refused(Box<Refused>),
    /// An answer that is none of this API: another program, or something in between.
    #[error("server {server}: {reason}")]
    Unexpected {
        /// The server.
        server: String,
        /// The HTTP status.
        status: u16,
        /// What was found and what is allowed.
        reason: String,
        /// When it may be worth to ask again.
        retry_after: Option<Duration>,
    },
}

/// A refusal of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What it says.
    pub problem: Problem,
    /// When it is worth to ask again.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl ClientError {
    pub(crate) fn config(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Config { field: field.into(), found: found.into(), allowed: allowed.into() }
    }

    /// What the server says, where it is the one who refuses.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(refused) => Some(&refused.problem),
            _ => None,
        }
    }

    /// Whether the server refuses with this kind of problem, such as `key-taken`.
    #[must_use]
    pub fn is(&self, slug: &str) -> bool {
        self.problem().is_some_and(|problem| problem.slug() == slug)
    }
}
