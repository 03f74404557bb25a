//! What clients were told, and whether the ledger knows it.

use std::collections::{BTreeMap, BTreeSet};

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::pem;
use ca_core::serial::SerialNumber;
use espalier::ledger_check;
use ledger::{Ledger, LedgerError};

/// What every client was told so far.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// The certificate that each idempotency key got.
    pub(crate) certificates: BTreeMap<String, Vec<u8>>,
    /// What was answered since the last look into the ledger.
    pub(crate) fresh: Vec<String>,
    pub(crate) revoked: BTreeSet<String>,
    pub(crate) fresh_revoked: Vec<String>,
    /// Keys that have no answer yet.
    pub(crate) open: BTreeSet<String>,
    /// Keys whose record was cut off before its certificate was stored: it never will be.
    pub(crate) cut_off: BTreeSet<String>,
    pub(crate) tally: Tally,
    /// Answers that nobody should get.
    pub(crate) complaints: Vec<String>,
}

/// How often what was met.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Certificates that were made for the request that got them.
    pub(crate) made: usize,
    /// Certificates of an earlier request with the same key.
    pub(crate) repeated: usize,
    /// Of these, the first answer that the client got: the one before was lost on its way.
    pub(crate) recovered: usize,
    /// Told to come again.
    pub(crate) busy: usize,
    /// Told that the certificate was dropped.
    pub(crate) not_stored: usize,
    /// The connection was refused, or ended before a whole answer.
    pub(crate) lost: usize,
    pub(crate) revocations: usize,
}

impl Book {
    /// Notes a certificate. Whoever asked with this key before must have got the same.
    pub(crate) fn certificate(&mut self, key: &str, text: &str, repeated: bool) {
        let der = match pem::read_one_certificate(text.as_bytes()) {
            Ok(certificate) => certificate.der().to_vec(),
            Err(error) => return self.complaints.push(format!("{key}: 201 with {text}: {error}")),
        };
        let counter = if repeated { &mut self.tally.repeated } else { &mut self.tally.made };
        *counter += 1;
        self.open.remove(key);
        match self.certificates.get(key) {
            Some(earlier) if *earlier == der && repeated => {}
            Some(_) => self.complaints.push(format!("{key}: another certificate than before")),
            None => {
                self.tally.recovered += usize::from(repeated);
                self.certificates.insert(key.to_owned(), der);
                self.fresh.push(key.to_owned());
            }
        }
    }

    pub(crate) fn revocation(&mut self, serial: &str) {
        if self.revoked.insert(serial.to_owned()) {
            self.tally.revocations += 1;
            self.fresh_revoked.push(serial.to_owned());
        }
    }

    /// What was answered since this was called last.
    pub(crate) fn take_fresh(&mut self) -> Told {
        let fresh = std::mem::take(&mut self.fresh);
        let certificates = fresh.into_iter().map(|key| {
            let der = self.certificates[&key].clone();
            (key, der)
        });
        Told {
            certificates: certificates.collect(),
            revoked: std::mem::take(&mut self.fresh_revoked),
        }
    }

    /// All that was answered.
    pub(crate) fn told(&self) -> Told {
        Told {
            certificates: self.certificates.clone(),
            revoked: self.revoked.iter().cloned().collect(),
        }
    }
}

/// What was answered by 2xx.
#[derive(Debug, Default)]
pub(crate) struct Told {
    certificates: BTreeMap<String, Vec<u8>>,
    revoked: Vec<String>,
}

/// What the ledger has, by a check that finds it sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) certificates: u64,
    /// Records without a certificate, revoked or not.
    pub(crate) cut_off: u64,
}

impl Told {
    /// The ledger is sound, and knows all that was told.
    ///
    /// # Errors
    /// When the ledger can't be read now.
    pub(crate) async fn is_in(&self, ledger: &Ledger) -> Result<Found, LedgerError> {
        let report = ledger_check::check(ledger, &mut |_| ()).await?;
        assert!(report.is_sound(), "{:#?}", report.findings);
        for (key, der) in &self.certificates {
            let certificate = Certificate::from_der(der).unwrap();
            let entry = ledger.get_by_fingerprint(Fingerprint::of(der)).await?;
            let entry = entry.unwrap_or_else(|| panic!("{key} was told and is not in the ledger"));
            assert_eq!(entry.serial().as_bytes(), certificate.serial_octets(), "{key}");
            assert_eq!(&entry.certificate.unwrap().der, der, "{key}");
            let idempotency = entry.record.content.idempotency.unwrap();
            assert_eq!(&idempotency.key, key);
        }
        for serial in &self.revoked {
            let number = SerialNumber::from_hex(serial).unwrap();
            let entry = ledger.get_by_serial(number).await?;
            let entry = entry.unwrap_or_else(|| panic!("{serial} was revoked and is gone"));
            assert!(entry.revocation.is_some(), "{serial} was revoked and is not");
        }
        let (records, certificates) = (report.checked.records, report.checked.certificates);
        Ok(Found { certificates, cut_off: records - certificates })
    }
}
