//! `GET /v1/certificates`.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use ca_core::fingerprint::Fingerprint;
use client::v1::{self, CertificatePage, Problem, SearchCertificates};
use ledger::{Entry, Filter, Status};

use super::of_entry;
use super::show::may_see;
use crate::auth::{Caller, Role};
use crate::server::access::Known;
use crate::server::body;
use crate::server::page::{page, plain};
use crate::server::problem::{CONFLICTING_PARAMETERS, FORBIDDEN, INVALID_PARAMETER, Refusal};
use crate::server::state::App;

/// Search certificates
///
/// The newest first, page by page. Requesters find what they asked for themselves; revokers,
/// auditors and administrators what their grants reach.
#[utoipa::path(get, path = "/v1/certificates", operation_id = "searchCertificates", tag = "certificates",
    params(SearchCertificates),
    responses(
        (status = 200, description = "One page", body = CertificatePage),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(in crate::server::routes) async fn search(
    State(app): State<App>,
    Known(caller): Known,
    uri: Uri,
) -> Result<Json<CertificatePage>, Refusal> {
    let asked: SearchCertificates = body::query(uri.query())?;
    if let Some(fingerprint) = asked.fingerprint.clone() {
        return one(&app, &caller, asked, &fingerprint).await.map(Json);
    }
    let page = page(asked.limit, asked.cursor.as_deref())?;
    let filter = filter(&caller, asked)?;
    let found = app.ledger().search(filter, page).await?;
    // The ledger gave no other; that must not be all that stands between.
    let seen = found.entries.iter().filter(|entry| may_see(&caller, entry));
    Ok(Json(CertificatePage {
        certificates: seen.map(|entry| summary(&app, entry)).collect(),
        next: found.next.map(|cursor| cursor.to_string()),
    }))
}

/// The certificate of a fingerprint alone.
async fn one(
    app: &App,
    caller: &Caller,
    asked: SearchCertificates,
    fingerprint: &str,
) -> Result<CertificatePage, Refusal> {
    let digest = digest("fingerprint", fingerprint)?;
    let alone = SearchCertificates { fingerprint: asked.fingerprint.clone(), ..Default::default() };
    if asked != alone {
        let detail =
            "fingerprint: found other filters beside it, allowed is none: it names one certificate";
        return Err(Refusal::new(CONFLICTING_PARAMETERS, detail));
    }
    let found = app.ledger().get_by_fingerprint(digest).await?;
    let seen = found.iter().filter(|entry| may_see(caller, entry));
    let certificates = seen.map(|entry| summary(app, entry)).collect();
    Ok(CertificatePage { certificates, next: None })
}

fn filter(caller: &Caller, asked: SearchCertificates) -> Result<Filter, Refusal> {
    let sees_others = [Role::Revoker, Role::Auditor].into_iter().any(|role| caller.has(role));
    let requester = match asked.requester {
        Some(other) if !sees_others && other != caller.name() => {
            let detail = format!("requester: found another, allowed for {0}: {0}", caller.name());
            return Err(Refusal::new(FORBIDDEN, detail));
        }
        None if !sees_others => Some(caller.name().to_owned()),
        asked => plain("requester", asked, 512)?,
    };
    Ok(Filter {
        authority: plain("authority", asked.authority, 64)?,
        profile: plain("profile", asked.profile, 64)?,
        requester,
        name: plain("name", asked.name, 2_048)?,
        key: asked.key.map(|key| digest("key", &key)).transpose()?,
        status: asked.status.map(|status| match status {
            v1::Status::Stored => Status::Stored,
            v1::Status::Orphan => Status::Orphan,
            v1::Status::Revoked => Status::Revoked,
        }),
        algorithm: plain("algorithm", asked.algorithm, 128)?,
        expires_before: asked.expires_before,
        expires_after: asked.expires_after,
        recorded_before: None,
        visible: Some(caller.visible()),
    })
}

fn digest(field: &str, text: &str) -> Result<Fingerprint, Refusal> {
    Fingerprint::from_hex(text).ok_or_else(|| {
        let found = body::shortened(text);
        let detail = format!("{field}: found \"{found}\", allowed are 64 hexadecimal digits");
        Refusal::new(INVALID_PARAMETER, detail)
    })
}

/// An entry without the certificate itself: pages stay small.
fn summary(app: &App, entry: &Entry) -> v1::Certificate {
    v1::Certificate { certificate: None, chain: None, ..of_entry(app, entry) }
}
