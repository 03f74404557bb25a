//! Checks every invariant of a ledger that can be checked without keys.

use std::collections::BTreeMap;

use ca_core::fingerprint::Fingerprint;

use crate::{Authority, Counts, Entry, LedgerError, Scanned, Status, Store, encoding};

/// Rows that are read at once.
const PAGE: u32 = 200;
/// Most findings that a report lists; more are only counted.
pub const MAX_LISTED: usize = 10_000;

/// What was found by [`check()`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// What was walked through.
    pub checked: Counts,
    /// How many findings of each kind there are.
    pub found: BTreeMap<FindingKind, u64>,
    /// The first [`MAX_LISTED`] findings.
    pub findings: Vec<Finding>,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// Name of the authority, where there is one.
    pub authority: Option<String>,
    /// Serial number in hexadecimal, where there is one.
    pub serial: Option<String>,
    /// What was found, and what should be there.
    pub message: String,
}

/// Kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A record without certificate: no damage, but somebody may want to revoke it.
    Orphan,
    /// The database file is damaged.
    Storage,
    /// A table, index or trigger is not as the migrations make it: rules may be gone.
    SchemaChanged,
    /// A row points at a row that is not there.
    DanglingReference,
    /// A row that Espalier never writes.
    ImpossibleRow,
    /// Positions of an authority's records or revocations leave a gap or repeat.
    PositionGap,
    /// Two records have one serial number.
    DoubledSerial,
    /// The names or keys to find a record by are not those of the record.
    StaleIndex,
    /// The stored bytes are not a certificate.
    MalformedCertificate,
    /// The certificate is for another serial number than its record.
    SerialMismatch,
    /// What was signed is not what was recorded.
    TbsMismatch,
    /// The fingerprint is not that of the stored bytes.
    FingerprintMismatch,
    /// A revocation counts under another authority than its record.
    MisplacedRevocation,
    /// A record has a blocked key and is not revoked.
    BlockedKeyInUse,
    /// A key or a part of it was certified for two holders, or again where that is refused.
    KeyReused,
    /// CRL numbers do not only grow, or a list does not follow from those before it.
    CrlSeries,
    /// A stored CRL has not as many entries as the ledger has for it.
    CrlIncomplete,
}

impl Report {
    /// Whether nothing but orphans was found.
    pub fn is_sound(&self) -> bool {
        self.found.keys().all(|kind| *kind == FindingKind::Orphan)
    }

    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        *self.found.entry(finding.kind).or_default() += 1;
        if self.findings.len() < MAX_LISTED {
            self.findings.push(finding);
        }
    }
}

impl Finding {
    /// A finding about one row of an authority.
    fn about(kind: FindingKind, authority: &str, entry: Option<&Entry>, message: String) -> Self {
        let serial = entry.map(|entry| entry.serial().to_string());
        Self { kind, authority: Some(authority.to_owned()), serial, message }
    }
}

/// A finding that a store makes, about no authority.
pub(crate) fn finding(kind: FindingKind, serial: Option<String>, message: String) -> Finding {
    Finding { kind, authority: None, serial, message }
}

/// Walks through the whole ledger, page by page, while others may use it; rows added meanwhile may
/// or may not be seen. `progress` is called with the number of records checked so far.
///
/// Signatures are not checked here: that needs `ca_core`'s verifiers over [`Store::entries`].
///
/// # Errors
/// When the ledger can't be read. What is wrong with its content is in the report.
pub async fn check(
    store: &dyn Store,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Report, LedgerError> {
    let mut report =
        Report { checked: Counts::default(), found: BTreeMap::new(), findings: Vec::new() };
    let (kind, message) = match walk(store, &mut report, progress).await {
        Ok(()) => return Ok(report),
        Err(error @ LedgerError::Corrupt { .. }) => (FindingKind::Storage, error.to_string()),
        Err(LedgerError::Inconsistent(row)) => (FindingKind::ImpossibleRow, row.to_string()),
        Err(error) => return Err(error),
    };
    let message = format!("{message}; the check ended here");
    report.add(Finding { kind, authority: None, serial: None, message });
    Ok(report)
}

async fn walk(
    store: &dyn Store,
    report: &mut Report,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), LedgerError> {
    for finding in store.storage_findings().await? {
        report.add(finding);
    }
    for authority in store.authorities().await? {
        report.checked.authorities += 1;
        check_authority_certificates(&authority, report);
        let name = &authority.content.name;
        let mut last = 0;
        loop {
            let rows = store.entries(name, last, PAGE).await?;
            let more = rows.len() == PAGE as usize;
            for row in rows {
                check_position(name, last, &row, report);
                last = row.position;
                check_row(name, &row, report);
            }
            progress(report.checked.records);
            if !more {
                break;
            }
        }
    }
    Ok(())
}

fn check_authority_certificates(authority: &Authority, report: &mut Report) {
    let name = &authority.content.name;
    for certificate in &authority.certificates {
        let computed = Fingerprint::of(&certificate.der);
        if computed != certificate.fingerprint {
            let message = format!(
                "certificate of the authority: fingerprint {}, the stored bytes have {computed}",
                certificate.fingerprint
            );
            report.add(Finding::about(FindingKind::FingerprintMismatch, name, None, message));
        }
    }
}

fn check_position(authority: &str, last: u64, row: &Scanned, report: &mut Report) {
    if row.position != last + 1 {
        let message = format!("position {} follows {last}", row.position);
        let entry = row.entry.as_ref().ok();
        report.add(Finding::about(FindingKind::PositionGap, authority, entry, message));
    }
}

fn check_row(authority: &str, row: &Scanned, report: &mut Report) {
    report.checked.records += 1;
    let entry = match &row.entry {
        Ok(entry) => entry,
        Err(impossible) => {
            let message = format!("position {}: {impossible}", row.position);
            report.add(Finding::about(FindingKind::ImpossibleRow, authority, None, message));
            return;
        }
    };
    report.checked.certificates += u64::from(entry.certificate.is_some());
    report.checked.revocations += u64::from(entry.revocation.is_some());
    if entry.status() == Status::Orphan {
        report.checked.orphans += 1;
        let content = &entry.record.content;
        let message = format!(
            "recorded at {} for {}, without certificate: signing is under way or was cut off; \
             revoke it by its serial when it is not under way",
            content.recorded_at, content.requester
        );
        report.add(Finding::about(FindingKind::Orphan, authority, Some(entry), message));
    }
    for (kind, message) in certificate_findings(entry) {
        report.add(Finding::about(kind, authority, Some(entry), message));
    }
}

/// Compares the stored bytes with what was recorded about them.
fn certificate_findings(entry: &Entry) -> Vec<(FindingKind, String)> {
    let Some(certificate) = &entry.certificate else { return Vec::new() };
    let mut findings = Vec::new();
    let computed = Fingerprint::of(&certificate.der);
    if computed != certificate.fingerprint {
        let message =
            format!("fingerprint {}, the stored bytes have {computed}", certificate.fingerprint);
        findings.push((FindingKind::FingerprintMismatch, message));
    }
    let parts = match encoding::certificate_parts(&certificate.der) {
        Ok(parts) => parts,
        Err(reason) => {
            let message = format!("the stored bytes are not a DER Certificate: {reason}");
            findings.push((FindingKind::MalformedCertificate, message));
            return findings;
        }
    };
    if parts.serial != entry.serial().as_bytes() {
        let found = crate::certificate::hex(parts.serial);
        findings.push((FindingKind::SerialMismatch, format!("the certificate has serial {found}")));
    }
    let recorded = entry.record.content.tbs_digest;
    let found = encoding::record_digest(&certificate.der, parts.tbs);
    if recorded != found {
        let message = format!("recorded TBS digest {recorded}, the certificate's is {found}");
        findings.push((FindingKind::TbsMismatch, message));
    }
    findings
}
