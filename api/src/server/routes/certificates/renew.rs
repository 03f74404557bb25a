//! `POST /v1/certificates/{serial}/renew`.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, Response};
use client::v1::{Certificate, Problem, RenewCertificate};

use super::issue::answer;
use super::order::{Order, Wish, validity};
use super::show::{find, may_see, unknown};
use super::wanted;
use crate::server::access::Known;
use crate::server::body;
use crate::server::idempotency;
use crate::server::path::PathPart;
use crate::server::problem::{FORBIDDEN, Refusal};
use crate::server::state::App;

/// Renew a certificate
///
/// For the same key, or that of a certification request. Only whoever asked for the first one may:
/// its record is the proof that it holds the key. Names and usages are checked again, by the profile
/// as it is today; what was revoked or has ended is not renewed.
#[utoipa::path(post, path = "/v1/certificates/{serial}/renew", operation_id = "renewCertificate", tag = "certificates",
    params(
        ("serial" = String, Path, description = "The serial number, 40 hexadecimal digits, or the fingerprint, 64", pattern = "^([4-7][0-9a-fA-F]{39}|[0-9a-fA-F]{64})$"),
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it may be sent again; 1 to 256 visible ASCII characters other than a quotation mark", pattern = "^(\"[!#-~]{1,256}\"|[!#-~]{1,256})$", nullable = false),
    ),
    request_body = RenewCertificate,
    responses(
        (status = 201, description = "The new certificate", content(
            (Certificate = "application/json"),
            (String = "application/pkix-cert"),
            (String = "application/pem-certificate-chain"),
        )),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn renew(
    State(app): State<App>,
    Known(caller): Known,
    PathPart(which): PathPart,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let media_type = wanted(request.headers())?;
    let key = idempotency::key(request.headers())?;
    let asked: RenewCertificate = body::json_request(&app, request).await?;
    let validity = validity(asked.validity_days, asked.validity_seconds)?;
    let entry = find(&app, &which).await?;
    let entry = entry.filter(|entry| may_see(&caller, entry)).ok_or_else(|| unknown(&which))?;
    let content = &entry.record.content;
    if content.requester != caller.name() {
        let detail = format!(
            "serial: found a certificate that {} asked for, allowed for {}: its own",
            content.requester,
            caller.name()
        );
        return Err(Refusal::new(FORBIDDEN, detail));
    }
    let names = (Some(content.authority.clone()), Some(content.profile.clone()));
    let csr = asked.csr.map(String::into_bytes);
    let wish = Wish::Renewal { entry: Box::new(entry), csr };
    let order = Order::of(&app, &caller, names, validity, wish)?;
    let asker = order.asker(&caller, key);
    let issued = order.carry_out(&app, caller, asker).await?;
    answer(&app, media_type, &issued)
}
