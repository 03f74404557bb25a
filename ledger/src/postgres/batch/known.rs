//! What the ledger knows of the records that somebody wants.

use std::collections::{HashMap, HashSet};

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};

use crate::key_rules::{FirstRecord, Key, KeyFacts, Owner};
use crate::postgres::transaction::Named;
use crate::rows::{Cell, EntryRow, select_entry};
use crate::{BlockedKey, Entry, LedgerError, NewRecord, RevocationReason};

/// What is known before the records are inserted; grows by those that are accepted.
pub(super) struct Known {
    pub(super) authorities: HashMap<String, KnownAuthority>,
    pub(super) by_serial: HashSet<SerialNumber>,
    /// By requester and idempotency key.
    pub(super) by_key: HashMap<(String, String), Entry>,
    pub(super) keys: KeyFacts,
    /// Of all records.
    pub(super) last_id: i64,
}

pub(super) struct KnownAuthority {
    pub(super) id: i64,
    pub(super) last_position: i64,
    pub(super) block: Option<BlockedKey>,
}

/// All of it in one trip, each kind of row with its name in front. Of records that have a wanted
/// serial number or idempotency key, which are rare, only the ids.
const KNOWN: &str = "\
    SELECT 'authority' AS kind, a.id, a.name, \
      coalesce((SELECT max(r.position) FROM record r WHERE r.authority = a.id), 0) AS last, \
      b.digest, b.reason, b.blocked_at, b.blocked_by, NULL::bytea AS serial, \
      NULL::bytea AS key_digest, NULL::bytea AS component_digests, NULL::boolean AS for_authority \
      FROM authority a LEFT JOIN LATERAL (\
        SELECT k.digest, k.reason, k.blocked_at, k.blocked_by FROM authority_key o \
        JOIN blocked_key k ON k.digest = o.digest WHERE o.authority = a.id LIMIT 1) b ON true \
      WHERE a.name = ANY($1::text[]) \
    UNION ALL \
    SELECT 'last', (SELECT max(id) FROM record), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
      NULL \
    UNION ALL \
    SELECT 'met', s.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
      FROM record s WHERE s.serial = ANY($2::bytea[]) \
    UNION ALL \
    SELECT 'met', m.id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
      FROM unnest($3::text[], $4::text[]) w (requester, key) \
      JOIN record m ON text_digest(m.requester) = text_digest(w.requester) \
       AND text_digest(m.idempotency_key) = text_digest(w.key) AND m.idempotency_key IS NOT NULL \
    UNION ALL \
    SELECT 'blocked', NULL, NULL, NULL, b.digest, b.reason, b.blocked_at, b.blocked_by, NULL, NULL, \
      NULL, NULL \
      FROM blocked_key b WHERE b.digest = ANY($5::bytea[]) \
    UNION ALL \
    SELECT 'owner', NULL, o.name, NULL, d.digest, NULL, NULL, NULL, NULL, o.key_digest, \
      o.component_digests, NULL \
      FROM unnest($5::bytea[]) d (digest) CROSS JOIN LATERAL (\
        SELECT a.name, a.key_digest, a.component_digests FROM authority_key k \
        JOIN authority a ON a.id = k.authority WHERE k.digest = d.digest ORDER BY a.id LIMIT 1) o \
    UNION ALL \
    SELECT 'first', NULL, NULL, NULL, d.digest, NULL, NULL, NULL, f.serial, f.key_digest, \
      f.component_digests, f.for_authority \
      FROM unnest($5::bytea[]) d (digest) \
      JOIN record f ON f.id = (SELECT min(k.record) FROM record_key k WHERE k.digest = d.digest)";

/// A row of [`KNOWN`]; which columns are there depends on its kind.
#[derive(sqlx::FromRow)]
struct Row {
    kind: String,
    id: Option<i64>,
    name: Option<String>,
    last: Option<i64>,
    digest: Option<Vec<u8>>,
    reason: Option<i64>,
    blocked_at: Option<i64>,
    blocked_by: Option<String>,
    serial: Option<Vec<u8>>,
    key_digest: Option<Vec<u8>>,
    component_digests: Option<Vec<u8>>,
    for_authority: Option<bool>,
}

impl Known {
    /// Looks all of it up.
    ///
    /// # Errors
    /// When the database fails, or has a row that Espalier never writes.
    pub(super) async fn of(
        transaction: &mut Named<'_>,
        new: &[Box<NewRecord>],
    ) -> Result<Self, LedgerError> {
        let rows = rows(transaction, new).await?;
        let mut known = Self {
            authorities: HashMap::new(),
            by_serial: HashSet::new(),
            by_key: HashMap::new(),
            keys: KeyFacts::default(),
            last_id: 0,
        };
        let mut met = Vec::new();
        for row in rows {
            match row.kind.as_str() {
                "last" => known.last_id = row.id.unwrap_or(0),
                "met" => met.extend(row.id),
                _ => known.note(row)?,
            }
        }
        if !met.is_empty() {
            for entry in entries(transaction, met).await? {
                known.meet(entry);
            }
        }
        Ok(known)
    }

    /// Notes an authority, or what is known of a digest.
    fn note(&mut self, row: Row) -> Result<(), LedgerError> {
        let cell = Cell { table: "record_key", column: "digest", id: 0 };
        let digest = row.digest.as_deref().map(|digest| cell.fingerprint(digest)).transpose()?;
        let block = match (digest, row.reason, row.blocked_at, row.blocked_by) {
            (Some(digest), Some(reason), Some(at), Some(blocked_by)) => {
                let cell = Cell { table: "blocked_key", column: "reason", id: 0 };
                let reason: RevocationReason = cell.reason(reason)?;
                let blocked_at = cell.column("blocked_at").microseconds(at)?;
                Some(BlockedKey { digest, reason, blocked_at, blocked_by })
            }
            _ => None,
        };
        match (row.kind.as_str(), digest, row.name, row.key_digest) {
            ("authority", _, Some(name), _) => {
                let (id, last_position) = (row.id.unwrap_or(0), row.last.unwrap_or(0));
                self.authorities.insert(name, KnownAuthority { id, last_position, block });
            }
            ("owner", Some(digest), Some(name), Some(key_digest)) => {
                let owner = Owner { name, key_digest, component_digests: row.component_digests };
                self.keys.owners.insert(digest, owner);
            }
            ("first", Some(digest), _, Some(key_digest)) => {
                let first = FirstRecord {
                    serial: row.serial.unwrap_or_default(),
                    key_digest,
                    component_digests: row.component_digests.unwrap_or_default(),
                    for_authority: row.for_authority,
                };
                self.keys.first.insert(digest, first);
            }
            (_, Some(digest), _, _) => self.keys.blocked.extend(block.map(|block| (digest, block))),
            _ => {}
        }
        Ok(())
    }

    fn meet(&mut self, entry: Entry) {
        self.by_serial.insert(entry.serial());
        let content = &entry.record.content;
        if let Some(idempotency) = &content.idempotency {
            self.by_key.insert((content.requester.clone(), idempotency.key.clone()), entry);
        }
    }
}

async fn rows(
    transaction: &mut Named<'_>,
    new: &[Box<NewRecord>],
) -> Result<Vec<Row>, LedgerError> {
    let mut names: Vec<&str> = new.iter().map(|new| new.authority.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let serials: Vec<&[u8]> = new.iter().map(|new| new.serial.as_bytes().as_slice()).collect();
    let keyed = new.iter().filter_map(|new| {
        new.idempotency.as_ref().map(|it| (new.requester.as_str(), it.key.as_str()))
    });
    let (requesters, keys): (Vec<&str>, Vec<&str>) = keyed.unzip();
    let digests = new.iter().flat_map(|new| Key::of_record(new).digests().collect::<Vec<_>>());
    let mut digests: Vec<Fingerprint> = digests.map(|(_, digest)| digest).collect();
    digests.sort_unstable();
    digests.dedup();
    let rows = sqlx::query_as(KNOWN)
        .bind(names)
        .bind(serials)
        .bind(requesters)
        .bind(keys)
        .bind(digests.iter().map(|digest| digest.as_bytes().as_slice()).collect::<Vec<_>>())
        .fetch_all(transaction.sql())
        .await;
    transaction.check(rows)
}

/// The entries of these records.
async fn entries(transaction: &mut Named<'_>, ids: Vec<i64>) -> Result<Vec<Entry>, LedgerError> {
    let rows = sqlx::query_as(select_entry!("WHERE r.id = ANY($1::bigint[])"))
        .bind(ids)
        .fetch_all(transaction.sql())
        .await;
    let rows: Vec<EntryRow> = transaction.check(rows)?;
    Ok(rows.into_iter().map(Entry::try_from).collect::<Result<_, _>>()?)
}
