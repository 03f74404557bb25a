//! The program at a terminal, as people use it: names, shares on paper, words typed again, a plan read
//! and confirmed. `script`, of Debian's essential packages, gives it a terminal.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod kills;
mod person;
mod screens;
mod witness;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use person::{Person, noted};

const DEFINITION: &str = r#"
version: 1
title: Two at a table
at: 2026-12-01T09:00:00Z
custody: {threshold: 2, custodians: [Ana, Ben]}
keys:
  - {name: root, algorithm: MLDSA44-Ed25519-SHA512}
make:
  - root: {name: root, key: root, subject: "CN=Two at a table,O=Example"}
"#;

const HEAD: &str = "Head of the transcript";

/// Makes the keys; gives what Ana and Ben wrote down, and the head. Ana's share is under a passphrase.
fn make_keys(folder: &str) -> ([Vec<String>; 2], String) {
    let mut person = Person::sits_down(&format!("keys {folder}"));
    person.introduces_people(&[]);
    person.prepares();
    person.sees("Ana, a passphrase");
    person.types("short");
    person.sees("It needs 8 letters or more");
    person.sees("Ana, a passphrase");
    person.types("correct horse");
    person.sees("once more");
    person.types("correct horse");
    let ana = person.writes_down("Ana");
    assert_eq!(ana.len(), 47, "{ana:?}");
    person.sees("Ana, type in your share from paper");
    let mut wrong = ana.clone();
    wrong[6] = if wrong[6] == "zoo" { "abandon".into() } else { "zoo".into() };
    person.types_share(&wrong);
    person.sees(&format!("word 7: found \"{}\", which does not fit the others", wrong[6]));
    person.sees("Ana, type in your share from paper");
    person.types_share(&ana);
    person.sees("the passphrase of your share");
    person.types("correct horse");
    // Nothing, and what is no UTF-8, is no passphrase and not none either.
    person.sees("Ben, a passphrase");
    person.types("");
    person.sees("It needs 8 letters or more");
    person.sees("Ben, a passphrase");
    person.types_octets(b"h\xf6chst geheim");
    person.sees("Octet 2 is no UTF-8");
    person.types("none");
    person.sees("under no passphrase: whoever reads the paper has it");
    let ben = person.writes_down("Ben");
    assert_eq!(ben.len(), 35, "{ben:?}");
    person.sees("Ben, type in your share from paper");
    person.types_share(&ben);
    person.sees("Head of the transcript");
    let (code, screen) = person.leaves();
    assert_eq!(code, Some(0), "{screen}");
    ([ana, ben], noted(&screen, HEAD))
}

/// The first words of the plan's digest and of the head, as they are read from the screen.
fn make_plan(folder: &str, head: &str) -> (String, String) {
    let mut person = Person::sits_down(&format!("plan {folder}"));
    person.introduces_people(&[head]);
    let (code, screen) = person.leaves();
    assert_eq!(code, Some(0), "{screen}");
    (noted(&screen, "Digest of the plan"), noted(&screen, HEAD))
}

fn run(
    folder: &str,
    head: &str,
    words: &str,
    [ana, ben]: &[Vec<String>; 2],
) -> (Option<i32>, String) {
    let mut person = Person::sits_down(&format!("run {folder}"));
    person.introduces_people(&[head]);
    if head.starts_with("zoo zoo") {
        return person.leaves();
    }
    person.prepares();
    if words.starts_with("zoo zoo") {
        person.sees("Who confirms: Digest of the plan, your name");
        person.types("Wim");
        person.sees("words, as you have them");
        person.types(words);
        return person.leaves();
    }
    person.confirms(words);
    for share in [ben, ana] {
        person.sees("Custodian, type in your share");
        person.types_share(share);
    }
    person.sees("Ana, the passphrase of your share");
    person.types("correct horse");
    person.sees("out/root.pem");
    person.leaves()
}

#[test]
fn two_people_make_a_root_at_a_terminal() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("ceremony.yaml"), DEFINITION).unwrap();
    let folder = place.path().to_str().unwrap();
    let (papers, head) = make_keys(folder);
    let (words, head) = make_plan(folder, &head);
    let zoo = ["zoo"; 12].join(" ");
    let before = fs::read(place.path().join("transcript.jsonl")).unwrap();
    let (code, screen) = run(folder, &zoo, &words, &papers);
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.contains("allowed is the folder of the paper"), "{screen}");
    assert_eq!(fs::read(place.path().join("transcript.jsonl")).unwrap(), before);
    let (code, screen) = run(folder, &head, &zoo, &papers);
    assert_eq!(code, Some(1), "{screen}");
    let head = noted(&screen, HEAD);
    assert!(screen.contains("the words that Wim typed are not the first ones"), "{screen}");
    assert!(!Path::new(folder).join("out").exists());
    let (code, screen) = run(folder, &head, &words, &papers);
    assert_eq!(code, Some(0), "{screen}");
    let root = fs::read(place.path().join("out/root.pem")).unwrap();
    assert!(root.starts_with(b"-----BEGIN CERTIFICATE-----"), "it is no rehearsal");
    let mut audit = Command::new(env!("CARGO_BIN_EXE_espalier-ceremony"));
    let head = noted(&screen, HEAD);
    let audit = audit.args(["verify-transcript", folder, "--head", &head]).output().unwrap();
    let report = String::from_utf8_lossy(&audit.stdout);
    assert!(audit.status.success() && report.contains("left         nothing"), "{report}");
    assert!(report.starts_with("ceremony"), "{report}");
}

#[test]
fn without_a_terminal_it_says_so() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("ceremony.yaml"), DEFINITION).unwrap();
    // A session of its own has no terminal.
    let program = env!("CARGO_BIN_EXE_espalier-ceremony");
    let refused = Command::new("setsid")
        .args(["--wait", program, "keys", place.path().to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .expect("setsid is there: it is in util-linux, which is essential");
    assert_eq!(refused.status.code(), Some(3));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("terminal: it can't be used"), "{told}");
}
