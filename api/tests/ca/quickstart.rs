use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::data::{certificates, everything, records, sound, verifies};
use crate::workbench::Workbench;

const ROOT: &str = "espalier-data/authorities/root/certificate.pem";
const DEMO: &str = "espalier-data/certificates/demo.localhost";

#[test]
fn it_makes_a_hybrid_ca_and_a_certificate_that_verifies() {
    let bench = Workbench::new();
    let run = bench.run("quickstart").done();
    let words = ["MLDSA65-ECDSA-P256-SHA512", "policy hybrid", "passphrase", "Try next:"];
    for word in words {
        assert!(run.stdout().contains(word), "no {word} in {}", run.stdout());
    }
    verifies(&bench, &format!("{DEMO}/chain.pem"), ROOT, "hybrid");
    for secret in ["passphrase", "authorities/root/key.pem", "authorities/issuing/key.pem"] {
        assert_eq!(bench.mode(&format!("espalier-data/{secret}")), 0o600, "{secret}");
    }
    assert_eq!(bench.mode(&format!("{DEMO}/key.pem")), 0o600);
    assert_eq!(bench.mode("espalier-data"), 0o700);
    let key = bench.read("espalier-data/authorities/root/key.pem");
    assert!(key.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    assert_eq!(bench.files(), ["bent.pem", "espalier-data"], "nothing hidden is left");
    let report = sound(&bench);
    assert_eq!((&report["checked"]["records"], &report["signatures"]), (&3.into(), &5.into()));
}

#[test]
fn the_commands_that_it_names_work() {
    let bench = Workbench::new();
    let run = bench.run("quickstart").done();
    let (_, next) = run.stdout().split_once("Try next:\n").unwrap();
    let commands: Vec<&str> = next.lines().collect();
    assert_eq!(commands.len(), 3);
    for command in commands {
        bench.run(command.trim().strip_prefix("espalier ").unwrap()).done();
    }
    assert!(bench.files().contains(&"app.pem".to_owned()));
}

#[test]
fn run_again_it_changes_nothing() {
    let bench = Workbench::new();
    bench.run("quickstart").done();
    let before = everything(&bench.path(""));
    let run = bench.run("quickstart --json").done();
    assert_eq!(run.json()["reused"], true);
    assert_eq!(run.json()["valid"], true);
    assert!(before == everything(&bench.path("")), "a file changed");
}

#[test]
fn every_family_makes_a_ca_and_keeps_what_its_policy_promises() {
    for (options, policy, too_strict) in [
        ("--algorithm ed25519", "any", Some("post-quantum")),
        ("--algorithm p384", "any", Some("hybrid")),
        ("--algorithm rsa-2048", "any", Some("hybrid")),
        ("--algorithm ML-DSA-65", "post-quantum", Some("hybrid")),
        ("--algorithm p256 --alt-algorithm ml-dsa-65", "hybrid", None),
        ("--algorithm MLDSA87-ECDSA-P384-SHA512", "hybrid", None),
    ] {
        let bench = Workbench::new();
        let run = bench.run(&format!("quickstart --json {options}")).done();
        assert_eq!(run.json()["policy"], policy, "{options}");
        let chain = format!("{DEMO}/chain.pem");
        verifies(&bench, &chain, ROOT, policy);
        if let Some(policy) = too_strict {
            let line = format!("verify --trust {ROOT} --policy {policy} {chain}");
            bench.run(&line).fails(1, &["alone, allowed"]);
        }
        sound(&bench);
    }
}

#[test]
fn algorithms_that_do_not_go_together_leave_nothing() {
    let bench = Workbench::new();
    for (options, code, words) in [
        ("--algorithm ml-dsa-65 --alt-algorithm ml-dsa-65", 1, &["alternative", "classical"][..]),
        ("--algorithm p256 --alt-algorithm ed25519", 1, &["alternative", "ML-DSA"]),
    ] {
        bench.run(&format!("quickstart {options}")).fails(code, words);
    }
    assert_eq!(bench.run("quickstart --algorithm rsa-1024").code, 2);
    assert_eq!(bench.run("quickstart --dns under_score..example").code, 2);
    assert!(bench.files().is_empty(), "{:?}", bench.files());
}

#[test]
fn several_names_and_other_names() {
    let bench = Workbench::new();
    let names = "--dns app.localhost --dns *.app.localhost";
    let run = bench.run(&format!("quickstart --algorithm p256 --json {names}")).done();
    let expected = serde_json::json!(["DNS:app.localhost", "DNS:*.app.localhost"]);
    assert_eq!(run.json()["names"], expected);
    let chain = "espalier-data/certificates/app.localhost/chain.pem";
    for (name, code) in [("app.localhost", 0), ("x.app.localhost", 0), ("demo.localhost", 1)] {
        let line = format!("verify --trust {ROOT} --hostname {name} {chain}");
        assert_eq!(bench.run(&line).code, code, "{name}");
    }
    // The same first name has the same folder: its certificate is replaced, key and all.
    let first = certificates(&bench, chain).remove(0);
    let run = bench.run("quickstart --json --dns app.localhost").done();
    assert_eq!(run.json()["reused"], false);
    let second = certificates(&bench, chain).remove(0);
    assert!(first.public_key() != second.public_key());
    assert_eq!(records(&bench), 4);
    bench.run("quickstart --dns *.wild.localhost").done();
    assert!(bench.path("espalier-data/certificates/_.wild.localhost/key.pem").exists());
}

#[test]
fn a_key_that_a_crash_left_beside_another_certificate_is_noticed() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let key = format!("{DEMO}/key.pem");
    let line = format!("key generate --algorithm p256 --no-passphrase --force --out {key}");
    bench.run(&line).done();
    let run = bench.run("quickstart --json").done();
    assert_eq!(run.json()["reused"], false);
    bench.run(&format!("csr create --key {key} --subject CN=x --out x.csr")).done();
    let csr = ca_core::pem::read_one_request(&bench.read("x.csr")).unwrap();
    let made = certificates(&bench, &format!("{DEMO}/certificate.pem")).remove(0);
    assert!(made.public_key() == csr.public_key(), "key and certificate belong together");
}

#[test]
fn what_is_there_is_not_touched() {
    let bench = Workbench::new();
    fs::create_dir(bench.path("full")).unwrap();
    bench.write("full/letter", "precious");
    bench.write("file", "precious");
    let before = everything(&bench.path(""));
    bench.run("quickstart --data full").fails(2, &["full: it is not empty", "hint: ", "--data"]);
    bench.run("quickstart --data file").fails(2, &["file: a file", "folder"]);
    assert!(before == everything(&bench.path("")));
    // An empty folder, such as a mounted volume, is filled and stays the folder it was.
    fs::create_dir(bench.path("empty")).unwrap();
    fs::create_dir(bench.path("empty/lost+found")).unwrap();
    let inode = fs::metadata(bench.path("empty")).unwrap().ino();
    bench.run("quickstart --data empty --algorithm p256").done();
    assert_eq!(fs::metadata(bench.path("empty")).unwrap().ino(), inode);
    let entries = fs::read_dir(bench.path("empty")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let expected = ["authorities", "certificates", "ledger.sqlite", "lost+found", "passphrase"];
    assert_eq!(names, expected);
}

#[test]
fn it_does_not_pass_off_other_algorithms_as_those_asked_for() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256 --alt-algorithm ml-dsa-44").done();
    bench.run("quickstart --algorithm p256 --alt-algorithm ml-dsa-44").done();
    bench.run("quickstart --algorithm p256").fails(2, &["ECDSA-P256", "ML-DSA-44", "hint: "]);
    bench.run("quickstart --algorithm ml-dsa-65").fails(2, &["ECDSA-P256", "ML-DSA-65"]);
    bench.run("quickstart").done();
    assert_eq!(records(&bench), 3);
}
