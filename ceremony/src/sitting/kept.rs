//! Share set and key files, as the transcript has them.

use ca_core::escape::escaped;

use super::{MAX_SHARE_SET, Sitting, SittingError};
use crate::audit::{check_dealt, check_keys, check_sealed};
use crate::digest::Digest;
use crate::folder::Folder;
use crate::sealed_key::{self, SealedKey};
use crate::share_set::{CustodyError, ShareSet};
use crate::transcript::KeyReady;

/// A file is the one of the transcript.
fn unchanged(path: &str, file: &[u8], allowed: Digest) -> Result<(), SittingError> {
    let found = Digest::of(file);
    if found == allowed {
        return Ok(());
    }
    Err(SittingError::Changed { path: path.to_owned(), found, allowed })
}

fn read_set(path: &str, file: &[u8]) -> Result<ShareSet, SittingError> {
    serde_json::from_slice(file)
        .map_err(|error| SittingError::State { message: escaped(&format!("{path}: {error}")) })
}

impl Sitting<'_> {
    /// The share set that opens the keys now, and its file: as the transcript has it, and as the
    /// definition asks for it, with all keys that are not destroyed. Whatever asks custodians for their
    /// shares asks this before.
    ///
    /// # Errors
    /// `SittingError::State` when there are no keys yet, `SittingError::Changed` for a file that is not
    /// the one of the transcript.
    pub(super) fn kept(&self) -> Result<(ShareSet, Vec<u8>), SittingError> {
        let (Some(first), Some(last)) = (self.walk.share_sets.first(), self.walk.share_sets.last())
        else {
            return Err(SittingError::State {
                message: "keys: they are not there yet; make them with `keys`".into(),
            });
        };
        let (set, file) = self.share_set()?;
        let path = self.share_set_path();
        unchanged(&path, &file, last.digest)?;
        check_keys(&self.definition, &self.walk.keys)?;
        if first.digest == last.digest {
            check_dealt(&path, &set, &self.definition.custody, self.rehearsal)?;
        } else {
            let path = Folder::retired(first.digest);
            let file = self.folder.read(&path, MAX_SHARE_SET)?;
            unchanged(&path, &file, first.digest)?;
            let first = read_set(&path, &file)?;
            check_dealt(&path, &first, &self.definition.custody, self.rehearsal)?;
        }
        let living = self.walk.living();
        for key in self.walk.keys.iter().filter(|key| living.contains(&key.name)) {
            // A run that was about to wipe it may have come to any part of that.
            let begun = self.walk.destroying.values().any(|name| *name == key.name);
            if !begun {
                self.kept_key(key, &set)?;
            }
        }
        Ok((set, file))
    }

    /// The sealed key, as the transcript has it.
    pub(super) fn kept_key(
        &self,
        key: &KeyReady,
        set: &ShareSet,
    ) -> Result<SealedKey, SittingError> {
        let (sealed, file) = self.sealed_key(&key.name, set)?;
        unchanged(&key.path, &file, key.file)?;
        check_sealed(key, self.definition.keys.get(&key.name), &sealed, set)?;
        Ok(sealed)
    }

    /// The share set that is in the folder.
    pub(super) fn share_set(&self) -> Result<(ShareSet, Vec<u8>), SittingError> {
        let path = self.share_set_path();
        let file = self.folder.read(&path, MAX_SHARE_SET)?;
        let set = read_set(&path, &file)?;
        if set.is_rehearsal() != self.rehearsal {
            return Err(CustodyError::Rehearsal { found: set.is_rehearsal() }.into());
        }
        Ok((set, file))
    }

    /// A sealed key, which must be of these shares.
    pub(super) fn sealed_key(
        &self,
        name: &str,
        set: &ShareSet,
    ) -> Result<(SealedKey, Vec<u8>), SittingError> {
        let path = self.key_path(name);
        let file = self.folder.read(&path, sealed_key::MAX_FILE_SIZE)?;
        let sealed = SealedKey::from_json(&file)?;
        if sealed.ceremony() != set.ceremony() || sealed.is_rehearsal() != set.is_rehearsal() {
            let found = (sealed.ceremony(), sealed.is_rehearsal());
            let allowed = (set.ceremony(), set.is_rehearsal());
            return Err(SittingError::OtherShares { path, found, allowed });
        }
        Ok((sealed, file))
    }
}
