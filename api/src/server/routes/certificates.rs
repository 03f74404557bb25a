//! `/v1/certificates`.

pub(super) mod check;
mod evidence;
pub(super) mod issue;
mod order;
pub(super) mod renew;
pub(super) mod revoke;
pub(super) mod search;
pub(super) mod show;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, VARY};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::response::IntoResponse as _;
use ca_core::pem::{self, Label};
use client::v1;
use ledger::Entry;

use crate::server::negotiate::{self, JSON, PEM_CHAIN, PKIX_CERT};
use crate::server::problem::{Refusal, internal};
use crate::server::state::App;
use crate::wire;

/// What a certificate can be asked for as.
const REPRESENTATIONS: &[&str] = &[JSON, PKIX_CERT, PEM_CHAIN];

/// The same with its certificate.
fn with_certificate(
    app: &App,
    shown: v1::Certificate,
    certificate: &ledger::Certificate,
) -> v1::Certificate {
    let mut shown = wire::with_certificate(shown, certificate);
    shown.chain = Some(chain(app, &shown.authority, &certificate.der));
    shown
}

/// A certificate with those above it.
fn chain(app: &App, authority: &str, der: &[u8]) -> String {
    match app.authorities().get(authority) {
        Some(authority) => authority.chain_pem(der),
        None => pem::encode(Label::Certificate, der),
    }
}

/// An entry as JSON, with its chain.
pub(super) fn of_entry(app: &App, entry: &Entry) -> v1::Certificate {
    let mut shown = wire::certificate(entry);
    if let Some(certificate) = &entry.certificate {
        shown.chain = Some(chain(app, &shown.authority, &certificate.der));
    }
    shown
}

/// The wanted representation, found out before anything is done.
fn wanted(headers: &HeaderMap) -> Result<&'static str, Refusal> {
    negotiate::choose(headers, REPRESENTATIONS)
}

/// The answer in the wanted representation.
fn represented(
    status: StatusCode,
    media_type: &'static str,
    der: Option<&[u8]>,
    shown: &v1::Certificate,
) -> Result<Response<Body>, Refusal> {
    let body = match (media_type, der, &shown.chain) {
        (PKIX_CERT, Some(der), _) => Body::from(der.to_vec()),
        (PEM_CHAIN, _, Some(chain)) => Body::from(chain.clone()),
        (JSON, ..) => {
            let text = serde_json::to_vec(shown);
            Body::from(text.map_err(|error| internal().with_cause(error))?)
        }
        _ => return Err(internal().with_cause("a representation of no certificate")),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}
