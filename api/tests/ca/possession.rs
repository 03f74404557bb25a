//! ML-KEM certificates: keys that can't sign, and who vouches for them (RFC 9883).

use ca_core::certificate::Certificate;
use ca_core::pem;
use ledger::{NewRevocation, RevocationReason, Revoking};

use crate::data::{certificates, classical, open, records, serial, sound, verifies, wait};
use crate::workbench::{Run, Workbench, bent};

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const ISSUING: &str = "espalier-data/authorities/issuing/certificate.pem";
const VOUCH: &str = "--possession-certificate alice.pem --possession-key alice.key";
const ALICE: &str = "--subject CN=Alice --dns alice.test";

/// A CA that gave Alice a signature certificate, and Alice's ML-KEM key.
fn bench() -> Workbench {
    let bench = classical();
    bench.run(&format!("issue {ALICE} --key-out alice.key --out alice.pem")).done();
    bench.run("key generate --algorithm kyber768 --no-passphrase --out kem.key").done();
    bench
}

/// What a command printed that succeeds, whatever it notes beside.
#[track_caller]
fn succeeded(run: Run) -> Vec<u8> {
    assert_eq!(run.code, 0, "{}", run.stderr());
    run.stdout
}

#[test]
fn the_holder_of_a_signature_certificate_gets_one_for_ml_kem() {
    let bench = bench();
    for name_only in ["", "--name-only"] {
        bench
            .run(&format!(
                "csr create --key kem.key {ALICE} {VOUCH} {name_only} --out kem.csr --force"
            ))
            .done();
        let run =
            bench.run("issue --csr kem.csr --profile kem-recipient --chain --out kem.pem --force");
        assert_eq!(run.code, 0, "{}", run.stderr());
        assert!(run.stderr().contains("possession: stated by the holder of"), "{}", run.stderr());
        verifies(&bench, "kem.pem", ROOT, "any");
        let leaf = certificates(&bench, "kem.pem").remove(0);
        let csr = pem::read_one_request(&bench.read("kem.csr")).unwrap();
        assert_eq!(leaf.public_key(), csr.public_key());
        let shown = bench.run(&format!("cert show {}", leaf.fingerprint())).done();
        let alice = certificates(&bench, "alice.pem").remove(0).fingerprint().to_string();
        for word in ["possession-stated-by-certificate:", &alice, "ML-KEM-768"] {
            assert!(shown.stdout().contains(word), "no {word} in {}", shown.stdout());
        }
    }
    let run = bench.run("inspect kem.csr").done();
    assert!(run.stdout().contains("Possession is stated by the holder of"), "{}", run.stdout());
    let json = bench.run("inspect kem.pem --json").done().json();
    assert_eq!(json[0]["public_key"]["algorithm"], "ML-KEM-768");
    assert_eq!(json[0]["extensions"].to_string().matches("keyEncipherment").count(), 1);
    sound(&bench);
}

#[test]
fn a_request_is_verified_by_whom_one_trusts() {
    let bench = bench();
    bench.run(&format!("csr create --key kem.key {ALICE} {VOUCH} --out kem.csr")).done();
    bench.run("csr verify kem.csr").fails(1, &["ML-KEM-768", "--trust"]);
    let line = format!("csr verify --trust {ROOT} --intermediate {ISSUING}");
    let run = bench.run(&format!("{line} kem.csr")).done();
    assert!(run.stdout().contains("which vouches for the key in it"), "{}", run.stdout());
    let csr = pem::read_one_request(&bench.read("kem.csr")).unwrap();
    bench.write("bent.csr", bent(csr.der()));
    bench.run(&format!("{line} bent.csr")).fails(1, &["not signed by the key of the certificate"]);
    bench.run(&format!("csr verify --trust {ISSUING} kem.csr")).done();
    bench.run("csr verify --trust alice.pem kem.csr").done();
}

#[test]
fn nobody_vouches_for_others_nor_twice_for_the_revoked() {
    let bench = bench();
    // A key that can't sign makes no request by itself, and another key signs for nobody.
    let bare = bench.run(&format!("csr create --key kem.key {ALICE} --out never.csr"));
    bare.fails(1, &["ML-KEM-768 can't sign", "--possession-certificate"]);
    bench.run("key generate --algorithm p256 --no-passphrase --out other.key").done();
    let other = VOUCH.replace("alice.key", "other.key");
    let run = bench.run(&format!("csr create --key kem.key {ALICE} {other} --out never.csr"));
    run.fails(1, &["not the key of the certificate that vouches"]);
    let run = bench.run(&format!("csr create --key other.key {ALICE} {VOUCH} --out never.csr"));
    run.fails(2, &["--possession-certificate", "ML-KEM"]);

    let issue = "issue --profile kem-recipient --out never.pem --csr";
    for (asked, words) in [
        ("--subject CN=Mallory --dns alice.test", ["subject: found", "CN=Alice"]),
        ("--subject CN=Alice --dns mallory.test", ["DNS:mallory.test", "DNS:alice.test"]),
    ] {
        bench.run(&format!("csr create --key kem.key {asked} {VOUCH} --out x.csr --force")).done();
        bench.run(&format!("{issue} x.csr")).fails(1, &words);
    }
    bench.run(&format!("csr create --key kem.key {ALICE} {VOUCH} --out kem.csr")).done();
    // The profile of servers takes no such key.
    bench.run("issue --csr kem.csr --out never.pem").fails(1, &["ML-KEM-768", "tls-server"]);

    // Another CA knows neither the certificate nor its root, unless it is told to trust that.
    let west = classical();
    west.write("kem.csr", bench.read("kem.csr"));
    west.write("root.pem", bench.read(ROOT));
    west.write("alice.pem", [bench.read("alice.pem"), bench.read(ISSUING)].concat());
    west.run(&format!("{issue} kem.csr")).fails(1, &["the certificate that vouches", "not valid"]);
    let line = "issue --profile kem-recipient --csr kem.csr --possession-trust root.pem \
                --possession-certificate alice.pem --out kem.pem";
    let run = west.run(line);
    // Both test CAs have the same names: those between should be in the records of this one then.
    run.fails(1, &["the certificate that vouches", "not valid"]);

    let alice = certificates(&bench, "alice.pem").remove(0);
    let serial = ca_core::serial::SerialNumber::from_bytes(alice.serial_octets()).unwrap();
    wait(async {
        let ledger = open(&bench).await;
        let revocation = Revoking {
            reason: RevocationReason::KEY_COMPROMISE,
            invalidity_date: None,
            revoked_at: "2026-11-26T12:00:00Z".parse().unwrap(),
            revoked_by: "test".into(),
        };
        ledger.revoke(NewRevocation { serial, only_orphan: false, revocation }).await.unwrap();
        ledger.close().await.unwrap();
    });
    bench.run(&format!("{issue} kem.csr")).fails(1, &["was revoked at 2026-11-26T12:00:00Z"]);
    assert!(!bench.path("never.pem").exists() && !west.path("kem.pem").exists());
    assert_eq!(records(&bench), 2 + 1, "a refusal leaves no record");
}

#[test]
fn a_repeated_request_is_answered_though_nobody_vouches_any_more() {
    let bench = bench();
    let issue = "issue --csr kem.csr --profile kem-recipient --idempotency-key";
    for (key, option) in [("stated", ""), ("named", "--name-only")] {
        bench
            .run(&format!(
                "csr create --key kem.key {ALICE} {VOUCH} {option} --out kem.csr --force"
            ))
            .done();
        bench.write(&format!("{key}.csr"), bench.read("kem.csr"));
        bench.write(&format!("{key}.pem"), succeeded(bench.run(&format!("{issue} {key}"))));
    }
    bench.run("cert revoke alice.pem").done();
    for key in ["stated", "named"] {
        bench.write("kem.csr", bench.read(&format!("{key}.csr")));
        let again = succeeded(bench.run(&format!("{issue} {key}")));
        assert_eq!(again, bench.read(&format!("{key}.pem")), "the same bytes");
        bench.run(&format!("{issue} other")).fails(1, &["was revoked at"]);
        bench
            .run(&format!("{issue} {key} --days 3"))
            .fails(1, &[&format!("idempotency key \"{key}\""), "another request"]);
    }
    assert_eq!(records(&bench), 2 + 1 + 2, "a refusal leaves no record");
}

#[test]
fn an_ml_kem_certificate_is_renewed_for_a_new_key_that_somebody_vouches_for() {
    let bench = bench();
    bench.run(&format!("csr create --key kem.key {ALICE} {VOUCH} --out kem.csr")).done();
    succeeded(bench.run("issue --csr kem.csr --profile kem-recipient --out kem.pem"));
    bench.run("key generate --algorithm ml-kem-768 --no-passphrase --out new.key").done();
    bench.run(&format!("csr create --key new.key {ALICE} {VOUCH} --out new.csr")).done();
    let renew = "cert renew kem.pem --csr new.csr --idempotency-key one";
    let first = bench.run(&format!("{renew} --out renewed.pem"));
    assert_eq!(first.code, 0, "{}", first.stderr());
    assert!(first.stderr().contains("possession: stated by the holder of"), "{}", first.stderr());
    let [old, new] = ["kem.pem", "renewed.pem"].map(|name| certificates(&bench, name).remove(0));
    let csr = pem::read_one_request(&bench.read("new.csr")).unwrap();
    assert_eq!(new.public_key(), csr.public_key());
    assert_ne!(new.public_key(), old.public_key());
    let names = |of: &Certificate| of.extensions().subject_alt_name().cloned();
    assert_eq!((new.subject(), names(&new)), (old.subject(), names(&old)));

    // Another person's certificate vouches for nothing here, and neither does silence.
    bench.run("issue --subject CN=Bob --dns bob.test --key-out bob.key --out bob.pem").done();
    let bob = VOUCH.replace("alice", "bob");
    for (asked, vouch, words) in [
        ("--subject CN=Bob --dns bob.test", bob.as_str(), ["subject: found", "CN=Alice"]),
        ("--subject CN=Alice --dns alice.test", &bob, ["subject: found", "CN=Bob"]),
        ("--subject CN=Alice", VOUCH, ["names: found \"\"", "DNS:alice.test"]),
    ] {
        bench.run(&format!("csr create --key new.key {asked} {vouch} --out x.csr --force")).done();
        bench.run("cert renew kem.pem --csr x.csr").fails(1, &words);
    }
    bench
        .run("cert renew kem.pem --possession-certificate alice.pem")
        .fails(2, &["--possession-certificate: found beside no --csr"]);
    bench.run("cert revoke alice.pem").done();
    bench.run("cert renew kem.pem --csr new.csr").fails(1, &["was revoked at"]);
    assert_eq!(succeeded(bench.run(renew)), bench.read("renewed.pem"), "the same bytes");
    assert_eq!(records(&bench), 2 + 4, "a refusal leaves no record");
}

#[test]
fn a_key_that_is_made_here_needs_nobody_and_makes_no_authority() {
    let bench = classical();
    let line = "issue --algorithm ml-kem-1024 --subject CN=store --key-out kem.key";
    bench.run(&format!("{line} --out kem.pem")).fails(1, &["ML-KEM-1024", "tls-server"]);
    let run = bench.run(&format!("{line} --profile kem-recipient --json")).done();
    assert_eq!(serial(&run).len(), 40);
    let run = bench.run("inspect kem.key").done();
    assert!(run.stdout().contains("ML-KEM-1024") && run.stdout().contains("seed"));
    bench
        .run("ca create --name kem --root --algorithm kyber768 --subject CN=K --no-passphrase")
        .fails(2, &["ML-KEM-768", "can't sign"]);
    sound(&bench);
}

#[test]
fn a_voucher_beside_a_key_that_shows_itself_is_refused_and_not_ignored() {
    let bench = bench();
    bench.run(&format!("csr create --key alice.key {ALICE} --out own.csr")).done();
    for (line, words) in [
        (
            "issue --csr own.csr --possession-certificate alice.pem".to_owned(),
            ["--possession-certificate: found", "signs for itself"],
        ),
        (
            format!("issue --csr own.csr --possession-trust {ROOT}"),
            ["--possession-trust: found", "signs for itself"],
        ),
        (
            "issue --dns a.test --key-out a.key --possession-certificate alice.pem".to_owned(),
            ["--possession-certificate: found", "made here"],
        ),
        (
            "csr verify own.csr --possession-certificate alice.pem".to_owned(),
            ["--possession-certificate: found", "signs for itself"],
        ),
    ] {
        bench.run(&line).fails(2, &words);
    }
    assert_eq!(records(&bench), 2 + 1, "a refusal leaves no record");
    assert!(!bench.path("a.key").exists());
    bench.run("csr verify own.csr").done();
}
