//! Storing certificates.

use std::collections::HashMap;

use ca_core::serial::SerialNumber;

use super::Results;
use crate::postgres::transaction::Named;
use crate::rows::{EntryRow, select_entry};
use crate::{Certificate, Entry, LedgerError, NewCertificate};

/// The columns of the rows to be inserted.
#[derive(Default)]
struct Columns<'a> {
    records: Vec<i64>,
    fingerprints: Vec<&'a [u8]>,
    certificates: Vec<&'a [u8]>,
    stored_at: Vec<i64>,
}

pub(super) async fn store(
    transaction: &mut Named<'_>,
    new: &[NewCertificate],
) -> Result<Results<Certificate>, LedgerError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let serials = new.iter().map(|new| new.serial);
    let mut entries = entries(transaction, serials).await?;
    let mut columns = Columns::default();
    let mut results = Vec::with_capacity(new.len());
    for new in new {
        results.push(add(&mut entries, &mut columns, new));
    }
    insert(transaction, columns).await?;
    Ok(results)
}

/// The entries of serial numbers, each with its record's row id.
pub(super) async fn entries(
    transaction: &mut Named<'_>,
    serials: impl Iterator<Item = SerialNumber>,
) -> Result<HashMap<SerialNumber, (i64, Entry)>, LedgerError> {
    let serials: Vec<Vec<u8>> = serials.map(|serial| serial.as_bytes().to_vec()).collect();
    let rows = sqlx::query_as(select_entry!("WHERE r.serial = ANY($1)"))
        .bind(serials)
        .fetch_all(transaction.sql())
        .await;
    let rows: Vec<EntryRow> = transaction.check(rows)?;
    let entry = |row: EntryRow| {
        let id = row.id;
        let entry = Entry::try_from(row)?;
        Ok((entry.serial(), (id, entry)))
    };
    rows.into_iter().map(entry).collect()
}

fn add<'a>(
    entries: &mut HashMap<SerialNumber, (i64, Entry)>,
    columns: &mut Columns<'a>,
    new: &'a NewCertificate,
) -> Result<Certificate, LedgerError> {
    let Some((id, entry)) = entries.get_mut(&new.serial) else {
        return Err(LedgerError::UnknownSerial { serial: new.serial });
    };
    if let Some(stored) = new.earlier_in(entry)? {
        return Ok(stored);
    }
    columns.records.push(*id);
    columns.fingerprints.push(new.fingerprint.as_bytes());
    columns.certificates.push(&new.der);
    columns.stored_at.push(new.stored_at.as_microsecond());
    let stored = new.clone().stored();
    // The same one may come twice in a batch.
    entry.certificate = Some(stored.clone());
    Ok(stored)
}

async fn insert(transaction: &mut Named<'_>, columns: Columns<'_>) -> Result<(), LedgerError> {
    if columns.records.is_empty() {
        return Ok(());
    }
    let inserted = sqlx::query(
        "INSERT INTO certificate (record, fingerprint, certificate, stored_at) \
         SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[])",
    )
    .bind(columns.records)
    .bind(columns.fingerprints)
    .bind(columns.certificates)
    .bind(columns.stored_at)
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}
