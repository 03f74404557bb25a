//! `/healthz` and `/readyz`.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use client::v1::{Check, Health, Readiness};
use jiff::Timestamp;

use crate::server::public::lists::{Expected, List};
use crate::server::public::{CLOCKS_APART, is_ahead};
use crate::server::state::{App, Served};

/// How long the ledger is waited for.
const LEDGER_PATIENCE: Duration = Duration::from_secs(2);

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
/// For load balancers: while it is not ready, requests are better sent elsewhere. The checks: the
/// ledger answers within 2 s; there are keys; the clock can be right; where revocation lists are handed out,
/// each authority that signs has one that is current.
#[utoipa::path(get, path = "/readyz", operation_id = "readReadiness", tag = "health", responses(
    (status = 200, description = "It can", body = Readiness),
    (status = 503, description = "It can't now", body = Readiness),
))]
pub(super) async fn readyz(State(app): State<App>) -> Response {
    let now = app.now();
    let mut checks = vec![ledger(&app).await, keys(&app), clock(&app, now)];
    checks.extend(app.lists().expected().map(|expected| crls(&app, expected, now)));
    let ready = checks.iter().all(|check| check.passes);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks })).into_response()
}

fn check(name: &str, passes: bool, found: impl Into<String>, allowed: &str) -> Check {
    Check { name: name.to_owned(), passes, found: found.into(), allowed: allowed.to_owned() }
}

/// Why the ledger fails is for the log: this page is open.
async fn ledger(app: &App) -> Check {
    let seconds = LEDGER_PATIENCE.as_secs();
    let answered = tokio::time::timeout(LEDGER_PATIENCE, app.ledger().authority("")).await;
    let (passes, found) = match answered {
        Ok(Ok(_)) => (true, "it answers".to_owned()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the ledger does not answer");
            (false, "it does not answer; the server's log says why".to_owned())
        }
        Err(_) => {
            tracing::warn!(seconds, "the ledger does not answer in time");
            (false, format!("no answer within {seconds} s"))
        }
    };
    check("ledger", passes, found, &format!("a ledger that answers within {seconds} s"))
}

fn signing(app: &App) -> impl Iterator<Item = (&str, &Served)> {
    let all = app.authorities().iter().map(|(name, served)| (&**name, served));
    all.filter(|(_, served)| served.signs.is_some())
}

fn keys(app: &App) -> Check {
    let names: Vec<&str> = signing(app).map(|(name, _)| name).collect();
    let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    check("keys", !names.is_empty(), found, "the key of an authority at least")
}

/// A clock that stands outside the validity of every authority that signs is wrong, and one that
/// stands before a list of ours was made has been set back.
fn clock(app: &App, now: Timestamp) -> Check {
    let mut own = signing(app).filter_map(|(_, served)| served.chain.first());
    let in_validity = own.any(|certificate| certificate.validity().contains(now));
    let lists = signing(app).filter_map(|(name, _)| app.lists().of(name));
    let made = lists.map(|list| list.this_update).max();
    let mut allowed = "in the validity of an authority that signs".to_owned();
    if let Some(made) = made {
        let seconds = CLOCKS_APART.as_secs();
        allowed += &format!(
            ", and not more than {seconds} s before {made}, when the newest revocation list was made"
        );
    }
    let sane = in_validity && !made.is_some_and(|made| is_ahead(made, now));
    check("clock", sane, now.to_string(), &allowed)
}

/// A list that ends soon still passes: taken out of service it would be of no use to anybody.
/// An authority that has expired signs no more lists, and its certificates are expired too.
fn crls(app: &App, expected: &[Expected], now: Timestamp) -> Check {
    let (mut passes, mut found) = (true, Vec::new());
    for Expected { name, authority } in expected {
        if app.authorities().get(authority).is_some_and(|served| served.is_expired(now)) {
            found.push(format!("{name}: none needed, {authority} has expired"));
            continue;
        }
        let list = app.lists().of(name);
        passes &= list.as_ref().is_some_and(|list| now < list.next_update);
        let told = list.map_or_else(|| "none".to_owned(), |list| told(&list, now));
        found.push(format!("{name}: {told}"));
    }
    let allowed = "a list of each authority that signs, before its nextUpdate";
    check("crls", passes, found.join("; "), allowed)
}

fn told(list: &List, now: Timestamp) -> String {
    let (number, until) = (list.number, list.next_update);
    let whole = until.duration_since(list.this_update);
    let left = until.duration_since(now);
    let word = if !left.is_positive() {
        "over since"
    } else if left < whole / 10 {
        "about to end, at"
    } else {
        "until"
    };
    format!("number {number}, {word} {until}")
}
