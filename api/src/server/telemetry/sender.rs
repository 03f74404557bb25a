//! Sends what the exporter made, by the HTTPS client of this program.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

use crate::auth::{FetchError, https_client};

/// The longest answer that is read, in octets.
const MAX_ANSWER: usize = 64 * 1024;

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// The exporter has a thread of its own; requests run where the rest of the server does.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    timeout: Duration,
    runtime: Handle,
}

impl Sender {
    /// Sends by the runtime; a message may take as long as `timeout`.
    pub(super) fn new(
        ca_file: Option<&Path>,
        timeout: Duration,
        runtime: Handle,
    ) -> Result<Self, FetchError> {
        Ok(Self { client: https_client(ca_file)?, timeout, runtime })
    }
}

impl HttpClient for Sender {
    fn send_bytes<'s, 'a>(&'s self, request: Request<Bytes>) -> Sending<'a>
    where
        's: 'a,
        Self: 'a,
    {
        let (client, timeout) = (self.client.clone(), self.timeout);
        let sent = self.runtime.spawn(send(client, request, timeout));
        Box::pin(async move { sent.await? })
    }
}

async fn send(
    client: reqwest::Client,
    request: Request<Bytes>,
    timeout: Duration,
) -> Result<Response<Bytes>, HttpError> {
    let mut request = reqwest::Request::try_from(request)?;
    *request.timeout_mut() = Some(timeout);
    let mut answer = client.execute(request).await?;
    let mut whole = Response::builder().status(answer.status());
    // What a collector that has too much to do says, for the exporter's next try.
    if let Some(wait) = answer.headers().get(RETRY_AFTER) {
        whole = whole.header(RETRY_AFTER, wait);
    }
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > MAX_ANSWER {
            return Err(format!("answer: found more than {MAX_ANSWER} octets").into());
        }
        body.extend_from_slice(&part);
    }
    Ok(whole.body(Bytes::from(body))?)
}
