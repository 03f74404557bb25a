//! What is wrong with a definition.

use std::fmt::Display;

use ca_core::escape::{escaped, quoted};

/// A definition that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// Not YAML, or not these fields.
    #[error("definition: {found}")]
    Malformed {
        /// What the reader says, with line and column.
        found: String,
    },
    /// A field whose value is not allowed.
    #[error("definition: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: String,
        /// Its value, in quotation marks.
        found: String,
        /// What would do.
        allowed: String,
    },
}

impl DefinitionError {
    pub(super) fn new(
        field: impl Display,
        found: impl Display,
        allowed: impl Into<String>,
    ) -> Self {
        let (field, found) = (escaped(&field.to_string()), quoted(found));
        Self::Field { field, found, allowed: allowed.into() }
    }
}
