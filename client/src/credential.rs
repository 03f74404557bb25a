//! Who asks: a bearer token, given or read from a file with each request.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;
use zeroize::Zeroizing;

use crate::ClientError;

/// The longest token, in octets.
const MOST: usize = 16 * 1024;

/// A bearer token (RFC 6750). It wipes itself, and no `Debug` or error shows it.
#[derive(Clone)]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// Takes a token, without the blanks and line ends around it.
    ///
    /// # Errors
    /// `ClientError::Config`, which does not repeat it, where it has characters that no token has.
    pub fn new(text: &str) -> Result<Self, ClientError> {
        let text = text.trim();
        let fits = |byte: u8| byte.is_ascii_graphic();
        if !text.is_empty() && text.len() <= MOST && text.bytes().all(fits) {
            return Ok(Self(Zeroizing::new(text.to_owned())));
        }
        let found = match text.len() {
            0 => "nothing".to_owned(),
            length if length > MOST => format!("{length} octets"),
            _ => "characters that no token has".to_owned(),
        };
        Err(ClientError::config("token", found, "one line of visible ASCII, at most 16 KiB"))
    }

    fn header(&self) -> HeaderValue {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        // Visible ASCII always is a header's value.
        let mut header =
            HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// How requests show who asks, beside a client certificate.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Not at all.
    None,
    /// By this token.
    Token(BearerToken),
    /// By the token in this file, read anew each time: whoever keeps it there changes it.
    TokenFile(PathBuf),
}

impl Credential {
    /// The value of `Authorization`.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, ClientError> {
        match self {
            Self::None => Ok(None),
            Self::Token(token) => Ok(Some(token.header())),
            Self::TokenFile(path) => Ok(Some(read(path).await?.header())),
        }
    }
}

async fn read(path: &Path) -> Result<BearerToken, ClientError> {
    let failed = |found: String| {
        let field = format!("token file {}", path.display());
        ClientError::config(field, found, "a file with one token")
    };
    let octets = tokio::fs::read(path).await.map_err(|error| failed(error.to_string()))?;
    let octets = Zeroizing::new(octets);
    let text = std::str::from_utf8(&octets).map_err(|_| failed("octets of no text".into()))?;
    BearerToken::new(text).map_err(|error| match error {
        ClientError::Config { found, .. } => failed(found),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_token_shows_nothing() {
        let token = BearerToken::new(" espalier_secret\n").unwrap();
        assert_eq!(token.header().to_str().unwrap(), "Bearer espalier_secret");
        assert!(!format!("{token:?} {:?}", token.header()).contains("secret"));
        for bad in ["", "\n", "espalier_secret\nespalier_secret", "espalier secret", "é"] {
            let error = BearerToken::new(bad).unwrap_err();
            assert!(
                !error.to_string().contains("secret") && !format!("{error:?}").contains("secr")
            );
        }
    }
}
