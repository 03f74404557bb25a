//! Why nobody is known to have asked.

use std::time::Duration;

/// Kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// An API token of this server.
    ApiToken,
    /// A token of an OpenID Connect issuer.
    Jwt,
    /// A token of a Kubernetes service account.
    ServiceAccount,
    /// A client certificate.
    ClientCertificate,
}

impl CredentialKind {
    /// The name for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ApiToken => "api-token",
            Self::Jwt => "jwt",
            Self::ServiceAccount => "service-account",
            Self::ClientCertificate => "client-certificate",
        }
    }
}

/// Nobody is known to have asked. What it displays may be told to whoever asked; a cause that is
/// none of their business is in [`AuthError::cause`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// There is no credential.
    #[error(
        "credential: found none, allowed: a bearer token in Authorization, or a client certificate"
    )]
    Missing,
    /// It is wrong. Another one will do, this one never again or not now.
    #[error("{reason}")]
    Refused {
        /// What kind it is of, where that can be told.
        kind: Option<CredentialKind>,
        /// The field, what was found and what is allowed.
        reason: String,
    },
    /// It is right, and no rule of the configuration speaks of who it names.
    #[error(
        "requester: found {who}, allowed: those that a rule of the configuration (auth.requesters) matches"
    )]
    Unmapped {
        /// Who it names.
        who: String,
    },
    /// It can't be judged now.
    #[error("credential: {what} can't be asked now; try again in {} s", .retry_after.as_secs())]
    Unavailable {
        /// Who would have to be asked.
        what: &'static str,
        /// Why it can't be asked, for the log.
        cause: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// One request too many.
    #[error("requests: found too many, allowed again in {} s", retry_seconds(.retry_after))]
    TooMany {
        /// When to try again.
        retry_after: Duration,
    },
}

/// Whole seconds for Retry-After, never zero.
fn retry_seconds(wait: &Duration) -> u64 {
    wait.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX).max(1)
}

impl AuthError {
    /// The status of the answer: 401, 403, 429 or 503.
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Refused { .. } => 401,
            Self::Unmapped { .. } => 403,
            Self::TooMany { .. } => 429,
            Self::Unavailable { .. } => 503,
        }
    }

    /// Seconds for Retry-After, where waiting helps.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooMany { retry_after } | Self::Unavailable { retry_after, .. } => {
                Some(retry_seconds(retry_after))
            }
            Self::Missing | Self::Refused { .. } | Self::Unmapped { .. } => None,
        }
    }

    /// A short name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Refused { .. } => "refused",
            Self::Unmapped { .. } => "unmapped",
            Self::Unavailable { .. } => "unavailable",
            Self::TooMany { .. } => "too-many",
        }
    }

    /// What the log says beside the message.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause, .. } => Some(cause),
            _ => None,
        }
    }

    pub(super) fn refused(kind: CredentialKind, reason: impl ToString) -> Self {
        Self::Refused { kind: Some(kind), reason: reason.to_string() }
    }

    pub(super) fn unavailable(what: &'static str, cause: impl ToString) -> Self {
        Self::Unavailable { what, cause: cause.to_string(), retry_after: Duration::from_secs(10) }
    }
}
