//! Lints that a profile raises or lowers, each with its reason.

use std::sync::Arc;

use super::finding::{Changed, Severity};
use super::{Lint, Object, named};
use crate::escape::quoted;

/// The longest reason, in octets.
const MAX_REASON: usize = 500;

/// One lint that is more or less severe than by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintOverride {
    lint: &'static str,
    severity: Severity,
    reason: String,
}

impl LintOverride {
    /// Checks what a profile says.
    ///
    /// # Errors
    /// `InvalidOverride` for an unknown lint or severity, a missing or overlong reason, or a lint
    /// that must not be lowered.
    pub fn new(id: &str, severity: &str, reason: &str) -> Result<Self, InvalidOverride> {
        let shown = |text: &str| text.chars().take(100).collect::<String>();
        let lint = named(id).filter(|lint| lint.objects().contains(&Object::Certificate));
        let lint = lint.ok_or_else(|| InvalidOverride::Unknown { found: shown(id) })?;
        let severity = Severity::named(severity)
            .ok_or_else(|| InvalidOverride::Severity { found: shown(severity) })?;
        if lint.fixed && severity < lint.severity {
            return Err(InvalidOverride::Fixed { lint: lint.id });
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > MAX_REASON {
            return Err(InvalidOverride::Reason { lint: lint.id, found: reason.len() });
        }
        Ok(Self { lint: lint.id, severity, reason: reason.to_owned() })
    }

    /// The lint's name.
    pub fn id(&self) -> &'static str {
        self.lint
    }
}

/// All of a profile. Every plan of the profile shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOverrides(Arc<[LintOverride]>);

impl LintOverrides {
    /// Each lint once.
    ///
    /// # Errors
    /// `InvalidOverride::Twice`.
    pub fn new(all: Vec<LintOverride>) -> Result<Self, InvalidOverride> {
        for (index, one) in all.iter().enumerate() {
            if all[..index].iter().any(|earlier| earlier.lint == one.lint) {
                return Err(InvalidOverride::Twice { lint: one.lint });
            }
        }
        Ok(Self(all.into()))
    }

    /// How severe the lint is here, and why that is not its own severity.
    pub(super) fn apply(&self, lint: &Lint) -> (Severity, Option<Changed>) {
        match self.0.iter().find(|one| one.lint == lint.id) {
            Some(one) => {
                let changed = Changed { from: lint.severity, reason: one.reason.clone() };
                (one.severity, Some(changed))
            }
            None => (lint.severity, None),
        }
    }
}

/// What a profile must not say of a lint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOverride {
    /// No lint of certificates has this name.
    #[error(
        "found {found}, allowed are the lints of certificates that `espalier lint --list` shows", found = quoted(.found)
    )]
    Unknown {
        /// What was found.
        found: String,
    },
    /// No severity.
    #[error("found severity {found}, allowed are notice, warning and error", found = quoted(.found))]
    Severity {
        /// What was found.
        found: String,
    },
    /// It protects from unsafe certificates.
    #[error(
        "found a lower severity for {lint}, allowed is only error: it protects from unsafe certificates"
    )]
    Fixed {
        /// Which lint.
        lint: &'static str,
    },
    /// No reason, or more than 500 octets.
    #[error("{lint}: found a reason of {found} octets, allowed are 1 to 500")]
    Reason {
        /// Which lint.
        lint: &'static str,
        /// Octets found.
        found: usize,
    },
    /// The same lint twice.
    #[error("found {lint} twice, allowed is each lint once")]
    Twice {
        /// Which lint.
        lint: &'static str,
    },
}
