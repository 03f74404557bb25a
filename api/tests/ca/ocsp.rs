//! `ocsp request|respond|presign|show` and `verify --ocsp`.

use crate::data::{classical, copied, made, serial, sound};
use crate::workbench::{Run, Workbench, bent};

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const ISSUING: &str = "espalier-data/authorities/issuing/certificate.pem";
const RESPOND: &str = "ocsp respond --authority issuing";

/// Issues a certificate into `NAME.pem`, and asks about it in `NAME.req`; gives its serial number.
fn issue(bench: &Workbench, name: &str) -> String {
    let run = bench.run(&format!("issue --json --dns {name}.test --key-out k.pem --force"));
    assert_eq!(run.code, 0, "{}", run.stderr());
    bench.write(&format!("{name}.pem"), run.json()["certificate"].as_str().unwrap());
    ask(bench, name, "");
    serial(&run)
}

fn ask(bench: &Workbench, name: &str, options: &str) {
    bench
        .run(&format!("ocsp request --issuer {ISSUING} {options} {name}.pem --out {name}.req"))
        .done();
}

fn answer(bench: &Workbench, name: &str, options: &str) {
    bench.run(&format!("{RESPOND} --request {name}.req --out {name}.resp {options}")).done();
}

fn verify(bench: &Workbench, leaf: &str, options: &str) -> Run {
    bench.run(&format!(
        "verify --trust {ROOT} --intermediate {ISSUING} --revocation-of leaf {options} {leaf}.pem"
    ))
}

#[test]
fn the_authority_answers_good_and_after_a_revocation_revoked_at_once() {
    for bench in [classical(), made("--no-passphrase")] {
        let serial = issue(&bench, "app");
        answer(&bench, "app", "");
        let good = verify(&bench, "app", "--ocsp app.resp").done();
        assert!(good.stdout().contains("good, by OCSP response ("), "{}", good.stdout());
        bench.write("good.resp", bench.read("app.resp"));

        bench.run(&format!("cert revoke {serial} --reason superseded")).done();
        answer(&bench, "app", "--hours 1");
        verify(&bench, "app", "--ocsp app.resp").fails(1, &["revoked at", "superseded"]);
        // The worse answer counts, in whatever order they are given.
        let both = "--ocsp app.resp --ocsp good.resp --json";
        let json = verify(&bench, "app", both).fails(1, &["revoked at"]).json();
        let last = json["steps"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["revocation"]["sources"][0]["kind"], "ocsp");
        // A list that says good does not take it back.
        let other = "crl make issuing --only ca --out ca.crl";
        bench.run(other).done();
        verify(&bench, "app", "--crl ca.crl --ocsp app.resp").fails(1, &["revoked at"]);

        let shown = bench.run("ocsp show app.resp --json").done().json();
        assert_eq!(
            (&shown["kind"], &shown["response_status"]),
            (&"ocsp-response".into(), &"successful".into())
        );
        let single = &shown["certificates"][0];
        assert_eq!(
            (&single["status"], &single["reason"]),
            (&"revoked".into(), &"superseded".into())
        );
        assert_eq!(single["serial"], serial.as_str());
        let asked = bench.run("ocsp show app.req --json").done().json();
        assert_eq!(asked["kind"], "ocsp-request");
        assert_eq!(asked["nonce"], shown["nonce"], "the nonce is repeated");
        assert_eq!(asked["certificates"][0]["hash"], "SHA-1");
        for file in ["app.req", "app.resp"] {
            let text = bench.run(&format!("ocsp show {file}")).done();
            assert!(text.stdout().replace(':', "").contains(&serial), "{}", text.stdout());
            assert_eq!(bench.run(&format!("inspect {file}")).done().stdout, text.stdout);
        }
    }
}

#[test]
fn a_delegate_answers_without_the_authoritys_key() {
    let bench = classical();
    let serial = issue(&bench, "app");
    issue(&bench, "db");
    let line = "issue --profile ocsp-responder --subject CN=OCSP --key-out ocsp.key --out ocsp.pem";
    bench.run(line).done();
    std::fs::rename(
        bench.path("espalier-data/authorities/issuing/key.pem"),
        bench.path("away.pem"),
    )
    .unwrap();
    bench.run(&format!("{RESPOND} --request app.req --out x")).fails(3, &["key.pem"]);
    let delegate = "--responder-cert ocsp.pem --responder-key ocsp.key";
    answer(&bench, "app", delegate);
    let good = verify(&bench, "app", "--ocsp app.resp").done();
    assert!(good.stdout().contains("OCSP response of CN=OCSP"), "{}", good.stdout());
    bench.run(&format!("cert revoke {serial}")).done();
    answer(&bench, "app", delegate);
    verify(&bench, "app", "--ocsp app.resp").fails(1, &["revoked at"]);
    // The certificate of a server may not answer, and neither may another's key.
    for (options, words) in [
        ("--responder-cert db.pem --responder-key k.pem", &["extendedKeyUsage"][..]),
        ("--responder-cert ocsp.pem --responder-key k.pem", &["key"]),
    ] {
        bench.run(&format!("{RESPOND} --request app.req --out x {options}")).fails(1, words);
    }
    let line = format!("{RESPOND} --request app.req --responder-cert ocsp.pem");
    bench.run(&line).fails(2, &["--responder-key"]);
    assert!(!bench.path("x").exists());
}

#[test]
fn a_delegate_that_is_revoked_or_not_in_the_ledger_answers_nothing() {
    let bench = classical();
    issue(&bench, "app");
    copied(&bench, "copy");
    let line = "issue --profile ocsp-responder --subject CN=OCSP";
    bench.run(&format!("{line} --key-out own.key --out own.pem")).done();
    bench.run(&format!("{line} --data copy --key-out copy.key --out copy.pem")).done();
    let by = |name: &str| format!("--responder-cert {name}.pem --responder-key {name}.key");
    let commands = [
        format!("{RESPOND} --request app.req --out x.resp"),
        "ocsp presign --authority issuing --out-dir x".to_owned(),
    ];
    for command in &commands {
        bench.run(&format!("{command} {}", by("own"))).done();
        let refused = bench.run(&format!("{command} {}", by("copy")));
        refused.fails(1, &["copy.pem: delegate: found", "not in the ledger", "ocsp-responder"]);
        bench.run(&format!("{command} --data copy {}", by("copy"))).done();
    }
    bench.run("cert revoke own.pem").done();
    for command in &commands {
        let refused = bench.run(&format!("{command} {}", by("own")));
        refused.fails(1, &["own.pem: delegate: found it revoked since", "ocsp-responder"]);
        bench.run(command).done();
    }
}

#[test]
fn what_a_response_does_not_prove_is_unknown_and_refused() {
    let bench = classical();
    issue(&bench, "app");
    issue(&bench, "other");
    answer(&bench, "app", "");
    bench.write("bent.resp", bent(&bench.read("app.resp")));
    let stranger = classical();
    issue(&stranger, "app");
    answer(&stranger, "app", "");
    bench.write("stranger.resp", stranger.read("app.resp"));
    for (leaf, options, words) in [
        ("other", "--ocsp app.resp", &["certID"][..]),
        ("app", "--ocsp bent.resp", &["signature"]),
        ("app", "--ocsp stranger.resp", &["certID"]),
        ("app", "--ocsp app.resp --at 2999-01-01T00:00:00Z", &[]),
    ] {
        verify(&bench, leaf, options).fails(1, words);
    }
    // The whole chain wants an answer about the issuing CA as well.
    let line = format!("verify --trust {ROOT} --intermediate {ISSUING} --ocsp app.resp app.pem");
    let run = bench.run(&line).fails(1, &["revocation: found unknown", "certID"]);
    assert!(!run.stdout().contains("good, by OCSP"), "{}", run.stdout());
    let chain = format!("ocsp request --issuer {ROOT} {ISSUING} --out issuing.req");
    bench.run(&chain).done();
    // The root's key signs certificates and lists alone, so it needs a delegate.
    let respond = "ocsp respond --authority root --request issuing.req --out issuing.resp";
    bench.run(respond).fails(1, &["digitalSignature", "a delegate"]);
    let line_of_delegate = "issue --authority root --profile ocsp-responder --subject CN=OCSP";
    bench.run(&format!("{line_of_delegate} --key-out o.key --out o.pem")).done();
    bench.run(&format!("{respond} --responder-cert o.pem --responder-key o.key")).done();
    bench.run(&format!("{line} --ocsp issuing.resp")).done();
    let both = verify(&bench, "other", "--ocsp app.resp --revocation allow-unknown").done();
    assert!(both.stdout().contains("--   revocation"), "{}", both.stdout());
}

#[test]
fn requests_that_can_not_be_answered_are_refused() {
    let bench = classical();
    let stored = issue(&bench, "app");
    let west = "ca create --name west --parent root --subject CN=West --algorithm p256";
    bench.run(&format!("{west} --no-passphrase")).done();
    bench.write("short.req", &bench.read("app.req")[..40]);
    for (line, code, words) in [
        ("--authority west --request app.req", 1, &["unauthorized"][..]),
        ("--authority nobody --request app.req", 2, &["nobody"]),
        ("--authority issuing --request short.req", 2, &["short.req"]),
        ("--authority issuing --request app.pem", 2, &["app.pem"]),
        ("--authority issuing --request missing", 2, &["missing"]),
        ("--authority issuing --request app.req --hours 0", 2, &["--hours"]),
        ("--authority issuing --request app.req --out missing/x", 3, &["missing/x"]),
    ] {
        bench.run(&format!("ocsp respond {line}")).fails(code, words);
    }
    for (line, code, words) in [
        (format!("--issuer {ROOT} app.pem"), 1, &["app.pem", "its issuer is"][..]),
        (format!("--issuer {ISSUING} app.pem --hash md5"), 2, &["md5", "sha256"]),
        (format!("--issuer {ISSUING}"), 2, &["FILE"]),
        (format!("--issuer {ISSUING} app.req"), 2, &["app.req"]),
    ] {
        bench.run(&format!("ocsp request {line}")).fails(code, words);
    }
    bench.run("ocsp show app.pem").fails(2, &["app.pem", "OCSP"]);
    bench.run("ocsp show short.req").fails(2, &["short.req"]);
    // Several at once, without a nonce; of a serial number that nobody issued nothing is known.
    let two = issue(&bench, "two");
    let line = format!("ocsp request --issuer {ISSUING} --no-nonce --hash sha256");
    bench.run(&format!("{line} app.pem two.pem --out both.req")).done();
    answer(&bench, "both", "");
    let shown = bench.run("ocsp show both.resp --json").done().json();
    let serials: Vec<&str> = shown["certificates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|single| single["serial"].as_str().unwrap())
        .collect();
    assert_eq!((serials, &shown["nonce"]), (vec![&*stored, &*two], &serde_json::Value::Null));
}

#[test]
fn responses_are_signed_ahead_for_every_certificate() {
    let bench = classical();
    let [good, bad] = ["good", "bad"].map(|name| issue(&bench, name));
    bench.run(&format!("cert revoke {bad} --reason keyCompromise")).done();
    let line = "ocsp presign --authority issuing --out-dir ocsp";
    let run = bench.run(line).done();
    assert_eq!(run.stdout(), "2 responses in ocsp: 1 good, 1 revoked\n");
    for (name, serial, words) in [("good", &good, ""), ("bad", &bad, "keyCompromise")] {
        let run = verify(&bench, name, &format!("--ocsp ocsp/{serial}.ocsp"));
        assert_eq!(run.code, i32::from(!words.is_empty()), "{}", run.stderr());
        assert!(run.stderr().contains(words), "{}", run.stderr());
    }
    verify(&bench, "bad", &format!("--ocsp ocsp/{good}.ocsp")).fails(1, &["certID"]);
    // Again, by another hash function, over the old ones.
    bench.run(&format!("cert revoke {good}")).done();
    let json = bench.run(&format!("{line} --hash sha256 --json")).done().json();
    assert_eq!((&json["good"], &json["revoked"]), (&0.into(), &2.into()));
    verify(&bench, "good", &format!("--ocsp ocsp/{good}.ocsp")).fails(1, &["revoked at"]);
    bench.run(&format!("{line} --hash sha384")).fails(1, &["SHA-256"]);
    bench.run("ocsp presign --authority issuing --out-dir good.pem").fails(3, &["good.pem"]);
    let names = std::fs::read_dir(bench.path("ocsp")).unwrap().count();
    assert_eq!(names, 2, "no temporary file is left");
    sound(&bench);
}
