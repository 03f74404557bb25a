//! What somebody with a shell can do to a ledger once its triggers are off, in the SQL of every store,
//! and what the checker must say.

use ledger::{FindingKind, Ledger, NewCrlList, NewKeyBlock};

use super::material::{
    AUTHORITY, certificate, crl_list, der, event, keyed, new_crl, record, revocation, revoking,
    serial, time, with_authority,
};

/// Puts a bit of everything into a ledger.
pub async fn fill(ledger: &Ledger) {
    with_authority(ledger).await;
    ledger.add_authority_certificate(AUTHORITY, der(serial(50), 0, 1), time(0)).await.unwrap();
    for name in 1..=3 {
        ledger.record(keyed(name, &format!("key {name}"), "body")).await.unwrap();
        ledger.store(certificate(name)).await.unwrap();
    }
    ledger.revoke(revocation(3)).await.unwrap();
    ledger.record(record(4)).await.unwrap();
    let digests = vec![record(4).component_digests[0]];
    ledger.block_keys(NewKeyBlock { digests, revocation: revoking(time(130)) }).await.unwrap();
    for base in [None, Some(1)] {
        let crl = ledger.reserve_crl(new_crl(base)).await.unwrap();
        let entries = ledger.revoked(AUTHORITY, crl.number, 0, 10).await.unwrap().entries;
        let list = NewCrlList::new(AUTHORITY, &crl_list(&crl, &entries), time(201)).unwrap();
        ledger.store_crl(list).await.unwrap();
        ledger.add_audit(event(crl.number)).await.unwrap();
    }
}

/// Changes to what [`fill`] made, each with what it is found as. `zeros` is the store's word for 32
/// octets of zero.
pub fn changes(zeros: &str) -> Vec<(String, FindingKind)> {
    let changes = CHANGES.iter().map(|(sql, kind)| (sql.replace("ZEROS", zeros), *kind));
    changes.collect()
}

const CHANGES: [(&str, FindingKind); 28] = [
    ("UPDATE record SET position = 9 WHERE id = 3", FindingKind::PositionGap),
    ("DELETE FROM record WHERE id = 2", FindingKind::PositionGap),
    ("DELETE FROM record WHERE id = 3", FindingKind::DanglingReference),
    ("UPDATE record SET tbs_digest = ZEROS WHERE id = 1", FindingKind::TbsMismatch),
    ("UPDATE record SET names = '[]' WHERE id = 1", FindingKind::StaleIndex),
    ("UPDATE record SET names = '[1]' WHERE id = 1", FindingKind::ImpossibleRow),
    ("DELETE FROM record_key WHERE record = 1", FindingKind::StaleIndex),
    ("INSERT INTO record_name VALUES ('DNS:evil', 1)", FindingKind::StaleIndex),
    (
        "UPDATE certificate SET fingerprint = ZEROS WHERE record = 1",
        FindingKind::FingerprintMismatch,
    ),
    ("UPDATE authority_certificate SET fingerprint = ZEROS", FindingKind::FingerprintMismatch),
    ("DELETE FROM certificate WHERE record = 1", FindingKind::Orphan),
    ("UPDATE revocation SET position = 3 WHERE record = 4", FindingKind::PositionGap),
    ("UPDATE revocation SET authority = 9 WHERE record = 4", FindingKind::MisplacedRevocation),
    ("DELETE FROM revocation WHERE record = 4", FindingKind::BlockedKeyInUse),
    ("DELETE FROM revocation WHERE record = 3", FindingKind::CrlIncomplete),
    ("DELETE FROM revocation WHERE record = 3", FindingKind::PositionGap),
    ("UPDATE crl_list SET entries = 1 WHERE crl = 1", FindingKind::CrlIncomplete),
    ("UPDATE crl SET number = 3 WHERE id = 1", FindingKind::CrlSeries),
    ("UPDATE crl SET through = 9 WHERE id = 2", FindingKind::CrlSeries),
    ("UPDATE crl SET places = '[\"http://a.test\"]' WHERE id = 1", FindingKind::CrlSeries),
    ("UPDATE crl SET since = 1 WHERE id = 1", FindingKind::CrlSeries),
    ("UPDATE crl SET settled_through = 1 WHERE id = 1", FindingKind::CrlSeries),
    ("DELETE FROM authority_key", FindingKind::StaleIndex),
    (
        "UPDATE record_key SET digest = (SELECT key_digest FROM record WHERE id = 2) \
         WHERE record = 1 AND digest = (SELECT key_digest FROM record WHERE id = 1)",
        FindingKind::KeyReused,
    ),
    (
        "UPDATE record_key SET digest = (SELECT key_digest FROM authority) \
         WHERE record = 1 AND digest = (SELECT key_digest FROM record WHERE id = 1)",
        FindingKind::KeyReused,
    ),
    (
        "UPDATE record SET key_digest = (SELECT key_digest FROM record WHERE id = 1), \
         key_reuse = 0 WHERE id = 2",
        FindingKind::KeyReused,
    ),
    ("UPDATE audit_event SET position = 9 WHERE position = 2", FindingKind::PositionGap),
    ("DELETE FROM audit_event WHERE position = 1", FindingKind::PositionGap),
];
