//! What the ledger knows of the keys that somebody wants: for [`crate::key_rules`].

use super::{Named, revoke::blocked_key};
use crate::key_rules::{Key, KeyFacts};
use crate::{LedgerError, NewAuthority};

/// Which rule for keys a new authority breaks; `None` when it breaks none.
pub(super) async fn of_authority(
    transaction: &mut Named<'_>,
    new: &NewAuthority,
) -> Result<Option<LedgerError>, LedgerError> {
    facts(transaction, &Key::of_authority(new)).await?.of_authority(new)
}

/// What is known of the digests of one key.
pub(super) async fn facts(
    transaction: &mut Named<'_>,
    key: &Key<'_>,
) -> Result<KeyFacts, LedgerError> {
    let mut facts = KeyFacts::default();
    for (_, digest) in key.digests() {
        if let Some(block) = blocked_key(transaction, digest).await? {
            facts.blocked.insert(digest, block);
        }
        let owner = sqlx::query_as(
            "SELECT a.name, a.key_digest, a.component_digests FROM authority_key k \
             JOIN authority a ON a.id = k.authority WHERE k.digest = $1 ORDER BY a.id LIMIT 1",
        )
        .bind(digest.as_bytes().to_vec())
        .fetch_optional(transaction.sql())
        .await;
        if let Some(owner) = transaction.check(owner)? {
            facts.owners.insert(digest, owner);
        }
        let first = sqlx::query_as(
            "SELECT serial, key_digest, component_digests, for_authority FROM record \
             WHERE id = (SELECT min(record) FROM record_key WHERE digest = $1)",
        )
        .bind(digest.as_bytes().to_vec())
        .fetch_optional(transaction.sql())
        .await;
        if let Some(first) = transaction.check(first)? {
            facts.first.insert(digest, first);
        }
    }
    Ok(facts)
}
