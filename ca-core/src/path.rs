//! Certification paths: building them and validating them (RFC 5280 section 6).
//!
//! [`verify_path`] looks for a way from a certificate to a trust anchor and checks every rule of
//! RFC 5280 on it, then the demands of a [`SecurityPolicy`] on the signatures. The [`Outcome`]
//! tells each check in order, for people and as JSON.
//!
//! Rules that RFC 5280 puts on issuers ("conforming CAs MUST") are enforced too: a certificate
//! that breaks one is refused. What only the CA/Browser Forum asks for is not. Revocation is
//! looked at where [`Options::revocation`] asks for it. See ADR 0020 and ADR 0044.

mod build;
mod certificate_rules;
mod distinguished_name;
mod link;
mod name_constraints;
mod outcome;
mod policies;
mod revocation;
mod server_name;
mod subject_alt_name;
mod usage;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;

use crate::certificate::Certificate;
use crate::escape::quoted;

pub(crate) use certificate_rules::unknown_critical;
pub use distinguished_name::same_name;
pub(crate) use name_constraints::check_planned as check_planned_names;
pub use outcome::{Check, Outcome, PathError, Reason, Step, Verdict};
pub use revocation::{Extent, RevocationDemands, UnknownExtent};
pub use server_name::{InvalidServerName, ServerName};
pub use usage::{UnknownUsage, Usage};

/// Signature checks that one call makes at most, alternative signatures included. A pool of
/// hostile intermediates can't cost more; honest ones need fewer than ten.
pub const MAX_SIGNATURE_CHECKS: usize = 100;

/// Certificates in a path at most, self-issued ones, leaf and anchor included.
pub const MAX_PATH_LENGTH: usize = 24;

/// What a path must satisfy.
#[derive(Clone, Debug)]
pub struct Options {
    /// The instant at which everything must be valid; fractions of a second are cut off.
    pub at: Timestamp,
    /// What the signatures must be made of.
    pub policy: SecurityPolicy,
    /// The name that the certificate must carry in its subjectAltName; none means any.
    pub name: Option<ServerName>,
    /// What the certificate is about to be used for; none means anything.
    pub usage: Option<Usage>,
    /// Intermediates that a path may have at most, self-issued ones not counted. Zero means that
    /// the anchor must have signed the certificate itself.
    pub max_depth: usize,
    /// What must be known of revocation; none means that nobody asks.
    pub revocation: Option<RevocationDemands>,
}

impl Options {
    /// Intermediates that a path may have unless told otherwise.
    pub const DEFAULT_MAX_DEPTH: usize = 10;

    /// RFC 5280 alone, at `at`, for any name and usage.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            policy: SecurityPolicy::Any,
            name: None,
            usage: None,
            max_depth: Self::DEFAULT_MAX_DEPTH,
            revocation: None,
        }
    }
}

/// What the signatures of a path must be made of. A link is a signature that was checked: each
/// certificate's by its issuer, and the own one of a self-signed certificate that is verified
/// against itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecurityPolicy {
    /// RFC 5280 alone. An alternative signature that is there and can be checked must still be
    /// right.
    #[default]
    Any,
    /// Every link has a valid post-quantum signature: pure, composite or alternative.
    PostQuantum,
    /// Every link has both a classical and a post-quantum signature: a composite, or an
    /// alternative signature beside one of the other kind.
    Hybrid,
}

impl fmt::Display for SecurityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::PostQuantum => "post-quantum",
            Self::Hybrid => "hybrid",
        })
    }
}

impl FromStr for SecurityPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let all = [Self::Any, Self::PostQuantum, Self::Hybrid];
        let named = all.into_iter().find(|policy| policy.to_string() == text);
        named.ok_or_else(|| UnknownPolicy { found: text.chars().take(40).collect() })
    }
}

/// The text names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy: found {found}, allowed are any, post-quantum and hybrid", found = quoted(.found))]
pub struct UnknownPolicy {
    /// What was found, cut after 40 characters.
    pub found: String,
}

/// Looks for a valid path from `leaf` through `intermediates` to one of `anchors`.
///
/// Anchors are certificates: their names and keys are trusted, and the limits that they carry
/// (validity, path length, name constraints, usages) hold. A `leaf` that is itself an anchor needs
/// no issuer; when it is self-signed its own signature is checked.
///
/// The work is bounded by [`MAX_SIGNATURE_CHECKS`] and [`MAX_PATH_LENGTH`]; what goes past them is
/// refused.
pub fn verify_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &[Certificate],
    options: &Options,
) -> Outcome {
    build::Search::new(intermediates, anchors, options).run(leaf)
}
