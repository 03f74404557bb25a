//! Requests and answers: sent, repeated, bounded, read.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use backon::Retryable as _;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Response};
use rustls::pki_types::UnixTime;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::{Unread, read_within};
use crate::builder::ClientBuilder;
use crate::credential::Credential;
use crate::error::{ClientError, Refused};
use crate::idempotency_key::IdempotencyKey;
use crate::retry;

/// The largest problem document, in octets.
const MOST_OF_PROBLEM: usize = 64 * 1024;
/// JSON.
pub(crate) const JSON: &str = "application/json";
/// Problem documents (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// Asks one server. A clone is the same client and shares its connections.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    base: Url,
    credential: Credential,
    timeout: Duration,
    retries: usize,
    longest_answer: usize,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.base.as_str()).finish()
    }
}

/// A request that may be sent more than once.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) accept: &'static str,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) key: Option<&'a IdempotencyKey>,
}

impl Client {
    /// Starts to make a client of the server at this URL: `https`, or `http` on this machine.
    pub fn builder(server: impl Into<String>) -> ClientBuilder {
        ClientBuilder::new(server)
    }

    pub(crate) fn new(
        http: reqwest::Client,
        base: Url,
        credential: Credential,
        (timeout, retries, longest_answer): (Duration, usize, usize),
    ) -> Self {
        Self(Arc::new(Inner { http, base, credential, timeout, retries, longest_answer }))
    }

    /// The server's URL.
    #[must_use]
    pub fn server(&self) -> &Url {
        &self.0.base
    }

    /// Sends a request, more than once where that helps and does no harm.
    pub(crate) async fn send(&self, call: &Call<'_>) -> Result<Response, ClientError> {
        let repeatable = call.method == Method::GET || call.key.is_some();
        let once = || self.once(call);
        once.retry(retry::waits(self.0.retries))
            .when(|error: &ClientError| error.may_be_repeated(repeatable))
            .adjust(ClientError::wait)
            .await
    }

    /// Sends a request once; answers with these statuses are answers, others are refusals. A problem
    /// document is one whatever its status: a server that is too busy says so in it.
    pub(crate) async fn send_expecting(
        &self,
        call: &Call<'_>,
        statuses: &[u16],
    ) -> Result<Response, ClientError> {
        let answer = self.answer(call).await?;
        if statuses.contains(&answer.status().as_u16()) && !is_problem(&answer) {
            return Ok(answer);
        }
        Err(self.refused(answer).await)
    }

    async fn once(&self, call: &Call<'_>) -> Result<Response, ClientError> {
        let answer = self.answer(call).await?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.refused(answer).await) }
    }

    async fn answer(&self, call: &Call<'_>) -> Result<Response, ClientError> {
        let mut request = self.0.http.request(call.method.clone(), call.url.clone());
        request = request.header(ACCEPT, call.accept);
        if let Some(header) = self.0.credential.header().await? {
            request = request.header(AUTHORIZATION, header);
        }
        if let Some(key) = call.key {
            request = request.header("Idempotency-Key", key.as_str());
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, JSON).body(body.clone());
        }
        let in_time = tokio::time::timeout(self.0.timeout, request.send()).await;
        let answer = in_time.map_err(|_| self.timed_out())?;
        answer.map_err(|error| self.failed(&error))
    }

    /// Reads an answer of JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        answer: Response,
    ) -> Result<T, ClientError> {
        let status = answer.status().as_u16();
        let octets = self.read(answer, self.0.longest_answer).await?;
        serde_json::from_slice(&octets)
            .map_err(|error| self.unexpected(status, &format!("found an answer of other JSON ({error}), allowed is what /openapi.json describes")))
    }

    async fn read(&self, answer: Response, most: usize) -> Result<Vec<u8>, ClientError> {
        let status = answer.status().as_u16();
        let in_time = tokio::time::timeout(self.0.timeout, read_within(answer, most));
        in_time.await.map_err(|_| self.timed_out())?.map_err(|unread| match unread {
            Unread::Broken(error) => self.failed(&error),
            Unread::TooLong { .. } => self.unexpected(status, &unread.to_string()),
        })
    }

    /// What an answer says that is no success.
    async fn refused(&self, answer: Response) -> ClientError {
        let status = answer.status().as_u16();
        let retry_after = retry_after(answer.headers());
        let is_problem = is_problem(&answer);
        let octets = match self.read(answer, MOST_OF_PROBLEM).await {
            Ok(octets) => octets,
            Err(error) => return error,
        };
        match serde_json::from_slice(&octets) {
            Ok(problem) if is_problem => {
                ClientError::Refused(Box::new(Refused { problem, retry_after }))
            }
            _ => {
                let reason = format!(
                    "found status {status} without a problem document, allowed is an answer of Espalier's API"
                );
                match self.unexpected(status, &reason) {
                    ClientError::Unexpected { server, status, reason, .. } => {
                        ClientError::Unexpected { server, status, reason, retry_after }
                    }
                    other => other,
                }
            }
        }
    }

    pub(crate) fn unexpected(&self, status: u16, reason: &str) -> ClientError {
        let (server, reason) = (self.name(), reason.to_owned());
        ClientError::Unexpected { server, status, reason, retry_after: None }
    }

    fn timed_out(&self) -> ClientError {
        ClientError::TimedOut { server: self.name(), seconds: self.0.timeout.as_secs() }
    }

    fn name(&self) -> String {
        self.0.base.as_str().trim_end_matches('/').to_owned()
    }

    /// What the library says, told apart by what it means for the request.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> ClientError {
        let server = self.name();
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        let mut tls = false;
        while let Some(cause) = source {
            let found = tls_error(cause);
            tls |= found.is_some();
            reason = found.map_or_else(|| cause.to_string(), plain);
            source = cause.source();
        }
        if tls {
            ClientError::Tls { server, reason }
        } else if error.is_connect() {
            ClientError::Unreachable { server, reason }
        } else if error.is_timeout() {
            self.timed_out()
        } else {
            ClientError::Broken { server, reason }
        }
    }
}

/// What failed in TLS. Errors of the system wrap those of TLS, and name them by `get_ref` alone.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.downcast_ref().or_else(|| tls_error(wrapped?))
}

/// What it says. Of a certificate that has ended or not begun without what time it is: whoever tries again
/// and again says the same.
fn plain(error: &rustls::Error) -> String {
    use rustls::CertificateError::{ExpiredContext, NotValidYetContext};
    let time = |time: &UnixTime| {
        let second = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(second).unwrap_or(jiff::Timestamp::MAX)
    };
    match error {
        rustls::Error::InvalidCertificate(ExpiredContext { not_after, .. }) => {
            format!("its certificate ended at {}, or the clock here is wrong", time(not_after))
        }
        rustls::Error::InvalidCertificate(NotValidYetContext { not_before, .. }) => {
            format!("its certificate begins at {}, or the clock here is wrong", time(not_before))
        }
        other => other.to_string(),
    }
}

/// Seconds of `Retry-After` (RFC 9110 section 10.2.3); a date is not taken, as a client may have no
/// clock that is right.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}

fn is_problem(answer: &Response) -> bool {
    let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|text| text.starts_with(PROBLEM))
}
