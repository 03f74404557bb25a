//! Making an API token: what is shown once, and the row that is kept.

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use ledger::NewToken;
use rand_core::CryptoRng;

use super::api_token::ApiToken;
use super::grants::Grant;
use super::quoted::quoted;

/// The longest life of a token.
pub const MAX_LIFE: Duration = Duration::from_secs(366 * 86_400);

/// A token that is asked for.
#[derive(Clone, Debug)]
pub struct TokenOrder {
    /// Whom it is for: the requester is called `token:NAME`. Tokens of one name are one requester,
    /// so that the next one may take over from the last.
    pub name: String,
    /// What it may, checked.
    pub grant: Grant,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Who asks for it, authenticated.
    pub created_by: String,
}

impl TokenOrder {
    /// Draws the token, and gives it with what is kept of it.
    ///
    /// # Errors
    /// `TokenOrderError` with the field, what was found and what is allowed.
    pub fn draw(
        self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(ApiToken, NewToken), TokenOrderError> {
        let value = |field, found: String, allowed: String| {
            Err(TokenOrderError::Value { field, found, allowed })
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(fits) {
            let allowed = "1 to 64 letters, digits, hyphens, dots and underscores".into();
            return value("name", quoted(&self.name), allowed);
        }
        let last = now.checked_add(MAX_LIFE).unwrap_or(Timestamp::MAX);
        if self.expires_at <= now || self.expires_at > last {
            let allowed = format!("after {now}, and at most a year later");
            return value("expires_at", self.expires_at.to_string(), allowed);
        }
        let mut octets = [0; 8];
        rng.fill_bytes(&mut octets);
        let mut id = String::from("t-");
        for octet in octets {
            // Writing to a String can't fail.
            let _ = write!(id, "{octet:02x}");
        }
        let token = ApiToken::generate(rng);
        let kept = NewToken {
            id,
            name: self.name,
            secret_digest: token.digest(),
            // Lists and texts only: it can always be written as JSON.
            scope: serde_json::to_string(&self.grant.config()).unwrap_or_default(),
            created_at: now,
            expires_at: self.expires_at,
            created_by: self.created_by,
        };
        Ok((token, kept))
    }
}

/// A token that is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenOrderError {
    /// A field's value.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Value {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::auth::grants::GrantConfig;
    use crate::auth::role::Role;

    #[test]
    fn a_token_that_makes_no_sense_is_not_drawn() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let config = GrantConfig { roles: vec![Role::Admin], ..GrantConfig::default() };
        let good = TokenOrder {
            name: "ci".into(),
            grant: Grant::new(&config).unwrap(),
            expires_at: now + MAX_LIFE,
            created_by: "local-uid:0".into(),
        };
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let (token, kept) = good.clone().draw(now, &mut rng).unwrap();
        assert_eq!(kept.secret_digest, token.digest());
        assert!(!kept.scope.contains(token.expose()) && kept.id.starts_with("t-"));
        kept.validate().unwrap();
        for (order, words) in [
            (TokenOrder { name: String::new(), ..good.clone() }, "name: found \"\""),
            (TokenOrder { name: "a b".into(), ..good.clone() }, "name: found \"a b\""),
            (TokenOrder { expires_at: now, ..good.clone() }, "expires_at: found 2026-01-01"),
            (
                TokenOrder { expires_at: now + MAX_LIFE + Duration::from_secs(1), ..good.clone() },
                "expires_at: found 2027-01-02T00:00:01Z",
            ),
        ] {
            let error = order.draw(now, &mut rng).unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }
}
