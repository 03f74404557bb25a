//! `ledger check` where nothing is wrong.

use ca_core::fingerprint::Fingerprint;
use ca_core::profile::KeyReuse;
use ca_core::serial::SerialNumber;
use ca_core::validity::Validity;
use ledger::{NewRecord, NewRevocation, RevocationReason, Revoking};

use crate::data::{classical, open, raw, sound, wait};

#[test]
fn a_sound_ledger_is_sound() {
    let bench = classical();
    bench.run("issue --dns a.test --ip 2001:db8::1 --subject CN=a,O=b --key-out k").done();
    bench.run("issue --profile tls-client --email a@b.test --upn a@b.test --key-out c").done();
    let alt = "ca create --name alt --root --algorithm p256 --alt-algorithm ml-dsa-44";
    bench.run(&format!("{alt} --no-passphrase --subject CN=Alt")).done();
    bench.run("issue --authority alt --dns a.test --algorithm hybrid --key-out h").done();
    bench.run("issue --authority alt --uri spiffe://a.test/x --profile spiffe --key-out s").done();
    let report = sound(&bench);
    let checked = &report["checked"];
    assert_eq!((&checked["authorities"], &checked["certificates"]), (&3.into(), &7.into()));
    // One for each stored certificate and each certificate of an authority, and again one for
    // each alternative signature: of the root and its two leaves, and of the root once more.
    assert_eq!(report["signatures"], 7 + 3 + 4);
    assert_eq!(report["found"], serde_json::json!({}));
    let text = bench.run("ledger check").done();
    for word in ["ledger        espalier-data/ledger.sqlite", "orphans       0", "is sound."] {
        assert!(text.stdout().contains(word), "no {word} in {}", text.stdout());
    }
}

#[test]
fn an_orphan_is_told_and_is_no_failure() {
    let bench = classical();
    let serial = SerialNumber::from_bytes(&[0x41; 20]).unwrap();
    let start = "2030-01-01T00:00:00Z".parse().unwrap();
    let record = NewRecord {
        authority: "issuing".into(),
        serial,
        profile: "tls-server".into(),
        requester: "local-uid:0".into(),
        idempotency: None,
        tbs_digest: Fingerprint::of(b"tbs"),
        subject: "CN=cut.test".into(),
        names: vec!["DNS:cut.test".into()],
        algorithm: "ECDSA-P256".into(),
        key_digest: Fingerprint::of(b"key"),
        component_digests: Vec::new(),
        for_authority: false,
        key_reuse: KeyReuse::SameKey,
        crl_places: Vec::new(),
        validity: Validity::new(start, "2030-02-01T00:00:00Z".parse().unwrap()).unwrap(),
        recorded_at: start,
    };
    wait(async {
        let ledger = open(&bench).await;
        ledger.record(record).await.unwrap();
        ledger.close().await.unwrap();
    });
    let text = bench.run("ledger check").done();
    for word in ["orphans       1", "is sound.", &serial.to_string(), "revoke it by its serial"] {
        assert!(text.stdout().contains(word), "no {word} in {}", text.stdout());
    }
    let report = sound(&bench);
    assert_eq!(report["findings"][0]["serial"], serial.to_string());
    assert_eq!(report["findings"][0]["kind"], "orphan");
    let list = bench.run("cert list --status orphan").done();
    assert!(list.stdout().contains("DNS:cut.test"));
    bench.run(&format!("cert show {serial} --pem")).fails(1, &["no certificate"]);
    assert!(bench.run(&format!("cert show {serial}")).done().stdout().contains("no certificate"));

    let revocation = NewRevocation {
        serial,
        only_orphan: false,
        revocation: Revoking {
            reason: RevocationReason::CESSATION_OF_OPERATION,
            invalidity_date: None,
            revoked_at: start,
            revoked_by: "test".into(),
        },
    };
    wait(async {
        let ledger = open(&bench).await;
        ledger.revoke(revocation).await.unwrap();
        ledger.close().await.unwrap();
    });
    let report = sound(&bench);
    assert_eq!(
        (&report["found"], &report["checked"]["revocations"]),
        (&serde_json::json!({}), &1.into())
    );
}

#[test]
fn a_ledger_is_brought_up_to_date() {
    let bench = classical();
    let text = bench.run("ledger migrate").done();
    assert!(text.stdout().contains("which is up to date"), "{}", text.stdout());
    let newer = "INSERT INTO _sqlx_migrations SELECT 9999, 'x', 'now', TRUE, x'00', 0";
    let versions = bench.run("ledger migrate --json").done().json();
    assert_eq!(versions["before"], versions["after"]);
    bench.run("ledger migrate --data nowhere").fails(3, &["does not exist"]);
    wait(async {
        let mut connection = raw(&bench).await;
        sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    });
    bench.run("ledger migrate").fails(3, &["schema 9999", "use the newer Espalier"]);
}
