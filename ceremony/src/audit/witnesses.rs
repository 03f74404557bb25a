//! What witnesses signed by keys of their own.

use std::collections::BTreeMap;

use super::{AuditError, audited};
use crate::digest::Digest;
use crate::folder::{Folder, FolderError};
use crate::transcript::{Event, Read};
use crate::witness::{self, MAX_FILE, Witness, WitnessError};

/// A witness of the definition, and how far their signatures go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessed {
    /// Who.
    pub name: String,
    /// The fingerprint of their key: the definition says that it is theirs.
    pub key: String,
    /// The line whose digest is the last head that they signed; none where they signed none.
    pub line: Option<u64>,
}

impl Witnessed {
    fn of(witness: &Witness, line: Option<u64>) -> Self {
        Self { name: witness.name.clone(), key: witness.key.fingerprint(), line }
    }
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
    let mut all: Vec<Witnessed> =
        witnesses.iter().map(|witness| Witnessed::of(witness, None)).collect();
    let names = folder.names(witness::FOLDER)?;
    if names.is_empty() {
        return Ok(all);
    }
    let heads = heads(read);
    let places: BTreeMap<String, (usize, u64, Digest)> = (0..witnesses.len())
        .flat_map(|one| heads.iter().map(move |(line, head)| (one, *line, *head)))
        .map(|(one, line, head)| (witnesses[one].key.place(head), (one, line, head)))
        .collect();
    for name in names {
        let path = format!("{}/{name}", witness::FOLDER);
        let Some(&(one, line, head)) = places.get(&path) else {
            let allowed = "signatures by keys of the definition over heads of this transcript, as `witness add` puts them there; one by a key that was replaced since is taken out of the folder";
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
/// `AddError::Audit` when the ceremony is not right, `AddError::Signature` when the signature is by nobody
/// whom its definition names or over no head of its transcript, `AddError::Folder` when another run is in
/// the folder or it can't be written.
pub fn add_signature(folder: &Folder, signature: &[u8]) -> Result<Witnessed, AddError> {
    let _lock = folder.lock()?;
    let found = audited(folder)?;
    let lines = heads(&found.transcript);
    let heads: Vec<Digest> = lines.iter().map(|(_, head)| *head).collect();
    let witnesses = found.definition.map(|definition| definition.witnesses).unwrap_or_default();
    let (witness, head) = witness::whose(signature, &witnesses, &heads)?;
    folder.write(&witness.key.place(head), signature)?;
    let line = lines.iter().find(|(_, other)| *other == head).map(|(line, _)| *line);
    Ok(Witnessed::of(witness, line))
}

/// A signature that was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The ceremony is not right.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The signature is not one of this ceremony's.
    #[error(transparent)]
    Signature(#[from] WitnessError),
    /// The folder can't be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
}
