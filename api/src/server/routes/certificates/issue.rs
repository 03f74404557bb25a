//! `POST /v1/certificates`.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use ca_core::pem;
use client::v1::{Certificate, IssueCertificate, IssueParameters, Problem};

use super::order::{Order, Wish, validity};
use super::{recorded, represented, wanted, with_certificate};
use crate::auth::Caller;
use crate::issuance::Issued;
use crate::server::access::{Known, Subject};
use crate::server::body::{self, JSON, PKCS10};
use crate::server::idempotency;
use crate::server::problem::{CONFLICTING_PARAMETERS, Refusal};
use crate::server::state::App;

/// Issue a certificate
///
/// From a certification request, which proves that its sender has the key. The body is JSON, or the
/// certification request itself with everything else in the query. A request with an
/// `Idempotency-Key` may be sent again: it gets the same certificate.
///
/// A request for an ML-KEM key, which can't sign, is proven by the holder of a certificate of this CA
/// for the same subject (RFC 9883). A request may ask to be bound to another certificate of this CA
/// that it has in itself (RFC 9763).
#[utoipa::path(post, path = "/v1/certificates", operation_id = "issueCertificate", tag = "certificates",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it may be sent again; 1 to 256 visible ASCII characters other than a quotation mark", pattern = "^(\"[!#-~]{1,256}\"|[!#-~]{1,256})$", nullable = false),
        IssueParameters,
    ),
    request_body(content(
        (IssueCertificate = "application/json"),
        (String = "application/pkcs10"),
    )),
    responses(
        (status = 201, description = "The certificate; `notes` tells what it has otherwise than was asked for", content(
            (Certificate = "application/json"),
            (String = "application/pkix-cert"),
            (String = "application/pem-certificate-chain"),
        ), headers(
            ("Location" = String, description = "Where it can be had again"),
            ("Idempotency-Replayed" = String, description = "`true` when it was issued for an earlier request with the same key"),
        ), links(
            ("show" = (operation_id = "showCertificate", parameters(("serial" = "$response.body#/serial")))),
            ("renew" = (operation_id = "renewCertificate", parameters(("serial" = "$response.body#/serial")))),
            ("revoke" = (operation_id = "revokeCertificate", parameters(("serial" = "$response.body#/serial")))),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn issue(
    State(app): State<App>,
    Known(caller): Known,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let media_type = wanted(request.headers())?;
    let key = idempotency::key(request.headers())?;
    let asked = read(&app, request).await?;
    let order = ordered(&app, &caller, asked)?;
    let asker = order.asker(&caller, key);
    let issued = order.carry_out(&app, caller, asker).await?;
    answer(&app, media_type, &issued)
}

/// What is asked for, where the caller may ask for it.
pub(super) fn ordered(
    app: &App,
    caller: &Caller,
    asked: IssueCertificate,
) -> Result<Order, Refusal> {
    let validity = validity(asked.validity_days, asked.validity_seconds)?;
    let wish = Wish::Csr(asked.csr.into_bytes());
    Order::of(app, caller, (asked.authority, asked.profile), validity, wish)
}

/// What is asked for, as far as reading goes.
pub(super) async fn read(app: &App, request: Request<Body>) -> Result<IssueCertificate, Refusal> {
    let (parts, body) = request.into_parts();
    let media_type = body::content_type(&parts.headers, &[JSON, PKCS10])?;
    let query: IssueParameters = body::query(parts.uri.query())?;
    let octets = body::read(&parts.headers, body, app.limits()).await?;
    if media_type == JSON {
        if query != IssueParameters::default() {
            let detail = "query: found parameters beside a body of JSON, allowed is none: they are members of the body";
            return Err(Refusal::new(CONFLICTING_PARAMETERS, detail));
        }
        return body::json(&octets);
    }
    let IssueParameters { authority, profile, validity_days, validity_seconds } = query;
    let csr = csr_text(&octets);
    Ok(IssueCertificate { csr, authority, profile, validity_days, validity_seconds })
}

/// DER becomes PEM, so that there is one way from here on.
fn csr_text(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) if text.contains("-----BEGIN") => text.to_owned(),
        _ => pem::encode(pem::Label::CertificateRequest, octets),
    }
}

/// The answer with a certificate that was issued.
pub(super) fn answer(
    app: &App,
    media_type: &'static str,
    issued: &Issued,
) -> Result<Response<Body>, Refusal> {
    let mut shown = with_certificate(app, recorded(issued.record()), issued.certificate());
    if !issued.is_repeated() {
        shown.notes = issued.notes().to_vec();
    }
    let mut response = represented(StatusCode::CREATED, media_type, Some(issued.der()), &shown)?;
    response.extensions_mut().insert(Subject(format!("serial:{}", shown.serial)));
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/certificates/{}", shown.serial)) {
        headers.insert(LOCATION, place);
    }
    if issued.is_repeated() {
        let name = HeaderName::from_static(idempotency::REPLAYED);
        headers.insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}
