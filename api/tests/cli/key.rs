//! `espalier key generate`, and the passphrases of keys.

use ca_core::key::{KeyForm, PrivateKey};
use ca_core::pem;

use crate::workbench::Workbench;

fn generate(bench: &Workbench, rest: &str) -> crate::workbench::Run {
    bench.run(&format!("key generate --algorithm ml-dsa-44 {rest}"))
}

#[test]
fn a_key_is_for_its_owner_and_its_public_half_for_all() {
    let bench = Workbench::new();
    generate(&bench, "--no-passphrase --out key.pem --public-out public.pem").done();
    assert_eq!((bench.mode("key.pem"), bench.mode("public.pem")), (0o600, 0o644));
    assert_eq!(bench.files(), ["key.pem", "public.pem"], "nothing else is left behind");

    let pem::Input::Pem(blocks) = pem::read(&bench.read("key.pem")).unwrap() else { panic!() };
    let key = PrivateKey::from_der(blocks[0].der()).unwrap();
    assert_eq!(key.form(), Some(KeyForm::Seed));
    let public = pem::read_one_public_key(&bench.read("public.pem")).unwrap();
    assert_eq!(&public, key.public_key());
}

#[test]
fn two_keys_differ() {
    let bench = Workbench::new();
    let one = generate(&bench, "--no-passphrase").done();
    let other = generate(&bench, "--no-passphrase").done();
    assert!(one.stdout().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_ne!(one.stdout(), other.stdout());
}

#[test]
fn der_is_written_and_read() {
    let bench = Workbench::new();
    generate(&bench, "--no-passphrase --der --out key.der").done();
    assert_eq!(bench.read("key.der").len(), 54, "RFC 9881's seed form");
    bench.run("csr create --key key.der --dns a.test").done();
}

#[test]
fn a_key_is_never_overwritten_without_force() {
    let bench = Workbench::new();
    generate(&bench, "--no-passphrase --out key.pem").done();
    let before = bench.read("key.pem");
    generate(&bench, "--no-passphrase --out key.pem").fails(2, &["key.pem", "exists", "--force"]);
    assert_eq!(bench.read("key.pem"), before);
    generate(&bench, "--no-passphrase --out key.pem --force").done();
    assert_ne!(bench.read("key.pem"), before);
    assert_eq!(bench.mode("key.pem"), 0o600);
}

#[test]
fn nothing_replaces_a_key_by_accident() {
    let bench = Workbench::new();
    for (name, form) in [("key.pem", ""), ("key.der", "--der")] {
        generate(&bench, &format!("--no-passphrase {form} --out {name}")).done();
        let before = bench.read(name);
        let line = format!("csr create --key {name} --dns a.test --out {name}");
        bench.run(&line).fails(2, &[name, "private key", "--force"]);
        assert_eq!(bench.read(name), before);
    }
    generate(&bench, "--no-passphrase --out a.pem --public-out a.pem").fails(2, &["two outputs"]);
    assert_eq!(bench.files(), ["key.der", "key.pem"]);
}

#[test]
fn a_passphrase_opens_its_key_and_no_other_does() {
    let bench = Workbench::new();
    bench.write("pass", "correct horse\n");
    bench.write("wrong", "correct horsf\n");
    for kdf in ["scrypt", "pbkdf2"] {
        let key = format!("{kdf}.pem");
        generate(&bench, &format!("--passphrase-file pass --kdf {kdf} --out {key}")).done();
        assert!(bench.read(&key).starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        let line = format!("csr create --dns a.test --key {key}");

        bench.run(&format!("{line} --passphrase-file pass")).done();
        let env = [("KEY_PASS", "correct horse")];
        bench.run_with(&format!("{line} --passphrase-env KEY_PASS"), &env, b"").done();
        bench.run_with(&format!("{line} --passphrase-file -"), &[], b"correct horse\r\n").done();

        let wrong = bench.run(&format!("{line} --passphrase-file wrong"));
        let wrong = wrong.fails(2, &[&key, "passphrase is wrong", "hint: "]);
        assert!(wrong.stdout.is_empty());
        bench.run(&line).fails(2, &["no terminal", "--passphrase-file"]);
    }
}

#[test]
fn passphrases_that_are_none_are_refused() {
    let bench = Workbench::new();
    bench.write("empty", "\n");
    bench.write("lines", "one\ntwo\n");
    for (rest, words) in [
        ("", &["none given", "--no-passphrase"][..]),
        ("--passphrase-file empty", &["empty", "--no-passphrase"]),
        ("--passphrase-file lines", &["several lines"]),
        ("--passphrase-file missing", &["missing"]),
        ("--passphrase-env UNSET_FOR_SURE", &["UNSET_FOR_SURE", "not set"]),
        ("--passphrase-file empty --no-passphrase", &["cannot be used"]),
        ("--passphrase-file empty --passphrase-env X", &["cannot be used"]),
    ] {
        generate(&bench, &format!("{rest} --out key.pem")).fails(2, words);
    }
    assert_eq!(bench.files(), ["empty", "lines"], "no key was written");
}

#[test]
fn a_passphrase_is_never_an_argument() {
    let bench = Workbench::new();
    generate(&bench, "--passphrase secret").fails(2, &["unexpected argument"]);
}
