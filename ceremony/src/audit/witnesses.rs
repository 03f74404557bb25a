//! What witnesses signed by keys of their own.

use std::collections::BTreeMap;
use std::fs;

use super::{AuditError, MAX_TRANSCRIPT, audit};
use crate::definition::{self, Definition};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::transcript::{self, Event, Read};
use crate::witness::{self, MAX_FILE, Witness};

/// A witness of the definition, and how far their signatures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Who.
    pub name: String,
    /// The line whose digest is the last head that they signed; none where they signed none.
    pub line: Option<u64>,
}

/// The heads that stand on paper: the end of each sitting, by line.
fn heads(read: &Read) -> Vec<(u64, Digest)> {
    let ends = read.lines.iter().filter(|line| matches!(line.entry.event, Event::SittingClosed {}));
    ends.map(|line| (line.entry.number, line.digest)).collect()
}

/// Checks each file among the signatures: it is by a witness, over a head.
pub(super) fn witnessed(
    folder: &Folder,
    witnesses: &[Witness],
    read: &Read,
) -> Result<Vec<Witnessed>, AuditError> {
    let mut all: Vec<Witnessed> = witnesses
        .iter()
        .map(|witness| Witnessed { name: witness.name.clone(), line: None })
        .collect();
    let Ok(entries) = fs::read_dir(folder.path(witness::FOLDER)) else { return Ok(all) };
    let heads = heads(read);
    let places: BTreeMap<String, (usize, u64, Digest)> = (0..witnesses.len())
        .flat_map(|one| heads.iter().map(move |(line, head)| (one, *line, *head)))
        .map(|(one, line, head)| (witnesses[one].key.place(head), (one, line, head)))
        .collect();
    for entry in entries.flatten() {
        let path = format!("{}/{}", witness::FOLDER, entry.file_name().to_string_lossy());
        let Some(&(one, line, head)) = places.get(&path) else {
            let allowed = "signatures of witnesses over heads of this transcript, as `witness add` puts them there";
            return Err(AuditError::new(&path, "another file", allowed));
        };
        let file = folder.read(&path, MAX_FILE)?;
        let checked = witnesses[one].key.check(&file, head);
        checked.map_err(|source| AuditError::Witness { path, source })?;
        all[one].line = all[one].line.max(Some(line));
    }
    Ok(all)
}

/// Adds a signature to the folder of a ceremony; tells whose it is, and over which line.
///
/// # Errors
/// `AuditError` when the ceremony is not right, `AuditError::Witness` when the signature is by nobody
/// whom its definition names or over no head of its transcript.
pub fn add_signature(
    folder: &Folder,
    name: &str,
    signature: &[u8],
) -> Result<Witnessed, AuditError> {
    let _lock = folder.lock()?;
    audit(folder)?;
    let read = transcript::read(&folder.read(folder::TRANSCRIPT, MAX_TRANSCRIPT)?)?;
    let definition = folder.read(folder::DEFINITION, definition::MAX_SIZE)?;
    let definition = Definition::from_yaml(&String::from_utf8_lossy(&definition))?;
    let lines = heads(&read);
    let heads: Vec<Digest> = lines.iter().map(|(_, head)| *head).collect();
    let (witness, head) = witness::whose(signature, &definition.witnesses, &heads)
        .map_err(|source| AuditError::Witness { path: name.to_owned(), source })?;
    folder.write(&witness.key.place(head), signature)?;
    let line = lines.iter().find(|(_, other)| *other == head).map(|(line, _)| *line);
    Ok(Witnessed { name: witness.name.clone(), line })
}
