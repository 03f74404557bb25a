//! `/metrics`.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use client::v1::Problem;

use crate::server::problem::{Refusal, internal};
use crate::server::state::{App, Served};

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted and measured
#[utoipa::path(get, path = "/metrics", operation_id = "readMetrics", tag = "health", responses(
    (status = 200, description = "In the OpenMetrics text format, as Prometheus reads it", content_type = "application/openmetrics-text", body = String),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Refusal> {
    look_up(&app).await?;
    let text = app.metrics().text().map_err(|error| internal().with_cause(error))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

async fn look_up(app: &App) -> Result<(), Refusal> {
    let gauges = &app.metrics().looked_up;
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    gauges.signing_taken.set(signed(app.signing().taken() as u64));
    gauges.signing_slots.set(signed(app.signing().capacity() as u64));
    let stats = app.ledger().stats();
    gauges.commits.set(signed(stats.commits));
    gauges.failed_transactions.set(signed(stats.failed_transactions));
    gauges.writes.set(signed(stats.requests));
    let tally = app.look_at_ledger().await?;
    gauges.orphans.set(signed(tally.orphans()));
    gauges.records.set(signed(tally.records()));
    gauges.not_looked_at.set(signed(tally.not_looked_at()));
    let now = app.now();
    for (name, authority) in app.authorities() {
        if let Some(own) = authority.chain.first() {
            let left = own.validity().not_after().duration_since(now);
            gauges.days_to_expiry(name, left.as_secs_f64() / 86_400.0);
        }
    }
    // One that is missing is older than any: an alarm on the age of a list must not miss it.
    for expected in app.lists().expected().into_iter().flatten() {
        let needed = |served: &Served| !served.is_expired(now);
        if app.authorities().get(&expected.authority).is_some_and(needed) {
            gauges.crl_age(&expected.authority, &expected.name, f64::INFINITY);
        }
    }
    for (name, list) in app.lists().all() {
        let age = now.duration_since(list.this_update);
        gauges.crl_age(&list.authority, &name, age.as_secs_f64());
    }
    Ok(())
}
