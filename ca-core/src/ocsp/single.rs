//! What a response says of one certificate (RFC 6960 section 4.2.1, SingleResponse).

use std::fmt;

use der::asn1::AnyRef;
use der::{Decode, Encode, Tag};
use jiff::Timestamp;

use super::cert_id::CertId;
use super::fields::{Fields, context, only, primitive, refuse_critical};
use super::{ARCHIVE_CUTOFF, EXTENDED_REVOKE};
use crate::crl::RevocationReason;
use crate::crl::error::Fault;
use crate::crl::extension::{INVALIDITY_DATE, RawExtension, read_all};
use crate::crl::instant;
use crate::plan::encode::{raw_extension, tlv};

/// What is said of a certificate (RFC 6960 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertStatus {
    /// It is not revoked.
    Good,
    /// It is revoked, or on hold.
    Revoked {
        /// Since when; fractions of a second are cut off.
        at: Timestamp,
        /// Why.
        reason: RevocationReason,
        /// Since when its key may have been known to others.
        invalidity_date: Option<Timestamp>,
    },
    /// The issuer never issued it: told as revoked, on hold since 1970, beside the extension
    /// extended-revoke (RFC 6960 sections 2.2 and 4.4.8).
    NeverIssued,
    /// The responder does not know.
    Unknown,
}

impl CertStatus {
    /// Revoked, and no more said than that.
    pub fn revoked(at: Timestamp, reason: RevocationReason) -> Self {
        Self::Revoked { at, reason, invalidity_date: None }
    }

    /// Whether a response may say so.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Self::Revoked { at, reason, invalidity_date } = self else { return Ok(()) };
        check_reason(*reason)?;
        instant::check("revocationTime", *at)?;
        invalidity_date.map_or(Ok(()), |date| instant::check("invalidityDate", date))
    }

    pub(super) fn to_der(self) -> Result<Vec<u8>, der::Error> {
        match self {
            Self::Good => Ok(vec![0x80, 0]),
            Self::Unknown => Ok(vec![0x82, 0]),
            Self::NeverIssued => {
                revoked_der(Timestamp::UNIX_EPOCH, RevocationReason::CertificateHold)
            }
            Self::Revoked { at, reason, .. } => revoked_der(at, reason),
        }
    }

    fn read(tag: Tag, content: &[u8]) -> Result<Self, Fault> {
        let field = "certStatus";
        if tag == context(1) {
            return read_revoked(content);
        }
        let status = match tag {
            tag if tag == primitive(0) => Self::Good,
            tag if tag == primitive(2) => Self::Unknown,
            other => {
                return Err(Fault::new(field, other.to_string(), "good, revoked or unknown"));
            }
        };
        if content.is_empty() {
            return Ok(status);
        }
        Err(Fault::new(field, "a value in good or unknown", "NULL in both"))
    }
}

impl fmt::Display for CertStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Revoked { at, reason, .. } => write!(f, "revoked at {at}: {reason}"),
            Self::NeverIssued => f.write_str("never issued"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

fn revoked_der(at: Timestamp, reason: RevocationReason) -> Result<Vec<u8>, der::Error> {
    let mut content = Vec::new();
    instant::push_generalized(&mut content, at);
    if reason != RevocationReason::Unspecified {
        content.extend(tlv(context(0), &[&[0x0a, 1, reason.code()]])?);
    }
    tlv(context(1), &[&content])
}

fn read_revoked(content: &[u8]) -> Result<CertStatus, Fault> {
    let mut fields = Fields::inside("revoked", content)?;
    let time = fields.next_der("revocationTime")?;
    let at = instant::read_generalized("revocationTime", only("revocationTime", time)?)?;
    let reason = match fields.optional("revocationReason", context(0))? {
        Some(reason) => read_reason(reason)?,
        None => RevocationReason::Unspecified,
    };
    fields.finish()?;
    check_reason(reason)?;
    Ok(CertStatus::Revoked { at, reason, invalidity_date: None })
}

fn read_reason(der: &[u8]) -> Result<RevocationReason, Fault> {
    let reason = match der {
        [0x0a, 1, code] => RevocationReason::from_code(*code),
        _ => None,
    };
    reason.ok_or_else(|| {
        let found = der.iter().take(8).map(|octet| format!("{octet:02x}")).collect::<String>();
        Fault::new("revocationReason", found, "ENUMERATED 0 to 6, 9 or 10")
    })
}

/// removeFromCRL takes something back, which only a delta list can do.
fn check_reason(reason: RevocationReason) -> Result<(), Fault> {
    if reason == RevocationReason::RemoveFromCrl {
        let allowed = "a reason; what is not revoked is good";
        return Err(Fault::new("revocationReason", "removeFromCRL", allowed));
    }
    Ok(())
}

/// What a response that was read says of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleResponse {
    cert_id: CertId,
    status: CertStatus,
    this_update: Timestamp,
    next_update: Option<Timestamp>,
    archive_cutoff: Option<Timestamp>,
}

impl SingleResponse {
    /// Which certificate.
    pub fn cert_id(&self) -> &CertId {
        &self.cert_id
    }

    /// What is said of it.
    pub fn status(&self) -> CertStatus {
        self.status
    }

    /// Since when it is right.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// Until when it is right; without it, newer information is there all the time.
    pub fn next_update(&self) -> Option<Timestamp> {
        self.next_update
    }

    /// From when on the responder remembers expired certificates.
    pub fn archive_cutoff(&self) -> Option<Timestamp> {
        self.archive_cutoff
    }

    /// Beside extended-revoke the epoch and certificateHold mean that it was never issued.
    pub(super) fn mark_never_issued(&mut self) {
        let epoch = CertStatus::revoked(Timestamp::UNIX_EPOCH, RevocationReason::CertificateHold);
        if self.status == epoch {
            self.status = CertStatus::NeverIssued;
        }
    }

    pub(super) fn read(der: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields::of("SingleResponse", der)?;
        let cert_id = CertId::read(fields.next_der("certID")?)?;
        let tag = fields.peek().unwrap_or(Tag::Null);
        let status = CertStatus::read(tag, fields.next("certStatus", tag)?)?;
        let this_update = time("thisUpdate", fields.next_der("thisUpdate")?)?;
        let next_update = fields.optional("nextUpdate", context(0))?;
        let next_update = next_update.map(|der| time("nextUpdate", der)).transpose()?;
        if let Some(next_update) = next_update.filter(|next_update| *next_update < this_update) {
            let found = format!("{next_update}, before thisUpdate");
            return Err(Fault::new("nextUpdate", found, "thisUpdate or later"));
        }
        let extensions = fields.optional("singleExtensions", context(1))?;
        fields.finish()?;
        let mut single = Self { cert_id, status, this_update, next_update, archive_cutoff: None };
        if let Some(extensions) = extensions {
            single.read_extensions(extensions)?;
        }
        Ok(single)
    }

    fn read_extensions(&mut self, der: &[u8]) -> Result<(), Fault> {
        let mut others = Vec::new();
        for extension in read_all("singleExtensions", der)? {
            match extension.oid {
                ARCHIVE_CUTOFF => {
                    self.archive_cutoff = Some(extension_time("archiveCutoff", &extension)?);
                }
                INVALIDITY_DATE => {
                    let date = extension_time("invalidityDate", &extension)?;
                    if let CertStatus::Revoked { invalidity_date, .. } = &mut self.status {
                        *invalidity_date = Some(date);
                    }
                }
                _ => others.push(extension),
            }
        }
        refuse_critical("singleExtensions", &others)
    }
}

pub(super) fn time(field: &'static str, der: &[u8]) -> Result<Timestamp, Fault> {
    instant::read_generalized(field, only(field, der)?)
}

fn extension_time(field: &'static str, extension: &RawExtension<'_>) -> Result<Timestamp, Fault> {
    let value = AnyRef::from_der(extension.value).map_err(Fault::der(field))?;
    instant::read_generalized(field, value)
}

/// The field singleExtensions; none when there is nothing to say.
pub(super) fn extensions_der(
    status: CertStatus,
    archive_cutoff: Option<Timestamp>,
) -> Result<Vec<u8>, der::Error> {
    let invalidity_date = match status {
        CertStatus::Revoked { invalidity_date, .. } => invalidity_date,
        _ => None,
    };
    let rows = [(INVALIDITY_DATE, invalidity_date), (ARCHIVE_CUTOFF, archive_cutoff)];
    let mut all = Vec::new();
    for (oid, date) in rows {
        let Some(date) = date else { continue };
        let mut value = Vec::new();
        instant::push_generalized(&mut value, date);
        all.push(raw_extension(oid, false, value)?);
    }
    if all.is_empty() {
        return Ok(Vec::new());
    }
    tlv(context(1), &[&all.to_der()?])
}

/// The extension that tells that certificates that were never issued are told as revoked.
pub(super) fn extended_revoke() -> Result<x509_cert::ext::Extension, der::Error> {
    raw_extension(EXTENDED_REVOKE, false, der::asn1::Null.to_der()?)
}
