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
        let ready = self.keys()?.0.to_vec();
        let (old, _) = self.share_set()?;
        let old_key = self.join(&old)?;
        let under = KeyEncryptionKey::generate(&mut self.rng());
        let set = CeremonyId::generate(&mut self.rng());
        let (new, shares) =
            ShareSet::deal(&under, set, self.rehearsal, threshold, custodians, &mut self.rng())?;
        self.hand_out(&new, shares)?;
        let mut keys = Vec::new();
        for key in ready {
            if self.folder.has(&key.path) {
                keys.push(self.sealed_anew(&key, (&old, &old_key), (&new, &under))?);
            }
        }
        let file = canonical::of(&new);
        let share_set = Digest::of(&file);
        self.folder.write(&staged(&self.share_set_path()), &file)?;
        let event = Event::Reshared { share_set, keys };
        self.record(event.clone())?;
        self.before.push(event);
        self.settle()
    }

    /// A plan that is half signed was made with the old shares, and is confirmed with them.
    fn check_not_half_signed(&self) -> Result<(), SittingError> {
        let done = |step: &str| {
            self.before.iter().any(|event| match event {
                Event::Signed { step: done, .. } | Event::KeyDestroyed { step: done, .. } => {
                    done == step
                }
                _ => false,
            })
        };
        let begun = self.before.iter().any(|event| matches!(event, Event::Signing { .. }));
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
        let reshared = self.before.iter().rev().find_map(|event| match event {
            Event::Reshared { share_set, keys } => Some((*share_set, keys.clone())),
            _ => None,
        });
        let (share_set, keys) = reshared.unwrap_or((Digest::of(b""), Vec::new()));
        let mut wanted: Vec<(String, Digest, usize)> =
            keys.into_iter().map(|key| (key.path, key.file, sealed_key::MAX_FILE_SIZE)).collect();
        let set_path = self.share_set_path();
        wanted.push((set_path.clone(), share_set, MAX_SHARE_SET));
        for (path, digest, limit) in wanted {
            if !self.folder.has(&staged(&path)) {
                continue;
            }
            let file = self.folder.read(&staged(&path), limit)?;
            if Digest::of(&file) != digest {
                continue;
            }
            if path == set_path {
                // Whoever checks the lines before needs the set that was good then.
                let old = self.folder.read(&path, limit)?;
                self.folder.write(&Folder::retired(Digest::of(&old)), &old)?;
            }
            self.folder.write(&path, &file)?;
        }
        Ok(self.folder.clear_staged()?)
    }
}
