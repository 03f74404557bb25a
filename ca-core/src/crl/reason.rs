//! Why a certificate was revoked (RFC 5280 section 5.3.1).

use std::fmt;
use std::str::FromStr;

use crate::escape::quoted;

/// CRLReason. [`RevocationReason::Unspecified`] is never encoded: an entry without a reason says
/// the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RevocationReason {
    /// Nothing is said.
    #[default]
    Unspecified,
    /// The subject's private key is known to others.
    KeyCompromise,
    /// The private key of a CA is known to others.
    CaCompromise,
    /// The subject's name or other information changed.
    AffiliationChanged,
    /// Another certificate replaces it.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// For now; the only reason that can be taken back.
    CertificateHold,
    /// Only in a delta: the hold was taken back, or the certificate expired.
    RemoveFromCrl,
    /// A privilege that it states was withdrawn.
    PrivilegeWithdrawn,
    /// The private key of an attribute authority is known to others.
    AaCompromise,
}

impl RevocationReason {
    /// Every reason, by code.
    pub const ALL: [Self; 10] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
        Self::RemoveFromCrl,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The value of the ENUMERATED.
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            // 7 is not used.
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// The reason with this code; none for 7, which is not used, and above 10.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The name that RFC 5280 gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads RFC 5280's name in any case, with or without hyphens and underscores:
/// `keyCompromise`, `key-compromise`.
impl FromStr for RevocationReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        let plain: String = text.chars().filter(|letter| !"-_".contains(*letter)).collect();
        let named = Self::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(&plain));
        named.ok_or_else(|| UnknownReason { found: text.chars().take(40).collect() })
    }
}

/// The text names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "revocation reason: found {found}, allowed are unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, certificateHold, removeFromCRL, privilegeWithdrawn and aACompromise", found = quoted(.found)
)]
pub struct UnknownReason {
    /// What was found, cut after 40 characters.
    pub found: String,
}
