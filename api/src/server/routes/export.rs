//! `/v1/ledger/export`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::Response;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::IntoResponse as _;
use client::v1::Problem;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::certificates::of_entry;
use crate::auth::{Caller, Role};
use crate::server::access::Known;
use crate::server::problem::Refusal;
use crate::server::state::App;

/// Rows that are read at once.
const PAGE: u32 = 200;
/// Pages that wait for a slow reader.
const AHEAD: usize = 2;

/// Export the ledger
///
/// Every record that the caller's grants reach as auditor, one JSON object a line, with its
/// certificate; by authority in their order, as it stands while it is read. A stream that breaks off
/// has no last line `{"end":true}`.
#[utoipa::path(get, path = "/v1/ledger/export", operation_id = "exportLedger", tag = "audit", responses(
    (status = 200, description = "Lines of JSON", content_type = "application/x-ndjson", body = String),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn export(
    State(app): State<App>,
    Known(caller): Known,
) -> Result<Response<Body>, Refusal> {
    let (lines, waiting) = mpsc::channel(AHEAD);
    let tasks = app.tasks().clone();
    tasks.spawn(async move {
        if let Err(error) = send(&app, &caller, &lines).await {
            tracing::error!(cause = error.cause(), detail = error.detail(), "an export broke off");
        }
    });
    let mut response = Body::new(Lines(waiting)).into_response();
    let media_type = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    Ok(response)
}

/// What is sent comes out as a body's frames.
struct Lines(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|octets| octets.map(|octets| Ok(Frame::data(octets))))
    }
}

async fn send(app: &App, caller: &Arc<Caller>, lines: &mpsc::Sender<Bytes>) -> Result<(), Refusal> {
    for authority in app.ledger().authorities().await? {
        let name = &authority.content.name;
        let mut after = 0;
        loop {
            let rows = app.ledger().entries(name, after, PAGE).await?;
            let Some(last) = rows.last() else { break };
            after = last.position;
            let mut text = Vec::new();
            for row in &rows {
                let entry = row.entry.as_ref();
                let entry = entry
                    .map_err(|error| Refusal::from(ledger::LedgerError::from(error.clone())))?;
                let content = &entry.record.content;
                if caller.may_act(Role::Auditor, &content.authority, &content.profile).is_ok() {
                    // Strings, numbers and lists are always JSON.
                    text.extend(serde_json::to_vec(&of_entry(app, entry)).unwrap_or_default());
                    text.push(b'\n');
                }
            }
            // Who reads no more is sent no more.
            if lines.send(Bytes::from(text)).await.is_err() {
                return Ok(());
            }
        }
    }
    let _ = lines.send(Bytes::from_static(b"{\"end\":true}\n")).await;
    Ok(())
}
