//! Searching: filters, pages and cursors.

use std::{fmt, str::FromStr};

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;

use crate::{Entry, LedgerError, Status};

/// Which entries; each field that is set narrows the search. The default takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Name of the authority.
    pub authority: Option<String>,
    /// Name of the profile.
    pub profile: Option<String>,
    /// Who asked.
    pub requester: Option<String>,
    /// One of the names, whole and as recorded, such as `DNS:demo.localhost`.
    pub name: Option<String>,
    /// Digest of the key or of one of its components: who else has this key?
    pub key: Option<Fingerprint>,
    /// What became of the record.
    pub status: Option<Status>,
    /// Name of the key's algorithm.
    pub algorithm: Option<String>,
    /// `not_after` lies before this instant.
    pub expires_before: Option<Timestamp>,
    /// `not_after` is this instant or later.
    pub expires_after: Option<Timestamp>,
    /// Recorded before this instant: keeps what is under way out of a list of orphans.
    pub recorded_before: Option<Timestamp>,
    /// What may be seen at all; pages and cursors are of nothing else.
    pub visible: Option<Visible>,
}

/// Which entries somebody may see: those that they asked for, and those within a reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visible {
    /// Everything that this requester asked for.
    pub requester: Option<String>,
    /// And what any of these takes in.
    pub reaches: Vec<Reach>,
}

/// Some authorities and some profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Names of authorities; `None` for all.
    pub authorities: Option<Vec<String>>,
    /// Names of profiles; `None` for all.
    pub profiles: Option<Vec<String>>,
}

/// Which part of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Starts behind the last entry of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    /// Most entries, from 1 to [`Page::MAX_LIMIT`].
    pub limit: u32,
    /// Which entries come first.
    pub order: Order,
}

/// Which entries come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As they were recorded.
    #[default]
    OldestFirst,
    /// The latest record first.
    NewestFirst,
}

impl Page {
    /// Most entries of one page.
    pub const MAX_LIMIT: u32 = 1_000;

    /// The first page in the order of recording.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit, order: Order::OldestFirst }
    }

    /// The first page, the latest record first.
    pub fn newest(limit: u32) -> Self {
        Self { after: None, limit, order: Order::NewestFirst }
    }

    /// The page behind `cursor`.
    #[must_use]
    pub fn after(self, cursor: Cursor) -> Self {
        Self { after: Some(cursor), ..self }
    }

    /// Refuses a limit outside its range.
    pub(crate) fn validate(&self) -> Result<(), LedgerError> {
        limit_in_range(self.limit)
    }
}

/// Refuses a limit of zero or above [`Page::MAX_LIMIT`].
pub(crate) fn limit_in_range(limit: u32) -> Result<(), LedgerError> {
    count_in_range("limit", limit as usize)
}

/// Refuses none, and more than [`Page::MAX_LIMIT`].
pub(crate) fn count_in_range(field: &'static str, count: usize) -> Result<(), LedgerError> {
    if (1..=Page::MAX_LIMIT as usize).contains(&count) {
        return Ok(());
    }
    let allowed = format!("1 to {}", Page::MAX_LIMIT);
    Err(LedgerError::InvalidField { field, found: count.to_string(), allowed })
}

/// Marks the last entry of a page. Opaque: its text goes to a client and comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(crate) i64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = digits.then(|| i64::from_str_radix(text, 16).ok()).flatten();
        value.map(Self).ok_or_else(|| LedgerError::InvalidField {
            field: "cursor",
            found: format!("{text:?}"),
            allowed: "a cursor that an earlier page gave".into(),
        })
    }
}

/// One page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Cursor>,
}

/// How much is in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Authorities.
    pub authorities: u64,
    /// Records, with or without a certificate.
    pub records: u64,
    /// Stored certificates, revoked ones included.
    pub certificates: u64,
    /// Revocations.
    pub revocations: u64,
    /// Records with neither certificate nor revocation.
    pub orphans: u64,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn cursors_come_back_from_their_text() {
        for value in [1, 42, i64::MAX] {
            assert_eq!(Cursor(value).to_string().parse::<Cursor>().unwrap(), Cursor(value));
        }
        for text in ["", "1", "+000000000000001", "000000000000000g", "ffffffffffffffff0"] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_limit_outside_its_range_is_refused_with_the_range() {
        assert!(Page::first(1).validate().is_ok());
        assert!(Page::first(1_000).validate().is_ok());
        for limit in [0, 1_001] {
            let refusal = Page::first(limit).validate().unwrap_err().to_string();
            assert_eq!(refusal, format!("limit: found {limit}; allowed: 1 to 1000"));
        }
    }
}
