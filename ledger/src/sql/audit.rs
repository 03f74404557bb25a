//! Audit events.

use sqlx::QueryBuilder;

use super::{Db, Named};
use crate::rows::service::AuditRow;
use crate::{AuditEvent, AuditFilter, Cursor, FoundEvents, LedgerError, Order, Page};

/// One page of the events that pass the filter.
pub(super) async fn search(
    transaction: &mut Named<'_>,
    filter: &AuditFilter,
    page: Page,
) -> Result<FoundEvents, LedgerError> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT position, at, request_id, actor, action, subject, address, problem \
         FROM audit_event WHERE position ",
    );
    match page.order {
        Order::OldestFirst => query.push("> ").push_bind(page.after.map_or(0, |cursor| cursor.0)),
        Order::NewestFirst => {
            query.push("< ").push_bind(page.after.map_or(i64::MAX, |cursor| cursor.0))
        }
    };
    let texts = [
        (" AND actor = ", &filter.actor),
        (" AND action = ", &filter.action),
        (" AND subject = ", &filter.subject),
        (" AND request_id = ", &filter.request_id),
    ];
    for (condition, value) in texts {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    query.push(match filter.done {
        Some(true) => " AND problem IS NULL",
        Some(false) => " AND problem IS NOT NULL",
        None => "",
    });
    for (condition, time) in [(" AND at >= ", filter.from), (" AND at < ", filter.before)] {
        if let Some(time) = time {
            query.push(condition).push_bind(next_whole_microsecond(time));
        }
    }
    query.push(match page.order {
        Order::OldestFirst => " ORDER BY position LIMIT ",
        Order::NewestFirst => " ORDER BY position DESC LIMIT ",
    });
    // One more than asked for tells whether there is a next page.
    query.push_bind(i64::from(page.limit) + 1);
    let rows = query.build_query_as().fetch_all(transaction.sql()).await;
    let mut rows: Vec<AuditRow> = transaction.check(rows)?;
    let asked = page.limit as usize;
    let more = rows.len() > asked;
    rows.truncate(asked);
    let next = rows.last().filter(|_| more).map(|row| Cursor(row.position));
    let events = rows.into_iter().map(AuditEvent::try_from).collect::<Result<_, _>>()?;
    Ok(FoundEvents { events, next })
}

/// The first whole microsecond that is not before `time`: whole microseconds lie before `time`
/// exactly when they lie before this one.
fn next_whole_microsecond(time: jiff::Timestamp) -> i64 {
    let cut = time.as_microsecond();
    let is_whole = jiff::Timestamp::from_microsecond(cut).is_ok_and(|whole| whole >= time);
    if is_whole { cut } else { cut.saturating_add(1) }
}
