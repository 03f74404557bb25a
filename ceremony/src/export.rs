//! The folder of a ceremony on another medium, with a manifest that `sha256sum --check` reads.

use std::fs;
use std::io;
use std::path::Path;

use crate::audit::{AuditError, audit};
use crate::digest::Digest;
use crate::folder::{Folder, FolderError, LOCK, NEW};
use crate::sitting::MAX_INPUT;

/// The manifest: a line for each file, as `sha256sum` writes it.
pub const MANIFEST: &str = "SHA256SUMS";

/// What is on the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many files, the manifest apart.
    pub files: usize,
    /// Their octets.
    pub octets: usize,
    /// SHA-256 of the manifest.
    pub manifest: Digest,
}

/// Copies a ceremony that is right into a new folder at `to`, and reads every file back. The manifest is
/// written last: where it is missing, the copy is not whole.
///
/// # Errors
/// `ExportError` says what is wrong; what was written until then stays.
pub fn export(from: &Folder, to: &Path) -> Result<Exported, ExportError> {
    let _lock = from.lock()?;
    let head = audit(from)?.head;
    let files = files(from, "")?;
    let failed = |source| ExportError::Place { path: to.display().to_string(), source };
    fs::create_dir(to).map_err(failed)?;
    let copy = Folder::new(to);
    let (mut written, mut octets) = (Vec::new(), 0);
    for name in &files {
        let file = from.read(name, MAX_INPUT)?;
        copy.write(name, &file)?;
        written.push((Digest::of(&file), name));
        octets += file.len();
    }
    for (digest, name) in &written {
        if Digest::of(&copy.read(name, MAX_INPUT)?) != *digest {
            return Err(ExportError::Other { path: copy.path(name).display().to_string() });
        }
    }
    if audit(&copy)?.head != head {
        return Err(ExportError::Other { path: to.display().to_string() });
    }
    let line = |(digest, name): &(Digest, &String)| format!("{digest}  {name}\n");
    let manifest: String = written.iter().map(line).collect();
    copy.write(MANIFEST, manifest.as_bytes())?;
    Ok(Exported { files: files.len(), octets, manifest: Digest::of(manifest.as_bytes()) })
}

/// The files in a folder and below, in the order of their names, without what a run holds or began, and
/// without the manifest of an earlier copy.
fn files(folder: &Folder, below: &str) -> Result<Vec<String>, FolderError> {
    let mut all = Vec::new();
    for name in folder.names(below)? {
        if below.is_empty() && [LOCK, NEW, MANIFEST].contains(&name.as_str()) {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        match fs::symlink_metadata(folder.path(&path)) {
            Ok(found) if found.is_dir() => all.extend(files(folder, &path)?),
            _ => all.push(path),
        }
    }
    Ok(all)
}

/// A ceremony that was not copied.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Where it shall be.
    #[error("{path}: can't be made; allowed is a new folder in one that is there")]
    Place {
        /// The folder.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The ceremony is not right.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A file can't be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The medium gives other octets than it was given.
    #[error("{path}: read back, it is another one; take another medium")]
    Other {
        /// Which file.
        path: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use std::process::Command;

    use super::*;
    use crate::rehearsal::tests::{ANSWERS, DEFINITION, rehearsed};

    /// As somebody checks it who has nothing of ours.
    fn is_whole(place: &Path) -> bool {
        let mut check = Command::new("sha256sum");
        let checked = check.args(["--check", "--quiet", MANIFEST]).current_dir(place).output();
        checked.unwrap().status.success()
    }

    #[test]
    fn a_copy_is_whole_and_right_and_a_changed_one_is_found() {
        let rehearsal = rehearsed(DEFINITION, ANSWERS);
        let (from, to) = (Folder::new(rehearsal.folder()), rehearsal.place.path().join("medium"));
        let exported = export(&from, &to).unwrap();
        assert!(is_whole(&to));
        let report = audit(&Folder::new(&to)).unwrap();
        assert_eq!(report, rehearsal.result.unwrap());
        let manifest = fs::read_to_string(to.join(MANIFEST)).unwrap();
        assert_eq!(manifest.lines().count(), exported.files);
        assert_eq!(Digest::of(manifest.as_bytes()), exported.manifest);
        for name in ["ceremony.yaml", "keys/root.json", "out/root-crl.pem", "transcript.jsonl"] {
            assert!(manifest.contains(&format!("  {name}\n")), "{manifest}");
        }
        assert!(!manifest.contains(LOCK));
        // A copy of the copy has its own manifest, the same.
        let again = rehearsal.place.path().join("again");
        assert_eq!(export(&Folder::new(&to), &again).unwrap(), exported);

        let error = export(&from, &to).unwrap_err().to_string();
        assert!(
            error.ends_with("medium: can't be made; allowed is a new folder in one that is there")
        );
        let mut root = fs::read(to.join("out/root.pem")).unwrap();
        root[100] ^= 1;
        fs::write(to.join("out/root.pem"), root).unwrap();
        assert!(!is_whole(&to));
        let error = export(&Folder::new(&to), &rehearsal.place.path().join("third")).unwrap_err();
        assert!(error.to_string().starts_with("out/root.pem: "), "{error}");
        assert!(!rehearsal.place.path().join("third").exists());
    }
}
