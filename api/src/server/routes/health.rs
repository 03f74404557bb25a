//! `/healthz` and `/readyz`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use client::v1::{Check, Health, Readiness};

use crate::server::state::App;

/// Whether the process answers
///
/// It asks nobody else: for supervisors that end a process which hangs.
#[utoipa::path(get, path = "/healthz", operation_id = "readHealth", tag = "health", responses(
    (status = 200, description = "It answers", body = Health),
))]
pub(super) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Whether the server can do its work
///
/// For load balancers: while it is not ready, requests are better sent elsewhere.
#[utoipa::path(get, path = "/readyz", operation_id = "readReadiness", tag = "health", responses(
    (status = 200, description = "It can", body = Readiness),
    (status = 503, description = "It can't now", body = Readiness),
))]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let checks = vec![ledger(&app).await, keys(&app), clock(&app)];
    let ready = checks.iter().all(|check| check.passes);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks })).into_response()
}

fn check(name: &str, found: Result<(), String>) -> Check {
    Check { name: name.to_owned(), passes: found.is_ok(), detail: found.err() }
}

/// Why the ledger fails is for the log: this page is open.
async fn ledger(app: &App) -> Check {
    let found = app.ledger().authority("").await;
    check(
        "ledger",
        found.map(drop).map_err(|error| {
            tracing::warn!(%error, "the ledger does not answer");
            "it does not answer; the server's log says why".to_owned()
        }),
    )
}

fn keys(app: &App) -> Check {
    let signs = app.authorities().values().any(|authority| authority.signs.is_some());
    check("keys", signs.then_some(()).ok_or_else(|| "no authority can sign".to_owned()))
}

/// A clock that stands outside the validity of every authority that signs is wrong.
fn clock(app: &App) -> Check {
    let now = app.now();
    let signing = app.authorities().values().filter(|authority| authority.signs.is_some());
    let mut own = signing.filter_map(|authority| authority.chain.first());
    let sane = own.any(|certificate| certificate.validity().contains(now));
    let wrong = || format!("found {now}, which lies in the validity of no authority that signs");
    check("clock", sane.then_some(()).ok_or_else(wrong))
}
