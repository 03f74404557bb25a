//! Lints: what a planned certificate must pass before it is recorded and signed.
//!
//! They look at what will be encoded, not at what the plan meant: each extension and the key are
//! read again from their DER.

mod authority;
mod extension;
mod linted;
mod name;
mod structure;

use std::fmt;

pub use linted::{AssembleError, AssembledCertificate, KeyDigests, Linted};

use crate::extensions::{Extension, ExtensionError, Extensions};
use crate::plan::Plan;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Unusual; worth knowing.
    Notice,
    /// A recommendation is not met.
    Warning,
    /// A rule is broken: nothing is recorded or signed.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One lint.
#[derive(Clone, Copy)]
pub struct Lint {
    /// Its name, which stays as it is for good.
    pub id: &'static str,
    /// Where the rule stands.
    pub source: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    check: fn(&Subject<'_>) -> Option<String>,
}

impl fmt::Debug for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lint({}, {}, {})", self.id, self.source, self.severity)
    }
}

/// What a lint found: what stands there and what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The lint's name.
    pub id: &'static str,
    /// Where its rule stands.
    pub source: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The field, what was found and what is allowed.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}): {}", self.severity, self.id, self.source, self.detail)
    }
}

/// What lints look at.
struct Subject<'a> {
    plan: &'a Plan,
    extensions: &'a Extensions,
}

/// Every lint, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Lint> {
    [READABLE_EXTENSIONS]
        .into_iter()
        .chain([structure::LINTS, authority::LINTS, extension::LINTS, name::LINTS])
        .flatten()
}

/// This one runs first and alone, since the others need its result.
static READABLE_EXTENSIONS: &[Lint] = &[Lint {
    id: "extensions_readable",
    source: "RFC 5280 section 4.2",
    severity: Severity::Error,
    check: |_| None,
}];

/// Checks a plan. Findings below [`Severity::Error`] stay with the result.
///
/// # Errors
/// `LintError` lists every finding, when one of them is an error.
pub fn lint(plan: Plan) -> Result<Linted, LintError> {
    let findings = match read_again(&plan) {
        Ok(extensions) => {
            let subject = Subject { plan: &plan, extensions: &extensions };
            all().filter_map(|lint| lint.run(&subject)).collect()
        }
        Err(error) => vec![READABLE_EXTENSIONS[0].finding(error.to_string())],
    };
    if findings.iter().any(|finding: &Finding| finding.severity == Severity::Error) {
        return Err(LintError::Findings(findings));
    }
    Ok(Linted::new(plan, findings)?)
}

fn read_again(plan: &Plan) -> Result<Extensions, ExtensionError> {
    Extensions::new(plan.fields.extensions.iter().flatten().map(Extension::from).collect())
}

impl Lint {
    fn run(&self, subject: &Subject<'_>) -> Option<Finding> {
        (self.check)(subject).map(|detail| self.finding(detail))
    }

    fn finding(&self, detail: String) -> Finding {
        Finding { id: self.id, source: self.source, severity: self.severity, detail }
    }
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
