//! What an audit finds.

use std::fmt::Display;

use ca_core::escape::escaped;

use crate::definition::DefinitionError;
use crate::folder::FolderError;
use crate::plan::PlanError;
use crate::planning::PlanningError;
use crate::transcript::TranscriptError;
use crate::witness::WitnessError;

/// Something that is not as it was.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The transcript by itself.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// A line of it that does not follow from those before, or is not true of the files.
    #[error("transcript: line {line}: {field}: found {found}, allowed: {allowed}")]
    Line {
        /// Which line, from 1.
        line: u64,
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file.
    #[error("{path}: found {found}, allowed: {allowed}")]
    File {
        /// Which file.
        path: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file that can't be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The definition.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The signature of a witness.
    #[error("{path}: {source}")]
    Witness {
        /// Which file.
        path: String,
        /// What is wrong with it.
        source: WitnessError,
    },
    /// The plan can't be made again.
    #[error(transparent)]
    Planning(#[from] PlanningError),
    /// The plan is another.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl AuditError {
    pub(super) fn new(path: &str, found: impl Display, allowed: impl Display) -> Self {
        Self::File {
            path: escaped(path),
            found: escaped(&found.to_string()),
            allowed: allowed.to_string(),
        }
    }

    pub(super) fn line(
        line: u64,
        field: &'static str,
        found: impl Display,
        allowed: impl Display,
    ) -> Self {
        let (found, allowed) = (escaped(&found.to_string()), allowed.to_string());
        Self::Line { line, field, found, allowed }
    }
}
