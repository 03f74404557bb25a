//! Whether a certificate is revoked, from lists that are at hand (RFC 5280 section 6.3).

use std::fmt;

use jiff::Timestamp;
use x509_cert::ext::pkix::crl::dp::ReasonFlags;

use super::entry::RevokedEntry;
use super::error::CrlError;
use super::list::CertificateList;
use super::reason::RevocationReason;
use super::scope::all_reasons;
use super::serial::{EntrySerial, InvalidEntrySerial};
use crate::certificate::Certificate;
use crate::name::to_text;
use crate::ocsp::OcspError;

/// What is known of a certificate's revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationStatus {
    /// Lists that can be trusted cover every reason, and it is on none of them; or the newest OCSP
    /// response that can be trusted says so.
    Good,
    /// It is revoked, or on hold.
    Revoked {
        /// Why.
        reason: RevocationReason,
        /// When it was revoked.
        at: Timestamp,
        /// Since when its key may have been known to others.
        invalidity_date: Option<Timestamp>,
    },
    /// Nobody can tell from these lists or responses.
    Unknown {
        /// Why not.
        why: UnknownRevocation,
    },
}

impl fmt::Display for RevocationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Revoked { reason, at, .. } => write!(f, "revoked at {at}: {reason}"),
            Self::Unknown { why } => write!(f, "unknown: {why}"),
        }
    }
}

/// Why nobody can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownRevocation {
    /// The wrong issuer was given.
    #[error(
        "revocation: the certificate's issuer is {found}, allowed is {allowed}, the subject of the issuer that was given"
    )]
    IssuerMismatch {
        /// The certificate's issuer, RFC 4514.
        found: String,
        /// The subject of the given issuer, RFC 4514.
        allowed: String,
    },
    /// No list can name the certificate.
    #[error("revocation: {0}")]
    Serial(#[from] InvalidEntrySerial),
    /// No list of this issuer.
    #[error("revocation: none of {given} lists is by {issuer}; give its current list")]
    NoList {
        /// How many lists were given.
        given: usize,
        /// The issuer, RFC 4514.
        issuer: String,
    },
    /// The issuer's lists speak of other certificates.
    #[error(
        "revocation: the issuer's lists speak of other certificates; give the one that the certificate's cRLDistributionPoints name"
    )]
    OutOfScope,
    /// The issuer's list is refused.
    #[error("revocation: {0}")]
    Refused(#[from] CrlError),
    /// Only what changed is known.
    #[error("revocation: only delta lists, allowed is a complete list beside them; give the base")]
    NoBase,
    /// The lists tell only of some reasons.
    #[error("revocation: the lists cover only some reasons; give those for the other ones as well")]
    PartialReasons,
    /// No OCSP response was given.
    #[error("revocation: no OCSP response; give one, or ask the responder")]
    NoResponse,
    /// The OCSP response is refused.
    #[error("revocation: {0}")]
    RefusedResponse(#[from] OcspError),
    /// The OCSP responder says that it does not know.
    #[error(
        "revocation: the OCSP responder does not know the certificate; ask the one that its authorityInfoAccess names"
    )]
    ResponderDoesNotKnow,
}

/// Judges `certificate`, which `issuer` issued, by those of `crls` that are by `issuer`, current at
/// `at` and speak of it. Both certificates must have been validated as a path before.
///
/// - Of complete lists of one scope the one with the highest number counts. An older one that is
///   still current counts only where it revokes for ever, that is for any reason but
///   certificateHold.
/// - A newer delta of the same scope and key is applied to it. Its revocations count always, its
///   removals only when it joins the base (RFC 5280 section 5.2.4) and the base has the
///   certificate on hold. No list takes back another revocation.
/// - Lists that are refused are passed over. When none is left the answer is unknown, and says why
///   the list that came nearest was refused.
///
/// The signature of each list that speaks of the certificate is checked, and all its entries are
/// walked over: both cost time by its length.
pub fn check_crls(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[CertificateList],
    at: Timestamp,
) -> RevocationStatus {
    match judge(certificate, issuer, crls, at) {
        Ok(None) => RevocationStatus::Good,
        Ok(Some(entry)) => RevocationStatus::Revoked {
            reason: entry.reason,
            at: entry.revoked_at,
            invalidity_date: entry.invalidity_date,
        },
        Err(why) => RevocationStatus::Unknown { why },
    }
}

/// The entry that revokes the certificate, if one does.
fn judge(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[CertificateList],
    at: Timestamp,
) -> Result<Option<RevokedEntry>, UnknownRevocation> {
    if certificate.issuer() != issuer.subject() {
        let (found, allowed) = (to_text(certificate.issuer()), to_text(issuer.subject()));
        return Err(UnknownRevocation::IssuerMismatch { found, allowed });
    }
    let serial = EntrySerial::of(certificate)?;
    let usable = usable(certificate, issuer, crls, at)?;
    if let Some(entry) = revoked_for_ever(&serial, &usable) {
        return Ok(Some(entry));
    }
    let mut covered = ReasonFlags::default();
    for (base, reasons) in newest_complete(&usable) {
        let deltas = usable.iter().map(|(list, _)| *list).filter(|list| applies(list, base));
        if let Some(entry) = entry_of(&serial, base, deltas.collect()) {
            return Ok(Some(entry));
        }
        covered |= reasons;
    }
    if covered.contains(all_reasons()) {
        return Ok(None);
    }
    Err(UnknownRevocation::PartialReasons)
}

type Covering<'a> = (&'a CertificateList, ReasonFlags);

/// The lists that may be trusted and speak of the certificate, and for which reasons; a complete
/// one is among them.
fn usable<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &'a [CertificateList],
    at: Timestamp,
) -> Result<Vec<Covering<'a>>, UnknownRevocation> {
    let mut usable = Vec::new();
    let mut in_name = false;
    let mut refused = None;
    for list in crls.iter().filter(|list| list.issuer() == issuer.subject()) {
        in_name = true;
        let Some(reasons) = list.scope().reasons_for(certificate) else { continue };
        // The signature, which costs most, comes last.
        let checked = list.check_issuer(issuer).and_then(|()| list.check_time(at));
        match checked.and_then(|()| list.verify(issuer)) {
            Ok(_) => usable.push((list, reasons)),
            Err(error) => refused = Some(error),
        }
    }
    if usable.iter().any(|(list, _)| !list.is_delta()) {
        return Ok(usable);
    }
    Err(match refused {
        Some(error) => UnknownRevocation::Refused(error),
        None if !usable.is_empty() => UnknownRevocation::NoBase,
        None if in_name => UnknownRevocation::OutOfScope,
        None => UnknownRevocation::NoList { given: crls.len(), issuer: to_text(issuer.subject()) },
    })
}

/// A revocation on any complete list that can't be taken back, be there a newer list or not.
fn revoked_for_ever(serial: &EntrySerial, usable: &[Covering<'_>]) -> Option<RevokedEntry> {
    let complete = usable.iter().map(|(list, _)| *list).filter(|list| !list.is_delta());
    let mut entries = complete.filter_map(|list| list.find(serial));
    entries.find(|entry| entry.reason != RevocationReason::CertificateHold)
}

/// Of the complete lists of each scope, the newest.
fn newest_complete<'a>(usable: &[Covering<'a>]) -> Vec<Covering<'a>> {
    let mut newest: Vec<Covering<'a>> = Vec::new();
    for (list, reasons) in usable.iter().filter(|(list, _)| !list.is_delta()) {
        match newest.iter_mut().find(|(known, _)| known.scope() == list.scope()) {
            Some((known, _)) if age(known) < age(list) => *known = list,
            Some(_) => {}
            None => newest.push((list, *reasons)),
        }
    }
    newest
}

fn age(list: &CertificateList) -> impl Ord {
    (list.number(), list.this_update())
}

/// Whether `list` is a delta that tells news of `base` (RFC 5280 section 6.3.3 (c)).
fn applies(list: &CertificateList, base: &CertificateList) -> bool {
    let key = |list: &CertificateList| list.authority_key_identifier().key_identifier.clone();
    list.is_delta()
        && list.number() > base.number()
        && list.scope() == base.scope()
        && key(list) == key(base)
}

/// The entry that stands after the deltas are applied, newest first. The base has the certificate
/// on hold or not at all: another revocation was told before.
fn entry_of(
    serial: &EntrySerial,
    base: &CertificateList,
    mut deltas: Vec<&CertificateList>,
) -> Option<RevokedEntry> {
    deltas.sort_by_key(|delta| std::cmp::Reverse(delta.number()));
    for delta in deltas {
        let joins = delta.base_number().is_some_and(|number| number <= base.number());
        match delta.find(serial) {
            Some(entry) if entry.reason != RevocationReason::RemoveFromCrl => return Some(entry),
            Some(_) if joins => return None,
            _ => {}
        }
    }
    base.find(serial)
}
