//! The series of CRLs of an authority (RFC 5280 section 5).
//!
//! A list is a row before it is signed: [`crate::Store::reserve_crl`] commits its number and which
//! revocations it has, [`crate::Store::revoked`] streams them, and [`crate::Store::store_crl`] takes
//! what was signed. Revocations that come in between are on the next list. The bytes are kept
//! elsewhere: `docs/adr/0015-crl-series.md`.

use ca_core::{
    crl::{CertificateList, CrlNumber, RevokedEntry, Scope, Subjects},
    fingerprint::Fingerprint,
};
use jiff::Timestamp;

use crate::LedgerError;

/// A list that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCrl {
    /// Name of the authority, which will sign it.
    pub authority: String,
    /// Which certificates it speaks of.
    pub scope: Scope,
    /// The number of the complete list of the same scope that a delta changes; `None` for a
    /// complete list.
    pub base: Option<u64>,
    /// Now; cut to the second.
    pub this_update: Timestamp,
    /// When the next one is due; cut to the second, later than `this_update`.
    pub next_update: Timestamp,
}

/// A list whose number is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crl {
    /// What was asked for.
    pub content: NewCrl,
    /// Its number: above every other of this authority, whatever the scope.
    pub number: u64,
    /// It has the revocations of its authority behind this position: 0, or where the base ends.
    pub since: u64,
    /// Up to this position, the latest when the number was reserved.
    pub through: u64,
    /// What was signed, once it is stored.
    pub list: Option<StoredCrl>,
}

/// A signed list. Its bytes are found by their fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCrl {
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// How many entries it has.
    pub entries: u64,
    /// How long the DER is.
    pub octets: u64,
    /// When it was stored, to the microsecond.
    pub stored_at: Timestamp,
}

/// A signed list on its way into the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCrlList {
    /// What the list says of itself.
    pub(crate) content: NewCrl,
    pub(crate) number: u64,
    pub(crate) list: StoredCrl,
}

/// Which lists of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrlFilter {
    /// Name of the authority.
    pub authority: String,
    /// The list of this number alone.
    pub number: Option<u64>,
    /// Lists with numbers below this one: the next page.
    pub before: Option<u64>,
    /// Lists of this scope.
    pub scope: Option<Scope>,
    /// Complete lists, or deltas.
    pub kind: Option<CrlKind>,
    /// Only what was signed and stored.
    pub stored: bool,
    /// Lists whose `this_update` is this instant or earlier.
    pub until: Option<Timestamp>,
    /// Lists whose `next_update` is later than this instant.
    pub current_at: Option<Timestamp>,
    /// The lowest number first.
    pub oldest_first: bool,
}

/// Complete or delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrlKind {
    /// Every revocation of the scope.
    Complete,
    /// What changed since a complete list.
    Delta,
}

/// A part of the entries of a list, in the order of their revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedPage {
    /// The entries, as [`ca_core::crl::CrlBuilder`] takes them.
    pub entries: Vec<RevokedEntry>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<u64>,
}

impl NewCrl {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        let refuse = |field, found: String, allowed: String| {
            Err(LedgerError::InvalidField { field, found, allowed })
        };
        if self.next_update.as_second() <= self.this_update.as_second() {
            let allowed = format!("later than this_update, {}", self.this_update);
            return refuse("next_update", self.next_update.to_string(), allowed);
        }
        if self.scope.subjects() == Subjects::AttributeCertificates || !self.has_plain_scope() {
            let found = "attribute certificates, some reasons, or places that are no URIs".into();
            let allowed = "all certificates, end entities or authorities, at places that are URIs";
            return refuse("scope", found, allowed.into());
        }
        Ok(())
    }

    /// Whether subjects and URIs are all that there is to the scope.
    fn has_plain_scope(&self) -> bool {
        let (subjects, places) = scope_columns(&self.scope);
        scope_of_columns(subjects, &places).as_ref() == Some(&self.scope)
    }

    /// The same with the times as they come back from the ledger.
    pub(crate) fn cut_to_stored_precision(self) -> Self {
        let second = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        let (this_update, next_update) = (second(self.this_update), second(self.next_update));
        Self { this_update, next_update, ..self }
    }
}

impl CrlFilter {
    /// Every list of the authority.
    pub fn of(authority: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            number: None,
            before: None,
            scope: None,
            kind: None,
            stored: false,
            until: None,
            current_at: None,
            oldest_first: false,
        }
    }
}

impl NewCrlList {
    /// Takes the list that `authority` signed; its digest is made here, from its own bytes, and all
    /// else is what it says of itself. `stored_at` is now, kept to the microsecond.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] when its number is above what any ledger reserves.
    pub fn new(
        authority: &str,
        list: &CertificateList,
        stored_at: Timestamp,
    ) -> Result<Self, LedgerError> {
        let content = NewCrl {
            authority: authority.to_owned(),
            scope: list.scope().clone(),
            base: list.base_number().map(small_number).transpose()?,
            this_update: list.this_update(),
            next_update: list.next_update(),
        };
        let stored = StoredCrl {
            fingerprint: Fingerprint::of(list.der()),
            entries: list.len() as u64,
            octets: list.der().len() as u64,
            stored_at: crate::record::whole_microseconds(stored_at),
        };
        Ok(Self { content, number: small_number(list.number())?, list: stored })
    }

    /// Compares what was signed with what was reserved, and with the entries that it should have.
    pub(crate) fn compare(&self, reserved: &Crl, entries: u64) -> Result<(), LedgerError> {
        let (found, wanted) = (&self.content, &reserved.content);
        let base = |base: Option<u64>| base.map_or("none".to_owned(), |base| base.to_string());
        let places = |scope: &Scope| format!("{:?} {}", scope.subjects(), scope_columns(scope).1);
        let compared = [
            ("deltaCRLIndicator", base(found.base), base(wanted.base)),
            ("issuingDistributionPoint", places(&found.scope), places(&wanted.scope)),
            ("thisUpdate", found.this_update.to_string(), wanted.this_update.to_string()),
            ("nextUpdate", found.next_update.to_string(), wanted.next_update.to_string()),
            (
                "revokedCertificates",
                format!("{} entries", self.list.entries),
                format!("{entries} entries"),
            ),
        ];
        match compared.into_iter().find(|(_, found, reserved)| found != reserved) {
            None => Ok(()),
            Some((field, found, reserved)) => Err(LedgerError::CrlMismatch {
                authority: self.content.authority.clone(),
                number: self.number,
                field,
                found: found.into(),
                reserved: reserved.into(),
            }),
        }
    }
}

/// Numbers of ours fit into 63 bits.
fn small_number(number: CrlNumber) -> Result<u64, LedgerError> {
    let octets = number.integer_octets();
    let small = (octets.len() <= 8)
        .then(|| octets.iter().fold(0, |number, octet| number << 8 | u64::from(*octet)));
    small.ok_or_else(|| LedgerError::InvalidField {
        field: "cRLNumber",
        found: number.to_string(),
        allowed: "a number that this ledger reserved, below 2^63".into(),
    })
}

/// The scope as stores keep it: a number for the subjects, and the places as a JSON array.
pub(crate) fn scope_columns(scope: &Scope) -> (i64, String) {
    let subjects = match scope.subjects() {
        Subjects::All => 0,
        Subjects::EndEntities => 1,
        Subjects::Authorities => 2,
        // Refused by `validate`.
        Subjects::AttributeCertificates => 3,
    };
    let places: Vec<&str> = scope.places().collect();
    (subjects, serde_json::json!(places).to_string())
}

/// The way back; `None` for what no scope has.
pub(crate) fn scope_of_columns(subjects: i64, places: &str) -> Option<Scope> {
    let subjects = match subjects {
        0 => Subjects::All,
        1 => Subjects::EndEntities,
        2 => Subjects::Authorities,
        _ => return None,
    };
    let places: Vec<String> = serde_json::from_str(places).ok()?;
    let uri = |text: &String| ca_core::general_name::AbsoluteUri::new(text).ok();
    let places = places.iter().map(uri).collect::<Option<Vec<_>>>()?;
    let scope = if places.is_empty() { Scope::all() } else { Scope::shard(&places).ok()? };
    Some(scope.only(subjects))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::general_name::AbsoluteUri;

    use super::*;

    #[test]
    fn scopes_come_back_from_their_columns() {
        let place = |text| AbsoluteUri::new(text).unwrap();
        let places = [place("http://a.test/1.crl"), place("http://a.test/%22.crl")];
        for subjects in [Subjects::All, Subjects::EndEntities, Subjects::Authorities] {
            for scope in [Scope::all(), Scope::shard(&places).unwrap()] {
                let scope = scope.only(subjects);
                let (code, text) = scope_columns(&scope);
                assert_eq!(scope_of_columns(code, &text), Some(scope));
            }
        }
        for (code, text) in [(3, "[]"), (-1, "[]"), (0, "{}"), (0, "[1]"), (0, "[\"no uri\"]")] {
            assert_eq!(scope_of_columns(code, text), None, "{code} {text}");
        }
    }

    #[test]
    fn a_list_that_is_never_current_is_refused() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let new = NewCrl {
            authority: "issuing".into(),
            scope: Scope::all(),
            base: None,
            this_update: at("2026-01-01T00:00:00Z"),
            next_update: at("2026-01-01T00:00:01Z"),
        };
        new.validate().unwrap();
        let late = NewCrl { this_update: at("2026-01-01T00:00:01Z"), ..new.clone() };
        let refusal = late.validate().unwrap_err().to_string();
        assert!(refusal.starts_with("next_update: found 2026-01-01T00:00:01Z"), "{refusal}");
        let scope = Scope::all().only(Subjects::AttributeCertificates);
        let refusal = NewCrl { scope, ..new }.validate().unwrap_err().to_string();
        assert!(refusal.starts_with("scope: found attribute certificates"), "{refusal}");
    }

    #[test]
    fn numbers_of_ours_are_small() {
        for number in [0, 1, 127, 128, 255, 256, u64::MAX >> 1] {
            assert_eq!(small_number(number.into()).unwrap(), number);
        }
        let large = CrlNumber::from(u64::MAX);
        let refusal = small_number(large).unwrap_err().to_string();
        assert!(refusal.contains("found 18446744073709551615; allowed: a number"), "{refusal}");
    }
}
