//! Giving a key other custodians.
//!
//! The key files are sealed anew, under a new key-encryption key; the shares of the old one open them
//! no more. New files are staged beside their place, the transcript tells their digests, and only
//! then they are moved: whatever a power cut leaves, the next sitting completes or clears away.

use base64ct::{Base64, Encoding as _};

use super::{MAX_SHARE_SET, Sitting, SittingError};
use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;
use crate::folder::{Folder, STAGED};
use crate::sealed_key::{self, SealedKey};
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::transcript::{Event, KeyReady};

/// What the digest of a reshare is called.
const RESHARE: &str = "Digest of the reshare";

/// Where a file is until it takes its place.
fn staged(path: &str) -> String {
    format!("{STAGED}/{path}")
}

impl Sitting<'_> {
    /// Hands out new shares, any `threshold` of which open the keys, and makes the old ones useless
    /// with the new files. Copies of the old files are opened by the old shares as before: both have
    /// to be destroyed.
    ///
    /// # Errors
    /// `SittingError::State` while a plan is half signed; others as [`Self::make_keys`] gives them.
    pub(super) fn reshare(
        &mut self,
        threshold: u8,
        custodians: &[String],
    ) -> Result<(), SittingError> {
        self.check_not_half_signed()?;
        let (old, old_file) = self.kept()?;
        let living = self.walk.living();
        let mut ready = self.walk.keys.clone();
        ready.retain(|key| living.contains(&key.name));
        self.confirm_reshare((&old, Digest::of(&old_file)), threshold, custodians)?;
        let old_key = self.join(&old)?;
        let under = KeyEncryptionKey::generate(&mut self.rng());
        let set = CeremonyId::generate(&mut self.rng());
        let (new, shares) =
            ShareSet::deal(&under, set, self.rehearsal, threshold, custodians, &mut self.rng())?;
        self.hand_out(&new, shares)?;
        let mut keys = Vec::new();
        for key in ready {
            keys.push(self.sealed_anew(&key, (&old, &old_key), (&new, &under))?);
        }
        let file = canonical::of(&new);
        let share_set = Digest::of(&file);
        self.folder.write(&staged(&self.share_set_path()), &file)?;
        self.record(Event::Reshared { share_set, keys })?;
        self.settle()
    }

    /// Everybody sees who is to hold the keys, and two people confirm it, before a share is typed in.
    fn confirm_reshare(
        &mut self,
        (old, old_file): (&ShareSet, Digest),
        threshold: u8,
        custodians: &[String],
    ) -> Result<(), SittingError> {
        let old_names: Vec<&str> =
            old.holders().iter().map(|holder| holder.custodian.as_str()).collect();
        let told = format!(
            "Now     {} of {} open the keys\nThen    {threshold} of {} open them\n",
            old.quorum().threshold(),
            old_names.join(", "),
            custodians.join(", "),
        );
        self.table.show(&told)?;
        let digest = Digest::of_parts(
            "espalier-ceremony reshare v1",
            &[old_file.as_bytes(), &[threshold], &canonical::of(&custodians)],
        );
        self.table.note(RESHARE, digest)?;
        let by = self.confirmed(RESHARE, digest)?;
        self.record(Event::ReshareConfirmed { threshold, custodians: custodians.to_vec(), by })
    }

    /// A plan that is half signed was made with the old shares, and is confirmed with them.
    fn check_not_half_signed(&self) -> Result<(), SittingError> {
        let done = |step: &str| {
            self.walk.signed.contains_key(step) || self.walk.destroyed.contains_key(step)
        };
        let begun = !self.walk.signing.is_empty() || !self.walk.destroying.is_empty();
        match self.definition.steps.iter().find(|step| !done(&step.name)) {
            Some(step) if begun => Err(SittingError::State {
                message: format!(
                    "share reshare: found a plan that is half signed, {} is left; complete it first with `run`",
                    step.name
                ),
            }),
            _ => Ok(()),
        }
    }

    fn sealed_anew(
        &mut self,
        key: &KeyReady,
        (old, old_key): (&ShareSet, &KeyEncryptionKey),
        (new, under): (&ShareSet, &KeyEncryptionKey),
    ) -> Result<KeyReady, SittingError> {
        let opened = self.open_key(&key.name, old, old_key)?;
        let of = (new.ceremony(), new.is_rehearsal());
        let sealed = SealedKey::seal(&opened, &key.name, of, under, &mut self.rng())?;
        let file = sealed.to_json();
        self.folder.write(&staged(&key.path), &file)?;
        let public_key = Base64::encode_string(sealed.public_key().spki_der());
        Ok(KeyReady { file: Digest::of(&file), public_key, ..key.clone() })
    }

    /// Moves staged files to their place, as the transcript has them. What it does not have was staged
    /// before a power cut, and is wiped.
    pub(super) fn settle(&mut self) -> Result<(), SittingError> {
        if !self.folder.has(STAGED) {
            return Ok(());
        }
        // Only files of the definition are touched, whatever the transcript says.
        let resharing = self.walk.share_sets.len() > 1;
        let keys = self.walk.keys.iter().map(|key| (self.key_path(&key.name), key.file));
        for (path, digest) in keys.collect::<Vec<_>>() {
            let new = staged(&path);
            if !self.folder.has(&new) {
                continue;
            }
            let file = self.folder.read(&new, sealed_key::MAX_FILE_SIZE)?;
            if resharing && Digest::of(&file) == digest {
                if self.folder.has(&path) {
                    // The old shares open it.
                    self.folder.wipe(&path)?;
                }
                self.folder.write(&path, &file)?;
            }
        }
        self.settle_set()?;
        for name in self.definition.keys.keys() {
            let new = staged(&self.key_path(name));
            if self.folder.has(&new) {
                self.folder.wipe(&new)?;
            }
        }
        Ok(self.folder.clear_staged()?)
    }

    /// The same for the share set. Whoever checks the lines before needs the set that was good then.
    fn settle_set(&self) -> Result<(), SittingError> {
        let path = self.share_set_path();
        let [.., before, last] = &self.walk.share_sets[..] else { return Ok(()) };
        if !self.folder.has(&staged(&path)) {
            return Ok(());
        }
        let file = self.folder.read(&staged(&path), MAX_SHARE_SET)?;
        if Digest::of(&file) != last.digest {
            return Ok(());
        }
        let old = self.folder.read(&path, MAX_SHARE_SET)?;
        if Digest::of(&old) == before.digest {
            self.folder.write(&Folder::retired(before.digest), &old)?;
        }
        Ok(self.folder.write(&path, &file)?)
    }
}
