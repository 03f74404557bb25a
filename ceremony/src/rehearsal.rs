//! Rehearsing a whole ceremony, unattended: with throw-away keys, and people whose answers stand in a
//! file. Whatever it makes is marked (ADR 0141).
//!
//! ```yaml
//! version: 1
//! definition: root.yaml
//! operator: Olga
//! witnesses: [Wim, Wanda]
//! passphrases: {Ana: correct horse battery staple}
//! present: [Ana, Ben, Cem]
//! ```
//!
//! The words of shares are on the papers that the rehearsal hands out, so they do not stand there. For
//! the shares of an earlier rehearsal they do, under `shares`.

mod answers;

use std::io;
use std::path::Path;

pub use answers::{Answers, AnswersError, Rehearsed};

use crate::audit::{AuditError, Report, audit};
use crate::definition::{self, Custody, Definition, KeySource};
use crate::folder::{self, Folder, FolderError};
use crate::sitting::{MAX_INPUT, Part, Purpose, Sitting, SittingError, World};

/// Rehearses the ceremony of the answers in `place`, a new folder, and checks it as an auditor would.
/// `beside` is where the definition is, with the files that it names. What people would see goes to
/// `screen`.
///
/// # Errors
/// `RehearsalError` says which part failed.
pub fn rehearse(
    answers: Answers,
    beside: &Folder,
    place: &Path,
    screen: &mut dyn io::Write,
    world: &mut World<'_>,
) -> Result<Report, RehearsalError> {
    if place.exists() {
        return Err(RehearsalError::Exists { path: place.display().to_string() });
    }
    let folder = Folder::new(place);
    copy(beside, &folder, answers.definition())?;
    let mut table = Rehearsed::new(answers, screen);
    for part in [Part::Keys, Part::Plan, Part::Run] {
        let purpose = Purpose { part, rehearsal: true };
        Sitting::hold(folder.clone(), purpose, &mut table, world.lent())?;
    }
    Ok(audit(&folder)?)
}

/// Copies the definition and all that it names.
fn copy(from: &Folder, to: &Folder, definition: &str) -> Result<(), RehearsalError> {
    let file = from.read(definition, definition::MAX_SIZE)?;
    let text = String::from_utf8_lossy(&file);
    let read = Definition::from_yaml(&text).map_err(SittingError::from)?;
    to.write(folder::DEFINITION, &file)?;
    let keys = read.keys.values().filter_map(|source| match source {
        KeySource::File { path, .. } => Some(path.as_str()),
        KeySource::Made(_) => None,
    });
    let share_set = match &read.custody {
        Custody::Existing { share_set } => Some(share_set.as_str()),
        Custody::New { .. } => None,
    };
    for path in read.inputs().into_iter().chain(keys).chain(share_set) {
        to.write(path, &from.read(path, MAX_INPUT)?)?;
    }
    Ok(())
}

/// A rehearsal that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// There is something already.
    #[error("{path}: found something there, allowed is a folder that is not there yet")]
    Exists {
        /// The folder.
        path: String,
    },
    /// A file.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A part of the ceremony.
    #[error(transparent)]
    Sitting(#[from] SittingError),
    /// The audit at the end.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

#[cfg(test)]
pub(crate) mod tests;
