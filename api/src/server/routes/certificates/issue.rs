//! `POST /v1/certificates`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use ca_core::pem;
use ca_core::plan::Request as Planned;
use ca_core::profile::Profile;
use client::v1::{Certificate, IssueCertificate, IssueParameters, Problem};
use ledger::Status;
use zeroize::Zeroize as _;

use super::{recorded, represented, wanted, with_certificate};
use crate::auth::{Asked, Caller, Role};
use crate::authority::Authority;
use crate::issuance::{self, Asker, IssueError, Issued, Prepared};
use crate::server::access::Known;
use crate::server::body::{self, JSON, PKCS10, shortened};
use crate::server::idempotency;
use crate::server::problem::{INVALID_FIELD, INVALID_PARAMETER, Refusal};
use crate::server::signing::OnThreads;
use crate::server::state::App;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// The longest validity that may be asked for, in days; profiles allow less.
const MOST_DAYS: u64 = 36_500;
/// The profile of a request that names none.
const DEFAULT_PROFILE: &str = "tls-server";

/// Issue a certificate
///
/// From a certification request, which proves that its sender has the key. The body is JSON, or the
/// certification request itself with everything else in the query. A request with an
/// `Idempotency-Key` may be sent again: it gets the same certificate.
#[utoipa::path(post, path = "/v1/certificates", tag = "certificates",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Names the request, so that it may be sent again; 1 to 256 visible ASCII characters"),
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
    let order = Order::of(&app, &caller, asked)?;
    let idempotency = key.map(|key| {
        let validity = order.validity_seconds.unwrap_or_default().to_be_bytes();
        let (authority, profile) = (order.authority.name(), order.profile.name());
        let parts: [&[u8]; 5] =
            [b"issue", &order.csr, authority.as_bytes(), profile.as_bytes(), &validity];
        idempotency::named(key, &parts)
    });
    let asker = Asker { requester: caller.name().to_owned(), idempotency };
    let issued = match idempotency::answered(app.ledger(), &asker).await? {
        Some(issued) => issued,
        None => order.carry_out(&app, caller, asker).await?,
    };
    answer(&app, media_type, &issued)
}

/// What is asked for, as far as reading goes.
async fn read(app: &App, request: Request<Body>) -> Result<IssueCertificate, Refusal> {
    let (parts, body) = request.into_parts();
    let media_type = body::content_type(&parts.headers, &[JSON, PKCS10])?;
    let query: IssueParameters = body::query(parts.uri.query())?;
    let octets = body::read(&parts.headers, body, app.limits().body_bytes).await?;
    if media_type == JSON {
        if query != IssueParameters::default() {
            let detail = "query: found parameters beside a body of JSON, allowed is none: they are members of the body";
            return Err(Refusal::new(INVALID_PARAMETER, detail));
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

/// A request whose authority and profile are known and allowed.
struct Order {
    csr: Vec<u8>,
    authority: Arc<Authority>,
    profile: Arc<Profile>,
    validity_seconds: Option<u64>,
}

impl Order {
    fn of(app: &App, caller: &Caller, mut asked: IssueCertificate) -> Result<Self, Refusal> {
        let validity_seconds = validity(&asked)?;
        let signing: Vec<&Arc<Authority>> =
            app.authorities().values().filter_map(|one| one.signs.as_ref()).collect();
        let authority = match (asked.authority.take(), &signing[..]) {
            (Some(name), _) => name,
            (None, [only]) => only.name().to_owned(),
            (None, _) => {
                return Err(unknown(
                    "authority",
                    "none",
                    &mut signing.iter().map(|one| one.name()),
                ));
            }
        };
        let profile = asked.profile.take().unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        // Who may not is told so before it is told what there is.
        caller.may_act(Role::Requester, &authority, &profile)?;
        let found = signing.iter().find(|one| one.name() == authority);
        let authority = found.ok_or_else(|| {
            unknown("authority", &authority, &mut signing.iter().map(|one| one.name()))
        })?;
        let profile = app.profiles().get(&profile).ok_or_else(|| {
            unknown("profile", &profile, &mut app.profiles().keys().map(String::as_str))
        })?;
        Ok(Self {
            csr: std::mem::take(&mut asked.csr).into_bytes(),
            authority: Arc::clone(authority),
            profile: Arc::clone(profile),
            validity_seconds,
        })
    }

    /// Checks, plans and lints on a signing thread, then records, signs, stores and releases.
    async fn carry_out(
        self,
        app: &App,
        caller: Arc<Caller>,
        asker: Asker,
    ) -> Result<Issued, Refusal> {
        let slot = app.signing().enter()?;
        let (serial, now) = (app.serial(), app.now());
        let authority = Arc::clone(&self.authority);
        let prepared = slot.run(move || -> Result<Prepared, Refusal> {
            let mut octets = self.csr;
            let csr = pem::read_one_request(&octets);
            // A file with a private key beside the request is refused, and not kept.
            octets.zeroize();
            let csr = csr?;
            let mut request = Planned::from_csr(csr.verify_possession()?);
            request.validity_seconds = self.validity_seconds;
            let (authority, profile) = (&self.authority, &self.profile);
            let prepared = issuance::prepare(authority, profile, request, serial, now)?;
            caller.may_issue(Asked {
                authority: authority.name(),
                profile: profile.name(),
                subject: prepared.subject(),
                names: prepared.names(),
            })?;
            Ok(prepared)
        });
        let prepared = prepared.await??;
        let signatory = OnThreads::new(authority, slot);
        let ledger = app.ledger();
        match issuance::complete(ledger, signatory, prepared, asker.clone(), app.clock()).await {
            // The same request was faster, and is being signed.
            Err(error @ IssueError::NotRepeatable { status: Status::Orphan, .. }) => {
                idempotency::answered(ledger, &asker).await?.ok_or_else(|| error.into())
            }
            result => Ok(result?),
        }
    }
}

/// The validity that is asked for, in seconds.
fn validity(asked: &IssueCertificate) -> Result<Option<u64>, Refusal> {
    let in_bounds = |field: &str, found: u64, most: u64| {
        if (1..=most).contains(&found) {
            return Ok(found);
        }
        let detail = format!("{field}: found {found}, allowed: 1 to {most}");
        Err(Refusal::new(INVALID_FIELD, detail))
    };
    match (asked.validity_days, asked.validity_seconds) {
        (None, None) => Ok(None),
        (Some(days), None) => Ok(Some(in_bounds("validity_days", days, MOST_DAYS)? * DAY)),
        (None, Some(seconds)) => in_bounds("validity_seconds", seconds, MOST_DAYS * DAY).map(Some),
        (Some(_), Some(_)) => Err(Refusal::new(
            INVALID_FIELD,
            "validity_seconds: found validity_days as well, allowed is one of the two",
        )),
    }
}

fn unknown(field: &str, found: &str, allowed: &mut dyn Iterator<Item = &str>) -> Refusal {
    let (found, allowed) = (shortened(found), allowed.collect::<Vec<_>>().join(", "));
    Refusal::new(INVALID_FIELD, format!("{field}: found {found:?}, allowed: {allowed}"))
}

fn answer(app: &App, media_type: &'static str, issued: &Issued) -> Result<Response<Body>, Refusal> {
    let mut shown = with_certificate(app, recorded(issued.record()), issued.certificate());
    if !issued.is_repeated() {
        shown.notes = issued.notes().to_vec();
    }
    let mut response = represented(StatusCode::CREATED, media_type, Some(issued.der()), &shown)?;
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
