//! Containers: PKCS#7 bags with all that they hold, PKCS#12 files with what shows of them.

use std::fmt;

use serde::Serialize;

use super::certificate::CertificateReport;
use super::crl::CrlReport;
use super::text::{octets, row};
use super::{ContentError, ENTRIES_SHOWN};

use crate::pkcs7::CertificateBag;
use crate::pkcs12::Pkcs12Report;

/// A PKCS#7 bag (RFC 5652).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BagReport {
    /// The certificates, in the order of the file.
    pub certificates: Vec<CertificateReport>,
    /// The revocation lists, in the order of the file.
    pub lists: Vec<CrlReport>,
    /// Octets of the whole.
    pub size_octets: usize,
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
        let lists: Result<_, _> =
            bag.lists().iter().map(|list| CrlReport::new(list, ENTRIES_SHOWN)).collect();
        Ok(Self { certificates: certificates?, lists: lists?, size_octets: der.len() })
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
            write!(f, "\n{list}")?;
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
