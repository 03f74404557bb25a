//! The keys of an issuer (RFC 7517 section 5), and which of them a token is tried with.

use super::compact::Compact;
use super::key::{JwtAlgorithm, Key};
use super::{Claims, Expected, TokenRefusal};
use crate::auth::quoted::quoted;
use crate::auth::strict_json;

/// The most keys of a set; issuers have two or three.
const MAX_KEYS: usize = 64;
/// The most keys of the same id and algorithm that a token is tried with.
const MAX_TRIED: usize = 4;

/// Public keys of an issuer.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JWK set. Keys for other purposes and of unknown kinds are passed over, as RFC 7517
    /// wants. With `algorithms`, keys of others are passed over too; an RSA key that names no
    /// algorithm is for the first RSA one of them, or RS256.
    ///
    /// # Errors
    /// `KeySetError` for what is no set, has a malformed key, or no key that is of use.
    pub fn parse(text: &[u8], algorithms: &[JwtAlgorithm]) -> Result<Self, KeySetError> {
        let wrong = |reason: String| KeySetError { reason };
        let set = strict_json::read_object(text).map_err(|error| wrong(error.to_string()))?;
        let keys = set.get("keys").and_then(|keys| keys.as_array());
        let keys = keys.ok_or_else(|| wrong("keys is not an array".into()))?;
        if keys.len() > MAX_KEYS {
            return Err(wrong(format!(
                "found {} keys, allowed are at most {MAX_KEYS}",
                keys.len()
            )));
        }
        let rsa = algorithms.iter().copied().find(|algorithm| algorithm.is_rsa());
        let rsa = rsa.unwrap_or(JwtAlgorithm::RS256);
        let mut usable = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let key = key.as_object().ok_or_else(|| wrong(format!("key {index} is no object")))?;
            let key = Key::of_jwk(key, rsa).map_err(|why| wrong(format!("key {index}: {why}")))?;
            let wanted = |key: &Key| algorithms.is_empty() || algorithms.contains(&key.algorithm);
            usable.extend(key.filter(wanted));
        }
        if usable.is_empty() {
            let names: Vec<String> = match algorithms {
                [] => JwtAlgorithm::ALL.map(|algorithm| algorithm.to_string()).into(),
                some => some.iter().map(ToString::to_string).collect(),
            };
            let allowed = names.join(", ");
            return Err(wrong(format!("found no key for signatures by {allowed}")));
        }
        Ok(Self(usable))
    }

    /// Whether it has the key that the token names.
    pub fn has_key_of(&self, token: &Compact<'_>) -> bool {
        token.key_id.is_none() || self.0.iter().any(|key| key.id == token.key_id)
    }

    /// Verifies the signature, then the claims.
    ///
    /// # Errors
    /// `TokenRefusal` names the field, what was found and what is allowed.
    pub fn verify(
        &self,
        token: &Compact<'_>,
        expected: &Expected<'_>,
    ) -> Result<Claims, TokenRefusal> {
        let keys = self.keys_for(token)?;
        if !keys.iter().any(|key| key.verifies(token.signed, token.signature)) {
            let allowed = "the signature of the issuer's key over this header and these claims";
            return Err(TokenRefusal::new("signature", "another", allowed));
        }
        Claims::check(&token.claims, expected)
    }

    /// The keys that may have signed the token: of its id, and of just its algorithm.
    fn keys_for(&self, token: &Compact<'_>) -> Result<Vec<&Key>, TokenRefusal> {
        let named: Vec<&Key> = match &token.key_id {
            Some(id) => self.0.iter().filter(|key| key.id.as_ref() == Some(id)).collect(),
            None => self.0.iter().collect(),
        };
        if named.is_empty() {
            let found = quoted(token.key_id.as_deref().unwrap_or_default());
            return Err(TokenRefusal::new("kid", found, "a key of the issuer's set"));
        }
        let fits = |key: &&Key| token.algorithm.parse() == Ok(key.algorithm);
        let fitting: Vec<&Key> = named.iter().copied().filter(fits).collect();
        match fitting.len() {
            0 => {
                let mut algorithms: Vec<_> =
                    named.iter().map(|key| key.algorithm.to_string()).collect();
                algorithms.sort();
                algorithms.dedup();
                let allowed = format!("{}, the key's", algorithms.join(" or "));
                Err(TokenRefusal::new("alg", quoted(&token.algorithm), allowed))
            }
            found if token.key_id.is_none() && found > 1 => {
                let allowed = "the id of one of the issuer's keys, which has several";
                Err(TokenRefusal::new("kid", "none", allowed))
            }
            _ => Ok(fitting.into_iter().take(MAX_TRIED).collect()),
        }
    }
}

/// What is no set of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("JWK set: {reason}")]
pub struct KeySetError {
    /// What is wrong.
    pub reason: String,
}
