//! The folder of a ceremony: everything in one place, to be carried away as a whole.
//!
//! ```text
//! ceremony.yaml      the definition, and beside it the files that it names
//! share-set.json     who holds which share
//! keys/NAME.json     sealed private keys
//! plan.json          what will be signed
//! transcript.jsonl   what happened
//! out/NAME.pem       what was signed
//! share-sets/        share sets that a reshare replaced, by their digest
//! signatures/        signatures of witnesses over heads of the transcript
//! ```
//!
//! Files are written whole: under another name, to the disk, then moved to their place. After a power
//! cut there is the old file or the new one; what was begun lies in `.new`, and the next write takes it.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// The definition.
pub const DEFINITION: &str = "ceremony.yaml";
/// The share set.
pub const SHARE_SET: &str = "share-set.json";
/// The plan.
pub const PLAN: &str = "plan.json";
/// The transcript.
pub const TRANSCRIPT: &str = "transcript.jsonl";
/// New files of a reshare, until they take their place.
pub(crate) const STAGED: &str = "reshare";
/// What is being written. It holds nothing but what its place may hold: keys are sealed before.
pub(crate) const NEW: &str = ".new";
/// What two runs at once would both hold.
pub(crate) const LOCK: &str = ".lock";

/// What a name of a file may be.
pub(crate) const INSIDE: &str = "a relative path without `..`, of a file in the ceremony's folder";

/// Whether a name is that of a file in the folder or below: the folder is whole when it is carried
/// elsewhere, and whoever brings it names no file of this machine.
pub(crate) fn is_inside(name: &str) -> bool {
    use std::path::Component;
    let plain = ca_core::escape::escaped(name) == name && (1..=200).contains(&name.len());
    plain && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The folder of a ceremony.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// That no other run works in the folder, as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Folder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Where a file of it is, once nothing on the way leads out: no link, and no pipe or device in the
    /// place of the file. Nobody else changes the folder meanwhile: it is on this machine's medium.
    fn checked(&self, name: &str) -> Result<PathBuf, FolderError> {
        if !is_inside(name) {
            return Err(FolderError::Outside { found: ca_core::escape::quoted(name) });
        }
        let mut path = self.0.clone();
        let mut parts = Path::new(name).components().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let Ok(found) = fs::symlink_metadata(&path) else { continue };
            let (fits, allowed) = match parts.peek() {
                Some(_) => (found.is_dir(), "a folder"),
                None => (found.is_file(), "a file"),
            };
            if !fits {
                let path = path.display().to_string();
                return Err(FolderError::Kind { path, allowed });
            }
        }
        Ok(path)
    }

    /// Where the transcript is, which is appended to.
    ///
    /// # Errors
    /// `FolderError::Kind` when a link or anything else is in its place.
    pub(crate) fn transcript(&self) -> Result<PathBuf, FolderError> {
        self.checked(TRANSCRIPT)
    }

    /// Where the sealed key of this name is, from the folder.
    pub fn key(name: &str) -> String {
        format!("keys/{name}.json")
    }

    /// Where what a step made is, from the folder.
    pub fn output(step: &str) -> String {
        format!("out/{step}.pem")
    }

    /// Where a share set is that was replaced, from the folder.
    pub fn retired(digest: crate::digest::Digest) -> String {
        format!("share-sets/{digest}.json")
    }

    /// Wipes what a power cut left of a file that was being written. It may be a sealed key.
    ///
    /// # Errors
    /// `FolderError` when it can't be wiped.
    pub(crate) fn clear_begun(&self) -> Result<(), FolderError> {
        if self.has(NEW) { self.wipe(NEW) } else { Ok(()) }
    }

    /// Removes what was staged, once sealed keys among it are wiped.
    ///
    /// # Errors
    /// `FolderError::Failed` when it can't be removed.
    pub(crate) fn clear_staged(&self) -> Result<(), FolderError> {
        let path = self.path(STAGED);
        fs::remove_dir_all(&path).map_err(|source| FolderError::failed(&path, source))
    }

    /// Keeps other runs out.
    ///
    /// # Errors
    /// `FolderError::Busy` when another run is in it, `FolderError::Failed` when the folder is not
    /// there or may not be written.
    pub fn lock(&self) -> Result<Lock, FolderError> {
        let path = self.checked(LOCK)?;
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|source| FolderError::failed(&path, source))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Lock { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(FolderError::Busy { path: self.0.display().to_string() })
            }
            Err(error) => Err(FolderError::failed(&path, error.into())),
        }
    }

    /// Whether there is such a file, or anything else in its place.
    pub fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// The names of what lies in a folder of it, in their order; none where there is no such folder.
    ///
    /// # Errors
    /// `FolderError::Kind` when a link or a file is in its place, `FolderError::Failed` when it can't be read.
    pub(crate) fn names(&self, folder: &str) -> Result<Vec<String>, FolderError> {
        let path = self.path(folder);
        let failed = |source| FolderError::failed(&path, source);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                let path = path.display().to_string();
                return Err(FolderError::Kind { path, allowed: "a folder" });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        }
        let entries = fs::read_dir(&path).map_err(failed)?;
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        let names: io::Result<Vec<String>> = entries.map(name).collect();
        let mut names = names.map_err(failed)?;
        names.sort_unstable();
        Ok(names)
    }

    /// Reads a file of at most `limit` octets.
    ///
    /// # Errors
    /// `FolderError` when it is larger, or can't be read.
    pub fn read(&self, name: &str, limit: usize) -> Result<Vec<u8>, FolderError> {
        let path = self.checked(name)?;
        let failed = |source| FolderError::failed(&path, source);
        let file = File::open(&path).map_err(failed)?;
        let mut octets = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut octets).map_err(failed)?;
        if octets.len() > limit {
            return Err(FolderError::TooLarge { path: path.display().to_string(), allowed: limit });
        }
        Ok(octets)
    }

    /// Writes a file whole, in the place of one that may be there.
    ///
    /// # Errors
    /// `FolderError::Failed` when it can't be written; what was there stays then.
    pub fn write(&self, name: &str, octets: &[u8]) -> Result<(), FolderError> {
        let path = self.checked(name)?;
        let failed = |source| FolderError::failed(&path, source);
        let parent = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed)?;
        let new = self.checked(NEW)?;
        let mut options = File::options();
        options.create(true).truncate(true).write(true).mode(0o600);
        let mut file = options.open(&new).map_err(failed)?;
        let written = file.write_all(octets).and_then(|()| file.sync_all());
        let moved = written.and_then(|()| fs::rename(&new, &path));
        if let Err(error) = moved {
            // Room on a full disk; where it stays, the next write takes it.
            let _ = fs::remove_file(&new);
            return Err(failed(error));
        }
        let synced = |folder: &Path| File::open(folder).and_then(|folder| folder.sync_all());
        synced(&self.0).and_then(|()| synced(parent)).map_err(failed)
    }

    /// Overwrites a file with zeros and removes it. Flash memory may keep old octets elsewhere: what
    /// protects a key then is that its shares are destroyed.
    ///
    /// # Errors
    /// `FolderError::Failed` when it can't be written or removed.
    pub fn wipe(&self, name: &str) -> Result<(), FolderError> {
        let path = self.checked(name)?;
        let failed = |source| FolderError::failed(&path, source);
        let mut file = File::options().write(true).open(&path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
        file.write_all(&zeros).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        // Else a power cut could bring the name back, after it was told that the file is gone.
        let parent = path.parent().unwrap_or(Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

/// A file that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another run.
    #[error("{path}: another run works in this folder, allowed is one at a time")]
    Busy {
        /// The folder.
        path: String,
    },
    /// A name that leads elsewhere.
    #[error("file: found {found}, allowed is {INSIDE}")]
    Outside {
        /// The name.
        found: String,
    },
    /// A link, a pipe, a device, or a folder in the place of a file.
    #[error("{path}: found something else, a link perhaps, allowed is {allowed}")]
    Kind {
        /// Where.
        path: String,
        /// What may be there.
        allowed: &'static str,
    },
    /// Past the bound.
    #[error("{path}: found more than {allowed} octets, allowed are at most so many")]
    TooLarge {
        /// Which file.
        path: String,
        /// The bound.
        allowed: usize,
    },
    /// The system refuses.
    #[error("{path}: can't be used")]
    Failed {
        /// Which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

impl FolderError {
    fn failed(path: &Path, source: io::Error) -> Self {
        Self::Failed { path: path.display().to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn files_are_written_whole_read_bounded_and_wiped() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        folder.write("out/a.pem", b"first").unwrap();
        folder.write("out/a.pem", b"second").unwrap();
        assert_eq!(folder.read("out/a.pem", 6).unwrap(), b"second");
        let error = folder.read("out/a.pem", 5).unwrap_err().to_string();
        assert!(
            error.ends_with("found more than 5 octets, allowed are at most so many"),
            "{error}"
        );
        assert_eq!(folder.names("out").unwrap(), ["a.pem"]);
        assert_eq!(folder.names("none").unwrap(), [""; 0]);
        std::os::unix::fs::symlink("out", folder.path("link")).unwrap();
        let error = folder.names("link").unwrap_err().to_string();
        assert!(error.ends_with("a link perhaps, allowed is a folder"), "{error}");
        folder.wipe("out/a.pem").unwrap();
        assert!(!folder.has("out/a.pem"));
        let error = crate::causes::told(&folder.wipe("out/a.pem").unwrap_err());
        assert!(error.contains("a.pem: can't be used: No such file"), "{error}");
    }

    #[test]
    fn a_second_run_is_kept_out() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new(place.path());
        let lock = folder.lock().unwrap();
        let error = folder.lock().unwrap_err().to_string();
        assert!(error.contains("another run works in this folder"), "{error}");
        drop(lock);
        folder.lock().unwrap();
    }
}
