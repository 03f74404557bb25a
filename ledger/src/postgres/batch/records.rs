//! Recording what is about to be signed.

use ca_core::profile::KeyReuse;

use super::{Results, known::Known};
use crate::postgres::transaction::Named;
use crate::rows::joined;
use crate::{Entry, Idempotency, LedgerError, NewRecord, Record, Recording};

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
    let mut known = Known::of(transaction, new).await?;
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
