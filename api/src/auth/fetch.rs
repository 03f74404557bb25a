//! Asking an issuer or an API server something over HTTPS, within bounds.
//!
//! Only URLs of the configuration are asked, and what an issuer's discovery document names.
//! Redirects are refused: who can answer one could send a request, with the token that it may
//! carry, anywhere.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use client::Unread;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use url::Url;
use zeroize::Zeroizing;

use super::quoted::quoted;
use client::with_causes;

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take in all.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// The longest token of our own that is read from a file, in octets.
const MAX_OWN_TOKEN: usize = 16 * 1024;

/// An HTTPS client that trusts what the configuration says.
#[derive(Clone, Debug)]
pub(crate) struct Fetcher {
    client: Client,
    token_file: Option<PathBuf>,
}

impl Fetcher {
    /// A client that trusts the certificates in `ca_file`, or those that the system trusts. With
    /// `token_file` every request carries the token in it, read anew each time, for the system
    /// that keeps it there changes it.
    ///
    /// # Errors
    /// `FetchError` when the file can't be read or has no certificate.
    pub(crate) fn new(
        ca_file: Option<&Path>,
        token_file: Option<&Path>,
    ) -> Result<Self, FetchError> {
        let client = https_client(ca_file)?;
        Ok(Self { client, token_file: token_file.map(Path::to_owned) })
    }

    /// GETs JSON of at most `most` octets.
    ///
    /// # Errors
    /// `FetchError` when it can't be had, another status than 200 comes, or more octets.
    pub(super) async fn get(&self, url: &Url, most: usize) -> Result<Vec<u8>, FetchError> {
        self.send(url, self.client.get(url.clone()), &[200], most).await
    }

    /// POSTs JSON and reads JSON of at most `most` octets.
    ///
    /// # Errors
    /// As [`Self::get`], but 201 is fine too.
    pub(super) async fn post(
        &self,
        url: &Url,
        body: Vec<u8>,
        most: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.client.post(url.clone()).body(body);
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(url, request, &[200, 201], most).await
    }

    async fn send(
        &self,
        url: &Url,
        request: RequestBuilder,
        statuses: &[u16],
        most: usize,
    ) -> Result<Vec<u8>, FetchError> {
        let (status, body) = self.exchange(url, request, most).await?;
        if !statuses.contains(&status.as_u16()) {
            let reason = format!("{url}: found status {status}, allowed is 200");
            return Err(FetchError::new(reason));
        }
        Ok(body)
    }

    /// A request of this method, for [`Self::exchange`].
    pub(crate) fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        self.client.request(method, url.clone())
    }

    /// Sends a request and reads the answer, whatever its status, of at most `most` octets.
    ///
    /// # Errors
    /// `FetchError` when there is no answer, a redirect, or more octets.
    pub(crate) async fn exchange(
        &self,
        url: &Url,
        mut request: RequestBuilder,
        most: usize,
    ) -> Result<(StatusCode, Vec<u8>), FetchError> {
        let fail = |reason: String| FetchError::new(format!("{url}: {reason}"));
        if let Some(path) = &self.token_file {
            request = request.header(AUTHORIZATION, own_token(path).await?);
        }
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        let answer = request.send().await;
        // What reqwest says by itself is only that something failed.
        let answer = answer.map_err(|error| fail(with_causes(&error.without_url())))?;
        let status = answer.status();
        if status.is_redirection() {
            return Err(fail(format!("found a redirect ({status}), allowed is none")));
        }
        let body = client::read_within(answer, most).await.map_err(|unread| match unread {
            Unread::Broken(error) => fail(with_causes(&error.without_url())),
            Unread::TooLong { .. } => fail(unread.to_string()),
        })?;
        Ok((status, body))
    }
}

/// A client that trusts the certificates in `ca_file`, or those that the system trusts, and follows
/// no redirect.
///
/// # Errors
/// `FetchError` when the file can't be read or has no certificate.
pub(crate) fn https_client(ca_file: Option<&Path>) -> Result<Client, FetchError> {
    let roots = client::trusted_roots(ca_file);
    let roots = roots.map_err(|error| FetchError::new(error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FetchError::new(format!("TLS: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_max_idle_per_host(2)
        .user_agent(concat!("espalier/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| FetchError::new(format!("HTTP client: {error}")))
}

async fn own_token(path: &Path) -> Result<HeaderValue, FetchError> {
    let fail = |reason: String| FetchError::new(format!("token_file {}: {reason}", path.display()));
    let text = tokio::fs::read_to_string(path).await.map_err(|error| fail(error.to_string()))?;
    let text = Zeroizing::new(text);
    if text.len() > MAX_OWN_TOKEN {
        return Err(fail(format!("{} octets, allowed are {MAX_OWN_TOKEN}", text.len())));
    }
    let header = Zeroizing::new(format!("Bearer {}", text.trim()));
    let mut header = HeaderValue::from_str(&header)
        .map_err(|_| fail("it has characters that no token has".into()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// Reads a URL that will be asked: `https`, or `http` to this machine itself; no user, no fragment.
///
/// # Errors
/// What was found and what is allowed.
pub(crate) fn checked_url(text: &str) -> Result<Url, String> {
    client::checked_url(text)
        .map_err(|allowed| format!("found {}, allowed is {allowed}", quoted(text)))
}

/// Something that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    reason: String,
}

impl FetchError {
    pub(super) fn new(reason: String) -> Self {
        Self { reason }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        assert!(Fetcher::new(Some(&path), None).is_err());
        std::fs::write(&path, "nothing").unwrap();
        let error = Fetcher::new(Some(&path), None).unwrap_err().to_string();
        assert!(error.contains("found no certificate"), "{error}");
    }
}
