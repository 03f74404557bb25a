//! Why a key may not be certified: the rules that the triggers hold, told in words.
//!
//! The triggers decide, inside the one INSERT (`migrations/sqlite/0004_alternative_keys.sql`), so that no
//! request pays for this but the refused ones.

use ca_core::{fingerprint::Fingerprint, profile::KeyReuse};

use super::{Named, revoke::blocked_key};
use crate::rows::{Cell, joined};
use crate::{KeyHolder, LedgerError, NewAuthority, NewRecord};

/// A key that was refused.
struct Key<'a> {
    whole: Fingerprint,
    components: &'a [Fingerprint],
}

impl Key<'_> {
    /// Every digest, with the name of its field.
    fn digests(&self) -> impl Iterator<Item = (&'static str, Fingerprint)> {
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

/// Which rule for keys a record broke; `None` when it broke none.
pub(super) async fn of_record(
    transaction: &mut Named<'_>,
    new: &NewRecord,
) -> Result<Option<LedgerError>, LedgerError> {
    let key = Key { whole: new.key_digest, components: &new.component_digests };
    if let Some(blocked) = blocked(transaction, &key).await? {
        return Ok(Some(blocked));
    }
    if let Some(blocked) = authority_blocked(transaction, &new.authority).await? {
        return Ok(Some(blocked));
    }
    for (field, digest) in key.digests() {
        if let Some(owner) = owning_authority(transaction, digest).await?
            && !(new.for_authority
                && key.is_held_by(digest, &owner.key_digest, owner.component_digests.as_deref()))
        {
            let holder = Box::new(KeyHolder::Authority(owner.name));
            let allowed = "an authority's key only in its own certificates, whole";
            return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
        }
        let Some(first) = first_record(transaction, digest).await? else { continue };
        let allowed = if !key.is_held_by(digest, &first.key_digest, Some(&first.component_digests))
        {
            "a component key in one key only (composite ML-DSA, \"Key Reuse\")"
        } else if first
            .for_authority
            .is_some_and(|for_authority| for_authority != new.for_authority)
        {
            "a key for an authority or for end entities, never for both"
        } else if field == "key" && new.key_reuse == KeyReuse::Refused {
            "keys that were never certified, as the profile's key_reuse says"
        } else {
            continue;
        };
        let holder = first.holder()?;
        return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
    }
    Ok(None)
}

/// The same for a new authority.
pub(super) async fn of_authority(
    transaction: &mut Named<'_>,
    new: &NewAuthority,
) -> Result<Option<LedgerError>, LedgerError> {
    let key = Key { whole: new.key_digest, components: &new.component_digests };
    if let Some(blocked) = blocked(transaction, &key).await? {
        return Ok(Some(blocked));
    }
    for (field, digest) in key.digests() {
        if let Some(owner) = owning_authority(transaction, digest).await? {
            let holder = Box::new(KeyHolder::Authority(owner.name));
            let allowed = "one authority for a key";
            return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
        }
        let Some(first) = first_record(transaction, digest).await? else { continue };
        if first.key_digest != new.key_digest.as_bytes() || first.for_authority == Some(false) {
            let holder = first.holder()?;
            let allowed = "a key that no end entity has, and that is no part of another key";
            return Ok(Some(LedgerError::KeyTaken { field, digest, holder, allowed }));
        }
    }
    Ok(None)
}

async fn blocked(
    transaction: &mut Named<'_>,
    key: &Key<'_>,
) -> Result<Option<LedgerError>, LedgerError> {
    for (field, digest) in key.digests() {
        if let Some(blocked) = blocked_key(transaction, digest).await? {
            let (blocked_at, reason) = (blocked.blocked_at, blocked.reason);
            return Ok(Some(LedgerError::KeyBlocked { field, digest, blocked_at, reason }));
        }
    }
    Ok(None)
}

async fn authority_blocked(
    transaction: &mut Named<'_>,
    name: &str,
) -> Result<Option<LedgerError>, LedgerError> {
    let digest: Result<Option<Vec<u8>>, _> = sqlx::query_scalar(
        "SELECT b.digest FROM authority a JOIN authority_key k ON k.authority = a.id \
         JOIN blocked_key b ON b.digest = k.digest WHERE a.name = $1 LIMIT 1",
    )
    .bind(name)
    .fetch_optional(transaction.sql())
    .await;
    let digest = transaction.check(digest)?.and_then(|digest| digest.try_into().ok());
    let Some(digest) = digest.map(Fingerprint::from_bytes) else { return Ok(None) };
    let Some(blocked) = blocked_key(transaction, digest).await? else { return Ok(None) };
    let (name, blocked_at) = (name.to_owned(), blocked.blocked_at);
    Ok(Some(LedgerError::AuthorityKeyBlocked { name, digest, blocked_at }))
}

/// The authority that has a key or component.
#[derive(sqlx::FromRow)]
struct Owner {
    name: String,
    key_digest: Vec<u8>,
    component_digests: Option<Vec<u8>>,
}

async fn owning_authority(
    transaction: &mut Named<'_>,
    digest: Fingerprint,
) -> Result<Option<Owner>, LedgerError> {
    let row = sqlx::query_as(
        "SELECT a.name, a.key_digest, a.component_digests FROM authority_key k JOIN authority a ON a.id = k.authority \
         WHERE k.digest = $1 ORDER BY a.id LIMIT 1",
    )
    .bind(digest.as_bytes().to_vec())
    .fetch_optional(transaction.sql())
    .await;
    transaction.check(row)
}

/// The record that has a digest first, and so decides to whom it belongs.
#[derive(sqlx::FromRow)]
struct FirstRecord {
    serial: Vec<u8>,
    key_digest: Vec<u8>,
    component_digests: Vec<u8>,
    for_authority: Option<bool>,
}

impl FirstRecord {
    /// As the holder of a key; a row with another serial is one that Espalier never writes.
    fn holder(&self) -> Result<Box<KeyHolder>, LedgerError> {
        let cell = Cell { table: "record", column: "serial", id: 0 };
        Ok(Box::new(KeyHolder::Record(cell.serial(&self.serial)?)))
    }
}

async fn first_record(
    transaction: &mut Named<'_>,
    digest: Fingerprint,
) -> Result<Option<FirstRecord>, LedgerError> {
    let row = sqlx::query_as(
        "SELECT serial, key_digest, component_digests, for_authority FROM record \
         WHERE id = (SELECT min(record) FROM record_key WHERE digest = $1)",
    )
    .bind(digest.as_bytes().to_vec())
    .fetch_optional(transaction.sql())
    .await;
    transaction.check(row)
}
