//! API tokens.

use ca_core::fingerprint::Fingerprint;

use super::{Db, Named};
use crate::queue::WantedToken;
use crate::rows::service::TokenRow;
use crate::{
    Cursor, FoundTokens, LedgerError, NewTokenRevocation, Order, Page, Token, TokenRevocation,
};

/// The SELECT of a [`TokenRow`], with what follows it.
macro_rules! select_token {
    ($rest:literal) => {
        concat!(
            "SELECT t.number, t.id, t.name, t.secret_digest, t.scope, t.created_at, t.expires_at, \
             t.created_by, v.revoked_at, v.revoked_by \
             FROM token t LEFT JOIN token_revocation v ON v.token = t.number ",
            $rest
        )
    };
}

pub(super) async fn add(
    transaction: &mut Named<'_>,
    wanted: WantedToken,
) -> Result<Token, LedgerError> {
    let WantedToken { new, behind } = wanted;
    let known: Result<Option<TokenRow>, _> =
        sqlx::query_as(select_token!("WHERE t.id = $1 OR t.secret_digest = $2 LIMIT 1"))
            .bind(&new.id)
            .bind(new.secret_digest.as_bytes().to_vec())
            .fetch_optional(transaction.sql())
            .await;
    if transaction.check(known)?.is_some() {
        return Err(LedgerError::TokenTaken { id: new.id });
    }
    if let Some(expected) = behind {
        match (last_named(transaction, &new.name).await?, expected) {
            (None, None) => {}
            (Some(last), Some(expected)) if last == expected => {}
            (Some(id), _) | (None, Some(id)) => return Err(LedgerError::TokenNameTaken { id }),
        }
    }
    let inserted = sqlx::query(
        "INSERT INTO token (number, id, name, secret_digest, scope, created_at, expires_at, \
         created_by) \
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4, $5, $6, $7 FROM token",
    )
    .bind(&new.id)
    .bind(&new.name)
    .bind(new.secret_digest.as_bytes().to_vec())
    .bind(&new.scope)
    .bind(new.created_at.as_microsecond())
    .bind(new.expires_at.as_microsecond())
    .bind(&new.created_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    Ok(Token { content: new, revocation: None })
}

/// The id of the last token that has this name.
async fn last_named(
    transaction: &mut Named<'_>,
    name: &str,
) -> Result<Option<String>, LedgerError> {
    let id =
        sqlx::query_scalar("SELECT id FROM token WHERE name = $1 ORDER BY number DESC LIMIT 1")
            .bind(name)
            .fetch_optional(transaction.sql())
            .await;
    transaction.check(id)
}

pub(super) async fn revoke(
    transaction: &mut Named<'_>,
    new: NewTokenRevocation,
) -> Result<Token, LedgerError> {
    let found: Result<Option<TokenRow>, _> = sqlx::query_as(select_token!("WHERE t.id = $1"))
        .bind(&new.id)
        .fetch_optional(transaction.sql())
        .await;
    let Some(row) = transaction.check(found)? else {
        return Err(LedgerError::UnknownToken { id: new.id });
    };
    let number = row.number;
    let token = Token::try_from(row)?;
    if let Some(earlier) = token.revocation {
        let revoked_at = earlier.revoked_at;
        return Err(LedgerError::TokenAlreadyRevoked { id: new.id, revoked_at });
    }
    let inserted = sqlx::query(
        "INSERT INTO token_revocation (token, revoked_at, revoked_by) VALUES ($1, $2, $3)",
    )
    .bind(number)
    .bind(new.revoked_at.as_microsecond())
    .bind(&new.revoked_by)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    let NewTokenRevocation { revoked_at, revoked_by, .. } = new;
    Ok(Token { revocation: Some(TokenRevocation { revoked_at, revoked_by }), ..token })
}

pub(super) async fn by_digest(
    transaction: &mut Named<'_>,
    secret: Fingerprint,
) -> Result<Option<Token>, LedgerError> {
    let row: Result<Option<TokenRow>, _> =
        sqlx::query_as(select_token!("WHERE t.secret_digest = $1"))
            .bind(secret.as_bytes().to_vec())
            .fetch_optional(transaction.sql())
            .await;
    Ok(transaction.check(row)?.map(Token::try_from).transpose()?)
}

/// All tokens of a name.
pub(super) async fn named(
    transaction: &mut Named<'_>,
    name: &str,
) -> Result<Vec<Token>, LedgerError> {
    let rows: Result<Vec<TokenRow>, _> =
        sqlx::query_as(select_token!("WHERE t.name = $1 ORDER BY t.number"))
            .bind(name)
            .fetch_all(transaction.sql())
            .await;
    Ok(transaction.check(rows)?.into_iter().map(Token::try_from).collect::<Result<_, _>>()?)
}

/// One page of all tokens.
pub(super) async fn list(
    transaction: &mut Named<'_>,
    page: Page,
) -> Result<FoundTokens, LedgerError> {
    let mut query = sqlx::QueryBuilder::<Db>::new(select_token!("WHERE t.number "));
    match page.order {
        Order::OldestFirst => query.push("> ").push_bind(page.after.map_or(0, |cursor| cursor.0)),
        Order::NewestFirst => {
            query.push("< ").push_bind(page.after.map_or(i64::MAX, |cursor| cursor.0))
        }
    };
    query.push(match page.order {
        Order::OldestFirst => " ORDER BY t.number LIMIT ",
        Order::NewestFirst => " ORDER BY t.number DESC LIMIT ",
    });
    // One more than asked for tells whether there is a next page.
    query.push_bind(i64::from(page.limit) + 1);
    let rows = query.build_query_as().fetch_all(transaction.sql()).await;
    let mut rows: Vec<TokenRow> = transaction.check(rows)?;
    let asked = page.limit as usize;
    let more = rows.len() > asked;
    rows.truncate(asked);
    let next = rows.last().filter(|_| more).map(|row| Cursor(row.number));
    let tokens = rows.into_iter().map(Token::try_from).collect::<Result<_, _>>()?;
    Ok(FoundTokens { tokens, next })
}
