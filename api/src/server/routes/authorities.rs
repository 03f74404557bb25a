//! `/v1/authorities`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue, VARY};
use axum::http::{HeaderMap, Response};
use axum::response::IntoResponse as _;
use ca_core::fingerprint::Fingerprint;
use ca_core::pem::{self, Label};
use client::v1::{self, AuthorityList, Problem};
use serde::Serialize;

use crate::server::body::shortened;
use crate::server::negotiate::{self, JSON, PEM_CHAIN, PKIX_CERT, PKIX_CRL};
use crate::server::path::PathPart;
use crate::server::problem::{NOT_FOUND, Refusal, internal};
use crate::server::state::{App, Served};
use crate::wire;

/// List the authorities
#[utoipa::path(get, path = "/v1/authorities", operation_id = "listAuthorities", tag = "authorities", responses(
    (status = 200, description = "All of them, by name", body = AuthorityList),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(State(app): State<App>) -> Json<AuthorityList> {
    let shown = app.authorities().iter().filter_map(|(name, one)| shown(name, one));
    Json(AuthorityList { authorities: shown.collect() })
}

/// Show an authority, with its chain
///
/// As DER it is the authority's own certificate, as a PEM chain that and those above it, the root
/// included.
#[utoipa::path(get, path = "/v1/authorities/{name}", operation_id = "showAuthority", tag = "authorities",
    params(("name" = String, Path, description = "Its name", example = "issuing")),
    responses(
        (status = 200, description = "The authority", content(
            (v1::Authority = "application/json"),
            (String = "application/pkix-cert"),
            (String = "application/pem-certificate-chain"),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn show(
    State(app): State<App>,
    PathPart(name): PathPart,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let media_type = negotiate::choose(&headers, &[JSON, PKIX_CERT, PEM_CHAIN])?;
    let served = app.authorities().get(&name);
    let found = served.and_then(|served| Some((shown(&name, served)?, served.chain.first()?)));
    let (shown, own) = found.ok_or_else(|| unknown(&app, &name))?;
    let body = match media_type {
        PKIX_CERT => Body::from(own.der().to_vec()),
        PEM_CHAIN => Body::from(shown.chain),
        _ => json(&shown)?,
    };
    Ok(chosen(media_type, body))
}

/// Fetch an authority's revocation list
///
/// The newest complete one, which the public listener hands out as well, as DER or as JSON with PEM.
#[utoipa::path(get, path = "/v1/authorities/{name}/crl", operation_id = "showRevocationList", tag = "authorities",
    params(("name" = String, Path, description = "Its name", example = "issuing")),
    responses(
        (status = 200, description = "The list", content(
            (v1::RevocationList = "application/json"),
            (String = "application/pkix-crl"),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn crl(
    State(app): State<App>,
    PathPart(name): PathPart,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let media_type = negotiate::choose(&headers, &[JSON, PKIX_CRL])?;
    if !app.authorities().contains_key(&name) {
        return Err(unknown(&app, &name));
    }
    let list = app.lists().of(&name).ok_or_else(|| {
        let detail = format!("revocation list: found none of the authority {name}, allowed: one that this server hands out");
        Refusal::new(NOT_FOUND, detail)
    })?;
    let body = match media_type {
        PKIX_CRL => Body::from(list.der().clone()),
        _ => json(&v1::RevocationList {
            authority: name,
            number: list.number,
            this_update: list.this_update,
            next_update: list.next_update,
            fingerprint_sha256: Fingerprint::of(list.der()).to_string(),
            crl: pem::encode(Label::Crl, list.der()),
        })?,
    };
    Ok(chosen(media_type, body))
}

fn unknown(app: &App, name: &str) -> Refusal {
    let known: Vec<&str> = app.authorities().keys().map(String::as_str).collect();
    let (name, known) = (shortened(name), known.join(", "));
    Refusal::new(NOT_FOUND, format!("authority: found \"{name}\", allowed: {known}"))
}

fn json(value: &impl Serialize) -> Result<Body, Refusal> {
    let text = serde_json::to_vec(value);
    text.map(Body::from).map_err(|error| internal().with_cause(error))
}

/// What was chosen by Accept.
fn chosen(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// An authority as JSON; none while it has no certificate.
fn shown(name: &str, served: &Served) -> Option<v1::Authority> {
    let Served { parent, created_at, signs, chain, others, .. } = served;
    wire::authority(name, parent.clone(), *created_at, signs.is_some(), chain, others)
}
