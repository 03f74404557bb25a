//! What a lint found.

use std::fmt;

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Unusual; worth knowing.
    Notice,
    /// A recommendation is not met.
    Warning,
    /// A rule is broken: nothing is recorded or signed.
    Error,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 3] = [Self::Notice, Self::Warning, Self::Error];

    /// The severity of this name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.to_string() == text)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What a lint found: what stands there and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The lint's name.
    pub id: &'static str,
    /// Where its rule stands.
    pub source: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// The field, what was found and what is allowed.
    pub detail: String,
    /// How a profile changed the severity, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
}

/// A severity that a profile raised or lowered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// What the lint says by itself.
    pub from: Severity,
    /// Why the profile says otherwise.
    pub reason: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}): {}", self.severity, self.id, self.source, self.detail)?;
        match &self.changed {
            Some(Changed { from, reason }) => {
                write!(f, " [{from} by itself, changed by the profile: {reason}]")
            }
            None => Ok(()),
        }
    }
}
