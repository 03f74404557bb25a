//! Signs tokens, right and wrong ones, with aws-lc-rs alone.

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::{Value, json};

/// Now, for tests whose clock is an argument.
pub(crate) const NOW: i64 = 1_795_000_000;

/// A key that signs tokens.
pub(crate) enum Forge {
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Forge {
    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The algorithm that the key is used with by itself.
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::P384(_) => "ES384",
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
        }
    }

    /// The public key as a JWK with its algorithm and this id.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        let point = |pair: &EcdsaKeyPair, curve: &str| {
            let (x, y) =
                pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({ "kty": "EC", "crv": curve, "x": base64(x), "y": base64(y) })
        };
        let mut jwk = match self {
            Self::P256(pair) => point(pair, "P-256"),
            Self::P384(pair) => point(pair, "P-384"),
            Self::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref()) })
            }
            Self::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let octets = |part: &[u8]| base64(part);
                json!({ "kty": "RSA", "n": octets(n.big_endian_without_leading_zero()),
                        "e": octets(e.big_endian_without_leading_zero()) })
            }
        };
        jwk["kid"] = id.into();
        jwk["alg"] = self.algorithm().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// A token with the usual header of this key.
    pub(crate) fn token(&self, id: &str, claims: &Value) -> String {
        let header = json!({ "alg": self.algorithm(), "kid": id, "typ": "JWT" });
        self.signed(&header.to_string(), &claims.to_string())
    }

    /// A token of exactly these texts.
    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", base64(&signature))
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) | Self::P384(pair) => {
                pair.sign(&random, message).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(_) => self.sign_rsa(&RSA_PKCS1_SHA256, message),
        }
    }

    /// A token signed by an RSA key with PSS.
    pub(crate) fn signed_by_pss(&self, header: &str, claims: &str) -> String {
        let message = message(header, claims);
        let signature = self.sign_rsa(&RSA_PSS_SHA256, message.as_bytes());
        format!("{message}.{}", base64(&signature))
    }

    fn sign_rsa(&self, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let Self::Rsa(pair) = self else { panic!("not an RSA key") };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }
}

/// A token whose HMAC key is `secret`, such as somebody's public key.
pub(crate) fn signed_by_hmac(header: &str, claims: &str, secret: &[u8]) -> String {
    let message = message(header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    format!("{message}.{}", base64(hmac::sign(&key, message.as_bytes()).as_ref()))
}

pub(crate) fn message(header: &str, claims: &str) -> String {
    format!("{}.{}", base64(header.as_bytes()), base64(claims.as_bytes()))
}

pub(crate) fn base64(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

/// A set of these keys.
pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// Claims of a good token of `issuer`.
pub(crate) fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "aud": "espalier", "sub": "repo:shop/web",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300,
        "repository": "shop/web", "groups": ["builders", "web"],
    })
}

/// `value` with one member changed; null takes it away.
pub(crate) fn with(mut value: Value, name: &str, member: Value) -> Value {
    let members = value.as_object_mut().unwrap();
    if member.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), member);
    }
    value
}
