//! Problems (RFC 9457): every kind, and how an error becomes one.
//!
//! A handler fails with a [`Refusal`]. The words of a document are for whoever asked; the cause is
//! for the log alone.

mod from;
mod kinds;
mod page;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;

use super::request_id::RequestId;
pub(crate) use from::internal;
pub(crate) use kinds::*;
pub use kinds::{KINDS, Kind};
pub use page::page;

/// The media type of a problem document.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// Where the kinds are explained; a kind is an anchor on this page.
pub const PAGE: &str = "/docs/problems";

/// Why a request is not carried out.
#[derive(Clone, Debug)]
pub struct Refusal {
    kind: &'static Kind,
    detail: String,
    cause: Option<String>,
    retry_after_seconds: Option<u64>,
}

impl Refusal {
    /// A refusal of this kind. The detail names the field, what was found and what is allowed.
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let retry_after_seconds = kind.retry_after_seconds;
        Self { kind, detail: detail.into(), cause: None, retry_after_seconds }
    }

    /// Adds what the log says and the answer does not.
    #[must_use]
    pub fn with_cause(self, cause: impl ToString) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    /// Its kind.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// What is wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the log says beside it.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The problem document.
    pub fn document(&self, request_id: RequestId) -> client::v1::Problem {
        client::v1::Problem {
            r#type: self.kind.reference(),
            status: self.kind.status,
            title: self.kind.title.to_owned(),
            detail: self.detail.clone(),
            request_id: request_id.to_string(),
        }
    }

    /// Fills an answer that [`IntoResponse`] began, now that the request's id is known.
    pub(super) fn complete(self, mut response: Response<Body>, id: RequestId) -> Response<Body> {
        // A struct of strings and a number is always JSON.
        let text = serde_json::to_vec(&self.document(id)).unwrap_or_default();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        *response.body_mut() = Body::from(text);
        response
    }
}

/// The status and headers of the answer; [`super::exchange`] writes the document, for it knows the
/// request's id.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.kind.status);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind.status == 401 {
            let scheme = HeaderValue::from_static("Bearer realm=\"espalier\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(self);
        response
    }
}
