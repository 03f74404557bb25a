//! API tokens: who may ask, kept without their secrets.

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;

use crate::{Cursor, LedgerError, record::text};

/// Most octets of a token's scope.
pub const MAX_SCOPE_OCTETS: usize = 16_384;

/// A token to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Names the token in lists, logs and revocations; never used twice. 1 to 64 characters.
    pub id: String,
    /// What its owner calls it. 1 to 128 characters.
    pub name: String,
    /// SHA-256 of the secret, which is not kept. A secret has 256 bits of randomness, so that no
    /// slower digest is needed.
    pub secret_digest: Fingerprint,
    /// Roles and limits, as a JSON object; its meaning is the caller's. At most
    /// [`MAX_SCOPE_OCTETS`].
    pub scope: String,
    /// Now; kept to the microsecond.
    pub created_at: Timestamp,
    /// From this instant on it is worth nothing; later than `created_at`, kept to the microsecond.
    pub expires_at: Timestamp,
    /// Who asked for it, authenticated. 1 to 512 characters.
    pub created_by: String,
}

/// A token in the ledger, expired and revoked ones too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What was added.
    pub content: NewToken,
    /// Set when it was revoked.
    pub revocation: Option<TokenRevocation>,
}

/// When a token was taken back, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRevocation {
    /// When, to the microsecond.
    pub revoked_at: Timestamp,
    /// Who asked for it.
    pub revoked_by: String,
}

/// A revocation of a token to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTokenRevocation {
    /// Which token.
    pub id: String,
    /// Now; kept to the microsecond.
    pub revoked_at: Timestamp,
    /// Who asked for it, authenticated. 1 to 512 characters.
    pub revoked_by: String,
}

/// One page of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTokens {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Where the next page starts; `None` when this is the last.
    pub next: Option<Cursor>,
}

impl Token {
    /// Whether it opens anything at this instant.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revocation.is_none() && now < self.content.expires_at
    }
}

impl NewToken {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        text("id", &self.id, 1, 64)?;
        text("name", &self.name, 1, 128)?;
        text("created_by", &self.created_by, 1, 512)?;
        let refuse = |field, found: String, allowed: String| {
            Err(LedgerError::InvalidField { field, found, allowed })
        };
        if self.expires_at.as_microsecond() <= self.created_at.as_microsecond() {
            let allowed = format!("later than created_at, {}", self.created_at);
            return refuse("expires_at", self.expires_at.to_string(), allowed);
        }
        let octets = self.scope.len();
        if octets > MAX_SCOPE_OCTETS {
            return refuse(
                "scope",
                format!("{octets} octets"),
                format!("at most {MAX_SCOPE_OCTETS}"),
            );
        }
        // Stores keep text, and a database may read "\u0000" as the end of one.
        let object =
            serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&self.scope);
        if object.is_err() || self.scope.contains("\\u0000") {
            return refuse("scope", "other text".into(), "a JSON object without U+0000".into());
        }
        Ok(())
    }

    /// The same with the times as they come back from the ledger.
    pub(crate) fn cut_to_stored_precision(self) -> Self {
        let cut = crate::record::whole_microseconds;
        let (created_at, expires_at) = (cut(self.created_at), cut(self.expires_at));
        Self { created_at, expires_at, ..self }
    }
}

impl NewTokenRevocation {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        text("id", &self.id, 1, 64)?;
        text("revoked_by", &self.revoked_by, 1, 512)
    }

    /// The same with the time as it comes back from the ledger.
    pub(crate) fn cut_to_stored_precision(self) -> Self {
        Self { revoked_at: crate::record::whole_microseconds(self.revoked_at), ..self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn token() -> NewToken {
        NewToken {
            id: "t1".into(),
            name: "ci".into(),
            secret_digest: Fingerprint::of(b"secret"),
            scope: r#"{"roles": ["requester"]}"#.into(),
            created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
            expires_at: "2026-01-02T00:00:00Z".parse().unwrap(),
            created_by: "user:alice".into(),
        }
    }

    #[test]
    fn a_token_that_is_never_valid_or_has_no_object_for_its_scope_is_refused() {
        token().validate().unwrap();
        let refusal = |new: NewToken| new.validate().unwrap_err().to_string();
        let never = NewToken { expires_at: token().created_at, ..token() };
        let message = "expires_at: found 2026-01-01T00:00:00Z; allowed: later than created_at";
        assert!(refusal(never).starts_with(message));
        for scope in ["", "[]", "{", "{} {}", r#"{"a": "\u0000"}"#] {
            let refused = refusal(NewToken { scope: scope.into(), ..token() });
            assert!(refused.starts_with("scope: found other text"), "{scope}: {refused}");
        }
        let long = format!("{{\"a\": \"{}\"}}", "b".repeat(MAX_SCOPE_OCTETS));
        let refused = refusal(NewToken { scope: long, ..token() });
        assert!(refused.contains("allowed: at most 16384"), "{refused}");
    }

    #[test]
    fn a_token_opens_nothing_once_it_expired_or_was_revoked() {
        let (content, revoked_at) = (token(), token().created_at);
        let expires_at = content.expires_at;
        let token = Token { content, revocation: None };
        let last = expires_at - std::time::Duration::from_micros(1);
        assert!(token.is_valid_at(last));
        assert!(!token.is_valid_at(expires_at));
        let revocation = Some(TokenRevocation { revoked_at, revoked_by: "user:oscar".into() });
        assert!(!Token { revocation, ..token }.is_valid_at(last));
    }
}
