//! Why a token is refused.

use jiff::Timestamp;

/// A token that is not accepted: the field, what was found, what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token: {field}: found {found}, allowed: {allowed}")]
pub struct TokenRefusal {
    /// The part, header member or claim at fault.
    pub field: &'static str,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

impl TokenRefusal {
    pub(in crate::auth) fn new(
        field: &'static str,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { field, found: found.into(), allowed: allowed.into() }
    }
}

/// Seconds since 1970 as a time, or as a number where it is out of range.
pub(super) fn instant(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}
