//! OCSP over HTTP (RFC 6960 appendix A, RFC 5019, RFC 9654).

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Response};
use base64ct::{Base64Unpadded, Encoding as _};
use ca_core::crl::EntrySerial;
use ca_core::ocsp::{
    CertStatus, ErrorStatus, MAX_REQUEST_SIZE, OcspRequest, OcspResponse, UpdateWindow,
};
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::SerialStatus;

use super::cache::Kept;
use super::dated::Dated;
use super::responder::Answering;
use super::{Public, no_such};
use crate::delegate::cert_status;
use crate::server::body;
use crate::server::problem::Refusal;

const REQUEST: &[&str] = &["application/ocsp-request"];
const RESPONSE: &str = "application/ocsp-response";
/// How long the ledger may take before whoever asks is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

/// `POST /ocsp/{authority}`
pub(super) async fn post(
    State(public): State<Public>,
    Path(authority): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refusal> {
    let answering = public.known(&authority)?;
    body::content_type(&headers, REQUEST)?;
    let der = body::read_at_most(&headers, body, MAX_REQUEST_SIZE, public.app.limits()).await?;
    Ok(match respond(&public, &authority, answering, &der).await {
        Ok(Answer::Cacheable(dated)) => dated.whole(public.app.now(), public.cache_seconds()),
        Ok(Answer::Fresh(der)) => not_kept(der),
        Err(status) => error(status),
    })
}

/// `GET /ocsp/{authority}/{request}`: the request in base64, or base64url, escaped or not.
pub(super) async fn get(
    State(public): State<Public>,
    Path((authority, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let answering = public.known(&authority)?;
    let Some(der) = decoded(&request) else { return Ok(error(ErrorStatus::MalformedRequest)) };
    Ok(match respond(&public, &authority, answering, &der).await {
        Ok(Answer::Cacheable(dated)) => {
            dated.answer(&headers, public.app.now(), public.cache_seconds())
        }
        Ok(Answer::Fresh(der)) => not_kept(der),
        Err(status) => error(status),
    })
}

/// What is answered with a signature.
enum Answer {
    /// Without a nonce: anybody who asks the same may have it.
    Cacheable(Dated),
    /// For this request alone.
    Fresh(Vec<u8>),
}

async fn respond(
    public: &Public,
    authority: &str,
    answering: Option<&Answering>,
    der: &[u8],
) -> Result<Answer, ErrorStatus> {
    let request = OcspRequest::from_der(der).map_err(|error| {
        tracing::debug!(%error, "an OCSP request is malformed");
        ErrorStatus::MalformedRequest
    })?;
    let answering = answering.ok_or(ErrorStatus::Unauthorized)?;
    let serials = request.serials_of(answering.issuer());
    if serials.is_empty() {
        return Err(ErrorStatus::Unauthorized);
    }
    // Before the ledger is read: what is revoked after this instant may be missing from the answer.
    let now = public.app.now();
    let statuses = statuses(public, authority, answering, &serials).await?;
    let alone = match request.cert_ids() {
        [one] if request.nonce().is_none() && !request.is_signed() => Some(one.clone()),
        _ => None,
    };
    let known = alone.and_then(|id| Some((statuses.get(id.serial()).copied()?, id)));
    if let Some((status, id)) = &known
        && let Some(kept) = public.cache.get((authority.to_owned(), id.clone()), *status, now)
    {
        return Ok(Answer::Cacheable(kept));
    }
    let window = answering.window(now, public.config.ocsp.valid_hours).map_err(|error| {
        tracing::error!(authority, %error, "no OCSP answer can be made");
        ErrorStatus::InternalError
    })?;
    let has_nonce = request.nonce().is_some();
    let der = signed(public, answering.clone(), request, window, statuses).await?;
    if has_nonce || !matches!(OcspResponse::from_der(der.as_slice()), Ok(OcspResponse::Basic(_))) {
        return Ok(Answer::Fresh(der));
    }
    let until = window.next_update().unwrap_or(now);
    let response = Dated::new(RESPONSE, der, now, until);
    // Numbers that were never issued cost whoever asks about them a signature each, and others
    // nothing: they take no room.
    if let Some((status, id)) = known.filter(|(status, _)| *status != CertStatus::Unknown) {
        let renew = middle(now, until);
        let kept = Kept { status, response: response.clone(), since: now, renew };
        public.cache.put((authority.to_owned(), id), kept);
    }
    Ok(Answer::Cacheable(response))
}

fn middle(since: Timestamp, until: Timestamp) -> Timestamp {
    let seconds = since.as_second().midpoint(until.as_second());
    Timestamp::from_second(seconds).unwrap_or(since)
}

/// What the ledger says now of these serial numbers, and that the delegate may still answer.
async fn statuses(
    public: &Public,
    authority: &str,
    answering: &Answering,
    serials: &[EntrySerial],
) -> Result<HashMap<EntrySerial, CertStatus>, ErrorStatus> {
    // What can't be a number of ours was not issued.
    let ours = serials
        .iter()
        .filter_map(|serial| Some((*serial, SerialNumber::from_bytes(serial.as_bytes()).ok()?)));
    let (mut keys, mut asked): (Vec<EntrySerial>, Vec<SerialNumber>) = ours.unzip();
    let delegate =
        answering.delegate_serial().transpose().map_err(|()| revoked_delegate(authority))?;
    asked.extend(delegate);
    let mut found = Vec::new();
    if !asked.is_empty() {
        let asking = public.app.ledger().statuses(authority, asked);
        found = match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(later(authority, &error)),
            Err(elapsed) => return Err(later(authority, &elapsed)),
        };
    }
    if delegate.is_some() && found.pop() != Some(SerialStatus::Good) {
        return Err(revoked_delegate(authority));
    }
    let mut statuses: HashMap<EntrySerial, CertStatus> =
        serials.iter().map(|serial| (*serial, CertStatus::Unknown)).collect();
    statuses.extend(keys.drain(..).zip(found.iter().map(cert_status)));
    Ok(statuses)
}

fn later(authority: &str, error: &dyn std::error::Error) -> ErrorStatus {
    tracing::warn!(authority, %error, "the ledger does not answer; OCSP says tryLater");
    ErrorStatus::TryLater
}

fn revoked_delegate(authority: &str) -> ErrorStatus {
    tracing::error!(
        authority,
        "the OCSP delegate is revoked or not in the ledger and answers nothing; issue another"
    );
    ErrorStatus::InternalError
}

/// Signs on the signing threads.
async fn signed(
    public: &Public,
    answering: Answering,
    request: OcspRequest,
    window: UpdateWindow,
    statuses: HashMap<EntrySerial, CertStatus>,
) -> Result<Vec<u8>, ErrorStatus> {
    let none_issued = statuses.values().all(|status| *status == CertStatus::Unknown);
    let made_up = none_issued.then(|| public.made_up.try_acquire()).transpose();
    let _made_up = made_up.map_err(|_| {
        tracing::warn!("a sixteenth of the signing queue are OCSP answers about numbers that nobody issued; more get tryLater");
        ErrorStatus::TryLater
    })?;
    let _answer = public.answers.try_acquire().map_err(|_| {
        tracing::warn!("a quarter of the signing queue are OCSP answers; more get tryLater");
        ErrorStatus::TryLater
    })?;
    let slot = public.app.signing().enter().map_err(|full| {
        tracing::warn!(%full, "OCSP says tryLater");
        ErrorStatus::TryLater
    })?;
    let work = move || {
        let status_of =
            |serial: &EntrySerial| statuses.get(serial).copied().unwrap_or(CertStatus::Unknown);
        answering.respond(&request, &window, status_of)
    };
    match slot.run(work).await {
        Ok(Ok(der)) => Ok(der),
        Ok(Err(error)) => {
            tracing::error!(%error, "an OCSP answer was not made");
            Err(ErrorStatus::InternalError)
        }
        Err(_) => Err(ErrorStatus::InternalError),
    }
}

/// An answer that no cache may keep.
fn not_kept(der: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(der.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(RESPONSE));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An OCSP error; over HTTP it is an answer like any other (RFC 6960 appendix A.2).
fn error(status: ErrorStatus) -> Response<Body> {
    not_kept(OcspResponse::error_der(status).to_vec())
}

/// Base64 of either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let plain = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let plain: String = plain
        .chars()
        .map(|found| match found {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    Base64Unpadded::decode_vec(&plain).ok()
}

impl Public {
    /// Who answers for this authority, where somebody does.
    fn known(&self, authority: &str) -> Result<Option<&Answering>, Refusal> {
        if !self.app.authorities().contains_key(authority) {
            return Err(no_such());
        }
        Ok(self.answering.get(authority))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_in_either_alphabet_padded_or_not() {
        for text in ["+/+/", "-_-_", "+_+/"] {
            assert_eq!(decoded(text), Some(vec![0xfb, 0xff, 0xbf]), "{text}");
        }
        for text in ["+w", "+w==", "-w", "-w=="] {
            assert_eq!(decoded(text), Some(vec![0xfb]), "{text}");
        }
        for text in ["+x", "+w===", "+ w", "+w\n", "ä", "+"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
