//! Revocations: by serial number, by key, by authority.

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;

use crate::{LedgerError, RevocationReason};

/// Most digests that are blocked at once: a whole key, its halves, and those of an alternative key.
pub const MAX_BLOCKED_AT_ONCE: usize = 8;
/// 1950-01-01T00:00:00Z: a CRL can't name an earlier instant (RFC 5280 section 5.1.2.4).
const FIRST_SECOND: i64 = -631_152_000;

/// A revocation of one record to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevocation {
    /// Which record; it may have no certificate.
    pub serial: SerialNumber,
    /// Whether a record that has a certificate is refused: then what was cut off is ended, and
    /// nothing that somebody may have been given.
    pub only_orphan: bool,
    /// What is said of it.
    pub revocation: Revoking,
}

/// What is said of everything that one request revokes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoking {
    /// Why.
    pub reason: RevocationReason,
    /// Since when the key is feared to be known to others, or the certificate was wrong otherwise
    /// (RFC 5280 section 5.3.2); cut to the second, not after `revoked_at`.
    pub invalidity_date: Option<Timestamp>,
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
    /// Since when it was wrong, in whole seconds.
    pub invalidity_date: Option<Timestamp>,
    /// When, to the microsecond.
    pub revoked_at: Timestamp,
    /// Who asked for it.
    pub revoked_by: String,
    /// Place in the order of its authority's revocations, from 1, without gaps.
    pub position: u64,
}

/// Keys to be blocked: what has one of them is revoked, and none is certified again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeyBlock {
    /// Digests of whole keys or components ([`ca_core::public_key::PublicKey::fingerprint`] and
    /// `component_fingerprints`), known to the ledger or not. 1 to [`MAX_BLOCKED_AT_ONCE`].
    pub digests: Vec<Fingerprint>,
    /// What is said of the keys and of every record that has one of them.
    pub revocation: Revoking,
}

/// A key that is never certified again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedKey {
    /// Digest of a whole key or of a component.
    pub digest: Fingerprint,
    /// Why.
    pub reason: RevocationReason,
    /// When, to the microsecond.
    pub blocked_at: Timestamp,
    /// Who asked for it.
    pub blocked_by: String,
}

/// What blocking did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBlock {
    /// Every asked digest, in the order of the request, as it is blocked now: one that was blocked
    /// before keeps its time and reason.
    pub keys: Vec<BlockedKey>,
    /// How many of them this request blocked.
    pub blocked: u64,
    /// How many records it revoked; those revoked before keep their revocation.
    pub revoked: u64,
}

/// Everything that an authority issued, to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthorityRevocation {
    /// Name of the authority.
    pub authority: String,
    /// What is said of each.
    pub revocation: Revoking,
}

/// What is known of a serial number, for OCSP (RFC 6960 section 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SerialStatus {
    /// The authority issued it, and it is not revoked.
    Good,
    /// It is revoked, with or without a certificate.
    Revoked {
        /// Why.
        reason: RevocationReason,
        /// When, to the microsecond.
        revoked_at: Timestamp,
        /// Since when it was wrong, in whole seconds.
        invalidity_date: Option<Timestamp>,
    },
    /// The authority has not issued it; a record without certificate was not released.
    Unknown,
}

/// One row of [`crate::Store::unexpired`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unexpired {
    /// Place of the record in the authority's order.
    pub position: u64,
    /// Its serial number.
    pub serial: SerialNumber,
    /// The last second in which the certificate is valid.
    pub not_after: Timestamp,
    /// Good or revoked.
    pub status: SerialStatus,
}

impl Revoking {
    /// Refuses what no store could keep, or no CRL could say.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        crate::record::text("revoked_by", &self.revoked_by, 1, 512)?;
        let refuse = |field, found: Timestamp, allowed| {
            Err(LedgerError::InvalidField { field, found: found.to_string(), allowed })
        };
        if self.revoked_at.as_second() < FIRST_SECOND {
            return refuse("revoked_at", self.revoked_at, "the year 1950 or later".into());
        }
        match self.invalidity_date {
            Some(date) if date.as_second() < FIRST_SECOND || date > self.revoked_at => {
                let allowed = format!("from the year 1950 to {}, the revocation", self.revoked_at);
                refuse("invalidity_date", date, allowed)
            }
            _ => Ok(()),
        }
    }

    /// The same with the times as they come back from the ledger.
    pub(crate) fn cut_to_stored_precision(self) -> Self {
        let second = |date: Timestamp| {
            // Downwards, also before 1970. A whole second at or below a timestamp is in range.
            let second = date.as_microsecond().div_euclid(1_000_000);
            Timestamp::from_second(second).unwrap_or(date)
        };
        Self {
            invalidity_date: self.invalidity_date.map(second),
            revoked_at: crate::record::whole_microseconds(self.revoked_at),
            ..self
        }
    }
}

impl NewRevocation {
    /// As [`Revoking::validate`].
    ///
    /// # Errors
    /// As [`Revoking::validate`].
    pub fn validate(&self) -> Result<(), LedgerError> {
        self.revocation.validate()
    }
}

impl NewKeyBlock {
    /// As [`Revoking::validate`], and counts the digests.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`].
    pub fn validate(&self) -> Result<(), LedgerError> {
        let found = self.digests.len();
        if !(1..=MAX_BLOCKED_AT_ONCE).contains(&found) {
            return Err(LedgerError::InvalidField {
                field: "digests",
                found: format!("{found} digests"),
                allowed: format!("1 to {MAX_BLOCKED_AT_ONCE}"),
            });
        }
        self.revocation.validate()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn revoking(invalidity_date: Option<&str>, revoked_at: &str) -> Revoking {
        Revoking {
            reason: RevocationReason::KEY_COMPROMISE,
            invalidity_date: invalidity_date.map(|date| date.parse().unwrap()),
            revoked_at: revoked_at.parse().unwrap(),
            revoked_by: "user:oscar".into(),
        }
    }

    #[test]
    fn dates_that_no_list_can_name_are_refused() {
        let now = "2026-01-01T00:00:00.5Z";
        for date in [None, Some("1950-01-01T00:00:00Z"), Some(now)] {
            revoking(date, now).validate().unwrap();
        }
        for (date, at, field) in [
            (Some("1949-12-31T23:59:59Z"), now, "invalidity_date: found 1949-12-31T23:59:59Z"),
            (Some("2026-01-01T00:00:00.6Z"), now, "to 2026-01-01T00:00:00.5Z, the revocation"),
            (None, "1949-12-31T23:59:58Z", "revoked_at: found 1949-12-31T23:59:58Z"),
        ] {
            let refusal = revoking(date, at).validate().unwrap_err().to_string();
            assert!(refusal.contains(field), "{refusal}");
        }
    }

    #[test]
    fn dates_are_cut_downwards() {
        let cut = |date| {
            let cut =
                revoking(Some(date), "2026-01-01T00:00:00.1234567Z").cut_to_stored_precision();
            (cut.invalidity_date.unwrap().to_string(), cut.revoked_at.to_string())
        };
        let revoked = "2026-01-01T00:00:00.123456Z".to_owned();
        let date = |text: &str| (text.to_owned(), revoked.clone());
        assert_eq!(cut("2025-12-31T23:59:59.9Z"), date("2025-12-31T23:59:59Z"));
        assert_eq!(cut("1960-12-31T23:59:58.5Z"), date("1960-12-31T23:59:58Z"));
    }
}
