//! API tokens in the ledger.

use jiff::{SignedDuration, Timestamp};
use ledger::{Ledger, LedgerError, NewToken, Page};
use rand_core::CryptoRng;

use crate::auth::{ApiToken, GrantConfig, Role, SubjectRule};

/// How long the first token is worth something: enough to try, and to make others.
const FIRST_TOKEN: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A grant for everything.
pub fn everything() -> GrantConfig {
    let all = || vec!["*".to_owned()];
    GrantConfig {
        roles: vec![Role::Admin],
        authorities: all(),
        profiles: all(),
        names: all(),
        wildcards: true,
        subject: SubjectRule::Any,
    }
}

/// Makes a token that may do everything, for 30 days, when the ledger has none: the way into a new
/// server.
///
/// # Errors
/// `LedgerError` when the ledger can't be read or written.
pub async fn first_token(
    ledger: &Ledger,
    rng: &mut dyn CryptoRng,
    now: Timestamp,
) -> Result<Option<ApiToken>, LedgerError> {
    if !ledger.tokens(Page::first(1)).await?.tokens.is_empty() {
        return Ok(None);
    }
    let token = ApiToken::generate(rng);
    let new = NewToken {
        id: "first-admin".to_owned(),
        name: "first-admin".to_owned(),
        secret_digest: token.digest(),
        // A grant of words and lists is always JSON.
        scope: serde_json::to_string(&everything()).unwrap_or_default(),
        created_at: now,
        expires_at: now + FIRST_TOKEN,
        created_by: crate::issuance::Asker::local(None).requester,
    };
    match ledger.add_token_behind(new, None).await {
        Ok(_) => Ok(Some(token)),
        // Another server on this ledger was faster.
        Err(LedgerError::TokenTaken { .. } | LedgerError::TokenNameTaken { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
