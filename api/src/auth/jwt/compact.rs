//! The three parts of a token, and the header.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Map, Value};

use super::{MAX_TOKEN, TokenRefusal};
use crate::auth::quoted::quoted;
use crate::auth::strict_json;

/// A token that was taken apart; nothing of it is believed yet. Its Debug form shows nothing that
/// could be presented again.
#[derive(Clone)]
pub struct Compact<'a> {
    /// Header and claims as they were signed.
    pub(super) signed: &'a str,
    /// The signature in base64url, which was checked to be just that.
    pub(super) signature: &'a str,
    /// `alg` of the header.
    pub(super) algorithm: String,
    /// `kid` of the header.
    pub(super) key_id: Option<String>,
    /// The claims.
    pub(super) claims: Map<String, Value>,
}

impl fmt::Debug for Compact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, key_id, .. } = self;
        f.debug_struct("Compact").field("alg", algorithm).field("kid", key_id).finish()
    }
}

/// Header members that change what a signature means or that make it an encrypted token; nothing
/// here understands them, so none is passed over.
const REFUSED_MEMBERS: [&str; 4] = ["crit", "b64", "zip", "enc"];

impl<'a> Compact<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// `TokenRefusal` names the part or member, what was found and what is allowed.
    pub fn parse(token: &'a str) -> Result<Self, TokenRefusal> {
        if token.len() > MAX_TOKEN {
            let found = format!("{} octets", token.len());
            return Err(TokenRefusal::new("length", found, format!("at most {MAX_TOKEN} octets")));
        }
        let count = token.split('.').count();
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, claims) = signed.split_once('.')?;
            (count == 3).then_some((signed, signature, header, claims))
        });
        let Some((signed, signature, header, claims)) = parts else {
            let allowed = "header, claims and signature, with a dot between";
            return Err(TokenRefusal::new("form", format!("{count} parts"), allowed));
        };
        let header = object("header", header)?;
        let claims = object("claims", claims)?;
        if decode("signature", signature)?.is_empty() {
            return Err(TokenRefusal::new("signature", "nothing", "a signature"));
        }
        if let Some(name) = REFUSED_MEMBERS.iter().find(|name| header.contains_key(**name)) {
            return Err(TokenRefusal::new("header", quoted(name), "a header without it"));
        }
        check_type(&header)?;
        let Some(Value::String(algorithm)) = header.get("alg") else {
            return Err(TokenRefusal::new("alg", "no text", "the algorithm of the issuer's key"));
        };
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) if id.len() <= 256 => Some(id.clone()),
            Some(_) => {
                return Err(TokenRefusal::new(
                    "kid",
                    "no short text",
                    "a text of at most 256 octets",
                ));
            }
        };
        Ok(Self { signed, signature, algorithm: algorithm.clone(), key_id, claims })
    }

    /// The claims, not verified.
    pub(in crate::auth) fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Who says to have issued it: which issuer's keys to try.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }
}

/// `typ` tells a token for us from others that the same key may have signed, such as ID tokens of
/// a logout (RFC 8725 section 3.11).
fn check_type(header: &Map<String, Value>) -> Result<(), TokenRefusal> {
    const ALLOWED: [&str; 4] = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
    let fits = |text: &str| ALLOWED.iter().any(|allowed| text.eq_ignore_ascii_case(allowed));
    match header.get("typ") {
        None => Ok(()),
        Some(Value::String(text)) if fits(text) => Ok(()),
        Some(Value::String(text)) => {
            Err(TokenRefusal::new("typ", quoted(text), "JWT, at+jwt, or none"))
        }
        Some(_) => Err(TokenRefusal::new("typ", "no text", "JWT, at+jwt, or none")),
    }
}

fn object(field: &'static str, part: &str) -> Result<Map<String, Value>, TokenRefusal> {
    let octets = decode(field, part)?;
    strict_json::read_object(&octets)
        .map_err(|error| TokenRefusal::new(field, error.to_string(), "one JSON object"))
}

/// Base64url without padding, and in its one canonical spelling.
fn decode(field: &'static str, part: &str) -> Result<Vec<u8>, TokenRefusal> {
    Base64UrlUnpadded::decode_vec(part)
        .map_err(|_| TokenRefusal::new(field, "other characters", "base64url without padding"))
}
