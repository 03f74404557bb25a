//! API tokens: a random secret that is shown once, and whose digest is kept.
//!
//! `espalier_`, 43 characters of base64url for 32 random octets, 8 more for a checksum: scanners
//! for secrets find `espalier_[A-Za-z0-9_-]{51}` and can tell a real one by its checksum.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ca_core::fingerprint::Fingerprint;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

/// What every token starts with.
pub const PREFIX: &str = "espalier_";
/// Octets of a secret.
const SECRET_OCTETS: usize = 32;
/// Octets of the checksum.
const CHECKSUM_OCTETS: usize = 6;
/// Characters behind the prefix.
const BODY_LENGTH: usize = 51;
/// Keeps the checksum from being the start of the digest that is stored.
const CHECKSUM_CONTEXT: &[u8] = b"espalier API token checksum\0";

/// A new token. It is wiped when it is dropped, and shown to whoever asked for it, once.
pub struct ApiToken {
    text: Zeroizing<String>,
    digest: Fingerprint,
}

impl ApiToken {
    /// Makes a token of 256 random bits.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; SECRET_OCTETS]);
        rng.fill_bytes(secret.as_mut_slice());
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BODY_LENGTH));
        text.push_str(PREFIX);
        for part in [secret.as_slice(), &checksum(secret.as_slice())] {
            // One of the parts is the secret; its copy is wiped as well.
            let mut encoded = Base64UrlUnpadded::encode_string(part);
            text.push_str(&encoded);
            encoded.zeroize();
        }
        Self { text, digest: Fingerprint::of(secret.as_slice()) }
    }

    /// The token itself, to be shown once and never logged.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the secret: what is kept.
    pub fn digest(&self) -> Fingerprint {
        self.digest
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(..)")
    }
}

/// The digest of a token that someone presents. None when it is no token of ours: another length,
/// other characters, another checksum.
pub(super) fn digest_of(text: &str) -> Option<Fingerprint> {
    let body = text.strip_prefix(PREFIX).filter(|body| body.len() == BODY_LENGTH)?;
    let (secret, sum) = body.split_at_checked(BODY_LENGTH - CHECKSUM_OCTETS * 8 / 6)?;
    let mut octets = Zeroizing::new([0; SECRET_OCTETS]);
    let secret = Base64UrlUnpadded::decode(secret, octets.as_mut_slice()).ok()?;
    let mut found = [0; CHECKSUM_OCTETS];
    let found = Base64UrlUnpadded::decode(sum, &mut found).ok()?;
    let fits = secret.len() == SECRET_OCTETS && *found == checksum(secret);
    fits.then(|| Fingerprint::of(secret))
}

/// Whether both digests are the same, in a time that does not tell where they differ.
pub(super) fn same_digest(one: &Fingerprint, other: &Fingerprint) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

fn checksum(secret: &[u8]) -> [u8; CHECKSUM_OCTETS] {
    let input = Zeroizing::new([CHECKSUM_CONTEXT, secret].concat());
    let mut sum = [0; CHECKSUM_OCTETS];
    sum.copy_from_slice(&Fingerprint::of(&input).as_bytes()[..CHECKSUM_OCTETS]);
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn token() -> ApiToken {
        ApiToken::generate(&mut rand_core::UnwrapErr(getrandom::SysRng))
    }

    #[test]
    fn a_new_token_has_its_form_and_is_found_by_its_digest() {
        let token = token();
        let body = token.expose().strip_prefix("espalier_").unwrap();
        assert_eq!(body.len(), 51);
        assert!(body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(digest_of(token.expose()), Some(token.digest()));
        assert!(same_digest(&token.digest(), &token.digest()));
        let other = self::token();
        assert_ne!(token.expose(), other.expose());
        assert!(!same_digest(&token.digest(), &other.digest()));
        assert_eq!(format!("{token:?}"), "ApiToken(..)");
    }

    /// The checksum is not a start of what is stored.
    #[test]
    fn the_stored_digest_does_not_tell_a_part_of_the_token() {
        let token = token();
        let start = Base64UrlUnpadded::encode_string(&token.digest().as_bytes()[..6]);
        assert!(!token.expose().contains(&start));
    }

    #[test]
    fn whatever_is_changed_is_no_token() {
        let token = token();
        let text = token.expose();
        for index in 0..text.len() {
            let mut octets = text.as_bytes().to_vec();
            octets[index] = if octets[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(octets).unwrap();
            assert_eq!(digest_of(&changed), None, "character {index}");
        }
        let longer = format!("{text}A");
        let other_case = text.replacen("espalier", "Espalier", 1);
        let wide = format!("{}ä", &text[..text.len() - 2]);
        for changed in [&text[..text.len() - 1], "", "espalier_", &longer, &other_case, &wide] {
            assert_eq!(digest_of(changed), None, "{changed}");
        }
    }
}
