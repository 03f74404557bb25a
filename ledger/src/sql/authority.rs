//! Adding authorities and their certificates.

use super::{Named, read, reuse};
use crate::queue::NewAuthorityCertificate;
use crate::rows::{AuthorityCertificateRow, joined};
use crate::{Authority, Certificate, LedgerError, NewAuthority};

pub(super) async fn add(
    transaction: &mut Named<'_>,
    new: NewAuthority,
) -> Result<Authority, LedgerError> {
    let known = read::authorities(transaction, Some(&new.name)).await?.into_iter().next();
    if let Some(known) = known {
        if known.content.same_identity(&new) {
            return Ok(known);
        }
        let NewAuthority { name, algorithm, key_digest, .. } = known.content;
        return Err(LedgerError::AuthorityConflict { name, algorithm, key_digest });
    }
    let parent = match &new.parent {
        Some(parent) => Some(authority_id(transaction, parent).await?),
        None => None,
    };
    if let Some(broken) = reuse::of_authority(transaction, &new).await? {
        return Err(broken);
    }
    let inserted = sqlx::query(
        "INSERT INTO authority (name, algorithm, key_digest, component_digests, parent, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&new.name)
    .bind(&new.algorithm)
    .bind(new.key_digest.as_bytes().to_vec())
    .bind(joined(&new.component_digests))
    .bind(parent)
    .bind(new.created_at.as_microsecond())
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    let content =
        NewAuthority { created_at: crate::record::whole_microseconds(new.created_at), ..new };
    Ok(Authority { content, certificates: Vec::new() })
}

pub(super) async fn authority_id(
    transaction: &mut Named<'_>,
    name: &str,
) -> Result<i64, LedgerError> {
    let id = sqlx::query_scalar("SELECT id FROM authority WHERE name = $1")
        .bind(name)
        .fetch_optional(transaction.sql())
        .await;
    transaction.check(id)?.ok_or_else(|| LedgerError::UnknownAuthority { name: name.to_owned() })
}

pub(super) async fn add_certificate(
    transaction: &mut Named<'_>,
    new: NewAuthorityCertificate,
) -> Result<Certificate, LedgerError> {
    let NewAuthorityCertificate { authority, certificate } = new;
    let authority = authority_id(transaction, &authority).await?;
    let known: Result<Option<AuthorityCertificateRow>, _> = sqlx::query_as(
        "SELECT id, fingerprint, certificate, added_at FROM authority_certificate \
         WHERE authority = $1 AND fingerprint = $2",
    )
    .bind(authority)
    .bind(certificate.fingerprint.as_bytes().to_vec())
    .fetch_optional(transaction.sql())
    .await;
    if let Some(known) = transaction.check(known)? {
        return Ok(Certificate::try_from(known)?);
    }
    let inserted = sqlx::query(
        "INSERT INTO authority_certificate (authority, fingerprint, certificate, added_at) \
         VALUES ($1, $2, $3, $4)",
    )
    .bind(authority)
    .bind(certificate.fingerprint.as_bytes().to_vec())
    .bind(&certificate.der)
    .bind(certificate.stored_at.as_microsecond())
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    Ok(certificate)
}
