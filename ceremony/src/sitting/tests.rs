#![allow(clippy::unwrap_used)] // a panic is the failure report

mod hostile;
mod secrets;

use std::path::Path;

use rand_core::UnwrapErr;

use super::*;
use crate::audit::audit;
use crate::rehearsal::tests::{DEFINITION, clock};
use crate::rehearsal::{Answers, Rehearsed};
use crate::sealed_key::SealedKey;

const ANSWERS: &str = "
version: 1
definition: ceremony.yaml
operator: Olga
witnesses: [Wim]
entropy: 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 3141522653 
present: [Ana, Cem, Ben]
";

/// The same people through all sittings.
struct Ceremony<'a> {
    table: Rehearsed<'a>,
    folder: Folder,
    findings: Vec<String>,
    look: fn() -> Vec<String>,
}

impl<'a> Ceremony<'a> {
    fn new(place: &Path, seen: &'a mut Vec<u8>) -> Self {
        std::fs::create_dir_all(place).unwrap();
        std::fs::write(place.join(folder::DEFINITION), DEFINITION).unwrap();
        let table = Rehearsed::new(Answers::from_yaml(ANSWERS).unwrap(), seen);
        Self { table, folder: Folder::new(place), findings: Vec::new(), look: Vec::new }
    }

    fn sit(&mut self, part: Part) -> Result<(), SittingError> {
        let rng = &mut UnwrapErr(getrandom::SysRng);
        let program = Program { version: "0".into(), digest: None };
        let findings = self.findings.clone();
        let world = World { clock, rng, program, cost: Cost::TEST, findings, look: self.look };
        let purpose = Purpose { part, rehearsal: true };
        Sitting::hold(self.folder.clone(), purpose, &mut self.table, world).map(drop)
    }

    fn keys_and_plan(&mut self) {
        self.sit(Part::Keys).unwrap();
        self.sit(Part::Plan).unwrap();
    }

    fn change(&self, file: &str, from: &str, to: &str) {
        let path = self.folder.path(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file}: {from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn steps_come_in_their_order_and_once() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    let told = |result: Result<(), SittingError>| result.unwrap_err().to_string();
    let early = told(ceremony.sit(Part::Plan));
    assert_eq!(early, "keys: they are not there yet; make them with `keys`");
    ceremony.sit(Part::Keys).unwrap();
    let again = told(ceremony.sit(Part::Keys));
    assert_eq!(again, "keys: they are there already; go on with `plan`");
    ceremony.sit(Part::Run).unwrap_err();
    ceremony.sit(Part::Plan).unwrap();
    // As long as nothing is signed, another plan may take its place.
    ceremony.sit(Part::Plan).unwrap();
    ceremony.sit(Part::Run).unwrap();
    let again = told(ceremony.sit(Part::Run));
    assert_eq!(again, "run: every step of the plan is done; nothing is left");
    let late = told(ceremony.sit(Part::Plan));
    assert!(late.starts_with("plan: something was signed already"), "{late}");
    assert_eq!(audit(&ceremony.folder).unwrap().left, [""; 0]);
}

#[test]
fn what_was_changed_after_the_plan_is_not_signed() {
    let changes = [
        (folder::DEFINITION, "days: 7305", "days: 7304", "plan: definition: found"),
        (folder::DEFINITION, "version: 1", "version: 1 # the same", "plan: definition: found"),
        (folder::PLAN, "Example Root", "Example Boot", "plan.json: SHA-256: found"),
        (folder::SHARE_SET, "Ana", "Eva", "share-set.json: SHA-256: found"),
    ];
    for (file, from, to, part) in changes {
        let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut ceremony = Ceremony::new(place.path(), &mut seen);
        ceremony.keys_and_plan();
        ceremony.change(file, from, to);
        let error = ceremony.sit(Part::Run).unwrap_err().to_string();
        assert!(error.starts_with(part), "{file}: {to}: {error}");
        assert!(!ceremony.folder.path("out").exists(), "nothing was signed");
    }
}

#[test]
fn a_run_that_was_cut_off_goes_on() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    let destroyed = std::fs::read(ceremony.folder.path("keys/next.json")).unwrap();
    let planned = audit(&ceremony.folder).unwrap().head;
    ceremony.sit(Part::Run).unwrap();
    let first_key = audit(&ceremony.folder).unwrap().sittings[2];
    let path = ceremony.folder.path(folder::TRANSCRIPT);
    let whole = std::fs::read(&path).unwrap();
    let outputs: Vec<_> = std::fs::read_dir(ceremony.folder.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    let lines: Vec<&[u8]> = whole.split_inclusive(|octet| *octet == b'\n').collect();
    let first = |kind: &str| {
        let found = lines.iter().position(|line| String::from_utf8_lossy(line).contains(kind));
        found.unwrap()
    };
    // Before, between and within each of the lines of signing: as if the power went then.
    for line in first("\"signing\"")..lines.len() {
        let cut = lines[..line].concat();
        std::fs::write(&path, [&cut[..], &lines[line][..9]].concat()).unwrap();
        // What the run before this one signed anew, and what people wrote down, is as it was.
        ceremony.table.writes_down(walk::HEAD, planned);
        ceremony.table.writes_down(walk::KEY, first_key);
        let text = String::from_utf8_lossy(&cut);
        for (octets, path) in &outputs {
            let step = path.file_stem().unwrap().to_str().unwrap();
            let begun = format!("\"kind\":\"signing\",\"step\":\"{step}\"");
            match text.contains(&begun) {
                true => std::fs::write(path, octets).unwrap(),
                false => drop(std::fs::remove_file(path)),
            }
        }
        let is_destroyed = text.contains("key_destroyed");
        if !is_destroyed {
            std::fs::write(ceremony.folder.path("keys/next.json"), &destroyed).unwrap();
        }
        let done = ceremony.sit(Part::Run);
        let all = audit(&ceremony.folder).unwrap();
        assert_eq!(all.left, [""; 0], "line {line}");
        // The last lines are those of the destroyed key and the end: nothing was left to do.
        assert_eq!(done.is_ok(), !is_destroyed, "line {line}");
    }
}

#[test]
fn a_sitting_of_keys_that_was_cut_off_is_void() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let path = ceremony.folder.path(folder::TRANSCRIPT);
    let text = std::fs::read_to_string(&path).unwrap();
    let cut: Vec<&str> =
        text.split_inclusive('\n').take_while(|line| !line.contains("keys_ready")).collect();
    std::fs::write(&path, cut.concat()).unwrap();
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.contains("those open nothing, begin again in a new folder"), "{error}");
}

#[test]
fn shares_are_tested_without_opening_a_key() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    ceremony.sit(Part::TestShares(3)).unwrap();
    ceremony.sit(Part::TestShares(2)).unwrap();
    let error = ceremony.sit(Part::TestShares(1)).unwrap_err().to_string();
    assert_eq!(error, "shares: found 1, allowed are 2 or more");
    drop(ceremony);
    let seen = String::from_utf8(seen).unwrap();
    for line in ["3 groups of 2 shares give the key", "1 groups of 2 shares give the key"] {
        assert!(seen.contains(line), "{line}: {seen}");
    }
}

#[test]
fn a_second_run_in_the_folder_is_kept_out() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    let lock = ceremony.folder.lock().unwrap();
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.contains("another run works in this folder"), "{error}");
    drop(lock);
    ceremony.sit(Part::Keys).unwrap();
}

fn custodians(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_reshare_makes_the_old_shares_useless_with_the_new_files() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let old_set = std::fs::read(ceremony.folder.path(folder::SHARE_SET)).unwrap();
    let old_set: ShareSet = serde_json::from_slice(&old_set).unwrap();
    let ana = ceremony.table.paper("Ana").unwrap();
    let custodians = custodians(&["Ana", "Ben", "Cem", "Dua"]);
    ceremony.sit(Part::Reshare { threshold: 3, custodians }).unwrap();
    // The paper of before is foreign now, and its key opens no file.
    let file = std::fs::read(ceremony.folder.path(folder::SHARE_SET)).unwrap();
    let new_set: ShareSet = serde_json::from_slice(&file).unwrap();
    let header = crate::share::WrittenShare::read(&ana).unwrap().header();
    old_set.holder(&header).unwrap();
    let error = new_set.holder(&header).unwrap_err().to_string();
    assert!(error.contains("or was replaced by a reshare"), "{error}");
    let key = std::fs::read(ceremony.folder.path("keys/root.json")).unwrap();
    assert_eq!(SealedKey::from_json(&key).unwrap().ceremony(), new_set.ceremony());
    assert!(!ceremony.folder.has(folder::STAGED));
    // The ceremony goes on with the new ones, and all of it is checked.
    ceremony.sit(Part::Plan).unwrap();
    ceremony.sit(Part::Run).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().left, [""; 0]);
}

#[test]
fn a_reshare_after_the_end_leaves_the_rest_as_it_was() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    ceremony.sit(Part::Run).unwrap();
    let custodians = custodians(&["Ana", "Cem"]);
    ceremony.sit(Part::Reshare { threshold: 2, custodians }).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().done.len(), 7);
    let retired = std::fs::read_dir(ceremony.folder.path("share-sets")).unwrap().count();
    assert_eq!(retired, 1);
    ceremony.change("keys/root.json", "\"version\":1", "\"version\":2");
    let error = audit(&ceremony.folder).unwrap_err().to_string();
    assert!(error.starts_with("keys/root.json: found SHA-256"), "{error}");
}

/// The power goes between the line in the transcript and the move of the files, or before the line.
#[test]
fn a_reshare_that_was_cut_off_is_completed_or_cleared_away() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let names = ["share-set.json", "keys/root.json", "keys/next.json", "keys/west.json"];
    let read = |folder: &Folder| names.map(|name| std::fs::read(folder.path(name)).unwrap());
    let old = read(&ceremony.folder);
    let papers = custodians(&["Ana", "Ben", "Cem"]);
    ceremony.sit(Part::Reshare { threshold: 2, custodians: papers }).unwrap();
    let new = read(&ceremony.folder);
    for moved in 0..names.len() {
        for (at, name) in names.iter().enumerate() {
            let (here, other) = if at < moved { (&new, None) } else { (&old, Some(&new)) };
            ceremony.folder.write(name, &here[at]).unwrap();
            if let Some(other) = other {
                ceremony.folder.write(&format!("reshare/{name}"), &other[at]).unwrap();
            }
        }
        ceremony.sit(Part::TestShares(2)).unwrap();
        assert_eq!(read(&ceremony.folder), new, "{moved}");
        audit(&ceremony.folder).unwrap();
    }
    // Staged, and no line tells of it.
    ceremony.folder.write("reshare/keys/root.json", b"something else").unwrap();
    ceremony.sit(Part::TestShares(2)).unwrap();
    assert_eq!(read(&ceremony.folder), new);
    assert!(!ceremony.folder.has(folder::STAGED));
}

/// A year later: a list after the first one, and a new authority below the root, by the shares that
/// are there.
const LATER: &str = r#"
version: 1
title: Example Root 2026, yearly list
at: 2027-11-30T09:00:00Z
custody: {share_set: share-set.json}
keys:
  - {name: root, file: keys/root.json}
  - {name: east, algorithm: ML-DSA-44}
certificates:
  - {name: root, file: root.pem, key: root}
make:
  - issuing: {name: east, issuer: root, key: east, subject: "CN=East CA,O=Example"}
  - crl: {name: root-crl-2, issuer: root, number: 2, previous: root-crl.pem,
          next_update: 2028-12-01T09:00:00Z, revoked: [{serial: "4001", reason: keyCompromise}]}
"#;

/// The folder of a later ceremony, with what it needs of the first.
fn later(first: &Folder, place: &Path, definition: &str) -> Folder {
    let folder = Folder::new(place);
    let copied = [
        ("share-set.json", "share-set.json"),
        ("keys/root.json", "keys/root.json"),
        ("out/root.pem", "root.pem"),
        ("out/root-crl.pem", "root-crl.pem"),
    ];
    for (from, to) in copied {
        folder.write(to, &first.read(from, 1 << 20).unwrap()).unwrap();
    }
    folder.write(folder::DEFINITION, definition.as_bytes()).unwrap();
    folder
}

#[test]
fn a_later_ceremony_goes_on_with_the_shares_that_are_there() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    ceremony.sit(Part::Run).unwrap();
    let first = std::mem::replace(&mut ceremony.folder, Folder::new(""));
    let place = tempfile::tempdir().unwrap();
    ceremony.folder = later(&first, place.path(), LATER);
    ceremony.keys_and_plan();
    ceremony.sit(Part::Run).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().left, [""; 0]);
    let list = ceremony.folder.read("out/root-crl-2.pem", 1 << 20).unwrap();
    let list = ca_core::pem::read_one_crl(&list).unwrap();
    // The one that was revoked before, and the new one.
    assert_eq!(list.len(), 2);
    let before = first.read("out/root-crl.pem", 1 << 20).unwrap();
    let before = ca_core::pem::read_one_crl(&before).unwrap();
    assert!(before.entries().all(|entry| list.find(&entry.serial) == Some(entry)));

    let refused = |ceremony: &mut Ceremony<'_>, from: &str, to: &str| {
        assert!(LATER.contains(from), "{from}");
        let place = tempfile::tempdir().unwrap();
        ceremony.folder = later(&first, place.path(), &LATER.replacen(from, to, 1));
        let made = ceremony.sit(Part::Keys).and_then(|()| ceremony.sit(Part::Plan));
        made.unwrap_err().to_string()
    };
    let error = refused(&mut ceremony, "number: 2", "number: 1");
    assert!(error.contains("root-crl-2: number: found 1, allowed: more than 1"), "{error}");
    let error = refused(&mut ceremony, "at: 2027-11-30T09:00", "at: 2026-12-01T08:57");
    assert!(error.contains("previous: found a list of 2026-12-01"), "{error}");
    let error = refused(&mut ceremony, "file: root.pem", "file: root-crl.pem");
    assert!(error.starts_with("root-crl.pem: "), "{error}");
}

#[test]
fn keys_of_other_shares_are_refused() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    ceremony.sit(Part::Run).unwrap();
    let (other_place, mut other_seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut other = Ceremony::new(other_place.path(), &mut other_seen);
    other.sit(Part::Keys).unwrap();
    let first = std::mem::replace(&mut ceremony.folder, Folder::new(""));
    let place = tempfile::tempdir().unwrap();
    ceremony.folder = later(&first, place.path(), LATER);
    let foreign = other.folder.read("keys/root.json", 1 << 20).unwrap();
    ceremony.folder.write("keys/root.json", &foreign).unwrap();
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.starts_with("keys/root.json: shares: found those of rehearsal"), "{error}");
}

#[test]
fn findings_stop_a_sitting_unless_somebody_gives_a_reason() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.findings = vec!["network interface eth0: it is up".into()];
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.starts_with("surroundings: found network interface eth0: it is up"), "{error}");
    let reasoned = format!("{ANSWERS}reason: a drill\n");
    ceremony.table.answer(Answers::from_yaml(&reasoned).unwrap());
    ceremony.keys_and_plan();
    ceremony.sit(Part::Run).unwrap();
    audit(&ceremony.folder).unwrap();
    let text = std::fs::read_to_string(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
    // Once for the keys, once for signing; the refusal before is told as well.
    assert_eq!(text.matches("\"reason\":\"a drill\"").count(), 2);
    assert_eq!(text.matches("\"kind\":\"failed\"").count(), 1);
}

#[test]
fn nobody_holds_a_ceremony_alone() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    for alone in ["witnesses: []", "witnesses: [Olga]"] {
        let answers = ANSWERS.replace("witnesses: [Wim]", alone);
        ceremony.table.answer(Answers::from_yaml(&answers).unwrap());
        let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
        assert!(error.starts_with("people: found operator Olga with witnesses"), "{error}");
        assert!(!ceremony.folder.has(folder::TRANSCRIPT), "a refusal writes nothing");
    }
    ceremony.table.answer(Answers::from_yaml(ANSWERS).unwrap());
    ceremony.sit(Part::Keys).unwrap();
}

/// Whatever keeps a file from being written: the run says which one, and goes on when it is mended.
#[test]
fn a_place_that_cant_be_written_is_named_and_nothing_is_lost() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    std::fs::write(place.path().join("out"), b"no folder").unwrap();
    let error = ceremony.sit(Part::Run).unwrap_err();
    assert!(matches!(error, SittingError::Folder(_)), "{error}");
    assert!(error.to_string().contains("out: found something else"), "{error}");
    std::fs::remove_file(place.path().join("out")).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().left.len(), 7);
    ceremony.sit(Part::Run).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().left, [""; 0]);
}
