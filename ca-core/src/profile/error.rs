//! Why a profile is refused.

use crate::escape::quoted;
use crate::lint::InvalidOverride;

/// A profile that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Past the bound.
    #[error("profile: {found} octets, allowed are at most 65536")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not YAML, a field of the wrong type, an unknown or a missing field.
    #[error("profile: {reason}")]
    Yaml {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// Another version of the format.
    #[error("profile: version is {found}, allowed is 1")]
    Version {
        /// The version found.
        found: u32,
    },
    /// A field's value.
    #[error("profile {profile}: {field} is {found}, allowed is {allowed}", profile = quoted(.profile), found = quoted(.found))]
    Value {
        /// The profile's name.
        profile: String,
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A lint that is raised or lowered.
    #[error("profile {profile}: lints: {reason}", profile = quoted(.profile))]
    Lint {
        /// The profile's name.
        profile: String,
        /// What is wrong.
        reason: InvalidOverride,
    },
    /// Two fields that contradict each other, or one that another needs.
    #[error("profile {profile}: {reason}", profile = quoted(.profile))]
    Contradiction {
        /// The profile's name.
        profile: String,
        /// Which fields, and what is allowed.
        reason: &'static str,
    },
}
