//! A classical certificate and a post-quantum one, bound to each other (RFC 9763).

use crate::data::{certificates, classical, copied, records};
use crate::workbench::Workbench;

const TRUST: &str = "--trust espalier-data/authorities/root/certificate.pem \
                     --intermediate espalier-data/authorities/issuing/certificate.pem";

/// A data folder, and in it the classical certificate `app.pem` with its key.
fn bench() -> Workbench {
    let bench = classical();
    bench.run("issue --dns app.test --algorithm p256 --key-out app.key --out app.pem").done();
    bench
}

fn ask(bench: &Workbench, names: &str, more: &str) {
    let new = "--algorithm ml-dsa-44 --key-out pq.key --no-passphrase --force";
    let related = "--related app.pem --related-key app.key";
    bench.run(&format!("csr create {new} {names} {related} {more} --out pq.csr")).done();
}

#[test]
fn a_pair_is_issued_in_two_commands_and_verified_in_one() {
    let bench = bench();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let shown = bench.run("inspect pq.csr").done();
    assert!(shown.stdout().contains("Asks to be bound to"), "{}", shown.stdout());
    bench.run("issue --csr pq.csr --out pq.pem").done();
    let shown = bench.run("inspect pq.pem").done();
    assert!(shown.stdout().contains("relatedCertificate"), "{}", shown.stdout());
    let verify = |line: &str| bench.run(&format!("verify {TRUST} {line}"));
    let run = verify("--related app.pem pq.pem").done();
    assert!(run.stdout().contains("bound: the same names"), "{}", run.stdout());
    verify("--related pq.pem app.pem").done();
    let json = verify("--related app.pem pq.pem --json").done().json();
    assert!(json["binding_error"].is_null() && json["related"]["valid"] == true);

    // Another certificate of the same names is not the one that was meant.
    bench.run("issue --dns app.test --algorithm p256 --key-out o.key --out other.pem").done();
    verify("--related other.pem pq.pem").fails(1, &["hashValue"]);
    verify("--related other.pem app.pem").fails(1, &["in neither certificate"]);
}

/// The certificate stands, but what vouches for it does not.
#[test]
fn below_an_authority_that_is_revoked_nothing_is_bound() {
    let bench = bench();
    bench.run("ca create --name second --parent root --algorithm p256 --subject CN=Second --no-passphrase").done();
    bench.run("issue --authority second --dns app.test --algorithm p256 --key-out app.key --out app.pem --force").done();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    bench.run("issue --authority issuing --csr pq.csr --out pq.pem").done();
    bench
        .run("cert revoke espalier-data/authorities/second/certificate.pem --reason ca-compromise")
        .done();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let run = bench.run("issue --authority issuing --csr pq.csr --out never.pem");
    run.fails(1, &["related certificate", "issuer"]);
    assert!(!bench.path("never.pem").exists());
}

/// Names are the same whatever their case: who calls itself like an authority of ours is judged as
/// one.
#[test]
fn a_name_in_other_letters_is_still_ours() {
    let (bench, other) = (bench(), Workbench::new());
    other.run("init --algorithm p256 --no-passphrase").done();
    let create = |bench: &Workbench, subject: &str| {
        let line = format!(
            "ca create --name odd --parent root --algorithm p256 --subject CN={subject} --no-passphrase"
        );
        bench.run(&line).done();
    };
    create(&bench, "Odd-Authority");
    create(&other, "ODD-authority");
    other
        .run(
            "issue --authority odd --dns app.test --algorithm p256 --key-out app.key --out app.pem",
        )
        .done();
    for name in ["app.key", "app.pem"] {
        bench.write(name, other.read(name));
    }
    bench.write("root.pem", other.read("espalier-data/authorities/root/certificate.pem"));
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let run = bench
        .run("issue --authority issuing --csr pq.csr --related-trust root.pem --out never.pem");
    run.fails(1, &["related certificate", "CN=ODD-authority", "not in the ledger"]);
}

#[test]
fn what_is_not_proven_is_not_issued() {
    let bench = bench();
    ask(&bench, "--subject CN=other.test --dns other.test", "");
    bench.run("issue --csr pq.csr --out never.pem").fails(1, &["names: found", "other.test"]);
    // The certificate is elsewhere, and must be given.
    ask(&bench, "--subject CN=app.test --dns app.test", "--related-url https://ca.test/app.cer");
    bench.run("issue --csr pq.csr --out never.pem").fails(2, &["https://ca.test/app.cer"]);
    bench.run("issue --csr pq.csr --related app.pem --out pq.pem").done();
    bench.run("issue --dns app.test --algorithm p256 --key-out o.key --out other.pem").done();
    bench.run("issue --csr pq.csr --related other.pem --out never.pem").fails(1, &["certID"]);
    // The wrong key signs nothing.
    let line = "csr create --key o.key --dns app.test --related app.pem --related-key o.key";
    bench.run(line).fails(1, &["another key than the related certificate's"]);
    assert!(!bench.path("never.pem").exists());
}

#[test]
fn what_our_ledger_does_not_have_or_has_revoked_binds_nothing() {
    let bench = bench();
    // By our own key, and yet not in the ledger: it was issued by a copy of the folder.
    copied(&bench, "copy");
    let line = "issue --data copy --dns app.test --algorithm p256 --key-out app.key --out app.pem";
    bench.run(&format!("{line} --force")).done();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let refused = bench.run("issue --csr pq.csr --out never.pem");
    refused.fails(1, &["related certificate: found", "is not in the ledger", "hint: "]);
    bench.run("issue --data copy --csr pq.csr --out pq.pem").done();

    let serial = certificates(&bench, "app.pem").remove(0).fingerprint();
    bench.run(&format!("cert revoke {serial} --data copy")).done();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let refused = bench.run("issue --data copy --csr pq.csr --out never.pem");
    refused.fails(1, &["related certificate: found it revoked since", "hint: "]);
    assert!(!bench.path("never.pem").exists());
    assert_eq!(records(&bench), 2 + 1, "a refusal leaves no record");
}

#[test]
fn a_repeated_request_is_answered_though_its_wish_is_old_by_now() {
    let bench = bench();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    let first = bench.run("issue --csr pq.csr --idempotency-key one").done();
    let second = std::time::Duration::from_secs(1);
    std::thread::sleep(2 * second);
    let old = "issue --csr pq.csr --related-max-age-seconds 1 --idempotency-key";
    let again = bench.run(&format!("{old} one"));
    assert_eq!((again.code, &again.stdout), (0, &first.stdout), "the same bytes");
    bench.run(&format!("{old} two")).fails(1, &["requestTime"]);
    let other = format!("{old} one --days 3");
    bench.run(&other).fails(1, &["idempotency key \"one\"", "another request"]);
}

#[test]
fn a_renewed_certificate_is_not_bound_and_the_command_says_so() {
    let bench = bench();
    ask(&bench, "--subject CN=app.test --dns app.test", "");
    bench.run("issue --csr pq.csr --out pq.pem").done();
    let bound = bench.run("cert renew pq.pem --out new.pem");
    assert_eq!(bound.code, 0, "{}", bound.stderr());
    assert!(bound.stderr().contains("the new one is not"), "{}", bound.stderr());
    bench.run(&format!("verify {TRUST} --related app.pem new.pem")).fails(1, &["in neither"]);
    let plain = bench.run("cert renew app.pem --out new.pem --force").done();
    assert!(!plain.stderr().contains("RFC 9763"), "{}", plain.stderr());
}
