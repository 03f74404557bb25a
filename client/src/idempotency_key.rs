//! The name of a request that may be sent again.

use std::fmt::Write as _;

use rand_core::CryptoRng;

use crate::ClientError;

/// Names a request for a certificate, so that it may be sent again and is carried out once: 1 to
/// 256 visible ASCII characters. One key is for one order of one requester, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes a name of the caller's, such as the UID of what asks.
    ///
    /// # Errors
    /// `ClientError::Config` with what is allowed.
    pub fn new(text: impl Into<String>) -> Result<Self, ClientError> {
        let text = text.into();
        if (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text));
        }
        let found = format!("{:?}", text.chars().take(100).collect::<String>());
        Err(ClientError::config("idempotency key", found, "1 to 256 visible ASCII characters"))
    }

    /// Draws one of 128 random bits, for an order that comes once.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; 16];
        rng.fill_bytes(&mut octets);
        let mut text = String::with_capacity(32);
        for octet in octets {
            // Writing to a String can't fail.
            let _ = write!(text, "{octet:02x}");
        }
        Self(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn what_no_header_could_carry_is_refused() {
        assert_eq!(IdempotencyKey::new("a~!").unwrap().as_str(), "a~!");
        IdempotencyKey::new("k".repeat(256)).unwrap();
        for bad in ["", "a b", "a\n", "é", &"k".repeat(257)] {
            let error = IdempotencyKey::new(bad).unwrap_err().to_string();
            assert!(error.contains("allowed: 1 to 256 visible ASCII"), "{error}");
        }
    }
}
