use std::fs;

use crate::data::{classical, everything, records, sound, verifies};
use crate::workbench::Workbench;

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const ISSUE: &str = "issue --dns a.test --key-out a.key --out a.pem --chain";

#[test]
fn a_passphrase_protects_the_keys() {
    let bench = Workbench::new();
    bench.write("right", "correct horse\n");
    bench.write("wrong", "correct house\n");
    bench.write("empty", "\n");
    let run = bench.run("init --algorithm p256 --passphrase-file right").done();
    assert!(run.stdout().contains("espalier-data/authorities/issuing/certificate.pem"));
    assert!(!bench.path("espalier-data/passphrase").exists(), "only quickstart keeps it");
    bench
        .run(&format!("{ISSUE} --passphrase-file wrong"))
        .fails(2, &["espalier-data/authorities/issuing/key.pem", "passphrase", "hint: "]);
    bench.run(&format!("{ISSUE} --passphrase-file empty")).fails(2, &["empty: passphrase: empty"]);
    bench.run(ISSUE).fails(2, &["passphrase: none given", "--passphrase-file"]);
    let env = [("CA_PASS", "wrong")];
    bench
        .run_with(&format!("{ISSUE} --passphrase-env CA_PASS"), &env, b"")
        .fails(2, &["passphrase"]);
    bench.run(&format!("{ISSUE} --passphrase-env UNSET")).fails(2, &["UNSET", "not set"]);
    assert_eq!(records(&bench), 2, "nothing was recorded");
    assert!(!bench.path("a.key").exists() && !bench.path("a.pem").exists());
    let env = [("CA_PASS", "correct horse")];
    bench.run_with(&format!("{ISSUE} --passphrase-env CA_PASS"), &env, b"").done();
    bench
        .run_with("issue --dns b.test --key-out b.key --passphrase-file -", &[], b"correct horse")
        .done();
    verifies(&bench, "a.pem", ROOT, "any");
    assert_eq!(records(&bench), 4);
}

#[test]
fn the_key_derivation_is_the_one_asked_for() {
    for (kdf, name) in [("scrypt", "scrypt"), ("pbkdf2", "PBKDF2")] {
        let bench = Workbench::new();
        bench.write("p", "x");
        bench.run(&format!("init --algorithm p256 --passphrase-file p --kdf {kdf}")).done();
        let run = bench.run("inspect espalier-data/authorities/root/key.pem").done();
        assert!(run.stdout().contains(name), "{}", run.stdout());
        bench.run(&format!("{ISSUE} --passphrase-file p")).done();
    }
}

#[test]
fn without_a_passphrase_or_a_terminal_nothing_is_made() {
    let bench = Workbench::new();
    bench.run("init").fails(2, &["passphrase: none given", "--no-passphrase"]);
    bench.run("init --passphrase-file missing").fails(2, &["missing"]);
    bench.run("init --no-passphrase --organization \u{7}").fails(2, &["--organization"]);
    assert!(bench.files().is_empty());
}

#[test]
fn it_replaces_nothing() {
    let bench = classical();
    let before = everything(&bench.path(""));
    let words = ["espalier-data: there is a CA in it already", "hint: "];
    bench.run("init --no-passphrase").fails(2, &words);
    assert!(before == everything(&bench.path("")));
}

#[test]
fn json_names_what_was_made() {
    let bench = Workbench::new();
    let run = bench.run("init --data x/y/ca --algorithm ed25519 --no-passphrase --json").done();
    let made = run.json();
    assert_eq!((&made["data"], &made["algorithm"]), (&"x/y/ca".into(), &"Ed25519".into()));
    for file in ["root_certificate", "issuing_certificate"] {
        assert!(bench.path(made[file].as_str().unwrap()).exists());
    }
    assert_eq!(bench.mode("x/y/ca"), 0o700);
    bench.run("ledger check --data x/y/ca").done();
}

#[test]
fn what_a_crash_left_in_an_empty_folder_is_told() {
    let bench = Workbench::new();
    // Hidden work of a run that was killed is in nobody's way; what moved to its place is told.
    fs::create_dir_all(bench.path("espalier-data/.espalier-new-abc123/data")).unwrap();
    bench.run("init --algorithm p256 --no-passphrase").done();
    sound(&bench);
    fs::create_dir_all(bench.path("cut/authorities/root")).unwrap();
    let line = "init --data cut --algorithm p256 --no-passphrase";
    bench.run(line).fails(2, &["cut off", "hint: "]);
}
