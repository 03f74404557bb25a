//! Modes of certificates.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Refusal;

/// What the signatures over a certificate are made of. The middle three are hybrid: a classical and a
/// post-quantum signature. Who checks both relies on whichever still holds when the other is broken.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Mode {
    /// One signature of RSA or elliptic curves: the way back.
    Classical,
    /// A classical signature, and a post-quantum one in an extension (X.509 (10/2019) clause 9.8), which
    /// those who don't know it pass over: they rely on the classical one alone.
    Catalyst,
    /// One signature that is both, classical and ML-DSA: who can't check composites can't check anything.
    Composite,
    /// Two certificates of one holder, a classical and a post-quantum one, the second bound to the first (RFC 9763):
    /// each peer is shown the one that it can check.
    Dual,
    /// One signature of ML-DSA or SLH-DSA.
    PostQuantum,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 5] =
        [Self::Classical, Self::Catalyst, Self::Composite, Self::Dual, Self::PostQuantum];

    /// Its name in a policy.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classical => "Classical",
            Self::Catalyst => "Catalyst",
            Self::Composite => "Composite",
            Self::Dual => "Dual",
            Self::PostQuantum => "PostQuantum",
        }
    }

    /// Whether it has both, a classical and a post-quantum signature.
    #[must_use]
    pub fn is_hybrid(self) -> bool {
        matches!(self, Self::Catalyst | Self::Composite | Self::Dual)
    }

    /// The mode that `hybrid: true` or `hybrid: false` means where no mode is named.
    #[must_use]
    pub fn of_hybrid(hybrid: bool) -> Self {
        if hybrid { Self::Composite } else { Self::PostQuantum }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Mode {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let named = Self::ALL.into_iter().find(|mode| mode.name() == text);
        named.ok_or_else(|| Refusal::new("mode", text, Self::ALL.map(Self::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mode_is_read_by_its_name_and_by_no_other() {
        for mode in Mode::ALL {
            assert_eq!(mode.name().parse(), Ok(mode));
            assert!(mode.name().to_lowercase().parse::<Mode>().is_err(), "{mode}");
        }
        let refusal = "Hybrid".parse::<Mode>().unwrap_err().to_string();
        let words =
            r#"mode: found "Hybrid", allowed: Classical, Catalyst, Composite, Dual, PostQuantum"#;
        assert_eq!(refusal, words);
    }

    #[test]
    fn hybrid_without_a_mode_is_composite() {
        assert!(Mode::of_hybrid(true).is_hybrid());
        assert_eq!(Mode::of_hybrid(false), Mode::PostQuantum);
    }
}
