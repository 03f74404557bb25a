//! What a path must show of revocation (RFC 5280 section 6.3).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::outcome::{Check, Fault, Reason, Step, Verdict};
use crate::certificate::Certificate;
use crate::escape::quoted;
use crate::revocation::{RevocationAnswer, RevocationReport, RevocationSources};

/// What must be known of revocation.
#[derive(Clone, Debug)]
pub struct RevocationDemands {
    /// What is at hand. Several verifications may share it: signatures are checked once.
    pub sources: Arc<RevocationSources>,
    /// Which certificates are looked at.
    pub extent: Extent,
    /// Whether a certificate passes of which nobody can tell whether it is revoked.
    pub allow_unknown: bool,
}

/// Which certificates of a path are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// All but the anchor, which is trusted whatever others say.
    #[default]
    Chain,
    /// The one that is verified, alone.
    Leaf,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain => "chain",
            Self::Leaf => "leaf",
        })
    }
}

impl FromStr for Extent {
    type Err = UnknownExtent;

    fn from_str(text: &str) -> Result<Self, UnknownExtent> {
        let named = [Self::Chain, Self::Leaf].into_iter().find(|one| one.to_string() == text);
        named.ok_or_else(|| UnknownExtent { found: text.chars().take(40).collect() })
    }
}

/// The text names no certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("certificates to look at: found {found}, allowed are chain and leaf", found = quoted(.found))]
pub struct UnknownExtent {
    /// What was found, cut after 40 characters.
    pub found: String,
}

impl RevocationDemands {
    /// Judges one link of the path: the step, and why it is refused if it is.
    pub(super) fn check(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: jiff::Timestamp,
    ) -> (Step, Option<Fault>) {
        let report = self.sources.judge(certificate, issuer, at);
        let step = |verdict, report: RevocationReport| Step {
            revocation: Some(Box::new(report.clone())),
            ..Step::new(certificate, Check::Revocation, verdict, report.to_string())
        };
        let (reason, allowed) = match &report.answer {
            RevocationAnswer::Good => return (step(Verdict::Ok, report), None),
            RevocationAnswer::Unknown { .. } if self.allow_unknown => {
                return (step(Verdict::NotChecked, report), None);
            }
            RevocationAnswer::Unknown { .. } => {
                let allowed = "a list or response by the issuer that is current and speaks of the certificate";
                (Reason::RevocationUnknown, allowed)
            }
            RevocationAnswer::Revoked { .. } => {
                (Reason::Revoked, "a certificate that is not revoked")
            }
        };
        let fault = Fault::new(reason, "revocation", report.to_string(), allowed);
        (step(Verdict::Failed, report), Some(fault))
    }
}
