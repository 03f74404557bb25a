//! `espalier csr create` and `espalier csr verify`.

use ca_core::pem;

use crate::workbench::{Workbench, bent};

const KEY: &str = "key generate --algorithm hybrid --no-passphrase --out key.pem";
const NAMES: &str = "--subject CN=demo,O=Example --dns Demo.localhost --dns *.demo.test \
    --ip 127.0.0.1 --ip ::1 --email a@demo.test --uri spiffe://demo/a --upn a@demo";

#[test]
fn a_request_holds_what_was_asked_for() {
    let bench = Workbench::new();
    bench.run(KEY).done();
    bench.run(&format!("csr create --key key.pem {NAMES} --out demo.csr")).done();
    assert_eq!(bench.mode("demo.csr"), 0o644);

    let run = bench.run("csr verify demo.csr").done();
    assert!(run.stdout().starts_with("valid: "), "{}", run.stdout());
    let request = pem::read_one_request(&bench.read("demo.csr")).unwrap();
    assert_eq!(request.subject().to_string(), "CN=demo,O=Example");
    let names: Vec<String> = request.names().iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "DNS:demo.localhost",
            "DNS:*.demo.test",
            "IP:127.0.0.1",
            "IP:::1",
            "email:a@demo.test",
            "URI:spiffe://demo/a",
            "UPN:a@demo"
        ]
    );
    let json = bench.run("csr verify demo.csr --json").done().json();
    assert_eq!(json[0]["kind"], "certificate-request");
}

#[test]
fn key_and_request_are_made_in_one_go() {
    let bench = Workbench::new();
    let line = "csr create --algorithm p256 --key-out key.pem --no-passphrase --dns a.test";
    let run = bench.run(&format!("{line} --out demo.csr")).done();
    assert!(run.stdout.is_empty());
    assert_eq!((bench.mode("key.pem"), bench.mode("demo.csr")), (0o600, 0o644));
    bench.run("csr verify demo.csr").done();

    bench.run(&format!("{line} --out demo.csr")).fails(2, &["key.pem", "exists"]);
    bench
        .run("csr create --algorithm p256 --key-out x --no-passphrase --out x --dns a.test")
        .fails(2, &["two outputs"]);
    bench.run("csr create --key-out x --no-passphrase --dns a.test").fails(2, &["--algorithm"]);
    bench.run("csr create --key key.pem --key-out x --dns a.test").fails(2, &["cannot be used"]);
    bench.run("csr create --key key.pem --no-passphrase --dns a.test").fails(2, &["--key-out"]);
    assert_eq!(bench.files(), ["demo.csr", "key.pem"]);
}

#[test]
fn when_one_output_fails_neither_is_written() {
    let bench = Workbench::new();
    let line = "csr create --algorithm p256 --key-out key.pem --no-passphrase --dns a.test";
    bench.run(&format!("{line} --out missing/demo.csr")).fails(3, &["missing/demo.csr"]);
    assert!(bench.files().is_empty(), "{:?}", bench.files());
}

#[test]
fn names_that_are_none_are_refused() {
    let bench = Workbench::new();
    bench.run(KEY).done();
    for (rest, words) in [
        ("", &["neither a subject nor a name", "--dns"][..]),
        ("--dns a..test", &["--dns", "a..test"]),
        ("--ip 127.0.0.256", &["--ip", "127.0.0.256"]),
        ("--email nobody", &["--email", "nobody"]),
        ("--uri relative/path", &["--uri", "relative/path"]),
        ("--subject CN=", &["--subject"]),
        ("--subject XX=demo", &["--subject", "XX"]),
        ("--algorithm p256 --dns a.test", &["ECDSA-P256", "MLDSA65"]),
    ] {
        bench.run(&format!("csr create --key key.pem {rest}")).fails(2, words);
    }
    let many: String = (0..101).map(|index| format!(" --dns n{index}.test")).collect();
    bench.run(&format!("csr create --key key.pem {many}")).fails(1, &["101", "100"]);
}

#[test]
fn an_rsa_key_signs_as_it_is_told() {
    let bench = Workbench::new();
    bench.run("key generate --algorithm rsa2048 --no-passphrase --out key.pem").done();
    for (rest, scheme) in [("", "PKCS#1 v1.5"), ("--algorithm rsa2048-pss", "RSA-PSS")] {
        let made = bench.run(&format!("csr create --key key.pem --dns a.test {rest}")).done();
        let run = bench.run_with("csr verify -", &[], &made.stdout).done();
        assert!(run.stdout().contains(scheme), "{}", run.stdout());
    }
}

#[test]
fn a_bent_or_foreign_request_is_refused() {
    let bench = Workbench::new();
    bench.run(KEY).done();
    bench.run("csr create --key key.pem --dns demo.test --der --out good.der").done();
    let good = bench.read("good.der");
    bench.run("csr verify good.der").done();

    bench.run_with("csr verify -", &[], &bent(&good)).fails(1, &["proof of possession"]);
    let at = good.windows(9).position(|octets| octets == b"demo.test").unwrap();
    let mut renamed = good.clone();
    renamed[at] = b'm';
    bench.run_with("csr verify -", &[], &renamed).fails(1, &["proof of possession"]);

    let mut longer = good.clone();
    longer.push(0);
    for (octets, words) in [
        (&good[..good.len() - 1], &["standard input"][..]),
        (&longer, &["standard input"]),
        (b"", &["empty"]),
        (&bench.read("key.pem"), &["PRIVATE KEY", "CERTIFICATE REQUEST"]),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n", &["END"]),
    ] {
        bench.run_with("csr verify -", &[], octets).fails(2, words);
    }
    bench.run("csr verify missing.csr").fails(2, &["missing.csr"]);
}
