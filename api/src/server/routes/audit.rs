//! `/v1/audit`.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use client::v1::{self, AuditPage, Problem, SearchAudit};
use ledger::{AuditFilter, AuditOutcome};

use crate::server::body;
use crate::server::page::{page, plain};
use crate::server::problem::Refusal;
use crate::server::state::App;

/// Search the audit log
///
/// Who did what to what, when, from where, and how it went; the newest first.
#[utoipa::path(get, path = "/v1/audit", operation_id = "searchAudit", tag = "audit",
    params(SearchAudit),
    responses(
        (status = 200, description = "One page", body = AuditPage),
        (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn search(State(app): State<App>, uri: Uri) -> Result<Json<AuditPage>, Refusal> {
    let asked: SearchAudit = body::query(uri.query())?;
    let page = page(asked.limit, asked.cursor.as_deref())?;
    let filter = AuditFilter {
        actor: plain("actor", asked.actor, 512)?,
        action: plain("action", asked.action, 64)?,
        subject: plain("subject", asked.subject, 512)?,
        request_id: plain("request_id", asked.request_id, 128)?,
        done: None,
        from: asked.from,
        before: asked.before,
    };
    let found = app.ledger().audit(filter, page).await?;
    let events = found.events.into_iter().map(|event| v1::AuditEvent {
        position: event.position,
        at: event.content.at,
        request_id: event.content.request_id,
        actor: event.content.actor,
        action: event.content.action,
        subject: event.content.subject,
        address: event.content.address,
        problem: match event.content.outcome {
            AuditOutcome::Done => None,
            AuditOutcome::Refused { problem } => Some(problem),
        },
    });
    Ok(Json(AuditPage {
        events: events.collect(),
        next: found.next.map(|cursor| cursor.to_string()),
    }))
}
