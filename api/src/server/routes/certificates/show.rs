//! `GET /v1/certificates/{serial}`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode};
use ca_core::fingerprint::Fingerprint;
use ca_core::serial::SerialNumber;
use client::v1::{Certificate, Problem};
use ledger::Entry;

use super::{of_entry, represented, wanted};
use crate::auth::Caller;
use crate::server::access::Known;
use crate::server::body::shortened;
use crate::server::negotiate::JSON;
use crate::server::path::PathPart;
use crate::server::problem::{INVALID_PARAMETER, NOT_ACCEPTABLE, NOT_FOUND, Refusal};
use crate::server::state::App;

/// Show a certificate
///
/// By its serial number or its SHA-256 fingerprint. Requesters see what they asked for themselves;
/// revokers, auditors and administrators what their grants reach.
#[utoipa::path(get, path = "/v1/certificates/{serial}", operation_id = "showCertificate", tag = "certificates",
    params(
        ("serial" = String, Path, description = "The serial number, 40 hexadecimal digits, or the fingerprint, 64", pattern = "^([4-7][0-9a-fA-F]{39}|[0-9a-fA-F]{64})$", example = "5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203"),
    ),
    responses(
        (status = 200, description = "What the ledger knows of it", content(
            (Certificate = "application/json"),
            (String = "application/pkix-cert"),
            (String = "application/pem-certificate-chain"),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn show(
    State(app): State<App>,
    Known(caller): Known,
    PathPart(which): PathPart,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let media_type = wanted(&headers)?;
    let entry = find(&app, &which).await?;
    let entry = entry.filter(|entry| may_see(&caller, entry)).ok_or_else(|| unknown(&which))?;
    let der = entry.certificate.as_ref().map(|certificate| certificate.der.as_slice());
    if der.is_none() && media_type != JSON {
        let detail =
            format!("Accept: found {media_type}, allowed for a record without certificate: {JSON}");
        return Err(Refusal::new(NOT_ACCEPTABLE, detail));
    }
    represented(StatusCode::OK, media_type, der, &of_entry(&app, &entry))
}

/// Whether the caller may see it. Who may not is told the same as for what does not exist.
pub(super) fn may_see(caller: &Caller, entry: &Entry) -> bool {
    let content = &entry.record.content;
    caller.may_read(&content.authority, &content.profile, &content.requester).is_ok()
}

/// The entry of a serial number or fingerprint.
pub(super) async fn find(app: &App, which: &str) -> Result<Option<Entry>, Refusal> {
    let found = if let Ok(serial) = SerialNumber::from_hex(which) {
        app.ledger().get_by_serial(serial).await
    } else if let Some(fingerprint) = Fingerprint::from_hex(which) {
        app.ledger().get_by_fingerprint(fingerprint).await
    } else {
        let found = shortened(which);
        let detail = format!(
            "serial: found {found:?}, allowed are a serial number of 40 hexadecimal digits, the first from 4 to 7, or a fingerprint of 64"
        );
        return Err(Refusal::new(INVALID_PARAMETER, detail));
    };
    Ok(found?)
}

pub(super) fn unknown(which: &str) -> Refusal {
    let found = shortened(which);
    Refusal::new(NOT_FOUND, format!("serial: found {found}, allowed is one that is in this ledger"))
}
