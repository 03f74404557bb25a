//! Who may use a route. Whatever has no row in the table of [`super::routes`] does not exist.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ledger::{AuditOutcome, NewAuditEvent};
use zeroize::Zeroizing;

use super::problem::{
    CREDENTIAL_NOT_JUDGED, FORBIDDEN, INVALID_PARAMETER, Refusal, TOO_MANY_REQUESTS,
    UNAUTHENTICATED, internal,
};
use super::request_id::RequestId;
use super::state::App;
use crate::auth::{AuthError, Caller, Denied, Presented, Role};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a credential.
    Open,
    /// Whoever has at least one of these roles; `admin` has all of them.
    OneOf(&'static [Role]),
}

/// The other end of a connection, put into every request by the listener.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Its certificates in DER, its own first; none without TLS, or when it showed none.
    pub client_certificates: Option<Arc<Vec<Vec<u8>>>>,
}

/// What a request was about, as the audit log names it: a handler puts it into its answer.
#[derive(Clone, Debug)]
pub struct Subject(pub String);

/// Lets a request through to its route, or not. What changes something has an action: it is told to
/// the audit log, refusals of known requesters included.
pub async fn guard(
    State((app, access, action)): State<(App, Access, Option<&'static str>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Access::OneOf(roles) = access else { return next.run(request).await };
    // The listener puts it there.
    let peer = request.extensions().get::<Peer>().cloned().ok_or_else(internal);
    let shown = peer.and_then(|peer| Ok((peer, bearer(request.headers())?)));
    let asks = match shown {
        Ok((peer, bearer)) => known(&app, peer, bearer).await,
        Err(refusal) => Err(refusal),
    };
    let caller = match asks {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    tracing::Span::current().record("requester", caller.name());
    let event = action.and_then(|action| event(&app, action, &caller, &request));
    let response = match check_role(&caller, roles) {
        Ok(()) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(denied) => Refusal::from(denied).into_response(),
    };
    if let Some(event) = event.map(|event| ended(event, &response)) {
        audit(&app, event).await;
    }
    response
}

/// The event of a request that is about to run.
fn event(
    app: &App,
    action: &'static str,
    caller: &Caller,
    request: &Request,
) -> Option<NewAuditEvent> {
    let id = request.extensions().get::<RequestId>()?;
    let peer = request.extensions().get::<Peer>();
    Some(NewAuditEvent {
        at: app.now(),
        request_id: id.to_string(),
        actor: caller.name().to_owned(),
        action: action.to_owned(),
        subject: None,
        address: peer.map(|peer| peer.address.ip().to_string()),
        outcome: AuditOutcome::Done,
    })
}

/// The event with how it went.
fn ended(mut event: NewAuditEvent, response: &Response) -> NewAuditEvent {
    if let Some(refusal) = response.extensions().get::<Refusal>() {
        event.outcome = AuditOutcome::Refused { problem: refusal.kind().slug.to_owned() };
    }
    event.subject = response.extensions().get::<Subject>().map(|subject| subject.0.clone());
    event
}

/// Adds the event. What was done stays done when the ledger does not take it.
async fn audit(app: &App, event: NewAuditEvent) {
    if let Err(error) = app.ledger().add_audit(event).await {
        tracing::error!(%error, "an audit event is lost");
    }
}

/// Who asks.
async fn known(
    app: &App,
    peer: Peer,
    bearer: Option<Zeroizing<String>>,
) -> Result<Arc<Caller>, Refusal> {
    let presented = Presented {
        bearer: bearer.as_deref().map(String::as_str),
        client_certificates: peer.client_certificates.as_deref().map(Vec::as_slice),
        peer: peer.address,
    };
    Ok(Arc::new(app.authenticator().authenticate(presented, app.now()).await?))
}

/// Whether the caller has a role of the route's row.
fn check_role(caller: &Caller, roles: &'static [Role]) -> Result<(), Denied> {
    if roles.iter().any(|role| caller.has(*role)) {
        return Ok(());
    }
    // The first role of a row is the one that it is meant for.
    caller.require(roles.first().copied().unwrap_or(Role::Admin))
}

/// The bearer token (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let detail = "Authorization: found several, allowed is one";
        return Err(Refusal::new(INVALID_PARAMETER, detail));
    }
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
    });
    match token.filter(|token| !token.is_empty()) {
        Some(token) => Ok(Some(Zeroizing::new(token.to_owned()))),
        None => Err(Refusal::new(
            UNAUTHENTICATED,
            "Authorization: found another scheme, allowed: Bearer TOKEN",
        )),
    }
}

impl From<AuthError> for Refusal {
    fn from(error: AuthError) -> Self {
        let kind = match error.status() {
            401 => UNAUTHENTICATED,
            429 => TOO_MANY_REQUESTS,
            503 => CREDENTIAL_NOT_JUDGED,
            _ => FORBIDDEN,
        };
        let mut refusal = Self::new(kind, error.to_string());
        if let Some(cause) = error.cause() {
            refusal = refusal.with_cause(cause);
        }
        match error.retry_after_seconds() {
            Some(seconds) => refusal.retry_after(seconds),
            None => refusal,
        }
    }
}

impl From<Denied> for Refusal {
    fn from(error: Denied) -> Self {
        Self::new(FORBIDDEN, error.to_string())
    }
}

/// Who asks, in a handler of a route that is not open.
#[derive(Clone, Debug)]
pub struct Known(pub Arc<Caller>);

impl FromRequestParts<App> for Known {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Refusal> {
        // Only a route whose row says that it is open has none.
        parts.extensions.get::<Arc<Caller>>().cloned().map(Self).ok_or_else(internal)
    }
}
