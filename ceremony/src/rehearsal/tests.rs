#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::path::PathBuf;

use jiff::Timestamp;
use rand_core::UnwrapErr;

use super::*;
use crate::share::Cost;
use crate::transcript::Program;

pub(crate) const DEFINITION: &str = r#"
version: 1
title: Example Root 2026
at: 2026-12-01T09:00:00Z
custody: {threshold: 2, custodians: [Ana, Ben, Cem]}
keys:
  - {name: root, algorithm: MLDSA44-Ed25519-SHA512}
  - {name: west, algorithm: P-256}
  - {name: next, algorithm: ML-DSA-44}
make:
  - root: {name: root, key: root, subject: "CN=Example Root 2026,O=Example", days: 7305}
  - root: {name: next, key: next, subject: "CN=Example Root 2026,O=Example", days: 7305}
  - issuing: {name: west, issuer: root, key: west, subject: "CN=West CA,O=Example", days: 1826}
  - rekey: {old: root, new: next, days: 365}
  - crl: {name: root-crl, issuer: root, number: 1, next_update: 2027-12-01T09:00:00Z,
          revoked: [{certificate: west, reason: superseded}]}
  - destroy: {key: next}
"#;

pub(crate) const ANSWERS: &str = "
version: 1
definition: root.yaml
operator: Olga
witnesses: [Wim, Wanda]
passphrases: {Ben: correct horse battery staple}
entropy: 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 
present: [Ben, Cem]
";

/// The time of each step, a second after the one before.
pub(crate) fn clock() -> Timestamp {
    use std::sync::atomic::{AtomicI64, Ordering};
    static SECOND: AtomicI64 = AtomicI64::new(1_796_115_600);
    Timestamp::from_second(SECOND.fetch_add(1, Ordering::Relaxed)).unwrap()
}

/// A rehearsal that took place, and what its people saw.
pub(crate) struct Rehearsal {
    pub(crate) place: tempfile::TempDir,
    pub(crate) result: Result<Report, RehearsalError>,
    pub(crate) seen: String,
}

impl Rehearsal {
    pub(crate) fn folder(&self) -> PathBuf {
        self.place.path().join("folder")
    }
}

pub(crate) fn rehearsed(definition: &str, answers: &str) -> Rehearsal {
    rehearsed_in(tempfile::tempdir().unwrap(), definition, answers)
}

fn rehearsed_in(place: tempfile::TempDir, definition: &str, answers: &str) -> Rehearsal {
    std::fs::write(place.path().join("root.yaml"), definition).unwrap();
    let answers = Answers::from_yaml(answers).unwrap();
    let mut world = World {
        clock,
        rng: &mut UnwrapErr(getrandom::SysRng),
        program: Program { version: "0".into(), digest: None },
        cost: Cost::TEST,
        findings: Vec::new(),
        look: Vec::new,
    };
    let (beside, folder) = (Folder::new(place.path()), place.path().join("folder"));
    let mut seen = Vec::new();
    let result = rehearse(answers, &beside, &folder, &mut seen, &mut world);
    Rehearsal { place, result, seen: String::from_utf8(seen).unwrap() }
}

#[test]
fn a_whole_ceremony_is_rehearsed_and_audited() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    let report = rehearsal.result.as_ref().unwrap();
    assert!(report.rehearsal);
    assert_eq!(report.left, [""; 0]);
    assert_eq!(report.done.len(), 7);
    assert_eq!(report.sittings.len(), 3);
    assert!(rehearsal.seen.contains(&report.head.to_string()), "the head is shown, for paper");
    for key in &report.sittings {
        assert!(rehearsal.seen.contains(&key.spoken()), "so are the keys of the sittings");
    }
    let folder = Folder::new(rehearsal.folder());
    assert!(!folder.has("keys/next.json"), "it was destroyed");
    let pem = folder.read("out/root.pem", 1 << 20).unwrap();
    assert!(pem.starts_with(b"REHEARSAL - NOT FOR USE\n"));
    let root = ca_core::pem::read_one_certificate(&pem).unwrap();
    let list = folder.read("out/root-crl.pem", 1 << 20).unwrap();
    ca_core::pem::read_one_crl(&list).unwrap().verify(&root).unwrap();
}

/// No passphrase, and no long run of words, is on the screen of what is public, nor in any file. Where the
/// secrets themselves are known, the tests of sittings look for them.
#[test]
fn no_passphrase_is_left_behind() {
    let rehearsal = rehearsed(DEFINITION, ANSWERS);
    rehearsal.result.as_ref().unwrap();
    let mut files = vec![rehearsal.seen.clone().into_bytes()];
    let mut folders = vec![rehearsal.folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(std::fs::read(path).unwrap()),
            }
        }
    }
    assert!(files.len() > 10);
    for file in files {
        let text = String::from_utf8_lossy(&file);
        assert!(!text.contains("battery"), "the passphrase");
        // Shares have 35 words; digests have 24, on lines of six or alone.
        let words = |line: &str| {
            line.split_whitespace().filter(|word| crate::words::read(word).is_ok()).count()
        };
        assert!(text.lines().all(|line| words(line) < 30));
    }
}

#[test]
fn a_rehearsal_goes_nowhere_where_something_is() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir(place.path().join("folder")).unwrap();
    let error = rehearsed_in(place, DEFINITION, ANSWERS).result.unwrap_err().to_string();
    assert!(error.ends_with("allowed is a folder that is not there yet"), "{error}");
}

#[test]
fn too_few_people_and_missing_answers_are_named() {
    let few = ANSWERS.replace("[Ben, Cem]", "[Ben]");
    let error = rehearsed(DEFINITION, &few).result.unwrap_err().to_string();
    assert!(error.starts_with("answers: present: found 1 custodians"), "{error}");
    // The same person twice is told, and not counted.
    let twice = ANSWERS.replace("[Ben, Cem]", "[Ben, Ben]");
    let rehearsal = rehearsed(DEFINITION, &twice);
    assert!(rehearsal.seen.contains("share 2, of Ben: found twice"), "{}", rehearsal.seen);
    rehearsal.result.unwrap_err();
    let twice = ANSWERS.replace("[Ben, Cem]", "[Ben, Ben, Ana]");
    rehearsed(DEFINITION, &twice).result.unwrap();
    let error = rehearsed(DEFINITION, &ANSWERS.replace("Cem", "Dua")).result.unwrap_err();
    assert!(error.to_string().starts_with("answers: shares: Dua: found none"), "{error}");
}

#[test]
fn answers_are_read_strictly() {
    let refused = |from: &str, to: &str| {
        assert!(ANSWERS.contains(from), "{from}");
        Answers::from_yaml(&ANSWERS.replacen(from, to, 1)).unwrap_err().to_string()
    };
    assert!(refused("version: 1", "version: 2").contains("version: found \"2\", allowed: 1"));
    assert!(refused("operator", "operater").contains("operater"));
    assert!(refused("root.yaml", "../root.yaml").contains("definition: found \"../root.yaml\""));
}
