//! How a client is made.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect;
use zeroize::Zeroizing;

use crate::address::checked_url;
use crate::credential::{BearerToken, Credential};
use crate::http::Client;
use crate::tls::{self, Identity, Trust};
use crate::{ClientError, address};

/// How long a connection may take to open, unless it is told.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take with its answer, unless it is told: longer than a server's own limit.
const TIMEOUT: Duration = Duration::from_secs(45);
/// How often a request is sent again, unless it is told.
const RETRIES: usize = 4;
/// The largest answer that is read, in octets, unless it is told: a page of 1,000 certificates, or the
/// chains of many authorities.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Makes a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    server: String,
    trust: Trust,
    identity: Option<Identity>,
    credential: Credential,
    connect_timeout: Duration,
    timeout: Duration,
    retries: usize,
    longest_answer: usize,
}

impl ClientBuilder {
    pub(crate) fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            trust: Trust::System,
            identity: None,
            credential: Credential::None,
            connect_timeout: CONNECT_TIMEOUT,
            timeout: TIMEOUT,
            retries: RETRIES,
            longest_answer: LONGEST_ANSWER,
        }
    }

    /// Trusts the certificates in this file (PEM), and not those that the system trusts.
    #[must_use]
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        Self { trust: Trust::File(path.into()), ..self }
    }

    /// The same, with the certificates themselves (PEM).
    #[must_use]
    pub fn ca_certificates(self, text: impl Into<Vec<u8>>) -> Self {
        Self { trust: Trust::Text(text.into()), ..self }
    }

    /// Shows this token.
    #[must_use]
    pub fn token(self, token: BearerToken) -> Self {
        Self { credential: Credential::Token(token), ..self }
    }

    /// Shows the token in this file, read anew with every request.
    #[must_use]
    pub fn token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { credential: Credential::TokenFile(path.into()), ..self }
    }

    /// Shows this certificate, with those above it in the same file, and proves to have its key
    /// (PEM, not encrypted).
    #[must_use]
    pub fn client_certificate(
        self,
        chain_file: impl Into<PathBuf>,
        key_file: impl Into<PathBuf>,
    ) -> Self {
        let identity = Identity::Files { chain: chain_file.into(), key: key_file.into() };
        Self { identity: Some(identity), ..self }
    }

    /// The same, with the certificates and the key themselves (PEM, not encrypted).
    #[must_use]
    pub fn client_identity(self, chain: impl Into<Vec<u8>>, key: Zeroizing<Vec<u8>>) -> Self {
        Self { identity: Some(Identity::Text { chain: chain.into(), key }), ..self }
    }

    /// How long a connection may take to open; 5 s unless it is told.
    #[must_use]
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// How long a request may take with its answer; 45 s unless it is told. An export may take
    /// as long as this between two parts.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How often a request may be sent again that was not carried out, or may be repeated; 4 times
    /// unless it is told.
    #[must_use]
    pub fn retries(self, retries: usize) -> Self {
        Self { retries, ..self }
    }

    /// The largest answer that is read, in octets; 16 MiB unless it is told. A longer one is an error.
    #[must_use]
    pub fn longest_answer(self, longest_answer: usize) -> Self {
        Self { longest_answer, ..self }
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// `ClientError::Config` for a URL that is not allowed, and files that can't be used.
    pub fn build(self) -> Result<Client, ClientError> {
        let wrong = |_| {
            let found = format!("{:?}", self.server.chars().take(100).collect::<String>());
            ClientError::config("server", found, address::ALLOWED)
        };
        let base = checked_url(&self.server).map_err(wrong)?;
        if base.query().is_some() {
            return Err(ClientError::config("server", "a query", "none"));
        }
        let tls = tls::config(&self.trust, self.identity.as_ref())?;
        // A redirect could take the credential anywhere.
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.timeout)
            .user_agent(concat!("espalier/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError::config("HTTP client", error.to_string(), "TLS"))?;
        let limits = (self.timeout, self.retries, self.longest_answer);
        Ok(Client::new(http, base, self.credential, limits))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_server_without_tls_elsewhere_is_refused() {
        for good in ["http://127.0.0.1:8440", "https://ca.example/espalier/"] {
            Client::builder(good).build().unwrap();
        }
        for bad in ["http://ca.example", "ca.example:8440", "https://a:b@ca.example", ""] {
            let error = Client::builder(bad).build().unwrap_err().to_string();
            assert!(error.starts_with("server: found \""), "{error}");
        }
        let error = Client::builder("https://ca.example/?a=b").build().unwrap_err().to_string();
        assert!(error.contains("a query"), "{error}");
    }
}
