//! Whether a certificate is revoked, from everything that is at hand.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::certificate::Certificate;
use crate::crl::{CertificateList, CrlSet, RevocationStatus};
use crate::inspect::escape::escaped;

/// Revocation lists for many questions. The signature of each list is checked once.
#[derive(Debug, Default)]
pub struct RevocationSources {
    crls: CrlSet,
}

/// What is known of a certificate's revocation, and from what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevocationReport {
    /// The answer.
    #[serde(flatten)]
    pub answer: RevocationAnswer,
    /// What says so; empty for an unknown one.
    pub sources: Vec<RevocationSource>,
}

/// Whether a certificate is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum RevocationAnswer {
    /// It is not.
    Good,
    /// It is revoked, or on hold.
    Revoked {
        /// Why, as RFC 5280 names it.
        reason: &'static str,
        /// When it was revoked.
        revoked_at: Timestamp,
        /// Since when its key may have been known to others.
        #[serde(skip_serializing_if = "Option::is_none")]
        invalidity_date: Option<Timestamp>,
    },
    /// Nobody can tell from what is at hand.
    Unknown {
        /// Why not, for each kind of source.
        why: Vec<String>,
    },
}

/// Where an answer comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RevocationSource {
    /// A revocation list of the certificate's issuer.
    Crl {
        /// Its number.
        number: String,
        /// For a delta: the number of the complete list that it changes.
        #[serde(skip_serializing_if = "Option::is_none")]
        base_number: Option<String>,
        /// When it was made.
        this_update: Timestamp,
        /// When the next one is due.
        next_update: Timestamp,
    },
}

impl RevocationSources {
    /// Takes lists of any issuers.
    pub fn new(crls: Vec<CertificateList>) -> Self {
        Self { crls: CrlSet::new(crls) }
    }

    /// Judges `certificate`, which `issuer` issued, at `at`: revoked when any source says so, else
    /// good when one does. Both certificates must have been validated as a path before.
    pub fn judge(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
    ) -> RevocationReport {
        if self.crls.lists().is_empty() {
            let why = vec!["no revocation list is at hand".into()];
            return RevocationReport { answer: RevocationAnswer::Unknown { why }, sources: vec![] };
        }
        let found = self.crls.judge(certificate, issuer, at);
        let sources = found.lists.into_iter().map(RevocationSource::crl).collect();
        RevocationReport { answer: found.status.into(), sources }
    }
}

impl From<RevocationStatus> for RevocationAnswer {
    fn from(status: RevocationStatus) -> Self {
        match status {
            RevocationStatus::Good => Self::Good,
            RevocationStatus::Revoked { reason, at, invalidity_date } => {
                Self::Revoked { reason: reason.name(), revoked_at: at, invalidity_date }
            }
            // Names of strangers stand in it.
            RevocationStatus::Unknown { why } => {
                Self::Unknown { why: vec![escaped(&why.to_string())] }
            }
        }
    }
}

impl RevocationSource {
    fn crl(list: &CertificateList) -> Self {
        Self::Crl {
            number: list.number().to_string(),
            base_number: list.base_number().map(|number| number.to_string()),
            this_update: list.this_update(),
            next_update: list.next_update(),
        }
    }
}

impl fmt::Display for RevocationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)?;
        for (index, source) in self.sources.iter().enumerate() {
            f.write_str(if index == 0 { ", by " } else { " and " })?;
            source.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for RevocationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Revoked { reason, revoked_at, invalidity_date: None } => {
                write!(f, "revoked at {revoked_at}: {reason}")
            }
            Self::Revoked { reason, revoked_at, invalidity_date: Some(date) } => {
                write!(f, "revoked at {revoked_at}: {reason}, invalid since {date}")
            }
            Self::Unknown { why } => write!(f, "unknown: {}", why.join("; ")),
        }
    }
}

impl fmt::Display for RevocationSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crl { number, base_number, this_update, next_update } => {
                let kind = if base_number.is_some() { "delta CRL" } else { "CRL" };
                write!(f, "{kind} {number} ({this_update} to {next_update})")
            }
        }
    }
}
