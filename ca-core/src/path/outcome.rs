//! What came of a verification: every step, and why it failed.

use std::fmt;

use serde::Serialize;

use super::SecurityPolicy;
use crate::certificate::Certificate;
use crate::escape::{escaped, shortened};
use crate::revocation::RevocationReport;

/// What came of verifying a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Whether a valid path was found.
    pub valid: bool,
    /// The policy that was asked for.
    pub policy: SecurityPolicy,
    /// The instant that was asked for, RFC 3339.
    pub at: String,
    /// Every check of the path that was found, trust anchor first; of the most relevant path that
    /// failed otherwise, the failed check last.
    pub steps: Vec<Step>,
    /// Why it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<PathError>,
    /// Why other paths failed that were tried, the most relevant first, at most eight.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_errors: Vec<PathError>,
}

/// One check of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The subject of the certificate, RFC 4514.
    pub certificate: String,
    /// The SHA-256 of the certificate, hexadecimal.
    pub fingerprint: String,
    /// What was checked.
    pub check: Check,
    /// What came of it.
    pub verdict: Verdict,
    /// What was found.
    pub detail: String,
    /// What is known of the certificate's revocation, where that was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Box<RevocationReport>>,
}

/// Kinds of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// An issuer is known, and it is trusted in the end.
    Issuer,
    /// The signature.
    Signature,
    /// The alternative signature (X.509 (10/2019) clause 9.8).
    AlternativeSignature,
    /// The security policy on the link.
    SecurityPolicy,
    /// The key's strength.
    Key,
    /// The validity period.
    Validity,
    /// Version, serial number, names, key identifiers.
    Fields,
    /// Extensions: unknown critical ones, and those that RFC 5280 wants critical or not.
    Extensions,
    /// Name constraints of the issuers.
    NameConstraints,
    /// Certificate policies.
    CertificatePolicies,
    /// It may act as a CA: basicConstraints, keyUsage, path length.
    Authority,
    /// What the key may be used for.
    Usage,
    /// The name that was asked for.
    Name,
    /// Whether it is revoked (RFC 5280 section 6.3).
    Revocation,
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Issuer => "issuer",
            Self::Signature => "signature",
            Self::AlternativeSignature => "alternative signature",
            Self::SecurityPolicy => "security policy",
            Self::Key => "key",
            Self::Validity => "validity",
            Self::Fields => "fields",
            Self::Extensions => "extensions",
            Self::NameConstraints => "name constraints",
            Self::CertificatePolicies => "certificate policies",
            Self::Authority => "authority",
            Self::Usage => "usage",
            Self::Name => "name",
            Self::Revocation => "revocation",
        })
    }
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not or need not be checked; the detail says why.
    NotChecked,
    /// Refused.
    Failed,
}

/// Why a path is refused, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No certificate of the issuer is at hand.
    NoIssuer,
    /// The key identifiers of certificate and issuer differ, or break RFC 5280.
    KeyIdentifier,
    /// The signature is wrong, or its algorithm is not accepted.
    Signature,
    /// The alternative signature is wrong or incomplete.
    AlternativeSignature,
    /// A link lacks the kind of signature that the policy asks for.
    SecurityPolicy,
    /// The key is too weak.
    WeakKey,
    /// Past its last second.
    Expired,
    /// Before its first second.
    NotYetValid,
    /// A field breaks RFC 5280.
    Field,
    /// A critical extension that is not understood.
    UnknownCriticalExtension,
    /// An extension breaks RFC 5280.
    Extension,
    /// The issuer is not a CA.
    NotAnAuthority,
    /// More CAs follow than the issuer allows.
    PathLength,
    /// keyUsage forbids it.
    KeyUsage,
    /// extendedKeyUsage forbids it.
    ExtendedKeyUsage,
    /// A name constraint forbids it, or is malformed.
    NameConstraint,
    /// No certificate policy is left where one is required.
    CertificatePolicy,
    /// The certificate is not for the name that was asked for.
    Name,
    /// It is revoked, or on hold.
    Revoked,
    /// Nobody can tell whether it is revoked.
    RevocationUnknown,
    /// The path is longer than the options allow.
    TooDeep,
    /// Checking would cost more than the bound.
    TooMuchWork,
}

/// Why a path is refused: which field of which certificate, what was found, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{certificate}: {field}: found {found}, allowed: {allowed}")]
pub struct PathError {
    /// The reason, for programs.
    pub reason: Reason,
    /// The subject of the certificate at fault, RFC 4514.
    pub certificate: String,
    /// The SHA-256 of the certificate at fault, hexadecimal.
    pub fingerprint: String,
    /// The field at fault, as RFC 5280 names it.
    pub field: String,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
}

/// A refusal before it is known which certificate it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: Reason,
    pub(super) field: String,
    pub(super) found: String,
    pub(super) allowed: String,
}

impl Fault {
    pub(super) fn new(
        reason: Reason,
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { reason, field: field.into(), found: found.into(), allowed: allowed.into() }
    }

    pub(super) fn of(self, certificate: &Certificate) -> PathError {
        let Self { reason, field, found, allowed } = self;
        let fingerprint = certificate.fingerprint().to_string();
        PathError { reason, certificate: label(certificate), fingerprint, field, found, allowed }
    }
}

impl Step {
    pub(super) fn new(
        certificate: &Certificate,
        check: Check,
        verdict: Verdict,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            certificate: label(certificate),
            fingerprint: certificate.fingerprint().to_string(),
            check,
            verdict,
            detail: detail.into(),
            revocation: None,
        }
    }

    pub(super) fn failed(certificate: &Certificate, check: Check, fault: &Fault) -> Self {
        let detail = format!("{}: found {}, allowed: {}", fault.field, fault.found, fault.allowed);
        Self::new(certificate, check, Verdict::Failed, detail)
    }
}

/// How a certificate is called in steps and errors: its subject, cut so that a hostile one does
/// not fill the screen.
pub(super) fn label(certificate: &Certificate) -> String {
    name_label(certificate.subject())
}

/// A distinguished name for people, as `inspect` shows it.
pub(super) fn name_label(name: &x509_cert::name::Name) -> String {
    const LONGEST: usize = 160;
    if name.is_empty() {
        return "(empty name)".into();
    }
    printable(&crate::name::to_text(name), LONGEST)
}

/// `text` without characters that a terminal would obey or not show, cut after `longest`
/// characters.
pub(super) fn printable(text: &str, longest: usize) -> String {
    shortened(&escaped(text), longest)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.error {
            None => writeln!(f, "valid at {} (policy {})", self.at, self.policy)?,
            Some(error) => {
                writeln!(f, "NOT valid at {} (policy {})", self.at, self.policy)?;
                writeln!(f, "  {error}")?;
            }
        }
        let mut current = None;
        for step in &self.steps {
            if current != Some(&step.fingerprint) {
                writeln!(f, "  {}", step.certificate)?;
                writeln!(f, "  sha256 {}", step.fingerprint)?;
                current = Some(&step.fingerprint);
            }
            let mark = match step.verdict {
                Verdict::Ok => "ok  ",
                Verdict::NotChecked => "--  ",
                Verdict::Failed => "FAIL",
            };
            writeln!(f, "    {mark} {:<21} {}", step.check, step.detail)?;
        }
        if !self.other_errors.is_empty() {
            writeln!(f, "  other paths failed too:")?;
        }
        self.other_errors.iter().try_for_each(|error| writeln!(f, "    {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_cut() {
        assert_eq!(printable("a\u{1b}[2J\u{202e}b", 80), "a\\1B[2J\\E2\\80\\AEb");
        assert_eq!(printable("äöü", 2), "äö…");
    }
}
