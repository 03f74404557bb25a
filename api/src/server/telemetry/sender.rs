//! Sends what the exporter made, by the HTTPS client of this program, and tells the log when a
//! collector is lost and when it is back: the exporter says with each message that one failed, and
//! not why.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use client::read_within;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use crate::auth::{FetchError, https_client};
use client::with_causes;

/// The longest answer that is read, in octets.
const MAX_ANSWER: usize = 64 * 1024;

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// The exporter has a thread of its own; requests run where the rest of the server does.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    timeout: Duration,
    runtime: Handle,
    /// Whether the last message was not taken.
    failing: Arc<AtomicBool>,
}

impl Sender {
    /// Sends by the runtime; a message may take as long as `timeout`.
    pub(super) fn new(
        ca_file: Option<&Path>,
        timeout: Duration,
        runtime: Handle,
    ) -> Result<Self, FetchError> {
        let failing = Arc::default();
        Ok(Self { client: https_client(ca_file)?, timeout, runtime, failing })
    }
}

impl HttpClient for Sender {
    fn send_bytes<'s, 'a>(&'s self, request: Request<Bytes>) -> Sending<'a>
    where
        's: 'a,
        Self: 'a,
    {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let failing = Arc::clone(&self.failing);
        let sent = self.runtime.spawn(async move {
            let sent = send(client, request, timeout).await;
            tell(&failing, &sent);
            sent
        });
        Box::pin(async move { sent.await? })
    }
}

/// Says so when a collector takes no more messages, with the cause, and when it takes them again.
fn tell(failing: &AtomicBool, sent: &Result<Response<Bytes>, HttpError>) {
    let cause = match sent {
        Ok(answer) if answer.status().is_success() => None,
        Ok(answer) => Some(format!("found status {}, allowed is 200", answer.status())),
        Err(error) => Some(with_causes(&**error)),
    };
    let before = failing.swap(cause.is_some(), Ordering::Relaxed);
    match cause {
        Some(cause) if !before => {
            tracing::warn!(cause, "the collector takes no traces; until it does they are lost");
        }
        None if before => tracing::info!("the collector takes traces again"),
        _ => {}
    }
}

async fn send(
    client: reqwest::Client,
    request: Request<Bytes>,
    timeout: Duration,
) -> Result<Response<Bytes>, HttpError> {
    let mut request = reqwest::Request::try_from(request)?;
    *request.timeout_mut() = Some(timeout);
    // Not the URL, which the configuration has.
    let answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
    let mut whole = Response::builder().status(answer.status());
    // What a collector that has too much to do says, for the exporter's next try.
    if let Some(wait) = answer.headers().get(RETRY_AFTER) {
        whole = whole.header(RETRY_AFTER, wait);
    }
    let body = read_within(answer, MAX_ANSWER).await?;
    Ok(whole.body(Bytes::from(body))?)
}
