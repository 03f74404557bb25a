//! Whether a certificate is revoked, from everything that is at hand.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::certificate::Certificate;
use crate::crl::{CertificateList, CrlSet, RevocationStatus};
use crate::escape::escaped;
use crate::name::to_text;
use crate::ocsp::{Expectation, OcspResponse, SignedBy, Verified, judge_responses};

/// Revocation lists and OCSP responses for many questions. The signature of each list is checked
/// once, that of a response whenever it is asked for.
#[derive(Debug, Default)]
pub struct RevocationSources {
    crls: CrlSet,
    responses: Vec<OcspResponse>,
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
    /// An OCSP response by the certificate's issuer or a delegate of it.
    Ocsp {
        /// The subject of the delegate, RFC 4514; none for the issuer itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        delegate: Option<String>,
        /// Since when it is right.
        this_update: Timestamp,
        /// Until when.
        next_update: Option<Timestamp>,
    },
}

impl RevocationSources {
    /// Takes lists and responses of any issuers.
    pub fn new(crls: Vec<CertificateList>, responses: Vec<OcspResponse>) -> Self {
        Self { crls: CrlSet::new(crls), responses }
    }

    /// Judges `certificate`, which `issuer` issued, at `at`: revoked when any source says so, else
    /// good when one does. Both certificates must have been validated as a path before.
    pub fn judge(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
    ) -> RevocationReport {
        let lists =
            (!self.crls.lists().is_empty()).then(|| self.judge_by_lists(certificate, issuer, at));
        let responses =
            (!self.responses.is_empty()).then(|| self.judge_by_responses(certificate, issuer, at));
        match (lists, responses) {
            (Some(lists), Some(responses)) => lists.join(responses),
            (Some(report), None) | (None, Some(report)) => report,
            (None, None) => {
                let why = vec!["no revocation list and no OCSP response is at hand".into()];
                RevocationReport { answer: RevocationAnswer::Unknown { why }, sources: Vec::new() }
            }
        }
    }

    fn judge_by_lists(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
    ) -> RevocationReport {
        let found = self.crls.judge(certificate, issuer, at);
        let sources = found.lists.into_iter().map(RevocationSource::crl).collect();
        RevocationReport { answer: found.status.into(), sources }
    }

    fn judge_by_responses(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        at: Timestamp,
    ) -> RevocationReport {
        let expected = Expectation { crls: self.crls.lists(), ..Expectation::at(at) };
        let (status, verified) = judge_responses(certificate, issuer, &self.responses, &expected);
        let known = !matches!(status, RevocationStatus::Unknown { .. });
        let sources = verified.filter(|_| known).iter().map(RevocationSource::ocsp).collect();
        RevocationReport { answer: status.into(), sources }
    }
}

impl RevocationReport {
    /// Joins what lists and what responses say.
    fn join(self, other: Self) -> Self {
        use RevocationAnswer::{Good, Revoked, Unknown};
        match (&self.answer, &other.answer) {
            (Revoked { .. }, _) | (Good, Unknown { .. }) => self,
            (_, Revoked { .. }) | (Unknown { .. }, Good) => other,
            (Good, Good) => Self { sources: [self.sources, other.sources].concat(), ..self },
            (Unknown { why: one }, Unknown { why: two }) => {
                let why = [one.as_slice(), two].concat();
                Self { answer: Unknown { why }, sources: Vec::new() }
            }
        }
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

    fn ocsp(verified: &Verified<'_>) -> Self {
        let delegate = match verified.signed_by {
            SignedBy::Issuer => None,
            SignedBy::Delegate(certificate) => Some(escaped(&to_text(certificate.subject()))),
        };
        let single = verified.single;
        let (this_update, next_update) = (single.this_update(), single.next_update());
        Self::Ocsp { delegate, this_update, next_update }
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
            Self::Ocsp { delegate, this_update, next_update } => {
                f.write_str("OCSP response")?;
                if let Some(delegate) = delegate {
                    write!(f, " of {delegate}")?;
                }
                match next_update {
                    Some(next) => write!(f, " ({this_update} to {next})"),
                    None => write!(f, " ({this_update})"),
                }
            }
        }
    }
}
