//! What surrounds every request: its id, its log line, its time limit, and the problem document of
//! whatever is refused.
//!
//! The work of a request is a task of its own. A client that goes away does not cut it off between
//! two steps, a panic ends nothing but this request, and at the end of the process what is under
//! way is waited for.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::Instrument as _;
use tracing::field::Empty;

use super::access::Peer;
use super::metrics::known_method;
use super::problem::{
    HEADERS_TOO_LARGE, INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, OVERLOADED, Refusal, TIMED_OUT,
    URI_TOO_LONG,
};
use super::request_id::RequestId;
use super::state::{App, Room};
use super::telemetry::continue_trace;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Carries one request out, in one of the places of its listener.
pub async fn exchange(
    State((app, room)): State<(App, Room)>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = app.request_id();
    request.extensions_mut().insert(id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let peer = request.extensions().get::<Peer>().map(|peer| peer.address.ip().to_string());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!(
        "http.request",
        request_id = %id,
        requester = Empty,
        // From the start: what a span is can't be told later.
        otel.kind = "server",
        http.request.method = Empty,
        http.route = Empty,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    );
    // On the public listener anyone asks: strangers do not decide what is traced.
    if room == Room::Api {
        continue_trace(&span, request.headers());
    }
    let response = work(&app, room, request, next, &span).await;
    let mut response = finished(response, id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let refusal = response.extensions().get::<Refusal>();
    let named = route.as_ref().map_or("", MatchedPath::as_str);
    app.metrics().request(named, method.as_str(), response.status().as_u16(), started.elapsed());
    if let Some(refusal) = refusal {
        app.metrics().problem(refusal.kind().slug);
    }
    span.in_scope(|| {
        tracing::info!(
            method = %method,
            path = super::body::shortened(&path),
            route = route.as_ref().map(MatchedPath::as_str),
            peer,
            status = response.status().as_u16(),
            problem = refusal.map(|refusal| refusal.kind().slug),
            detail = refusal.map(Refusal::detail),
            cause = refusal.and_then(Refusal::cause),
            milliseconds = started.elapsed().as_secs_f64() * 1_000.0,
            "request"
        );
    });
    // For traces alone: the line above has them already.
    span.record("http.request.method", known_method(method.as_str()).unwrap_or("_OTHER"));
    span.record("http.route", named);
    span.record("http.response.status_code", response.status().as_u16());
    // What a client did wrong is no error of the server (OpenTelemetry's conventions for HTTP).
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

async fn work(
    app: &App,
    room: Room,
    request: Request,
    next: Next,
    span: &tracing::Span,
) -> Response {
    let limits = app.limits();
    let length = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if length > limits.uri_bytes {
        let allowed = limits.uri_bytes;
        let detail = format!("address: found {length} octets, allowed are at most {allowed}");
        return Refusal::new(URI_TOO_LONG, detail).into_response();
    }
    let fields = request.headers().iter();
    let length: usize = fields.map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if length > limits.header_bytes {
        let allowed = limits.header_bytes;
        let detail = format!("headers: found {length} octets, allowed are at most {allowed}");
        return Refusal::new(HEADERS_TOO_LARGE, detail).into_response();
    }
    let room = match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        // It asks nobody and waits for nothing: while connections are accepted it is answered.
        Some("/healthz") => None,
        Some("/readyz") => Some(Room::Readiness),
        Some("/metrics") => Some(Room::Metrics),
        _ => Some(room),
    };
    let Ok(place) = room.map(|room| app.place(room).ok_or(())).transpose() else {
        let detail = "requests: found as many under way as are allowed at once (limits.requests)";
        return Refusal::new(OVERLOADED, detail).into_response();
    };
    let run = async move {
        // Also when nobody waits any more.
        let _place = place;
        next.run(request).await
    };
    let task = app.tasks().spawn(run.instrument(span.clone()));
    match tokio::time::timeout(Duration::from_secs(limits.request_timeout_seconds), task).await {
        Ok(Ok(response)) => response,
        Ok(Err(ended)) => {
            let detail = "the server could not carry the request out; its log has the cause";
            Refusal::new(INTERNAL, detail).with_cause(ended).into_response()
        }
        Err(_) => {
            let allowed = limits.request_timeout_seconds;
            let detail = format!(
                "time: found more than {allowed} s, allowed are {allowed} s; the request may be carried out nevertheless"
            );
            Refusal::new(TIMED_OUT, detail).into_response()
        }
    }
}

/// Writes the document of a refusal.
fn finished(mut response: Response, id: RequestId) -> Response {
    let Some(refusal) = response.extensions_mut().get::<Refusal>().cloned() else {
        return response;
    };
    refusal.complete(response, id)
}

/// The answer for a path that no row of the table has.
pub async fn unknown_path() -> Refusal {
    Refusal::new(
        NOT_FOUND,
        "path: found one that names nothing, allowed are those of /openapi.json",
    )
}

/// The answer for a method that no row of the table has with this path.
pub async fn unknown_method(request: Request) -> Refusal {
    let found = super::body::shortened(request.method().as_str());
    let detail = format!("method: found {found}, allowed are those in the Allow header");
    Refusal::new(METHOD_NOT_ALLOWED, detail)
}
