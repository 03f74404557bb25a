//! Recording what is about to be signed.

use std::collections::{HashMap, HashSet};

use ca_core::{fingerprint::Fingerprint, profile::KeyReuse, serial::SerialNumber};

use super::Results;
use crate::key_rules::{FirstRecord, Key, KeyFacts, Owner};
use crate::postgres::transaction::Named;
use crate::rows::{Cell, EntryRow, joined, select_entry};
use crate::{
    BlockedKey, Entry, Idempotency, LedgerError, NewRecord, Record, Recording, RevocationReason,
};

/// What the ledger knows of the records that are wanted; grows by those that are accepted.
struct Known {
    authorities: HashMap<String, KnownAuthority>,
    by_serial: HashSet<SerialNumber>,
    by_key: HashMap<(String, String), Entry>,
    keys: KeyFacts,
    last_id: i64,
}

struct KnownAuthority {
    id: i64,
    last_position: i64,
    block: Option<BlockedKey>,
}

/// A record that is accepted, with what the row has besides its content.
struct Accepted<'a> {
    id: i64,
    authority: i64,
    position: i64,
    new: &'a NewRecord,
}

pub(super) async fn record(
    transaction: &mut Named<'_>,
    new: &[Box<NewRecord>],
) -> Result<Results<Recording>, LedgerError> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let (authorities, last_id) = authorities(transaction, new).await?;
    let (by_serial, by_key) = entries(transaction, new).await?;
    let keys = key_facts(transaction, new).await?;
    let mut known = Known { authorities, by_serial, by_key, keys, last_id };
    let mut accepted = Vec::with_capacity(new.len());
    let mut results = Vec::with_capacity(new.len());
    for new in new {
        results.push(known.decide(new, &mut accepted));
    }
    insert(transaction, &accepted).await?;
    Ok(results)
}

impl Known {
    fn decide<'a>(
        &mut self,
        new: &'a NewRecord,
        accepted: &mut Vec<Accepted<'a>>,
    ) -> Result<Recording, LedgerError> {
        if let Some(idempotency) = &new.idempotency {
            let key = (new.requester.clone(), idempotency.key.clone());
            if let Some(entry) = self.by_key.get(&key) {
                return entry.repeated(&new.requester, idempotency).map(Recording::Repeated);
            }
        }
        let Some(authority) = self.authorities.get_mut(&new.authority) else {
            return Err(LedgerError::UnknownAuthority { name: new.authority.clone() });
        };
        if self.by_serial.contains(&new.serial) {
            return Err(LedgerError::SerialTaken { serial: new.serial });
        }
        if let Some(broken) = self.keys.of_record(new, authority.block.as_ref())? {
            return Err(broken);
        }
        authority.last_position += 1;
        self.last_id += 1;
        let (id, position) = (self.last_id, authority.last_position);
        accepted.push(Accepted { id, authority: authority.id, position, new });
        let record = Record { content: new.clone(), position: position.unsigned_abs() };
        self.by_serial.insert(new.serial);
        self.keys.note(new);
        if let Some(Idempotency { key, .. }) = &new.idempotency {
            let entry = Entry { record: record.clone(), certificate: None, revocation: None };
            self.by_key.insert((new.requester.clone(), key.clone()), entry);
        }
        Ok(Recording::New(Box::new(record)))
    }
}

/// The authorities that are named, and the last id of all records.
async fn authorities(
    transaction: &mut Named<'_>,
    new: &[Box<NewRecord>],
) -> Result<(HashMap<String, KnownAuthority>, i64), LedgerError> {
    /// Of the last row, which every answer has, only the last id is there.
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Option<i64>,
        name: Option<String>,
        last: i64,
        digest: Option<Vec<u8>>,
        reason: Option<i64>,
        blocked_at: Option<i64>,
        blocked_by: Option<String>,
    }
    let mut names: Vec<&str> = new.iter().map(|new| new.authority.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let rows = sqlx::query_as(
        "SELECT a.id, a.name, \
         coalesce((SELECT max(r.position) FROM record r WHERE r.authority = a.id), 0) AS last, \
         b.digest, b.reason, b.blocked_at, b.blocked_by \
         FROM authority a LEFT JOIN LATERAL (\
           SELECT k.digest, k.reason, k.blocked_at, k.blocked_by FROM authority_key o \
           JOIN blocked_key k ON k.digest = o.digest WHERE o.authority = a.id LIMIT 1) b ON true \
         WHERE a.name = ANY($1::text[]) \
         UNION ALL \
         SELECT NULL, NULL, coalesce((SELECT max(id) FROM record), 0), NULL, NULL, NULL, NULL",
    )
    .bind(names)
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<Row> = transaction.check(rows)?;
    let (mut authorities, mut last_id) = (HashMap::new(), 0);
    for row in rows {
        let (Some(id), Some(name)) = (row.id, row.name) else {
            last_id = row.last;
            continue;
        };
        let block = block(row.digest, row.reason, row.blocked_at, row.blocked_by)?;
        authorities.insert(name, KnownAuthority { id, last_position: row.last, block });
    }
    Ok((authorities, last_id))
}

fn block(
    digest: Option<Vec<u8>>,
    reason: Option<i64>,
    blocked_at: Option<i64>,
    blocked_by: Option<String>,
) -> Result<Option<BlockedKey>, LedgerError> {
    let cell = Cell { table: "blocked_key", column: "digest", id: 0 };
    let (Some(digest), Some(reason), Some(at), Some(blocked_by)) =
        (digest, reason, blocked_at, blocked_by)
    else {
        return Ok(None);
    };
    let reason: RevocationReason = cell.column("reason").reason(reason)?;
    let blocked_at = cell.column("blocked_at").microseconds(at)?;
    Ok(Some(BlockedKey { digest: cell.fingerprint(&digest)?, reason, blocked_at, blocked_by }))
}

type Serials = HashSet<SerialNumber>;
type Requests = HashMap<(String, String), Entry>;

/// The entries that have a wanted serial number, or that the same requester made with the same
/// idempotency key.
async fn entries(
    transaction: &mut Named<'_>,
    new: &[Box<NewRecord>],
) -> Result<(Serials, Requests), LedgerError> {
    let serials: Vec<&[u8]> = new.iter().map(|new| new.serial.as_bytes().as_slice()).collect();
    let keyed = new.iter().filter_map(|new| {
        new.idempotency.as_ref().map(|it| (new.requester.as_str(), it.key.as_str()))
    });
    let (requesters, keys): (Vec<&str>, Vec<&str>) = keyed.unzip();
    let rows = sqlx::query_as(select_entry!(
        "WHERE r.id IN (SELECT s.id FROM record s WHERE s.serial = ANY($1::bytea[]) \
         UNION \
         SELECT k.id FROM unnest($2::text[], $3::text[]) w (requester, key) \
         JOIN record k ON text_digest(k.requester) = text_digest(w.requester) \
          AND text_digest(k.idempotency_key) = text_digest(w.key) \
          AND k.idempotency_key IS NOT NULL)"
    ))
    .bind(serials)
    .bind(requesters)
    .bind(keys)
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<EntryRow> = transaction.check(rows)?;
    let (mut by_serial, mut by_key) = (HashSet::new(), HashMap::new());
    for row in rows {
        let entry = Entry::try_from(row)?;
        by_serial.insert(entry.serial());
        let content = &entry.record.content;
        if let Some(idempotency) = &content.idempotency {
            by_key.insert((content.requester.clone(), idempotency.key.clone()), entry);
        }
    }
    Ok((by_serial, by_key))
}

/// What is known of every digest that is wanted, in one statement.
async fn key_facts(
    transaction: &mut Named<'_>,
    new: &[Box<NewRecord>],
) -> Result<KeyFacts, LedgerError> {
    #[derive(sqlx::FromRow)]
    struct Row {
        digest: Vec<u8>,
        reason: Option<i64>,
        blocked_at: Option<i64>,
        blocked_by: Option<String>,
        owner: Option<String>,
        owner_key: Option<Vec<u8>>,
        owner_components: Option<Vec<u8>>,
        serial: Option<Vec<u8>>,
        key_digest: Option<Vec<u8>>,
        component_digests: Option<Vec<u8>>,
        for_authority: Option<bool>,
    }
    let digests = new.iter().flat_map(|new| Key::of_record(new).digests().collect::<Vec<_>>());
    let mut digests: Vec<Fingerprint> = digests.map(|(_, digest)| digest).collect();
    digests.sort_unstable();
    digests.dedup();
    let rows = sqlx::query_as(
        "SELECT d.digest, b.reason, b.blocked_at, b.blocked_by, \
         o.name AS owner, o.key_digest AS owner_key, o.component_digests AS owner_components, \
         f.serial, f.key_digest, f.component_digests, f.for_authority \
         FROM unnest($1::bytea[]) d (digest) \
         LEFT JOIN blocked_key b ON b.digest = d.digest \
         LEFT JOIN LATERAL (\
           SELECT a.name, a.key_digest, a.component_digests FROM authority_key k \
           JOIN authority a ON a.id = k.authority WHERE k.digest = d.digest ORDER BY a.id LIMIT 1) o \
           ON true \
         LEFT JOIN record f \
           ON f.id = (SELECT min(k.record) FROM record_key k WHERE k.digest = d.digest) \
         WHERE b.digest IS NOT NULL OR o.name IS NOT NULL OR f.id IS NOT NULL",
    )
    .bind(digests.iter().map(|digest| digest.as_bytes().as_slice()).collect::<Vec<_>>())
    .fetch_all(transaction.sql())
    .await;
    let rows: Vec<Row> = transaction.check(rows)?;
    let mut facts = KeyFacts::default();
    let cell = Cell { table: "record_key", column: "digest", id: 0 };
    for row in rows {
        let digest = cell.fingerprint(&row.digest)?;
        if let Some(block) = block(Some(row.digest), row.reason, row.blocked_at, row.blocked_by)? {
            facts.blocked.insert(digest, block);
        }
        if let (Some(name), Some(key_digest)) = (row.owner, row.owner_key) {
            let owner = Owner { name, key_digest, component_digests: row.owner_components };
            facts.owners.insert(digest, owner);
        }
        if let (Some(serial), Some(key_digest), Some(component_digests)) =
            (row.serial, row.key_digest, row.component_digests)
        {
            let for_authority = row.for_authority;
            let first = FirstRecord { serial, key_digest, component_digests, for_authority };
            facts.first.insert(digest, first);
        }
    }
    Ok(facts)
}

/// Inserts the accepted records; triggers fill the tables to find them by.
async fn insert(transaction: &mut Named<'_>, accepted: &[Accepted<'_>]) -> Result<(), LedgerError> {
    if accepted.is_empty() {
        return Ok(());
    }
    let number =
        |value: fn(&Accepted<'_>) -> i64| -> Vec<i64> { accepted.iter().map(value).collect() };
    let octets = |value: fn(&NewRecord) -> Vec<u8>| -> Vec<Vec<u8>> {
        accepted.iter().map(|row| value(row.new)).collect()
    };
    let text = |value: fn(&NewRecord) -> &str| -> Vec<&str> {
        accepted.iter().map(|row| value(row.new)).collect()
    };
    let json = |value: fn(&NewRecord) -> &[String]| -> Vec<String> {
        accepted.iter().map(|row| serde_json::json!(value(row.new)).to_string()).collect()
    };
    let idempotency = || accepted.iter().map(|row| row.new.idempotency.as_ref());
    let keys: Vec<Option<&str>> = idempotency().map(|it| it.map(|it| it.key.as_str())).collect();
    let bodies: Vec<Option<&[u8]>> =
        idempotency().map(|it| it.map(|it| it.body_digest.as_bytes().as_slice())).collect();
    let inserted = sqlx::query(
        "INSERT INTO record (id, authority, position, serial, profile, requester, \
         idempotency_key, body_digest, tbs_digest, subject, names, algorithm, key_digest, \
         component_digests, for_authority, key_reuse, crl_places, not_before, not_after, \
         recorded_at) \
         SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], \
         $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::text[], $11::text[], $12::text[], \
         $13::bytea[], $14::bytea[], $15::boolean[], $16::bigint[], $17::text[], $18::bigint[], \
         $19::bigint[], $20::bigint[])",
    )
    .bind(number(|row| row.id))
    .bind(number(|row| row.authority))
    .bind(number(|row| row.position))
    .bind(octets(|new| new.serial.as_bytes().to_vec()))
    .bind(text(|new| &new.profile))
    .bind(text(|new| &new.requester))
    .bind(keys)
    .bind(bodies)
    .bind(octets(|new| new.tbs_digest.as_bytes().to_vec()))
    .bind(text(|new| &new.subject))
    .bind(json(|new| &new.names))
    .bind(text(|new| &new.algorithm))
    .bind(octets(|new| new.key_digest.as_bytes().to_vec()))
    .bind(octets(|new| joined(&new.component_digests)))
    .bind(accepted.iter().map(|row| row.new.for_authority).collect::<Vec<bool>>())
    .bind(number(|row| i64::from(row.new.key_reuse == KeyReuse::SameKey)))
    .bind(json(|new| &new.crl_places))
    .bind(number(|row| row.new.validity.not_before().as_second()))
    .bind(number(|row| row.new.validity.not_after().as_second()))
    .bind(number(|row| row.new.recorded_at.as_microsecond()))
    .execute(transaction.sql())
    .await;
    transaction.check(inserted).map(drop)
}
