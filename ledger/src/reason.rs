//! Why a certificate is revoked for ever.

use std::{fmt, str::FromStr};

use ca_core::crl::RevocationReason as AnyReason;

/// A reason of RFC 5280 section 5.3.1 that is never taken back: every one of
/// [`ca_core::crl::RevocationReason`] but `certificateHold` and `removeFromCRL`, because the ledger
/// only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct RevocationReason(AnyReason);

impl RevocationReason {
    /// Nothing is said.
    pub const UNSPECIFIED: Self = Self(AnyReason::Unspecified);
    /// The subject's private key is known or feared to be known to others.
    pub const KEY_COMPROMISE: Self = Self(AnyReason::KeyCompromise);
    /// The same for a CA's key.
    pub const CA_COMPROMISE: Self = Self(AnyReason::CaCompromise);
    /// The subject's name or other facts changed.
    pub const AFFILIATION_CHANGED: Self = Self(AnyReason::AffiliationChanged);
    /// Another certificate took its place.
    pub const SUPERSEDED: Self = Self(AnyReason::Superseded);
    /// It is no longer needed.
    pub const CESSATION_OF_OPERATION: Self = Self(AnyReason::CessationOfOperation);
    /// A privilege that it states was taken away.
    pub const PRIVILEGE_WITHDRAWN: Self = Self(AnyReason::PrivilegeWithdrawn);
    /// An attribute authority's key is known or feared to be known to others.
    pub const AA_COMPROMISE: Self = Self(AnyReason::AaCompromise);

    /// Every reason, by code.
    pub const ALL: [Self; 8] = [
        Self::UNSPECIFIED,
        Self::KEY_COMPROMISE,
        Self::CA_COMPROMISE,
        Self::AFFILIATION_CHANGED,
        Self::SUPERSEDED,
        Self::CESSATION_OF_OPERATION,
        Self::PRIVILEGE_WITHDRAWN,
        Self::AA_COMPROMISE,
    ];

    /// The value of the CRLReason ENUMERATED.
    pub fn code(self) -> u8 {
        self.0.code()
    }

    /// The reason with this CRLReason value; `None` for values that are not used here.
    pub fn from_code(code: u8) -> Option<Self> {
        AnyReason::from_code(code)?.try_into().ok()
    }

    /// The name that RFC 5280 gives it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl TryFrom<AnyReason> for RevocationReason {
    type Error = NotForEver;

    fn try_from(reason: AnyReason) -> Result<Self, NotForEver> {
        match reason {
            AnyReason::CertificateHold | AnyReason::RemoveFromCrl => {
                Err(NotForEver { found: reason.name().to_owned() })
            }
            _ => Ok(Self(reason)),
        }
    }
}

impl From<RevocationReason> for AnyReason {
    fn from(reason: RevocationReason) -> Self {
        reason.0
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads RFC 5280's name as [`ca_core::crl::RevocationReason`] does: in any case, with or without
/// hyphens.
impl FromStr for RevocationReason {
    type Err = NotForEver;

    fn from_str(text: &str) -> Result<Self, NotForEver> {
        let reason = text.parse::<AnyReason>();
        reason.map_err(|unknown| NotForEver { found: unknown.found })?.try_into()
    }
}

/// As RFC 5280's name.
impl serde::Serialize for RevocationReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The text or reason is none that the ledger keeps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "revocation reason: found {found:?}; allowed: unspecified, keyCompromise, cACompromise, \
     affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn and aACompromise, \
     which are never taken back"
)]
pub struct NotForEver {
    /// What was found.
    pub found: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn codes_and_names_are_those_of_rfc_5280_and_lead_back() {
        let codes = RevocationReason::ALL.map(RevocationReason::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 9, 10]);
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::from_code(reason.code()), Some(reason));
            assert_eq!(reason.to_string().parse::<RevocationReason>().unwrap(), reason);
            assert_eq!(RevocationReason::try_from(AnyReason::from(reason)), Ok(reason));
        }
        for unused in [6, 7, 8, 11, 255] {
            assert_eq!(RevocationReason::from_code(unused), None);
        }
        assert_eq!(
            "key-compromise".parse::<RevocationReason>().unwrap(),
            RevocationReason::KEY_COMPROMISE
        );
    }

    #[test]
    fn what_could_be_taken_back_is_refused() {
        for text in ["certificateHold", "remove-from-crl", "keycompromised", ""] {
            let refusal = text.parse::<RevocationReason>().unwrap_err().to_string();
            assert!(refusal.starts_with("revocation reason: found "), "{refusal}");
            assert!(refusal.contains("allowed: unspecified, keyCompromise"), "{refusal}");
        }
    }
}
