//! Lints: what a planned certificate must pass before it is recorded and signed, and what any
//! certificate, request or list can be held against (docs/lints.md).
//!
//! Each lint is written once, over what is or will be encoded (`Subject` is made of a plan or of
//! a certificate that was read); lints that compare with a plan or with the issuer say so by their
//! `Check`. See ADR 0034.

mod alternative;
mod authority;
mod extension;
mod finding;
mod identifier;
mod issuer;
mod key;
mod linted;
mod list;
mod name;
mod overrides;
mod place;
mod policy;
mod read;
mod reading;
mod related;
mod request;
mod size;
mod structure;
mod subject;
mod usage;

pub use finding::{Finding, Severity};
pub use linted::{AssembleError, AssembledCertificate, KeyDigests, Linted};
pub use overrides::{InvalidOverride, LintOverride, LintOverrides};
pub use read::{lint_certificates, lint_list, lint_request};
pub use size::{FIRST_FLIGHT, TLS_SERVER_OVERHEAD};

use crate::extensions::{Extension, Extensions};
use crate::plan::Plan;
use list::Listed;
use read::Parts;
use request::Requested;
use subject::{Claims, Issuer, Subject};

/// One lint.
#[derive(Clone, Copy)]
pub struct Lint {
    /// Its name, which stays as it is for good.
    pub id: &'static str,
    /// Where the rule stands.
    pub source: &'static str,
    /// How bad a finding is, unless a profile says otherwise.
    pub severity: Severity,
    /// Whether no profile may lower it: it protects from certificates that are unsafe, or that
    /// no verifier reads.
    pub fixed: bool,
    /// What it checks, in a sentence.
    pub about: &'static str,
    check: Check,
}

/// What a lint looks at; it gives what it found and what is allowed.
#[derive(Clone, Copy)]
enum Check {
    /// What a certificate or a request claims of its subject.
    Claims(fn(&Claims<'_>) -> Option<String>),
    /// A certificate, planned or read.
    Certificate(fn(&Subject<'_>) -> Option<String>),
    /// A certificate, planned or read, beside its issuer.
    Issued(fn(&Subject<'_>, &Issuer<'_>) -> Option<String>),
    /// A planned certificate: what will be encoded is what was planned.
    Planned(fn(&Subject<'_>, &Plan) -> Option<String>),
    /// A certificate that was read: what is around TBSCertificate.
    Read(fn(&Subject<'_>, &Parts) -> Option<String>),
    /// A certificate that was read and the one that should stand before it in a chain.
    Chain(fn(&Subject<'_>, &Subject<'_>) -> Option<String>),
    /// A request.
    Request(fn(&Requested) -> Option<String>),
    /// A revocation list.
    List(fn(&Listed<'_>) -> Option<String>),
    /// An object that can't be read, when no other lint says why.
    Unreadable(Object),
}

/// What can be linted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Object {
    /// A certificate, planned or read.
    Certificate,
    /// A certificate request.
    Request,
    /// A revocation list.
    List,
}

impl std::fmt::Debug for Lint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lint({}, {}, {})", self.id, self.source, self.severity)
    }
}

/// Every lint, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Lint> {
    let certificates = [
        reading::LINTS,
        structure::LINTS,
        key::LINTS,
        authority::LINTS,
        usage::LINTS,
        identifier::LINTS,
        extension::LINTS,
        policy::LINTS,
        place::LINTS,
        alternative::LINTS,
        related::LINTS,
        name::LINTS,
        issuer::LINTS,
        size::LINTS,
    ];
    certificates.into_iter().chain([request::LINTS, list::LINTS]).flatten()
}

/// The lint of this name.
pub fn named(id: &str) -> Option<&'static Lint> {
    all().find(|lint| lint.id == id)
}

impl Lint {
    const fn new(
        severity: Severity,
        id: &'static str,
        source: &'static str,
        about: &'static str,
        check: Check,
    ) -> Self {
        Self { id, source, severity, fixed: false, about, check }
    }

    /// An error that a profile may lower.
    const fn error(
        id: &'static str,
        source: &'static str,
        about: &'static str,
        check: Check,
    ) -> Self {
        Self::new(Severity::Error, id, source, about, check)
    }

    /// An error that stays one.
    const fn fixed(
        id: &'static str,
        source: &'static str,
        about: &'static str,
        check: Check,
    ) -> Self {
        Self { fixed: true, ..Self::new(Severity::Error, id, source, about, check) }
    }

    const fn warning(
        id: &'static str,
        source: &'static str,
        about: &'static str,
        check: Check,
    ) -> Self {
        Self::new(Severity::Warning, id, source, about, check)
    }

    const fn notice(
        id: &'static str,
        source: &'static str,
        about: &'static str,
        check: Check,
    ) -> Self {
        Self::new(Severity::Notice, id, source, about, check)
    }

    /// What it can be run on.
    pub fn objects(&self) -> &'static [Object] {
        match self.check {
            Check::Claims(_) => &[Object::Certificate, Object::Request],
            Check::Request(_) | Check::Unreadable(Object::Request) => &[Object::Request],
            Check::List(_) | Check::Unreadable(Object::List) => &[Object::List],
            _ => &[Object::Certificate],
        }
    }

    /// Whether it needs the issuer's certificate.
    pub fn needs_issuer(&self) -> bool {
        matches!(self.check, Check::Issued(_))
    }

    /// Whether it only compares a planned certificate with its plan.
    pub fn needs_plan(&self) -> bool {
        matches!(self.check, Check::Planned(_))
    }

    fn finding(&self, detail: String, overrides: &LintOverrides) -> Finding {
        let (severity, changed) = overrides.apply(self);
        Finding { id: self.id, source: self.source, severity, detail, changed }
    }
}

/// Checks a plan. Findings below [`Severity::Error`] stay with the result.
///
/// # Errors
/// `LintError` lists every finding, when one of them is an error.
pub fn lint(plan: Plan) -> Result<Linted, LintError> {
    let found = plan.fields.extensions.iter().flatten().map(Extension::from).collect();
    let (extensions, errors) = Extensions::read_each(found);
    let subject = Subject::of_plan(&plan, &extensions, &errors);
    let issuer = Issuer::of_plan(&plan);
    let findings: Vec<Finding> = all()
        .filter_map(|lint| {
            let detail = match lint.check {
                Check::Claims(check) => check(&subject.claims),
                Check::Certificate(check) => check(&subject),
                Check::Issued(check) => check(&subject, &issuer),
                Check::Planned(check) => check(&subject, &plan),
                _ => None,
            };
            detail.map(|detail| lint.finding(detail, &plan.lints))
        })
        .collect();
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(LintError::Findings(findings));
    }
    Ok(Linted::new(plan, findings)?)
}

/// A plan that must not be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LintError {
    /// At least one lint found an error.
    #[error("lint: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Findings(Vec<Finding>),
    /// The plan can't be encoded.
    #[error("lint: TBSCertificate can't be encoded ({0})")]
    Encoding(#[from] der::Error),
}

#[cfg(test)]
mod tests;
