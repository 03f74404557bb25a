//! Lints of revocation lists. The reader is strict, and says of the first wrong field what is
//! wrong; the lints of reading sort its words by field.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::{Check, Lint, Object};
use crate::algorithm::{SchemeError, SignatureScheme};
use crate::certificate::Certificate;
use crate::crl::{CertificateList, CrlError, RevocationReason};

/// A list that lasts longer than a year helps nobody: a revocation is seen no sooner.
const LONGEST_DAYS: i64 = 366;
/// Clients fetch lists often; beyond this they should be sharded.
const LARGE_LIST: usize = 1024 * 1024;

pub(super) static LINTS: &[Lint] = &[
    Lint::fixed(
        "list_readable",
        "RFC 5280 section 5",
        "The list can be read; found only when no other lint says why it can't.",
        Check::Unreadable(Object::List),
    ),
    Lint::fixed(
        "list_next_update_present",
        "RFC 5280 section 5.1.2.5",
        "The list says when the next one is due, and not before itself.",
        Check::List(|list| list.refused(&["nextUpdate", "thisUpdate"])),
    ),
    Lint::fixed(
        "list_number_present",
        "RFC 5280 sections 5.2.3 and 5.2.4",
        "The list has a number of at most 20 octets that is not critical; a delta names a lower one, critically.",
        Check::List(|list| list.refused(&["cRLNumber", "deltaCRLIndicator"])),
    ),
    Lint::fixed(
        "list_authority_key_identifier_present",
        "RFC 5280 section 5.2.1",
        "The list names the key that signed it.",
        Check::List(|list| list.refused(&["authorityKeyIdentifier"])),
    ),
    Lint::fixed(
        "list_distribution_point_valid",
        "RFC 5280 section 5.2.5",
        "issuingDistributionPoint is critical, not empty, and limits the list to one kind of certificate at most; indirect lists are not read.",
        Check::List(|list| list.refused(&["issuingDistributionPoint"])),
    ),
    Lint::fixed(
        "list_extensions_known",
        "RFC 5280 section 5.2",
        "Extensions of the list are readable, each once, and no critical one is unknown.",
        Check::List(|list| list.refused(&["crlExtensions", "freshestCRL"])),
    ),
    Lint::fixed(
        "list_reason_codes_valid",
        "RFC 5280 section 5.3.1",
        "Reasons are 0 to 6 and 8 to 10, not critical; removeFromCRL stands in deltas only.",
        Check::List(|list| list.refused(&["reasonCode"])),
    ),
    Lint::fixed(
        "list_entries_valid",
        "RFC 5280 sections 5.1.2.6, 5.3.2 and 5.3.3",
        "Entries have a serial number of at most 20 octets, dates of the right type, and no unknown critical extension.",
        Check::List(|list| {
            list.refused(&[
                "userCertificate",
                "revocationDate",
                "invalidityDate",
                "crlEntryExtensions",
                "certificateIssuer",
                "the entry",
                "revokedCertificates",
            ])
        }),
    ),
    Lint::fixed(
        "list_signature_not_forgeable",
        "RFC 6151, RFC 9155",
        "The list's signature uses no MD5 and no SHA-1.",
        Check::List(|list| match list.scheme()? {
            Err(error @ SchemeError::Broken { .. }) => Some(error.to_string()),
            _ => None,
        }),
    ),
    Lint::fixed(
        "list_signature_parameters",
        "RFC 4055, RFC 5758, RFC 8410, RFC 9881 section 2, RFC 9909, composite draft section 5",
        "The signature's algorithm is known and has the parameters that its RFC asks for.",
        Check::List(|list| match list.scheme()? {
            Err(error @ (SchemeError::Unknown { .. } | SchemeError::Parameters { .. })) => {
                Some(error.to_string())
            }
            _ => None,
        }),
    ),
    Lint::fixed(
        "list_issuer_may_sign",
        "RFC 5280 section 6.3.3 (b) and (f)",
        "The list bears the issuer's name and key identifier, and the issuer's keyUsage has cRLSign.",
        Check::List(|list| {
            let error = list.verdict()?;
            matches!(
                error,
                CrlError::Issuer { .. } | CrlError::KeyIdentifier { .. } | CrlError::KeyUsage
            )
            .then(|| error.to_string())
        }),
    ),
    Lint::fixed(
        "list_signature_verifies",
        "RFC 5280 section 6.3.3 (g)",
        "The issuer's key made the signature.",
        Check::List(|list| match list.verdict()? {
            error @ CrlError::Signature(_) => Some(error.to_string()),
            _ => None,
        }),
    ),
    Lint::warning(
        "list_lasts_at_most_a_year",
        "CA/Browser Forum BR section 4.9.7",
        "The next list is due within a year.",
        Check::List(|list| {
            let list = list.read.as_ref().ok()?;
            let days = (list.next_update().as_second() - list.this_update().as_second()) / 86_400;
            (days > LONGEST_DAYS).then(|| format!("nextUpdate: found {days} days after thisUpdate, better are at most {LONGEST_DAYS}"))
        }),
    ),
    Lint::warning(
        "list_serials_once",
        "RFC 5280 section 5.1.2.6",
        "No serial number stands twice.",
        Check::List(|list| {
            let list = list.read.as_ref().ok()?;
            let mut seen = HashSet::with_capacity(list.len());
            let twice = list.entries().find(|entry| !seen.insert(entry.serial))?;
            Some(format!(
                "revokedCertificates: found serial number {} twice, better is each once",
                twice.serial
            ))
        }),
    ),
    Lint::warning(
        "list_serials_positive",
        "RFC 5280 section 4.1.2.2",
        "Serial numbers are above zero.",
        Check::List(|list| {
            let mut entries = list.read.as_ref().ok()?.entries();
            let wrong = |octets: &[u8]| {
                octets == [0] || octets.first().is_some_and(|first| first & 0x80 != 0)
            };
            let entry = entries.find(|entry| wrong(entry.serial.as_bytes()))?;
            Some(format!(
                "revokedCertificates: found serial number {}, better are positive ones",
                entry.serial
            ))
        }),
    ),
    Lint::warning(
        "list_dates_in_the_past",
        "RFC 5280 sections 5.1.2.6 and 5.3.2",
        "Nothing is revoked after the list was made, and no key was invalid only after it was revoked.",
        Check::List(|list| {
            let list = list.read.as_ref().ok()?;
            let made = list.this_update();
            let late = list.entries().find(|entry| {
                entry.revoked_at > made
                    || entry.invalidity_date.is_some_and(|date| date > entry.revoked_at)
            })?;
            Some(format!(
                "revokedCertificates: found a date of {} after {made} or after its revocation, better are earlier dates",
                late.serial
            ))
        }),
    ),
    Lint::notice(
        "list_without_holds",
        "CA/Browser Forum BR section 7.2.2",
        "Nothing is on hold: a hold that is taken back looks as if it had never been.",
        Check::List(|list| {
            let mut entries = list.read.as_ref().ok()?.entries();
            let held = entries.find(|entry| entry.reason == RevocationReason::CertificateHold)?;
            Some(format!(
                "reasonCode: found certificateHold for {}, better are other reasons",
                held.serial
            ))
        }),
    ),
    Lint::warning(
        "list_is_small",
        "RFC 5280 section 5.2.5",
        "The list has at most 1 MiB; larger ones are sharded by issuing distribution point.",
        Check::List(|list| {
            (list.size > LARGE_LIST).then(|| format!("list: found {} octets, better are at most {LARGE_LIST}; shard it by distribution point", list.size))
        }),
    ),
];

/// A list, or why it can't be read.
pub(super) struct Listed<'a> {
    pub(super) read: Result<CertificateList, CrlError>,
    size: usize,
    issuer: Option<&'a Certificate>,
    verdict: OnceCell<Option<CrlError>>,
}

impl<'a> Listed<'a> {
    pub(super) fn read(der: &[u8], issuer: Option<&'a Certificate>) -> Self {
        let read = CertificateList::from_der(der);
        Self { read, size: der.len(), issuer, verdict: OnceCell::new() }
    }

    /// The reader's refusal, when it is of one of these fields.
    fn refused(&self, fields: &[&str]) -> Option<String> {
        let error = self.read.as_ref().err()?;
        let (CrlError::Field { field, .. } | CrlError::Entry { field, .. }) = error else {
            return None;
        };
        fields.contains(field).then(|| error.to_string())
    }

    fn scheme(&self) -> Option<Result<SignatureScheme, SchemeError>> {
        let list = self.read.as_ref().ok()?;
        Some(SignatureScheme::from_identifier(list.signature_algorithm()))
    }

    /// Why it is not this issuer's. A signature over 64 MiB is checked once.
    fn verdict(&self) -> Option<&CrlError> {
        let verdict = || self.read.as_ref().ok()?.verify(self.issuer?).err();
        self.verdict.get_or_init(verdict).as_ref()
    }
}
