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
use ledger::{Entry, Record};

use crate::server::negotiate::{self, JSON, PEM_CHAIN, PKIX_CERT};
use crate::server::problem::{Refusal, internal};
use crate::server::state::App;

/// What a certificate can be asked for as.
const REPRESENTATIONS: &[&str] = &[JSON, PKIX_CERT, PEM_CHAIN];

/// A record as JSON, without what became of it.
fn recorded(record: &Record) -> v1::Certificate {
    let content = &record.content;
    v1::Certificate {
        serial: content.serial.to_string(),
        status: v1::Status::Orphan,
        authority: content.authority.clone(),
        profile: content.profile.clone(),
        requester: content.requester.clone(),
        subject: content.subject.clone(),
        names: content.names.clone(),
        algorithm: content.algorithm.clone(),
        not_before: content.validity.not_before(),
        not_after: content.validity.not_after(),
        recorded_at: content.recorded_at,
        fingerprint_sha256: None,
        certificate: None,
        chain: None,
        revocation: None,
        notes: Vec::new(),
    }
}

/// The same with its certificate.
fn with_certificate(
    app: &App,
    mut shown: v1::Certificate,
    certificate: &ledger::Certificate,
) -> v1::Certificate {
    shown.status = v1::Status::Stored;
    shown.fingerprint_sha256 = Some(certificate.fingerprint.to_string());
    shown.certificate = Some(pem::encode(Label::Certificate, &certificate.der));
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

/// An entry as JSON.
pub(super) fn of_entry(app: &App, entry: &Entry) -> v1::Certificate {
    let mut shown = recorded(&entry.record);
    if let Some(certificate) = &entry.certificate {
        shown = with_certificate(app, shown, certificate);
    }
    if let Some(revocation) = &entry.revocation {
        shown.status = v1::Status::Revoked;
        shown.revocation = Some(v1::Revocation {
            revoked_at: revocation.revoked_at,
            reason: revocation.reason.to_string(),
            invalidity_date: revocation.invalidity_date,
            revoked_by: revocation.revoked_by.clone(),
        });
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
