//! Where key and certificate go, and what a person learns when they can't.

use std::fs::{self, File};
use std::process::Stdio;

use crate::data::{certificates, classical, records};

#[test]
fn what_can_be_known_before_is_refused_before() {
    let bench = classical();
    bench.write("old.key", "precious");
    fs::create_dir(bench.path("folder")).unwrap();
    bench.run("key generate --algorithm p256 --no-passphrase --out other.key").done();
    for (options, code, words) in [
        ("--key-out old.key", 2, &["old.key", "replaces nothing", "--force"][..]),
        ("--key-out folder", 2, &["folder: a folder"]),
        ("--key-out missing/k.pem", 3, &["missing/k.pem", "make the folder"]),
        ("--key-out k.pem --out missing/a.pem", 3, &["missing/a.pem", "make the folder"]),
        ("--key-out k.pem --out other.key", 2, &["other.key", "private key"]),
        ("--key-out k.pem --out k.pem", 2, &["k.pem: named for two outputs"]),
        ("--key-out - --json", 2, &["--key-out", "--json"]),
        ("--key-out - --der", 2, &["--key-out", "--der"]),
    ] {
        bench.run(&format!("issue --dns a.test {options}")).fails(code, words);
    }
    assert_eq!(bench.read("old.key"), b"precious");
    assert_eq!(bench.files(), ["espalier-data", "folder", "old.key", "other.key"]);
    assert_eq!(records(&bench), 2, "nothing was issued");
}

#[test]
fn force_replaces_a_key() {
    let bench = classical();
    bench.write("k.pem", "old");
    bench.run("issue --dns a.test --key-out k.pem --force --out a.pem").done();
    assert!(bench.read("k.pem").starts_with(b"-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn key_and_certificate_on_standard_output() {
    let bench = classical();
    let run = bench.run("issue --dns a.test --key-out -").done();
    let (key, certificate) = run.stdout().split_once("-----END PRIVATE KEY-----\n").unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(certificate.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn a_certificate_that_could_not_be_written_is_had_from_the_ledger() {
    let bench = classical();
    let mut command = bench.command();
    command.args(["issue", "--dns", "a.test", "--key-out", "k.pem"]);
    command.stdout(File::create("/dev/full").unwrap()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("issued and in the ledger, but not written: standard output"), "{said}");
    let (_, hint) = said.split_once("get it by `espalier ").unwrap();
    let (command, _) = hint.split_once('`').unwrap();
    bench.run(&format!("{command} --out a.pem")).done();
    // The key is there, and is that certificate's.
    bench.run("csr create --key k.pem --subject CN=x --out x.csr").done();
    let csr = ca_core::pem::read_one_request(&bench.read("x.csr")).unwrap();
    assert!(certificates(&bench, "a.pem")[0].public_key() == csr.public_key());
}

#[test]
fn a_key_that_could_not_be_written_is_told_with_its_certificate() {
    let bench = classical();
    let run = bench.run("issue --dns a.test --key-out /dev/full --out a.pem");
    let run =
        run.fails(3, &["private key could not be written and is gone", "/dev/full", "hint: "]);
    assert!(!bench.path("a.pem").exists(), "no certificate without its key");
    let (_, rest) = run.stderr().split_once("certificate ").unwrap();
    let (serial, _) = rest.split_once(':').unwrap();
    bench.run(&format!("cert show {serial}")).done();
    assert_eq!(records(&bench), 3);
}
