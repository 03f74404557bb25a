//! Adding audit events.

use super::Results;
use crate::postgres::transaction::Named;
use crate::{AuditEvent, LedgerError, NewAuditEvent};

pub(super) async fn add(
    transaction: &mut Named<'_>,
    new: &[Box<NewAuditEvent>],
) -> Result<Results<AuditEvent>, LedgerError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let text = |value: fn(&NewAuditEvent) -> &str| -> Vec<&str> {
        new.iter().map(|new| value(new)).collect()
    };
    let maybe = |value: fn(&NewAuditEvent) -> Option<&str>| -> Vec<Option<&str>> {
        new.iter().map(|new| value(new)).collect()
    };
    let inserted = sqlx::query_scalar(
        "INSERT INTO audit_event (position, at, request_id, actor, action, subject, address, \
         problem) \
         SELECT (SELECT coalesce(max(position), 0) FROM audit_event) + w.place, w.at, \
         w.request_id, w.actor, w.action, w.subject, w.address, w.problem \
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::text[]) \
         WITH ORDINALITY w (at, request_id, actor, action, subject, address, problem, place) \
         RETURNING position",
    )
    .bind(new.iter().map(|new| new.at.as_microsecond()).collect::<Vec<_>>())
    .bind(text(|new| &new.request_id))
    .bind(text(|new| &new.actor))
    .bind(text(|new| &new.action))
    .bind(maybe(|new| new.subject.as_deref()))
    .bind(maybe(|new| new.address.as_deref()))
    .bind(maybe(NewAuditEvent::problem))
    .fetch_all(transaction.sql())
    .await;
    let mut positions: Vec<i64> = transaction.check(inserted)?;
    // In the order of the batch, whatever the order of the answer.
    positions.sort_unstable();
    let event = |(new, position): (&NewAuditEvent, i64)| {
        // The schema allows positions above zero only.
        Ok(AuditEvent { content: new.clone(), position: position.unsigned_abs() })
    };
    Ok(new.iter().map(|new| &**new).zip(positions).map(event).collect())
}
