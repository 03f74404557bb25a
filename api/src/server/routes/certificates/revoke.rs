//! `POST /v1/certificates/{serial}/revoke`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use axum::response::IntoResponse as _;
use client::v1::{Certificate, Problem, RevokeCertificate};
use jiff::Timestamp;
use ledger::{NewRevocation, RevocationReason, Revoking};

use super::of_entry;
use super::show::{find, may_see, unknown};
use crate::auth::Role;
use crate::server::access::{Known, Subject};
use crate::server::body::{self, shortened};
use crate::server::path::PathPart;
use crate::server::problem::{INVALID_FIELD, Refusal};
use crate::server::state::App;

/// Revoke a certificate, for ever
///
/// From then on OCSP says so, and the next CRL lists it. A record without a certificate can be
/// revoked as well.
#[utoipa::path(post, path = "/v1/certificates/{serial}/revoke", operation_id = "revokeCertificate", tag = "certificates",
    params(
        ("serial" = String, Path, description = "The serial number, 40 hexadecimal digits, or the fingerprint, 64", pattern = "^([4-7][0-9a-fA-F]{39}|[0-9a-fA-F]{64})$"),
    ),
    request_body = RevokeCertificate,
    responses(
        (status = 200, description = "The certificate, revoked", body = Certificate),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn revoke(
    State(app): State<App>,
    Known(caller): Known,
    PathPart(which): PathPart,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let asked: RevokeCertificate = body::json_request(&app, request).await?;
    let reason = reason(asked.reason.as_deref())?;
    let entry = find(&app, &which).await?;
    let entry = entry.filter(|entry| may_see(&caller, entry));
    let mut entry = entry.ok_or_else(|| unknown(&which))?;
    let content = &entry.record.content;
    caller.may_act(Role::Revoker, &content.authority, &content.profile)?;
    let (serial, now) = (content.serial, app.now());
    let revocation = Revoking {
        reason,
        invalidity_date: asked.invalidity_date,
        // The ledger keeps microseconds.
        revoked_at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
        revoked_by: caller.name().to_owned(),
    };
    entry.revocation =
        Some(app.ledger().revoke(NewRevocation { serial, only_orphan: false, revocation }).await?);
    let mut response = Json(of_entry(&app, &entry)).into_response();
    response.extensions_mut().insert(Subject(format!("serial:{serial}")));
    Ok(response)
}

fn reason(asked: Option<&str>) -> Result<RevocationReason, Refusal> {
    let Some(text) = asked else { return Ok(RevocationReason::UNSPECIFIED) };
    text.parse().map_err(|_| {
        let found = shortened(text);
        let detail = format!("reason: found \"{found}\", allowed: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn, aACompromise");
        Refusal::new(INVALID_FIELD, detail)
    })
}
