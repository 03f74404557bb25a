//! `ledger check` where somebody with a shell changed the database: each change is found, by the
//! kinds that it deserves and no others.

use std::collections::BTreeSet;

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::key::PrivateKey;
use ca_core::pem;
use der::asn1::{Any, BitString};
use der::{Decode as _, Encode as _};
use sqlx::SqliteConnection;

use crate::data::{classical, execute, made, raw, sound, tamper, wait};
use crate::workbench::{Workbench, bent};

/// A leaf is record 3; the authorities' own certificates are records 1 (root) and 2 (issuing).
fn with_leaf() -> Workbench {
    let bench = classical();
    bench.run("issue --dns a.test --subject CN=a --key-out k.pem").done();
    sound(&bench);
    bench
}

#[track_caller]
fn found(bench: &Workbench, kinds: &[&str]) -> serde_json::Value {
    let run = bench.run("ledger check --json");
    assert_eq!(run.code, 1, "{}{}", run.stdout(), run.stderr());
    let report = run.json();
    assert_eq!(report["sound"], false);
    let found = report["found"].as_object().unwrap().keys().map(String::as_str);
    let found: BTreeSet<&str> = found.collect();
    assert_eq!(found, kinds.iter().copied().collect(), "{report:#}");
    let text =
        bench.run("ledger check").fails(1, &["ledger.sqlite: ", "hint: stop every espalier"]);
    for word in kinds.iter().chain(&["The ledger is NOT sound."]) {
        assert!(text.stdout().contains(word), "no {word} in {}", text.stdout());
    }
    report
}

#[test]
fn every_changed_field_is_found() {
    for (change, kinds, word) in [
        ("UPDATE record SET subject = 'CN=b' WHERE id = 3", &["subject"][..], "\"CN=b\""),
        ("UPDATE record SET subject = '' WHERE id = 3", &["subject"], "\"CN=a\""),
        (
            "UPDATE record SET names = '[\"DNS:b.test\"]' WHERE id = 3; \
             UPDATE record_name SET name = 'DNS:b.test' WHERE record = 3",
            &["names"],
            "DNS:b.test",
        ),
        (
            "UPDATE record SET key_digest = zeroblob(32) WHERE id = 3; \
             INSERT INTO record_key VALUES (zeroblob(32), 3)",
            &["key"],
            "public key: found",
        ),
        (
            "UPDATE record SET component_digests = zeroblob(32) WHERE id = 3; \
             INSERT INTO record_key VALUES (zeroblob(32), 3)",
            &["key"],
            "component keys: found",
        ),
        ("UPDATE record SET algorithm = 'Ed25519' WHERE id = 3", &["algorithm"], "\"Ed25519\""),
        ("UPDATE record SET not_after = not_after + 1 WHERE id = 3", &["validity"], "validity"),
        ("UPDATE record SET not_before = not_before - 1 WHERE id = 3", &["validity"], "validity"),
        (
            "UPDATE record SET authority = 1, position = 3 WHERE id = 3",
            &["issuer", "signature"],
            "by the key of root",
        ),
        (
            "UPDATE authority SET key_digest = zeroblob(32) WHERE id = 2",
            &["chain", "key", "key-reused", "signature", "stale-index"],
            "issuing",
        ),
        (
            "UPDATE authority SET algorithm = 'RSA-2048' WHERE id = 2",
            &["algorithm"],
            "\"RSA-2048\"",
        ),
        ("UPDATE authority SET parent = NULL WHERE id = 2", &["chain"], "signed by issuing"),
        (
            "DELETE FROM authority_certificate WHERE authority = 2",
            &["signature", "unfinished-authority"],
            "recorded key",
        ),
        (
            "DELETE FROM certificate WHERE record = 2; DELETE FROM record_name WHERE record = 2; \
             DELETE FROM record_key WHERE record = 2; DELETE FROM record WHERE id = 2",
            &["unrecorded"],
            "it has no record",
        ),
        (
            "UPDATE authority_certificate SET certificate = \
             (SELECT certificate FROM authority_certificate WHERE authority = 1), fingerprint = \
             (SELECT fingerprint FROM authority_certificate WHERE authority = 1) \
             WHERE authority = 2",
            &["chain", "key", "signature"],
            "in a certificate of the authority",
        ),
    ] {
        let bench = with_leaf();
        wait(tamper(&bench, async |ledger: &mut SqliteConnection| execute(ledger, change).await));
        let report = found(&bench, kinds);
        let messages = report["findings"].to_string();
        let word = word.replace('"', "\\\"");
        assert!(messages.contains(&word), "{change}: no {word} in {messages}");
    }
}

/// Replaces the certificate of a record, fingerprint and all.
async fn replace(ledger: &mut SqliteConnection, record: i64, der: &[u8]) {
    let fingerprint = Fingerprint::of(der);
    sqlx::query("UPDATE certificate SET certificate = ?1, fingerprint = ?2 WHERE record = ?3")
        .bind(der)
        .bind(fingerprint.as_bytes().as_slice())
        .bind(record)
        .execute(ledger)
        .await
        .unwrap();
}

async fn stored(bench: &Workbench, record: i64) -> Vec<u8> {
    sqlx::query_scalar("SELECT certificate FROM certificate WHERE record = ?")
        .bind(record)
        .fetch_one(&mut raw(bench).await)
        .await
        .unwrap()
}

#[test]
fn a_signature_with_one_bit_flipped_is_found() {
    let bench = with_leaf();
    wait(async {
        let der = bent(&stored(&bench, 3).await);
        tamper(&bench, async |ledger: &mut SqliteConnection| replace(ledger, 3, &der).await).await;
    });
    let report = found(&bench, &["signature"]);
    let finding = &report["findings"][0];
    assert_eq!(finding["authority"], "issuing");
    assert!(finding["message"].as_str().unwrap().contains("key of issuing"), "{finding}");
}

#[test]
fn an_alternative_signature_with_one_bit_flipped_is_found() {
    let bench = made("--algorithm p256 --alt-algorithm ml-dsa-44 --no-passphrase");
    bench.run("issue --dns a.test --key-out k.pem").done();
    sound(&bench);
    let key = pem::read(&bench.read("espalier-data/authorities/issuing/key.pem")).unwrap();
    let pem::Input::Pem(blocks) = key else { panic!("PEM was written") };
    let key = PrivateKey::from_der(blocks[0].der()).unwrap();
    let algorithm = ca_core::algorithm::Algorithm::named("p256").unwrap();
    let signer = key.signer(algorithm.scheme()).unwrap();
    wait(async {
        // altSignatureValue is the last extension, so the TBS ends in it. The main signature is
        // made anew, as whoever has only the classical key could.
        let certificate = Certificate::from_der(&stored(&bench, 3).await).unwrap();
        let tbs = bent(certificate.tbs_der());
        let signature = BitString::from_bytes(&signer.sign(&tbs).unwrap()).unwrap();
        let parts = vec![
            Any::from_der(&tbs).unwrap(),
            Any::encode_from(certificate.signature_algorithm()).unwrap(),
            Any::encode_from(&signature).unwrap(),
        ];
        let der = parts.to_der().unwrap();
        tamper(&bench, async |ledger: &mut SqliteConnection| replace(ledger, 3, &der).await).await;
    });
    let report = found(&bench, &["alternative-signature"]);
    let message = report["findings"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("alternative key of issuing"), "{message}");
}

#[test]
fn rules_that_were_taken_away_are_found() {
    let bench = with_leaf();
    wait(async { execute(&mut raw(&bench).await, "DROP TRIGGER record_no_update").await });
    let report = found(&bench, &["schema-changed"]);
    assert!(report["findings"].to_string().contains("record_no_update"));
}

#[test]
fn an_authority_whose_certificate_was_exchanged_signs_nothing() {
    let bench = with_leaf();
    let change = "DELETE FROM authority_certificate WHERE authority = 2; \
                  INSERT INTO authority_certificate (authority, fingerprint, certificate, added_at) \
                  SELECT 2, fingerprint, certificate, 0 FROM certificate WHERE record = 3";
    wait(tamper(&bench, async |ledger: &mut SqliteConnection| execute(ledger, change).await));
    let words = ["authority issuing: none of its certificates", "signed by root", "ledger check"];
    bench.run("issue --dns b.test --key-out b.key --out b.pem").fails(3, &words);
    assert!(!bench.path("b.key").exists() && !bench.path("b.pem").exists());
    let list = bench.run("ca list");
    assert_eq!(list.code, 0, "one that is damaged hides no other");
    assert!(list.stdout().contains("Root CA") && list.stderr().contains("authority issuing"));
    assert_eq!(bench.run("ledger check").code, 1);
}
