//! Why a configuration is refused.

/// A part of the configuration that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("auth.{field}: {reason}")]
pub struct ConfigError {
    field: String,
    reason: String,
}

impl ConfigError {
    pub(in crate::auth) fn new(
        field: impl Into<String>,
        found: impl AsRef<str>,
        allowed: impl AsRef<str>,
    ) -> Self {
        let reason = format!("found {}, allowed: {}", found.as_ref(), allowed.as_ref());
        Self { field: field.into(), reason }
    }

    pub(in crate::auth) fn reason(field: impl Into<String>, reason: impl ToString) -> Self {
        Self { field: field.into(), reason: reason.to_string() }
    }

    /// The same of a field below another.
    pub(in crate::auth) fn below(self, field: &str) -> Self {
        Self { field: format!("{field}.{}", self.field), ..self }
    }
}
