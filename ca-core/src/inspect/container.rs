//! Containers: PKCS#7 bags with all that they hold, PKCS#12 files with what shows of them.

use std::fmt;

use serde::Serialize;

use super::ContentError;
use super::certificate::CertificateReport;
use super::names::name_text;
use super::text::{octets, or_none, row};
use crate::crl::CertificateList;

use crate::pkcs7::CertificateBag;
use crate::pkcs12::Pkcs12Report;

/// A PKCS#7 bag (RFC 5652).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BagReport {
    /// The certificates, in the order of the file.
    pub certificates: Vec<CertificateReport>,
    /// The revocation lists, in the order of the file.
    pub lists: Vec<ListReport>,
    /// Octets of the whole.
    pub size_octets: usize,
}

/// What identifies a revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListReport {
    /// Who made it, as RFC 4514 writes it.
    pub issuer: String,
    /// Its number.
    pub number: String,
    /// When it was made.
    pub this_update: jiff::Timestamp,
    /// When the next one is due.
    pub next_update: jiff::Timestamp,
    /// How many certificates it revokes.
    pub entries: usize,
}

impl BagReport {
    /// Describes DER of a bag.
    ///
    /// # Errors
    /// `ContentError` when it is no bag, or a certificate in it can't be shown.
    pub(super) fn new(der: &[u8]) -> Result<Self, ContentError> {
        let bag = CertificateBag::from_der(der)?;
        let certificates: Result<_, _> =
            bag.certificates().iter().map(CertificateReport::new).collect();
        Ok(Self {
            certificates: certificates?,
            lists: bag.lists().iter().map(ListReport::new).collect(),
            size_octets: der.len(),
        })
    }
}

impl ListReport {
    fn new(list: &CertificateList) -> Self {
        Self {
            issuer: name_text(list.issuer()),
            number: list.number().to_string(),
            this_update: list.this_update(),
            next_update: list.next_update(),
            entries: list.len(),
        }
    }
}

impl fmt::Display for BagReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "PKCS#7 bag (nothing in it is verified here)")?;
        row(f, "  ", "Certificates", self.certificates.len())?;
        row(f, "  ", "Revocation lists", self.lists.len())?;
        row(f, "  ", "Size", octets(self.size_octets))?;
        for certificate in &self.certificates {
            write!(f, "\n{certificate}")?;
        }
        for list in &self.lists {
            writeln!(f, "\nRevocation list")?;
            row(f, "  ", "Issuer", or_none(&list.issuer))?;
            row(f, "  ", "Number", &list.number)?;
            row(f, "  ", "Made", list.this_update)?;
            row(f, "  ", "Next due", list.next_update)?;
            row(f, "  ", "Entries", list.entries)?;
        }
        Ok(())
    }
}

impl fmt::Display for Pkcs12Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "PKCS#12 file (only its password tells what is in it)")?;
        row(f, "  ", "MAC", &self.mac)?;
        row(f, "    ", "iterations", self.mac_iterations)?;
        row(f, "    ", "salt", octets(self.mac_salt_octets))?;
        for part in &self.parts {
            row(f, "  ", "Holds", &part.holds)?;
            row(f, "    ", "encryption", part.encryption.as_deref().unwrap_or("none"))?;
        }
        row(f, "  ", "Size", octets(self.size_octets))
    }
}
