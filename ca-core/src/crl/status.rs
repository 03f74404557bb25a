//! Whether a certificate is revoked, from lists that are at hand (RFC 5280 section 6.3).

use std::fmt;
use std::sync::OnceLock;

use jiff::Timestamp;
use x509_cert::ext::pkix::crl::dp::ReasonFlags;

use super::entry::RevokedEntry;
use super::error::CrlError;
use super::list::CertificateList;
use super::reason::RevocationReason;
use super::scope::all_reasons;
use super::serial::{EntrySerial, InvalidEntrySerial};
use crate::certificate::Certificate;
use crate::fingerprint::Fingerprint;
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
        "the certificate's issuer is {found}, allowed is {allowed}, the subject of the issuer that was given"
    )]
    IssuerMismatch {
        /// The certificate's issuer, RFC 4514.
        found: String,
        /// The subject of the given issuer, RFC 4514.
        allowed: String,
    },
    /// No list can name the certificate.
    #[error("{0}")]
    Serial(#[from] InvalidEntrySerial),
    /// No list of this issuer.
    #[error("none of {given} lists is by {issuer}; give its current list")]
    NoList {
        /// How many lists were given.
        given: usize,
        /// The issuer, RFC 4514.
        issuer: String,
    },
    /// The issuer's lists speak of other certificates.
    #[error(
        "the issuer's lists speak of other certificates; give the one that the certificate's cRLDistributionPoints name"
    )]
    OutOfScope,
    /// The issuer's list is refused.
    #[error("{0}")]
    Refused(#[from] CrlError),
    /// Only what changed is known.
    #[error("only delta lists, allowed is a complete list beside them; give the base")]
    NoBase,
    /// The lists tell only of some reasons.
    #[error("the lists cover only some reasons; give those for the other ones as well")]
    PartialReasons,
    /// No OCSP response was given.
    #[error("no OCSP response; give one, or ask the responder")]
    NoResponse,
    /// The OCSP response is refused.
    #[error("{0}")]
    RefusedResponse(#[from] OcspError),
    /// The OCSP responder says that it does not know.
    #[error(
        "the OCSP responder does not know the certificate; ask the one that its authorityInfoAccess names"
    )]
    ResponderDoesNotKnow,
}

/// What came of judging by lists.
#[derive(Clone, Debug)]
pub struct CrlJudgement<'a> {
    /// What is known.
    pub status: RevocationStatus,
    /// The lists that say so: the one with the entry, or all that were needed for a good answer.
    /// None for an unknown one.
    pub lists: Vec<&'a CertificateList>,
}

/// Lists for many questions: the signature of each is checked once, and the key remembered.
///
/// It keeps no more than the lists themselves and one digest each; several threads may ask at once.
#[derive(Debug, Default)]
pub struct CrlSet {
    lists: Vec<CertificateList>,
    /// For each list the key that signed it, once that was seen.
    signed_by: Vec<OnceLock<Fingerprint>>,
}

impl CrlSet {
    /// Takes lists of any issuers.
    pub fn new(lists: Vec<CertificateList>) -> Self {
        let signed_by = lists.iter().map(|_| OnceLock::new()).collect();
        Self { lists, signed_by }
    }

    /// The lists.
    pub fn lists(&self) -> &[CertificateList] {
        &self.lists
    }

    /// Judges a certificate as [`check_crls`] does.
    pub fn judge(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
    ) -> CrlJudgement<'_> {
        let pairs = self.lists.iter().zip(&self.signed_by);
        let offered = pairs.map(|(list, key)| Offered { list, signed_by: Some(key) });
        judge(certificate, issuer, &offered.collect::<Vec<_>>(), at)
    }
}

/// A list, and where to remember whose signature it has.
#[derive(Clone, Copy)]
struct Offered<'a> {
    list: &'a CertificateList,
    signed_by: Option<&'a OnceLock<Fingerprint>>,
}

impl Offered<'_> {
    /// As [`CertificateList::verify`]; a key that was found right before is not asked again.
    fn verify(&self, issuer: &Certificate) -> Result<(), CrlError> {
        let Some(signed_by) = self.signed_by else { return self.list.verify(issuer).map(drop) };
        self.list.check_issuer(issuer)?;
        let key = issuer.public_key().fingerprint();
        if signed_by.get() != Some(&key) {
            self.list.verify(issuer)?;
            // Of two keys that made one signature, which nobody has seen, the first is kept.
            let _ = signed_by.set(key);
        }
        Ok(())
    }
}

/// Judges `certificate`, which `issuer` issued, by those of `crls` that are by `issuer`, current at
/// `at` and speak of it. Both certificates must have been validated as a path before.
///
/// - A list that revokes for ever, that is for any reason but certificateHold, counts always: be it
///   older than another, past its nextUpdate, or a delta without its base.
/// - Else, of complete lists of one scope the one with the highest number counts.
/// - A newer delta of the same scope and key is applied to it. Its revocations count always, its
///   removals only when it joins the base (RFC 5280 section 5.2.4) and the base has the
///   certificate on hold. No list takes back another revocation.
/// - Lists that are refused are passed over. When none is left the answer is unknown, and says why
///   the list that came nearest was refused.
///
/// The signature of each list that speaks of the certificate is checked, and all its entries are
/// walked over: both cost time by its length. A [`CrlSet`] checks signatures once.
pub fn check_crls(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[CertificateList],
    at: Timestamp,
) -> RevocationStatus {
    let offered: Vec<Offered<'_>> =
        crls.iter().map(|list| Offered { list, signed_by: None }).collect();
    judge(certificate, issuer, &offered, at).status
}

fn judge<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[Offered<'a>],
    at: Timestamp,
) -> CrlJudgement<'a> {
    match find(certificate, issuer, crls, at) {
        Ok(Known::Good(lists)) => CrlJudgement { status: RevocationStatus::Good, lists },
        Ok(Known::Revoked(list, entry)) => {
            let RevokedEntry { reason, revoked_at: at, invalidity_date, .. } = entry;
            let status = RevocationStatus::Revoked { reason, at, invalidity_date };
            CrlJudgement { status, lists: vec![list] }
        }
        Err(why) => CrlJudgement { status: RevocationStatus::Unknown { why }, lists: Vec::new() },
    }
}

/// What the lists say.
enum Known<'a> {
    /// All of these are needed to say so.
    Good(Vec<&'a CertificateList>),
    Revoked(&'a CertificateList, RevokedEntry),
}

fn find<'a>(
    certificate: &Certificate,
    issuer: &Certificate,
    crls: &[Offered<'a>],
    at: Timestamp,
) -> Result<Known<'a>, UnknownRevocation> {
    if certificate.issuer() != issuer.subject() {
        let (found, allowed) = (to_text(certificate.issuer()), to_text(issuer.subject()));
        return Err(UnknownRevocation::IssuerMismatch { found, allowed });
    }
    let serial = EntrySerial::of(certificate)?;
    let Lists { usable, late, missing } = Lists::of(certificate, issuer, crls, at);
    let trusted = usable.iter().map(|(list, _)| *list).chain(late);
    if let Some((list, entry)) = revoked_for_ever(&serial, trusted) {
        return Ok(Known::Revoked(list, entry));
    }
    if let Some(why) = missing {
        return Err(why);
    }
    let mut covered = ReasonFlags::default();
    let mut needed = Vec::new();
    for (base, reasons) in newest_complete(&usable) {
        let deltas = usable.iter().map(|(list, _)| *list).filter(|list| applies(list, base));
        let deltas: Vec<&CertificateList> = deltas.collect();
        needed.push(base);
        needed.extend(&deltas);
        if let Some((list, entry)) = entry_of(&serial, base, deltas) {
            return Ok(Known::Revoked(list, entry));
        }
        covered |= reasons;
    }
    if covered.contains(all_reasons()) {
        return Ok(Known::Good(needed));
    }
    Err(UnknownRevocation::PartialReasons)
}

type Covering<'a> = (&'a CertificateList, ReasonFlags);

/// The lists that are the issuer's and speak of the certificate.
struct Lists<'a> {
    /// Those that are current, and for which reasons.
    usable: Vec<Covering<'a>>,
    /// Those that are past their nextUpdate.
    late: Vec<&'a CertificateList>,
    /// Why no complete one is among those that are current; none when there is one.
    missing: Option<UnknownRevocation>,
}

impl<'a> Lists<'a> {
    fn of(
        certificate: &Certificate,
        issuer: &Certificate,
        crls: &[Offered<'a>],
        at: Timestamp,
    ) -> Self {
        let (mut usable, mut late) = (Vec::new(), Vec::new());
        let mut in_name = false;
        let mut refused = None;
        for offered in crls.iter().filter(|offered| offered.list.issuer() == issuer.subject()) {
            let list = offered.list;
            in_name = true;
            let Some(reasons) = list.scope().reasons_for(certificate) else { continue };
            // The signature, which costs most, comes last.
            let checked = list.check_issuer(issuer).and_then(|()| list.check_time(at));
            match checked.and_then(|()| offered.verify(issuer)) {
                Ok(()) => usable.push((list, reasons)),
                Err(error) => {
                    let is_late = matches!(error, CrlError::Expired { .. });
                    if is_late && offered.verify(issuer).is_ok() {
                        late.push(list);
                    }
                    refused = Some(error);
                }
            }
        }
        let is_complete = |(list, _): &Covering<'_>| !list.is_delta();
        let missing = (!usable.iter().any(is_complete)).then(|| match refused {
            Some(error) => UnknownRevocation::Refused(error),
            None if !usable.is_empty() => UnknownRevocation::NoBase,
            None if in_name => UnknownRevocation::OutOfScope,
            None => {
                let (given, issuer) = (crls.len(), to_text(issuer.subject()));
                UnknownRevocation::NoList { given, issuer }
            }
        });
        Self { usable, late, missing }
    }
}

/// A revocation on any list that can't be taken back: be there a newer list or none, a base to the
/// delta or none.
fn revoked_for_ever<'a>(
    serial: &EntrySerial,
    lists: impl Iterator<Item = &'a CertificateList>,
) -> Option<(&'a CertificateList, RevokedEntry)> {
    use RevocationReason::{CertificateHold, RemoveFromCrl};
    let mut entries = lists.filter_map(|list| Some((list, list.find(serial)?)));
    entries.find(|(_, entry)| !matches!(entry.reason, CertificateHold | RemoveFromCrl))
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
fn entry_of<'a>(
    serial: &EntrySerial,
    base: &'a CertificateList,
    mut deltas: Vec<&'a CertificateList>,
) -> Option<(&'a CertificateList, RevokedEntry)> {
    deltas.sort_by_key(|delta| std::cmp::Reverse(delta.number()));
    for delta in deltas {
        let joins = delta.base_number().is_some_and(|number| number <= base.number());
        match delta.find(serial) {
            Some(entry) if entry.reason != RevocationReason::RemoveFromCrl => {
                return Some((delta, entry));
            }
            Some(_) if joins => return None,
            _ => {}
        }
    }
    Some((base, base.find(serial)?))
}
