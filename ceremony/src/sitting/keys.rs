//! Making keys, and sealing them.

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;

use super::{Sitting, SittingError};
use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::definition::{Custody, KeySource};
use crate::digest::Digest;
use crate::folder::{self, Folder};
use crate::sealed_key::{SealError, SealedKey};
use crate::share_set::{KeyEncryptionKey, ShareSet};
use crate::transcript::{Event, KeyReady};

impl Sitting<'_> {
    /// Makes the keys of the definition, and hands out the shares that open them. Nothing secret is on
    /// the disk at any time: keys are sealed before they are written.
    ///
    /// # Errors
    /// `SittingError::State` when that was done before, or was begun and cut off: papers that were
    /// handed out then open nothing.
    pub(super) fn make_keys(&mut self) -> Result<(), SittingError> {
        let begun = if !self.walk.share_sets.is_empty() {
            Some("they are there already; go on with `plan`")
        } else if self.walk.handed_out {
            Some(
                "an earlier sitting handed out shares and was cut off; those open nothing, begin again in a new folder",
            )
        } else {
            None
        };
        if let Some(begun) = begun {
            return Err(SittingError::State { message: format!("keys: {begun}") });
        }
        self.check_places()?;
        let made = self.made_keys();
        let (set, under) = match self.definition.custody.clone() {
            Custody::New { threshold, custodians } => {
                let (set, under) = self.deal(threshold, &custodians)?;
                (set, Some(under))
            }
            Custody::Existing { .. } => {
                let (set, _) = self.share_set()?;
                let under = if made.is_empty() { None } else { Some(self.join(&set)?) };
                (set, under)
            }
        };
        if let Some(under) = &under {
            for (name, algorithm) in made {
                self.make_key(&name, algorithm, &set, under)?;
            }
        }
        self.keys_ready(&set)
    }

    /// Nothing lies where a key or a share set is written, but what a sitting of this transcript began
    /// and did not end: a key that is there already would be lost.
    fn check_places(&self) -> Result<(), SittingError> {
        let mut places: Vec<String> = self.made_keys().into_iter().map(|(name, _)| name).collect();
        places.retain(|name| !self.walk.making.contains(name));
        let mut places: Vec<String> = places.iter().map(|name| Folder::key(name)).collect();
        if matches!(self.definition.custody, Custody::New { .. }) {
            places.push(folder::SHARE_SET.to_owned());
        }
        match places.into_iter().find(|path| self.folder.has(path)) {
            Some(path) => Err(SittingError::State {
                message: format!(
                    "{path}: found a file, allowed is none where a new one is made; give the new key another name, or begin in a new folder"
                ),
            }),
            None => Ok(()),
        }
    }

    /// The keys that are made, by name.
    fn made_keys(&self) -> Vec<(String, &'static Algorithm)> {
        let made = self.definition.keys.iter().filter_map(|(name, source)| match source {
            KeySource::Made(algorithm) => Some((name.clone(), *algorithm)),
            KeySource::File { .. } => None,
        });
        made.collect()
    }

    fn deal(
        &mut self,
        threshold: u8,
        custodians: &[String],
    ) -> Result<(ShareSet, KeyEncryptionKey), SittingError> {
        let under = KeyEncryptionKey::generate(&mut self.rng());
        // A name of its own: should shares be dealt a second time here, a passphrase that is used again
        // has another salt, and papers of both are told apart.
        let name = CeremonyId::generate(&mut self.rng());
        let rehearsal = self.rehearsal;
        let (set, shares) =
            ShareSet::deal(&under, name, rehearsal, threshold, custodians, &mut self.rng())?;
        self.hand_out(&set, shares)?;
        self.folder.write(folder::SHARE_SET, &canonical::of(&set))?;
        Ok((set, under))
    }

    fn make_key(
        &mut self,
        name: &str,
        algorithm: &'static Algorithm,
        set: &ShareSet,
        under: &KeyEncryptionKey,
    ) -> Result<(), SittingError> {
        self.table.show(&format!("Making key {name}, {algorithm}\n"))?;
        self.record(Event::KeyMaking { key: name.to_owned() })?;
        let key = PrivateKey::generate(algorithm, &mut self.rng()).map_err(SealError::from)?;
        let of = (set.ceremony(), set.is_rehearsal());
        let sealed = SealedKey::seal(&key, name, of, under, &mut self.rng())?;
        Ok(self.folder.write(&self.key_path(name), &sealed.to_json())?)
    }

    /// Writes down every key of the definition, with its public key.
    fn keys_ready(&mut self, set: &ShareSet) -> Result<(), SittingError> {
        let (_, file) = self.share_set()?;
        let mut keys = Vec::new();
        for name in self.definition.keys.keys() {
            let (sealed, octets) = self.sealed_key(name, set)?;
            keys.push(KeyReady {
                name: name.clone(),
                path: self.key_path(name),
                file: Digest::of(&octets),
                public_key: Base64::encode_string(sealed.public_key().spki_der()),
            });
        }
        self.record(Event::KeysReady { share_set: Digest::of(&file), keys })
    }
}
