//! Checks a ledger: its rows by the [`ledger`] crate, and here what needs keys and eyes for
//! certificates. Every stored certificate is signed by its authority and says what its record
//! says; every authority's certificates hang together.

mod authorities;
mod certificate;

use std::collections::BTreeMap;

use ledger::{Counts, Entry, FindingKind, Ledger, LedgerError, Scanned};
use serde::Serialize;

use authorities::Known;

/// Rows that are read at once.
const PAGE: u32 = 200;
/// Most findings that a report lists; more are only counted.
const MAX_LISTED: usize = ledger::check::MAX_LISTED;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was walked through.
    pub checked: Counts,
    /// Signatures that were verified, alternative ones included.
    pub signatures: u64,
    /// Certificates of authorities whose issuer is not in this ledger, and so can't be verified.
    pub issued_elsewhere: u64,
    /// How many findings of each kind there are.
    pub found: BTreeMap<Kind, u64>,
    /// The first 10,000 findings.
    pub findings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: Kind,
    /// Name of the authority, where there is one.
    pub authority: Option<String>,
    /// Serial number in hexadecimal, where there is one.
    pub serial: Option<String>,
    /// What was found, and what should be there.
    pub message: String,
}

/// Kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Kind {
    /// In the rows.
    Row(FindingKind),
    /// In the certificates.
    Certificate(CertificateFinding),
}

/// Kinds of findings in certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFinding {
    /// An authority was begun, and has no certificate: no damage, its making was cut off.
    UnfinishedAuthority,
    /// The certificate can't be read in full.
    UnreadableCertificate,
    /// The signature is not its authority's.
    Signature,
    /// The alternative signature is missing, or not its authority's.
    AlternativeSignature,
    /// The certificate names another issuer than its authority.
    Issuer,
    /// The certificate's subject is not the recorded one.
    Subject,
    /// The certificate's alternative names are not the recorded ones.
    Names,
    /// The certificate's keys are not the recorded ones.
    Key,
    /// The certificate's algorithm is not the recorded one.
    Algorithm,
    /// The certificate's validity is not the recorded one.
    Validity,
    /// No certificate of an authority is signed by its parent.
    Chain,
    /// An authority of this ledger signed a certificate that it has no record of.
    Unrecorded,
}

impl Kind {
    /// Whether it is only told, and nothing is wrong.
    fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Row(FindingKind::Orphan)
                | Self::Certificate(CertificateFinding::UnfinishedAuthority)
        )
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Both are plain enums, which become their name.
        let name = serde_json::to_value(self).unwrap_or_default();
        f.pad(name.as_str().unwrap_or("finding"))
    }
}

impl Report {
    /// Whether nothing but orphans and unfinished authorities was found.
    pub fn is_sound(&self) -> bool {
        self.found.keys().all(|kind| kind.is_harmless())
    }

    /// Findings that say that something is wrong: kinds and how many.
    pub fn wrong(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        let all = self.found.iter().map(|(kind, count)| (*kind, *count));
        all.filter(|(kind, _)| !kind.is_harmless())
    }

    fn add(&mut self, finding: Finding) {
        *self.found.entry(finding.kind).or_default() += 1;
        if self.findings.len() < MAX_LISTED {
            self.findings.push(finding);
        }
    }

    fn add_about(
        &mut self,
        kind: CertificateFinding,
        authority: &str,
        entry: Option<&Entry>,
        message: String,
    ) {
        self.add(Finding {
            kind: Kind::Certificate(kind),
            authority: Some(authority.to_owned()),
            serial: entry.map(|entry| entry.serial().to_string()),
            message,
        });
    }
}

impl From<ledger::Report> for Report {
    fn from(rows: ledger::Report) -> Self {
        let found = rows.found.into_iter().map(|(kind, count)| (Kind::Row(kind), count)).collect();
        let findings = rows.findings.into_iter().map(|finding| Finding {
            kind: Kind::Row(finding.kind),
            authority: finding.authority,
            serial: finding.serial,
            message: finding.message,
        });
        Self {
            checked: rows.checked,
            signatures: 0,
            issued_elsewhere: 0,
            found,
            findings: findings.collect(),
        }
    }
}

/// Walks through the whole ledger twice, page by page, while others may use it. `progress` is
/// called with the number of records that were seen so far, each counted twice in the end.
///
/// # Errors
/// When the ledger can't be read. What is wrong with its content is in the report.
pub async fn check(
    ledger: &Ledger,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Report, LedgerError> {
    let mut report = Report::from(ledger::check(&**ledger, progress).await?);
    match walk(ledger, &mut report, progress).await {
        Ok(()) => Ok(report),
        // The check of the rows met the same damage, and told.
        Err(LedgerError::Corrupt { .. } | LedgerError::Inconsistent(_)) if !report.is_sound() => {
            Ok(report)
        }
        Err(error) => Err(error),
    }
}

async fn walk(
    ledger: &Ledger,
    report: &mut Report,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), LedgerError> {
    let recorded = ledger.authorities().await?;
    let authorities: Vec<Known> =
        recorded.iter().map(|recorded| Known::new(recorded, report)).collect();
    for authority in &authorities {
        authorities::check(authority, &authorities, ledger, report).await?;
    }
    let mut seen = report.checked.records;
    for authority in &authorities {
        let mut last = 0;
        loop {
            let rows = ledger.entries(authority.name(), last, PAGE).await?;
            for row in &rows {
                last = row.position;
                check_row(row, authority, report);
            }
            seen += rows.len() as u64;
            progress(seen);
            if rows.len() < PAGE as usize {
                break;
            }
        }
    }
    Ok(())
}

/// Impossible rows were told by the check of the rows.
fn check_row(row: &Scanned, authority: &Known, report: &mut Report) {
    let Ok(entry) = &row.entry else { return };
    let Some(stored) = &entry.certificate else { return };
    let certificate = match ca_core::certificate::Certificate::from_der(&stored.der) {
        Ok(certificate) => certificate,
        Err(error) => {
            let kind = CertificateFinding::UnreadableCertificate;
            report.add_about(kind, authority.name(), Some(entry), error.to_string());
            return;
        }
    };
    for (kind, message) in certificate::differences(&entry.record.content, &certificate) {
        report.add_about(kind, authority.name(), Some(entry), message);
    }
    let (verified, wrong) = authority.judge(&certificate);
    report.signatures += verified;
    for (kind, message) in wrong {
        report.add_about(kind, authority.name(), Some(entry), message);
    }
}
