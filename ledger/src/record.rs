//! Records: what is written before anything is signed.

use ca_core::{
    fingerprint::Fingerprint, profile::KeyReuse, serial::SerialNumber, validity::Validity,
};
use jiff::Timestamp;

use crate::{Certificate, LedgerError, Revocation};

/// Most names that a record may have; a CSR may have 100.
pub const MAX_NAMES: usize = 1_000;
/// Most characters of one name.
pub const MAX_NAME_CHARACTERS: usize = 2_048;
/// Most component keys that a record may have; a composite has two.
pub const MAX_COMPONENTS: usize = 4;
/// Most places of CRLs that a record may have.
pub const MAX_CRL_PLACES: usize = 100;

/// What is about to be signed, and for whom. [`crate::Store::record`] turns it into a [`Record`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Name of the authority that will sign; it must be in the ledger. 1 to 64 characters.
    pub authority: String,
    /// The serial number; never used twice, by no authority.
    pub serial: SerialNumber,
    /// Name of the profile that planned the TBS. 1 to 64 characters.
    pub profile: String,
    /// Who asked, authenticated. 1 to 512 characters.
    pub requester: String,
    /// Set when the requester wants the same certificate for the same request sent again.
    pub idempotency: Option<Idempotency>,
    /// SHA-256 of the DER of the TBSCertificate that will be signed, without the alternative
    /// signature (2.5.29.74), which is made after the record.
    pub tbs_digest: Fingerprint,
    /// The subject as text (RFC 4514), possibly empty. At most 4096 characters.
    pub subject: String,
    /// The subject alternative names, each as `KIND:value`, such as `DNS:demo.localhost`.
    pub names: Vec<String>,
    /// Name of the subject key's algorithm. 1 to 128 characters.
    pub algorithm: String,
    /// SHA-256 of the subject's SubjectPublicKeyInfo.
    pub key_digest: Fingerprint,
    /// SHA-256 of each key that the key is made of, as a SubjectPublicKeyInfo of its own: both
    /// halves of a composite, else the key itself; then those of the alternative key. Each belongs
    /// to this whole key from now on.
    pub component_digests: Vec<Fingerprint>,
    /// Whether it is the certificate of a CA. A key is a CA's or an end entity's, never both.
    pub for_authority: bool,
    /// Whether the ledger may have the same whole key already.
    pub key_reuse: KeyReuse,
    /// The URIs of cRLDistributionPoints: which sharded CRLs speak of the certificate.
    pub crl_places: Vec<String>,
    /// The validity of the certificate.
    pub validity: Validity,
    /// Now; kept to the microsecond.
    pub recorded_at: Timestamp,
}

/// Names a request, so that it may be sent again without a second certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key that the requester chose; unique per requester. 1 to 256 characters.
    pub key: String,
    /// SHA-256 of the request's body.
    pub body_digest: Fingerprint,
}

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What was recorded.
    pub content: NewRecord,
    /// Place in the authority's order, from 1, without gaps.
    pub position: u64,
}

/// A record and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was recorded before the signature.
    pub record: Record,
    /// The certificate, once it is stored.
    pub certificate: Option<Certificate>,
    /// Set when it was revoked.
    pub revocation: Option<Revocation>,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It has a certificate and is not revoked.
    Stored,
    /// It has no certificate and is not revoked: signing is under way, or was cut off.
    Orphan,
    /// It is revoked, with or without a certificate.
    Revoked,
}

/// How [`crate::Store::record`] answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// The row is new and committed: sign it.
    New(Box<Record>),
    /// The same requester sent the same idempotency key and body before. Release these bytes; when
    /// there is no certificate the first request is still under way or was cut off. Never sign.
    Repeated(Box<Entry>),
}

impl Entry {
    /// What became of the record.
    pub fn status(&self) -> Status {
        match (&self.revocation, &self.certificate) {
            (Some(_), _) => Status::Revoked,
            (None, Some(_)) => Status::Stored,
            (None, None) => Status::Orphan,
        }
    }

    /// This entry as the answer to a request that its requester sends again.
    ///
    /// # Errors
    /// [`LedgerError::IdempotencyConflict`] when it was made for another body.
    pub(crate) fn repeated(
        &self,
        requester: &str,
        idempotency: &Idempotency,
    ) -> Result<Box<Self>, LedgerError> {
        let digest = self.record.content.idempotency.as_ref().map(|it| it.body_digest);
        if digest == Some(idempotency.body_digest) {
            return Ok(Box::new(self.clone()));
        }
        Err(LedgerError::IdempotencyConflict {
            requester: requester.to_owned(),
            key: idempotency.key.clone(),
            serial: self.serial(),
        })
    }

    /// The record's serial number.
    pub fn serial(&self) -> SerialNumber {
        self.record.content.serial
    }
}

impl NewRecord {
    /// Refuses what no store could keep, so that every store refuses the same.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        text("authority", &self.authority, 1, 64)?;
        text("profile", &self.profile, 1, 64)?;
        text("requester", &self.requester, 1, 512)?;
        text("subject", &self.subject, 0, 4096)?;
        text("algorithm", &self.algorithm, 1, 128)?;
        if let Some(idempotency) = &self.idempotency {
            text("idempotency key", &idempotency.key, 1, 256)?;
        }
        at_most("names", self.names.len(), MAX_NAMES)?;
        at_most("component_digests", self.component_digests.len(), MAX_COMPONENTS)?;
        at_most("crl_places", self.crl_places.len(), MAX_CRL_PLACES)?;
        let places = self.crl_places.iter().map(|place| ("crl_places", place));
        let names = self.names.iter().map(|name| ("names", name));
        names.chain(places).try_for_each(|(field, it)| text(field, it, 1, MAX_NAME_CHARACTERS))
    }

    /// The same with `recorded_at` cut to the microsecond, as it comes back from the ledger.
    pub(crate) fn cut_to_stored_precision(mut self) -> Self {
        self.recorded_at = whole_microseconds(self.recorded_at);
        self
    }
}

/// Cuts off what is below a microsecond, the precision of every time in the ledger.
pub(crate) fn whole_microseconds(time: Timestamp) -> Timestamp {
    // Every Timestamp is in range as microseconds, for it came from there.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// Checks the length in characters, and that there is no control character: NUL ends a text in
/// C, and a line break forges lines of a log.
pub(crate) fn text(
    field: &'static str,
    value: &str,
    least: usize,
    most: usize,
) -> Result<(), LedgerError> {
    let length = value.chars().count();
    let found = if length < least || length > most {
        format!("{length} characters")
    } else if let Some(control) = value.chars().find(|character| character.is_control()) {
        format!("the control character {control:?}")
    } else {
        return Ok(());
    };
    let allowed = format!("{least} to {most} characters without control characters");
    Err(LedgerError::InvalidField { field, found, allowed })
}

pub(crate) fn at_most(field: &'static str, found: usize, most: usize) -> Result<(), LedgerError> {
    if found <= most {
        return Ok(());
    }
    Err(LedgerError::InvalidField {
        field,
        found: format!("{found} items"),
        allowed: format!("at most {most}"),
    })
}
