//! To whom a key belongs: the rules that the databases' triggers hold, decided and told in words
//! (`docs/adr/0013-key-registry.md`).

use std::collections::HashMap;

use ca_core::{fingerprint::Fingerprint, profile::KeyReuse};

use crate::rows::{Cell, joined};
use crate::{BlockedKey, KeyHolder, LedgerError, NewAuthority, NewRecord};

/// What a ledger knows of the digests that somebody wants.
#[derive(Default)]
pub(crate) struct KeyFacts {
    pub(crate) blocked: HashMap<Fingerprint, BlockedKey>,
    pub(crate) owners: HashMap<Fingerprint, Owner>,
    /// The record that has a digest first, and so decides to whom it belongs.
    pub(crate) first: HashMap<Fingerprint, FirstRecord>,
}

/// The authority that has a key or component.
#[derive(sqlx::FromRow)]
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) key_digest: Vec<u8>,
    pub(crate) component_digests: Option<Vec<u8>>,
}

/// The first record that has a digest.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct FirstRecord {
    pub(crate) serial: Vec<u8>,
    pub(crate) key_digest: Vec<u8>,
    pub(crate) component_digests: Vec<u8>,
    pub(crate) for_authority: Option<bool>,
}

impl FirstRecord {
    /// As the holder of a key; a row with another serial is one that Espalier never writes.
    fn holder(&self) -> Result<Box<KeyHolder>, LedgerError> {
        let cell = Cell { table: "record", column: "serial", id: 0 };
        Ok(Box::new(KeyHolder::Record(cell.serial(&self.serial)?)))
    }
}

/// A key that somebody wants.
pub(crate) struct Key<'a> {
    whole: Fingerprint,
    components: &'a [Fingerprint],
}

impl<'a> Key<'a> {
    pub(crate) fn of_record(new: &'a NewRecord) -> Self {
        Self { whole: new.key_digest, components: &new.component_digests }
    }

    pub(crate) fn of_authority(new: &'a NewAuthority) -> Self {
        Self { whole: new.key_digest, components: &new.component_digests }
    }

    /// Every digest, with the name of its field.
    pub(crate) fn digests(&self) -> impl Iterator<Item = (&'static str, Fingerprint)> {
        let parts = self.components.iter().filter(|digest| **digest != self.whole);
        let parts = parts.map(|digest| ("component key", *digest));
        std::iter::once(("key", self.whole)).chain(parts)
    }

    /// Whether a digest belongs to this key where it was seen before: in the same whole key, and as
    /// another part than that in the same company, or an alternative key would share a half.
    fn is_held_by(&self, digest: Fingerprint, whole: &[u8], components: Option<&[u8]>) -> bool {
        let same_parts = components.is_none_or(|parts| parts == joined(self.components));
        whole == self.whole.as_bytes() && (digest == self.whole || same_parts)
    }
}

impl KeyFacts {
    /// Which rule a record breaks; `None` when it breaks none. `authority_block` is what blocks the
    /// key of the authority that would sign.
    ///
    /// # Errors
    /// When a row is one that Espalier never writes.
    pub(crate) fn of_record(
        &self,
        new: &NewRecord,
        authority_block: Option<&BlockedKey>,
    ) -> Result<Option<LedgerError>, LedgerError> {
        let key = Key::of_record(new);
        if let Some(blocked) = self.blocked(&key) {
            return Ok(Some(blocked));
        }
        if let Some(block) = authority_block {
            let (name, digest, blocked_at) =
                (new.authority.clone(), block.digest, block.blocked_at);
            return Ok(Some(LedgerError::AuthorityKeyBlocked { name, digest, blocked_at }));
        }
        for (field, digest) in key.digests() {
            if let Some(owner) = self.owners.get(&digest)
                && !(new.for_authority
                    && key.is_held_by(
                        digest,
                        &owner.key_digest,
                        owner.component_digests.as_deref(),
                    ))
            {
                let holder = Box::new(KeyHolder::Authority(owner.name.clone()));
                let allowed = "an authority's key only in its own certificates, whole";
                return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
            }
            let Some(first) = self.first.get(&digest) else { continue };
            let Some(allowed) = broken_by(new, &key, field, digest, first) else { continue };
            let holder = first.holder()?;
            return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
        }
        Ok(None)
    }

    /// The same for a new authority.
    ///
    /// # Errors
    /// As [`Self::of_record`].
    pub(crate) fn of_authority(
        &self,
        new: &NewAuthority,
    ) -> Result<Option<LedgerError>, LedgerError> {
        let key = Key::of_authority(new);
        if let Some(blocked) = self.blocked(&key) {
            return Ok(Some(blocked));
        }
        for (field, digest) in key.digests() {
            if let Some(owner) = self.owners.get(&digest) {
                let holder = Box::new(KeyHolder::Authority(owner.name.clone()));
                let allowed = "one authority for a key";
                return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
            }
            let Some(first) = self.first.get(&digest) else { continue };
            if first.key_digest != new.key_digest.as_bytes() || first.for_authority == Some(false) {
                let holder = first.holder()?;
                let allowed = "a key that no end entity has, and that is no part of another key";
                return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
            }
        }
        Ok(None)
    }

    /// Notes that this record is going to be in the ledger.
    pub(crate) fn note(&mut self, new: &NewRecord) {
        let first = FirstRecord {
            serial: new.serial.as_bytes().to_vec(),
            key_digest: new.key_digest.as_bytes().to_vec(),
            component_digests: joined(&new.component_digests),
            for_authority: Some(new.for_authority),
        };
        for (_, digest) in Key::of_record(new).digests() {
            self.first.entry(digest).or_insert_with(|| first.clone());
        }
    }

    fn blocked(&self, key: &Key<'_>) -> Option<LedgerError> {
        key.digests().find_map(|(field, digest)| {
            let block = self.blocked.get(&digest)?;
            let (blocked_at, reason) = (block.blocked_at, block.reason);
            Some(LedgerError::KeyBlocked { field, digest, blocked_at, reason })
        })
    }
}

/// What is allowed instead, when the first record that has a digest keeps it from this one.
fn broken_by(
    new: &NewRecord,
    key: &Key<'_>,
    field: &str,
    digest: Fingerprint,
    first: &FirstRecord,
) -> Option<&'static str> {
    if !key.is_held_by(digest, &first.key_digest, Some(&first.component_digests)) {
        return Some("a component key in one key only (composite ML-DSA, \"Key Reuse\")");
    }
    if first.for_authority.is_some_and(|for_authority| for_authority != new.for_authority) {
        return Some("a key for an authority or for end entities, never for both");
    }
    let again = field == "key" && new.key_reuse == KeyReuse::Refused;
    again.then_some("keys that were never certified, as the profile's key_reuse says")
}
