//! `/healthz`, `/readyz` and `/metrics`, over plain HTTP.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::context::Context;
use crate::metrics::Metrics;

/// How far the program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It can't reach the cluster yet.
    Starting,
    /// Another replica does the work.
    Standby,
    /// It leads, and reads what is there.
    Reading,
    /// It does the work.
    Working,
    /// It was told to end.
    Ending,
}

const PHASES: [Phase; 5] =
    [Phase::Starting, Phase::Standby, Phase::Reading, Phase::Working, Phase::Ending];

impl Phase {
    /// Whether all is as it should be. A replica that waits for its turn is ready: it has nothing
    /// to do, and a rollout must not wait for it to lead.
    fn is_ready(self) -> bool {
        matches!(self, Self::Standby | Self::Working)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting: the cluster was not reached yet",
            Self::Standby => "standby: another replica leads",
            Self::Reading => "reading issuers and requests",
            Self::Working => "working",
            Self::Ending => "ending",
        }
    }
}

/// What is told of the program. A clone tells the same.
#[derive(Clone)]
pub struct Health {
    phase: Arc<AtomicU8>,
    metrics: Metrics,
    // Weak: the queue of events ends with the last who may tell something.
    context: Arc<OnceLock<Weak<Context>>>,
}

impl Health {
    /// Of a program that starts.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self { phase: Arc::default(), metrics, context: Arc::default() }
    }

    /// It got this far.
    pub fn is(&self, phase: Phase) {
        if self.phase.swap(phase as u8, Ordering::Relaxed) == phase as u8 {
            return;
        }
        self.metrics.leads(matches!(phase, Phase::Reading | Phase::Working));
        tracing::info!(phase = phase.name(), "the program");
    }

    /// It works with this.
    pub fn works_with(&self, context: &Arc<Context>) {
        // A program begins to work once.
        let _ = self.context.set(Arc::downgrade(context));
    }

    fn phase(&self) -> Phase {
        let at = usize::from(self.phase.load(Ordering::Relaxed));
        PHASES.get(at).copied().unwrap_or(Phase::Starting)
    }
}

/// The three paths.
pub fn router(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let phase = health.phase();
    let status = if phase.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{}\n", phase.name()))
}

async fn metrics(State(health): State<Health>) -> impl IntoResponse {
    if let Some(context) = health.context.get().and_then(Weak::upgrade) {
        health.metrics.state(context.waiting(), context.registry.counts());
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], health.metrics.text())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_replica_is_ready_while_it_waits_or_works() {
        let health = Health::new(Metrics::default());
        assert_eq!(health.phase(), Phase::Starting);
        for phase in PHASES {
            health.is(phase);
            assert_eq!(health.phase(), phase);
            let leads = matches!(phase, Phase::Reading | Phase::Working);
            let line = format!("espalier_issuer_leader {}", u8::from(leads));
            assert!(health.metrics.text().contains(&line), "{phase:?}");
        }
        let ready = PHASES.map(Phase::is_ready);
        assert_eq!(ready, [false, true, false, true, false]);
    }
}
