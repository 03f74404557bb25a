//! Revocations.

use ca_core::serial::SerialNumber;
use jiff::Timestamp;

use crate::LedgerError;

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
///
/// `certificateHold` and `removeFromCRL` are left out: they would take a revocation back, and the
/// ledger only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RevocationReason {
    /// No reason given.
    Unspecified,
    /// The subject's private key is known or feared to be known to others.
    KeyCompromise,
    /// The same for a CA's key.
    #[serde(rename = "cACompromise")]
    CaCompromise,
    /// The subject's name or other facts changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// A privilege that it states was taken away.
    PrivilegeWithdrawn,
    /// An attribute authority's key is known or feared to be known to others.
    #[serde(rename = "aACompromise")]
    AaCompromise,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The value of the CRLReason ENUMERATED.
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// The reason with this CRLReason value; `None` for values that are not used here.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

/// A revocation to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    /// Which record; it may have no certificate.
    pub serial: SerialNumber,
    /// Why.
    pub reason: RevocationReason,
    /// Now; kept to the microsecond.
    pub revoked_at: Timestamp,
    /// Who asked for it, authenticated. 1 to 512 characters.
    pub revoked_by: String,
}

/// A committed revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Why.
    pub reason: RevocationReason,
    /// When, to the microsecond.
    pub revoked_at: Timestamp,
    /// Who asked for it.
    pub revoked_by: String,
}

impl NewRevocation {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        crate::record::text("revoked_by", &self.revoked_by, 1, 512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_5280_and_lead_back() {
        let codes = RevocationReason::ALL.map(RevocationReason::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 9, 10]);
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::from_code(reason.code()), Some(reason));
        }
        for unused in [6, 7, 8, 11, 255] {
            assert_eq!(RevocationReason::from_code(unused), None);
        }
    }
}
