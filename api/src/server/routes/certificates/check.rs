//! `POST /v1/certificates:check`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use client::v1::{CheckedCertificate, IssueCertificate, IssueParameters, Problem};

use super::issue::{ordered, read};
use crate::server::access::Known;
use crate::server::problem::Refusal;
use crate::server::state::App;

/// Check a request for a certificate
///
/// Plans and lints as issuing does, and records nothing: what would be issued, or the same refusal.
#[utoipa::path(post, path = "/v1/certificates:check", operation_id = "checkCertificate", tag = "certificates",
    params(IssueParameters),
    request_body(content(
        (IssueCertificate = "application/json"),
        (String = "application/pkcs10"),
    )),
    responses(
        (status = 200, description = "What would be issued", body = CheckedCertificate),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn check(
    State(app): State<App>,
    Known(caller): Known,
    request: Request<Body>,
) -> Result<Json<CheckedCertificate>, Refusal> {
    let asked = read(&app, request).await?;
    let order = ordered(&app, &caller, asked)?;
    let authority = order.authority().name().to_owned();
    let slot = app.signing().enter()?;
    let prepared = order.prepare(&app, caller, &slot).await?;
    let linted = prepared.linted();
    let findings = linted.findings().iter();
    Ok(Json(CheckedCertificate {
        authority,
        profile: linted.profile().to_owned(),
        subject: linted.subject().to_owned(),
        names: linted.names().to_vec(),
        algorithm: prepared.algorithm().to_owned(),
        not_before: linted.validity().not_before(),
        not_after: linted.validity().not_after(),
        notes: prepared.notes().to_vec(),
        findings: findings.map(ToString::to_string).collect(),
    }))
}
