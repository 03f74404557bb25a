//! Random lists of operations, beside a model in memory, ending in the checker.

use std::{collections::HashMap, sync::Arc};

use ca_core::serial::SerialNumber;
use ledger::{Entry, Ledger, LedgerError, NewRecord, Recording};
use tokio::task::JoinSet;

use super::{
    Factory, check_and_close,
    material::{AUTHORITY, authority, certificate, keyed, record, revocation, serial},
};

const AUTHORITIES: [&str; 2] = [AUTHORITY, "other"];

/// SplitMix64: the same seed, the same list of operations.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// What the ledger should hold.
#[derive(Default)]
struct Model {
    entries: HashMap<SerialNumber, Row>,
    keys: HashMap<String, (NewRecord, SerialNumber)>,
    last_position: HashMap<String, u64>,
}

struct Row {
    name: u64,
    position: u64,
    stored: bool,
    revoked: bool,
}

impl Model {
    /// Compares the answer with what the model expects, and takes it over.
    fn recorded(&mut self, name: u64, new: &NewRecord, answer: Result<Recording, LedgerError>) {
        let earlier = new.idempotency.as_ref().and_then(|it| self.keys.get(&it.key));
        if let Some((first, serial)) = earlier {
            match answer {
                Ok(Recording::Repeated(entry)) => {
                    assert_eq!(first.idempotency, new.idempotency);
                    assert_eq!(entry.serial(), *serial);
                    assert_eq!(entry.certificate.is_some(), self.entries[serial].stored);
                }
                Err(LedgerError::IdempotencyConflict { serial: of, .. }) => {
                    assert_ne!(first.idempotency, new.idempotency);
                    assert_eq!(of, *serial);
                }
                other => panic!("key used before: {other:?}"),
            }
        } else if self.entries.contains_key(&new.serial) {
            assert!(matches!(answer, Err(LedgerError::SerialTaken { .. })), "{answer:?}");
        } else {
            let Ok(Recording::New(record)) = answer else { panic!("{answer:?}") };
            let last = self.last_position.entry(new.authority.clone()).or_default();
            *last += 1;
            assert_eq!(record.position, *last);
            self.insert(name, new, record.position);
        }
    }

    /// Whether the serial number stands in the ledger, and not in the record that has the key.
    fn serial_is_of_another(&self, new: &NewRecord) -> bool {
        let of_key = new.idempotency.as_ref().and_then(|it| self.keys.get(&it.key));
        self.entries.contains_key(&new.serial)
            && of_key.is_none_or(|(_, serial)| *serial != new.serial)
    }

    fn insert(&mut self, name: u64, new: &NewRecord, position: u64) {
        if let Some(idempotency) = &new.idempotency {
            self.keys.insert(idempotency.key.clone(), (new.clone(), new.serial));
        }
        let row = Row { name, position, stored: false, revoked: false };
        assert!(self.entries.insert(new.serial, row).is_none());
    }

    fn compare(&self, entry: &Entry) {
        let row = &self.entries[&entry.serial()];
        assert_eq!(entry.record.position, row.position);
        assert_eq!(entry.certificate.is_some(), row.stored);
        assert_eq!(entry.revocation.is_some(), row.revoked);
        if let Some(stored) = &entry.certificate {
            assert_eq!(stored.fingerprint, certificate(row.name).fingerprint());
        }
    }
}

/// A record with dice: names repeat, so that serials and keys do.
fn random_record(dice: &mut Dice) -> (u64, NewRecord) {
    let name = dice.roll(60);
    let new = match dice.roll(3) {
        0 => keyed(name, &format!("key-{}", dice.roll(8)), &format!("body-{}", dice.roll(2))),
        _ => record(name),
    };
    let place = AUTHORITIES[dice.roll(2) as usize];
    (name, NewRecord { authority: place.into(), ..new })
}

async fn store(ledger: &Ledger, model: &mut Model, name: u64) {
    let answer = ledger.store(certificate(name)).await;
    match model.entries.get_mut(&serial(name)) {
        None => assert!(matches!(answer, Err(LedgerError::UnknownSerial { .. })), "{answer:?}"),
        Some(row) if row.revoked => {
            assert!(matches!(answer, Err(LedgerError::RevokedBeforeStored { .. })), "{answer:?}");
        }
        Some(row) => {
            answer.unwrap();
            row.stored = true;
        }
    }
}

async fn revoke(ledger: &Ledger, model: &mut Model, name: u64) {
    let answer = ledger.revoke(revocation(name)).await;
    match model.entries.get_mut(&serial(name)) {
        None => assert!(matches!(answer, Err(LedgerError::UnknownSerial { .. })), "{answer:?}"),
        Some(row) if row.revoked => {
            assert!(matches!(answer, Err(LedgerError::AlreadyRevoked { .. })), "{answer:?}");
        }
        Some(row) => {
            answer.unwrap();
            row.revoked = true;
        }
    }
}

/// Records at the same time, with serials and keys that repeat: which one wins is open, that
/// exactly one does is not.
async fn concurrent_records(ledger: &Ledger, model: &mut Model, dice: &mut Dice) {
    let mut tasks = JoinSet::new();
    for _ in 0..dice.roll(20) + 2 {
        let (name, new) = random_record(dice);
        let ledger = Arc::clone(ledger);
        tasks.spawn(async move {
            let answer = ledger.record(new.clone()).await;
            (name, new, answer)
        });
    }
    let answers = tasks.join_all().await;
    let mut positions: HashMap<String, Vec<u64>> = HashMap::new();
    for (name, new, answer) in &answers {
        if let Ok(Recording::New(record)) = answer {
            positions.entry(new.authority.clone()).or_default().push(record.position);
            model.insert(*name, new, record.position);
        }
    }
    for (place, mut taken) in positions {
        taken.sort_unstable();
        let last = model.last_position.entry(place).or_default();
        let expected: Vec<u64> = (*last + 1..).take(taken.len()).collect();
        assert_eq!(taken, expected);
        *last += taken.len() as u64;
    }
    // Whoever did not win is answered as if the winner had been there before. Two may have won, one
    // its serial number and a later one its key: then it met the first alone.
    for (name, new, answer) in answers {
        match answer {
            Ok(Recording::New(_)) => {}
            Err(LedgerError::SerialTaken { .. }) if model.serial_is_of_another(&new) => {}
            answer => model.recorded(name, &new, answer),
        }
    }
}

pub async fn random_operations_keep_every_invariant(factory: &impl Factory) {
    let mut ledger = factory.open().await;
    for name in AUTHORITIES {
        ledger.add_authority(authority(name)).await.unwrap();
    }
    let mut model = Model::default();
    for seed in 0..8 {
        #[allow(clippy::print_stdout)] // shown when the test fails
        {
            println!("seed {seed}");
        }
        let mut dice = Dice(seed);
        for _ in 0..60 {
            match dice.roll(12) {
                0..5 => {
                    let (name, new) = random_record(&mut dice);
                    let answer = ledger.record(new.clone()).await;
                    model.recorded(name, &new, answer);
                }
                5..8 => store(&ledger, &mut model, dice.roll(60)).await,
                8 => revoke(&ledger, &mut model, dice.roll(60)).await,
                9 | 10 => concurrent_records(&ledger, &mut model, &mut dice).await,
                // Dropped, not closed: what was answered must be there.
                _ => {
                    drop(ledger);
                    ledger = factory.open().await;
                }
            }
        }
    }
    for serial in model.entries.keys() {
        model.compare(&ledger.get_by_serial(*serial).await.unwrap().unwrap());
    }
    let orphans = model.entries.values().filter(|row| !row.stored && !row.revoked).count() as u64;
    let revoked = model.entries.values().filter(|row| row.revoked).count() as u64;
    let report = check_and_close(ledger).await;
    let checked = report.checked;
    assert_eq!(checked.records, model.entries.len() as u64);
    assert_eq!((checked.orphans, checked.revocations), (orphans, revoked));
    assert!(orphans > 0 && revoked > 0 && checked.certificates > 0, "the dice reach every state");
    let listed = report.findings.iter().filter(|it| it.kind == ledger::FindingKind::Orphan).count();
    assert_eq!(listed as u64, orphans);
}
