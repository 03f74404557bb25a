//! One key of a set, and the one algorithm that it verifies.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Signature algorithms of tokens (RFC 7518, RFC 8037). No HMAC: who could check it could sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are RFC 7518's
pub enum JwtAlgorithm {
    ES256,
    ES384,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl JwtAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 9] = [
        Self::ES256,
        Self::ES384,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::EdDsa,
    ];

    fn of_library(self) -> Algorithm {
        match self {
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }

    pub(super) fn is_rsa(self) -> bool {
        !matches!(self, Self::ES256 | Self::ES384 | Self::EdDsa)
    }
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EdDsa => f.write_str("EdDSA"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl FromStr for JwtAlgorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // RFC 9864 spells out the curve: Ed25519.
        let text = if text == "Ed25519" { "EdDSA" } else { text };
        Self::ALL.into_iter().find(|algorithm| algorithm.to_string() == text).ok_or(())
    }
}

/// A public key with its name and its algorithm.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: JwtAlgorithm,
    key: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}

impl Key {
    /// Reads a JWK (RFC 7517). `rsa` is the algorithm of RSA keys that name none. None for a key
    /// that is not for verifying tokens: another use, a secret, an unknown kind or algorithm.
    ///
    /// # Errors
    /// What is wrong with a key that would be of use.
    pub(super) fn of_jwk(
        jwk: &Map<String, Value>,
        rsa: JwtAlgorithm,
    ) -> Result<Option<Self>, String> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let verifies = match jwk.get("key_ops") {
            None => true,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some("verify")),
            Some(_) => false,
        };
        if !verifies || text("use").is_some_and(|usage| usage != "sig") {
            return Ok(None);
        }
        let (natural, key) = match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => (JwtAlgorithm::ES256, point(jwk, 32)?),
            (Some("EC"), Some("P-384")) => (JwtAlgorithm::ES384, point(jwk, 48)?),
            (Some("OKP"), Some("Ed25519")) => {
                octets(jwk, "x", 32)?;
                let key = DecodingKey::from_ed_components(text("x").unwrap_or_default());
                (JwtAlgorithm::EdDsa, key.map_err(|error| error.to_string())?)
            }
            (Some("RSA"), _) => (rsa, modulus(jwk)?),
            _ => return Ok(None),
        };
        let algorithm = match text("alg").map(str::parse::<JwtAlgorithm>) {
            None => natural,
            Some(Ok(named)) if named == natural || (named.is_rsa() && natural.is_rsa()) => named,
            Some(Ok(named)) => return Err(format!("alg {named} does not fit its kty and crv")),
            Some(Err(())) => return Ok(None),
        };
        Ok(Some(Self { id: text("kid").map(str::to_owned), algorithm, key }))
    }

    /// Whether the signature, in base64url, is this key's over `signed`.
    pub(super) fn verifies(&self, signed: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.of_library();
        crypto::verify(signature, signed.as_bytes(), &self.key, algorithm).unwrap_or(false)
    }
}

/// The two coordinates of a point, each at its full length (RFC 7518 section 6.2.1.2).
fn point(jwk: &Map<String, Value>, length: usize) -> Result<DecodingKey, String> {
    let (x, y) = (octets(jwk, "x", length)?, octets(jwk, "y", length)?);
    Ok(DecodingKey::from_ec_der(&[&[4][..], &x, &y].concat()))
}

/// An RSA modulus of 2048 to 8192 bits and its exponent.
fn modulus(jwk: &Map<String, Value>) -> Result<DecodingKey, String> {
    let read = |name| decoded(jwk, name);
    let (n, e) = (read("n")?, read("e")?);
    let bits = n.iter().skip_while(|octet| **octet == 0).count() * 8;
    if !(2048..=8192).contains(&bits) || e.len() > 8 {
        return Err(format!(
            "n has {bits} bits and e {} octets, allowed are 2048 to 8192 bits and at most 8 octets",
            e.len()
        ));
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

fn octets(jwk: &Map<String, Value>, name: &str, length: usize) -> Result<Vec<u8>, String> {
    let octets = decoded(jwk, name)?;
    if octets.len() == length {
        return Ok(octets);
    }
    Err(format!("{name} has {} octets, allowed are {length}", octets.len()))
}

fn decoded(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("{name} is missing"))?;
    Base64UrlUnpadded::decode_vec(text).map_err(|_| format!("{name} is not base64url"))
}
