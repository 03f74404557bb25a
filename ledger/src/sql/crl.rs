//! The series of CRLs: reserving a number, streaming the entries, storing what was signed.

use ca_core::crl::RevokedEntry;
use sqlx::QueryBuilder;

use super::{Db, Named, authority::authority_id};
use crate::crl::scope_columns;
use crate::rows::revocation::{CrlRow, RevokedRow};
use crate::{Crl, CrlFilter, CrlKind, LedgerError, NewCrl, NewCrlList, RevokedPage, StoredCrl};

pub(super) async fn reserve(transaction: &mut Named<'_>, new: NewCrl) -> Result<Crl, LedgerError> {
    let authority = authority_id(transaction, &new.authority).await?;
    let newest = CrlFilter {
        scope: Some(new.scope.clone()),
        kind: Some(CrlKind::Complete),
        stored: true,
        ..CrlFilter::of(&new.authority)
    };
    let (since, settled) = match new.base {
        Some(number) => {
            let base = CrlFilter { number: Some(number), ..newest.clone() };
            match lists(transaction, &base, 1).await?.pop() {
                Some(base) => (base.through, None),
                None => return Err(no_base(transaction, number, &newest).await?),
            }
        }
        None => {
            // One of a clock that was ahead may leave out what has not expired by this one.
            let settled = CrlFilter { until: Some(new.this_update), ..newest };
            (0, lists(transaction, &settled, 1).await?.pop())
        }
    };
    let (settled_through, settled_at) =
        settled.map_or((0, 0), |list| (list.through, list.content.this_update.as_second()));
    let (subjects, places) = scope_columns(&new.scope);
    let inserted = sqlx::query_as(
        "INSERT INTO crl (authority, number, subjects, places, base, since, through, \
         settled_through, settled_at, this_update, next_update) \
         SELECT $1, coalesce((SELECT max(number) FROM crl WHERE authority = $1), 0) + 1, \
         $2, $3, $4, $5, coalesce((SELECT max(position) FROM revocation WHERE authority = $1), 0), \
         $6, $7, $8, $9 RETURNING number, through",
    )
    .bind(authority)
    .bind(subjects)
    .bind(places)
    .bind(new.base.map(signed))
    .bind(signed(since))
    .bind(signed(settled_through))
    .bind(settled_at)
    .bind(new.this_update.as_second())
    .bind(new.next_update.as_second())
    .fetch_one(transaction.sql())
    .await;
    let (number, through): (i64, i64) = transaction.check(inserted)?;
    // The schema allows neither below zero.
    let (number, through) = (number.unsigned_abs(), through.unsigned_abs());
    Ok(Crl { content: new, number, since, through, list: None })
}

/// Why there can be no delta to this number.
async fn no_base(
    transaction: &mut Named<'_>,
    number: u64,
    newest: &CrlFilter,
) -> Result<LedgerError, LedgerError> {
    let newest = lists(transaction, newest, 1).await?.pop();
    let allowed = match newest {
        Some(newest) => format!(
            "a complete list of the same scope that was stored; the newest is {}",
            newest.number
        ),
        None => "a complete list of the same scope that was stored; there is none yet".into(),
    };
    let found = number.to_string();
    Ok(LedgerError::InvalidField { field: "number of the base CRL", found, allowed })
}

/// Stores a list whose content was compared with what was reserved.
pub(super) async fn store(
    transaction: &mut Named<'_>,
    new: NewCrlList,
) -> Result<Crl, LedgerError> {
    let (authority, number) = (new.content.authority, new.number);
    let mut crl = reserved(transaction, &authority, number).await?;
    if let Some(stored) = &crl.list {
        if stored.fingerprint == new.list.fingerprint {
            return Ok(crl);
        }
        let stored = stored.fingerprint;
        return Err(LedgerError::CrlAlreadyStored { authority, number, stored });
    }
    let StoredCrl { fingerprint, entries, octets, stored_at } = &new.list;
    let inserted = sqlx::query(
        "INSERT INTO crl_list (crl, fingerprint, entries, octets, stored_at) \
         SELECT id, $1, $2, $3, $4 FROM crl \
         WHERE authority = (SELECT id FROM authority WHERE name = $5) AND number = $6",
    )
    .bind(fingerprint.as_bytes().to_vec())
    .bind(signed(*entries))
    .bind(signed(*octets))
    .bind(stored_at.as_microsecond())
    .bind(&authority)
    .bind(signed(number))
    .execute(transaction.sql())
    .await;
    transaction.check(inserted)?;
    crl.list = Some(new.list);
    Ok(crl)
}

/// The list of this number.
pub(super) async fn reserved(
    transaction: &mut Named<'_>,
    authority: &str,
    number: u64,
) -> Result<Crl, LedgerError> {
    let filter = CrlFilter { number: Some(number), ..CrlFilter::of(authority) };
    let unknown = || LedgerError::UnknownCrl { authority: authority.to_owned(), number };
    lists(transaction, &filter, 1).await?.pop().ok_or_else(unknown)
}

/// The reserved list to which a signed one belongs, and how many entries it should have.
pub(super) async fn reserved_and_counted(
    transaction: &mut Named<'_>,
    new: &NewCrlList,
) -> Result<(Crl, u64), LedgerError> {
    let (authority, number) = (&new.content.authority, new.number);
    let reserved = reserved(transaction, authority, number).await?;
    Ok((reserved, count(transaction, authority, number).await?))
}

/// Where the order of the authority's revocations ends.
pub(super) async fn last_revocation(
    transaction: &mut Named<'_>,
    authority: &str,
) -> Result<u64, LedgerError> {
    let found = sqlx::query_scalar(
        "SELECT coalesce(max(v.position), 0) FROM revocation v \
         JOIN authority a ON a.id = v.authority WHERE a.name = $1",
    )
    .bind(authority)
    .fetch_one(transaction.sql())
    .await;
    let position: i64 = transaction.check(found)?;
    // The schema allows none below zero.
    Ok(position.unsigned_abs())
}

/// Lists that pass the filter, in the order of their numbers that it wants.
pub(super) async fn lists(
    transaction: &mut Named<'_>,
    filter: &CrlFilter,
    limit: u32,
) -> Result<Vec<Crl>, LedgerError> {
    let rows = select(filter, limit).build_query_as().fetch_all(transaction.sql()).await;
    let rows: Vec<CrlRow> = transaction.check(rows)?;
    Ok(rows.into_iter().map(Crl::try_from).collect::<Result<_, _>>()?)
}

/// The SELECT of these lists.
pub(super) fn select(filter: &CrlFilter, limit: u32) -> QueryBuilder<Db> {
    let mut query = QueryBuilder::<Db>::new(
        "SELECT c.id, a.name AS authority, c.number, c.subjects, c.places, c.base, c.since, \
         c.through, c.this_update, c.next_update, l.fingerprint, l.entries, l.octets, l.stored_at \
         FROM crl c JOIN authority a ON a.id = c.authority LEFT JOIN crl_list l ON l.crl = c.id \
         WHERE a.name = ",
    );
    query.push_bind(filter.authority.clone());
    for (condition, number) in
        [(" AND c.number = ", filter.number), (" AND c.number < ", filter.before)]
    {
        if let Some(number) = number {
            query.push(condition).push_bind(signed(number));
        }
    }
    if let Some(scope) = &filter.scope {
        let (subjects, places) = scope_columns(scope);
        query.push(" AND c.subjects = ").push_bind(subjects);
        query.push(" AND c.places = ").push_bind(places);
    }
    query.push(match filter.kind {
        Some(CrlKind::Complete) => " AND c.base IS NULL",
        Some(CrlKind::Delta) => " AND c.base IS NOT NULL",
        None => "",
    });
    if let Some(until) = filter.until {
        query.push(" AND c.this_update <= ").push_bind(until.as_second());
    }
    if let Some(instant) = filter.current_at {
        query.push(" AND c.next_update > ").push_bind(instant.as_second());
    }
    query.push(if filter.stored { " AND l.crl IS NOT NULL" } else { "" });
    // Of the lists that are current there are few, and an index finds them. In the order of an index of
    // numbers the database would walk all that are over to the first of them; a sum is in no index.
    query.push(if filter.current_at.is_some() {
        " ORDER BY c.number + 0"
    } else {
        " ORDER BY c.number"
    });
    query.push(if filter.oldest_first { "" } else { " DESC" });
    query.push(" LIMIT ").push_bind(i64::from(limit));
    query
}

/// Entries of a list behind a position.
pub(super) async fn revoked(
    transaction: &mut Named<'_>,
    authority: &str,
    number: u64,
    after: u64,
    limit: u32,
) -> Result<RevokedPage, LedgerError> {
    reserved(transaction, authority, number).await?;
    let rows = sqlx::query_as(entries_of_list!(
        "v.record, v.position, r.serial, v.reason, v.invalidity_date, v.revoked_at",
        "ORDER BY v.position LIMIT $4"
    ))
    .bind(authority)
    .bind(signed(number))
    .bind(signed(after))
    .bind(i64::from(limit))
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<RevokedRow> = transaction.check(rows)?;
    let full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.position.unsigned_abs());
    let entries = rows.into_iter().map(RevokedEntry::try_from).collect::<Result<_, _>>()?;
    Ok(RevokedPage { entries, next })
}

/// How many entries a list has.
pub(super) async fn count(
    transaction: &mut Named<'_>,
    authority: &str,
    number: u64,
) -> Result<u64, LedgerError> {
    let count = sqlx::query_scalar(entries_of_list!("count(*)", ""))
        .bind(authority)
        .bind(signed(number))
        .bind(0)
        .fetch_one(transaction.sql())
        .await;
    let count: i64 = transaction.check(count)?;
    Ok(count.unsigned_abs())
}

/// As SQLite has it; what is above is above everything in the ledger.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
