//! Revocation lists as they are shown.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::certificate::SignatureReport;
use super::names::{general_names, hex, name_text};
use super::text::{colons, octets, or_none, row, write_signature};
use crate::algorithm::SchemeError;
use crate::crl::{CertificateList, RevokedEntry, Scope, Subjects};
use crate::escape::escaped_raw;
use crate::fingerprint::Fingerprint;

/// A revocation list. Whether its issuer signed it, and whether it is current, is not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CrlReport {
    /// Whose certificates it revokes, RFC 4514.
    pub issuer: String,
    /// Its number: decimal, hexadecimal after `0x` from 2^128 on.
    pub number: String,
    /// For a delta: the number of the complete list that it changes.
    pub base_number: Option<String>,
    /// When it was made.
    pub this_update: Timestamp,
    /// When the next one is due; it says nothing after that second.
    pub next_update: Timestamp,
    /// Which certificates it speaks of.
    pub scope: ScopeReport,
    /// The issuer's key, in hexadecimal.
    pub authority_key_identifier: Option<String>,
    /// Where the delta to it is published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freshest_crl: Vec<String>,
    /// The signature.
    pub signature: SignatureReport,
    /// How many entries it has.
    pub entry_count: usize,
    /// How many of them have each reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// The first entries, in the order of the list.
    pub entries: Vec<EntryReport>,
    /// How large its parts are.
    pub size: CrlSizes,
    /// SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
}

/// Which certificates a list speaks of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeReport {
    /// `all`, `end-entities`, `authorities` or `attribute-certificates`.
    pub certificates: &'static str,
    /// The places that name the shard; empty for every certificate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<String>,
    /// Whether it tells of some reasons alone.
    pub only_some_reasons: bool,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EntryReport {
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// When it was revoked.
    pub revoked_at: Timestamp,
    /// Why, as RFC 5280 names it.
    pub reason: &'static str,
    /// Since when its key may have been known to others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalidity_date: Option<Timestamp>,
}

/// Octets of a list and of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CrlSizes {
    /// The whole.
    pub total_octets: usize,
    /// TBSCertList, which is signed.
    pub tbs_octets: usize,
    /// The signature.
    pub signature_octets: usize,
}

impl CrlReport {
    /// Describes a list with its first `shown` entries.
    pub(super) fn new(list: &CertificateList, shown: usize) -> Result<Self, SchemeError> {
        let mut reasons = BTreeMap::new();
        for entry in list.entries() {
            *reasons.entry(entry.reason.name()).or_insert(0) += 1;
        }
        let key = list.authority_key_identifier().key_identifier.as_ref();
        Ok(Self {
            issuer: name_text(list.issuer()),
            number: list.number().to_string(),
            base_number: list.base_number().map(|number| number.to_string()),
            this_update: list.this_update(),
            next_update: list.next_update(),
            scope: ScopeReport::new(list.scope()),
            authority_key_identifier: key.map(|octets| hex(octets.as_bytes())),
            freshest_crl: list.freshest_crl().map(escaped_raw).collect(),
            signature: SignatureReport::new(list.signature_algorithm(), list.signature())?,
            entry_count: list.len(),
            reasons,
            entries: list.entries().take(shown).map(|entry| EntryReport::new(&entry)).collect(),
            size: CrlSizes {
                total_octets: list.der().len(),
                tbs_octets: list.tbs_der().len(),
                signature_octets: list.signature().len(),
            },
            sha256: Fingerprint::of(list.der()).to_string(),
        })
    }
}

impl ScopeReport {
    fn new(scope: &Scope) -> Self {
        Self {
            certificates: match scope.subjects() {
                Subjects::All => "all",
                Subjects::EndEntities => "end-entities",
                Subjects::Authorities => "authorities",
                Subjects::AttributeCertificates => "attribute-certificates",
            },
            places: general_names(scope.names()),
            only_some_reasons: !scope.has_all_reasons(),
        }
    }
}

impl EntryReport {
    /// Describes an entry.
    pub fn new(entry: &RevokedEntry) -> Self {
        Self {
            serial: entry.serial.to_string(),
            revoked_at: entry.revoked_at,
            reason: entry.reason.name(),
            invalidity_date: entry.invalidity_date,
        }
    }
}

impl fmt::Display for CrlReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Certificate revocation list (its signature is not checked here)")?;
        row(f, "  ", "Issuer", or_none(&self.issuer))?;
        row(f, "  ", "Number", &self.number)?;
        if let Some(base) = &self.base_number {
            row(f, "  ", "Delta to", format_args!("the complete list of number {base}"))?;
        }
        row(f, "  ", "This update", self.this_update)?;
        row(f, "  ", "Next update", self.next_update)?;
        row(f, "  ", "Certificates", &self.scope)?;
        if let Some(key) = &self.authority_key_identifier {
            row(f, "  ", "Issuer key id", colons(key))?;
        }
        for place in &self.freshest_crl {
            row(f, "  ", "Delta at", place)?;
        }
        writeln!(f, "  Signature")?;
        write_signature(f, &self.signature)?;
        self.write_entries(f)?;
        row(f, "  ", "Size", octets(self.size.total_octets))?;
        row(f, "    ", "signed part", octets(self.size.tbs_octets))?;
        row(f, "    ", "signature", octets(self.size.signature_octets))?;
        row(f, "  ", "SHA-256", colons(&self.sha256))
    }
}

impl CrlReport {
    fn write_entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "  ", "Entries", self.entry_count)?;
        for (reason, count) in &self.reasons {
            row(f, "    ", reason, count)?;
        }
        self.entries.iter().try_for_each(|entry| writeln!(f, "    {entry}"))?;
        match self.entry_count - self.entries.len() {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more"),
        }
    }
}

impl fmt::Display for ScopeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.certificates {
            "all" if self.places.is_empty() => "all of the issuer",
            "all" => "those",
            "end-entities" => "end entities",
            "authorities" => "authorities",
            other => other,
        })?;
        if !self.places.is_empty() {
            write!(f, " whose distribution point is {}", self.places.join(" or "))?;
        }
        if self.only_some_reasons { f.write_str(", for some reasons alone") } else { Ok(()) }
    }
}

impl fmt::Display for EntryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}  {}", self.serial, self.revoked_at, self.reason)?;
        match self.invalidity_date {
            Some(date) => write!(f, "  invalid since {date}"),
            None => Ok(()),
        }
    }
}
