//! Folders that somebody changed, or made up, between two sittings.

use std::fs;

use super::*;
use crate::share::WrittenShare;
use crate::transcript::{KeyReady, Opening, Transcript};

/// Appends lines in a sitting of one's own, as whoever has the medium can: each sitting brings its key.
fn append(folder: &Folder, purpose: &str, events: Vec<Event>) {
    let octets = folder.read(folder::TRANSCRIPT, 1 << 24).unwrap();
    let there = crate::transcript::read(&octets).unwrap();
    let opening = Opening {
        purpose: purpose.into(),
        compared: there.head().into_iter().collect(),
        ..there.opening().unwrap().clone()
    };
    let path = folder.path(folder::TRANSCRIPT);
    let rng = &mut UnwrapErr(getrandom::SysRng);
    let mut forged = Transcript::open(&path, opening, clock(), rng).unwrap();
    let definition = Digest::of(&folder.read(folder::DEFINITION, 1 << 20).unwrap());
    forged.append(Event::DefinitionRead { definition }, clock()).unwrap();
    for event in events {
        forged.append(event, clock()).unwrap();
    }
    forged.append(Event::SittingClosed {}, clock()).unwrap();
}

fn ready(folder: &Folder) -> Vec<KeyReady> {
    let octets = folder.read(folder::TRANSCRIPT, 1 << 24).unwrap();
    let there = crate::transcript::read(&octets).unwrap();
    let keys = there.events().find_map(|event| match event {
        Event::KeysReady { keys, .. } => Some(keys.clone()),
        _ => None,
    });
    keys.unwrap()
}

#[test]
fn a_transcript_names_no_file_outside_the_folder() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(&place.path().join("made"), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let victim = place.path().join("victim");
    fs::write(&victim, b"mine").unwrap();
    for path in [victim.to_str().unwrap(), "../victim", "keys/../../victim"] {
        let mut keys = ready(&ceremony.folder);
        keys[0].path = path.to_owned();
        let share_set = Digest::of(b"set");
        // What a reader meets; writing it needs no secret.
        let event = serde_json::to_string(&Event::Reshared { share_set, keys }).unwrap();
        let error = serde_json::from_str::<Event>(&event).unwrap_err().to_string();
        assert!(error.contains("allowed: a relative path without"), "{error}");
    }
    // A name in the folder that the definition does not have, with octets staged for it.
    let mut keys = ready(&ceremony.folder);
    keys[0] = KeyReady { path: "ceremony.yaml".into(), file: Digest::of(b"x"), ..keys[0].clone() };
    ceremony.folder.write("reshare/ceremony.yaml", b"x").unwrap();
    let whole = fs::read(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
    append(
        &ceremony.folder,
        "share reshare",
        vec![Event::Reshared { share_set: Digest::of(b"set"), keys }],
    );
    let error = ceremony.sit(Part::TestShares(2)).unwrap_err().to_string();
    assert!(error.starts_with("transcript: line") && error.contains("reshared"), "{error}");
    let definition = ceremony.folder.read(folder::DEFINITION, 1 << 20).unwrap();
    assert_eq!(definition, DEFINITION.as_bytes());
    fs::write(ceremony.folder.path(folder::TRANSCRIPT), whole).unwrap();
    ceremony.sit(Part::TestShares(2)).unwrap();
}

#[test]
fn links_lead_nowhere() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(&place.path().join("made"), &mut seen);
    let outside = place.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let link = ceremony.folder.path("keys");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.contains("keys: found something else, a link perhaps"), "{error}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    for name in [folder::TRANSCRIPT, ".new", ".lock"] {
        let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut ceremony = Ceremony::new(&place.path().join("made"), &mut seen);
        let target = place.path().join("target");
        std::os::unix::fs::symlink(&target, ceremony.folder.path(name)).unwrap();
        let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
        assert!(error.contains("a link perhaps, allowed is a file"), "{name}: {error}");
        assert!(!target.exists(), "{name}");
    }
}

#[test]
fn a_key_that_is_there_is_not_replaced() {
    for path in ["keys/root.json", folder::SHARE_SET] {
        let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut ceremony = Ceremony::new(place.path(), &mut seen);
        ceremony.folder.write(path, b"the only one").unwrap();
        let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{path}: found a file, allowed is none")), "{error}");
        assert_eq!(ceremony.folder.read(path, 100).unwrap(), b"the only one");
        ceremony.folder.wipe(path).unwrap();
        ceremony.sit(Part::Keys).unwrap();
    }
}

#[test]
fn a_reshare_passes_over_no_key_and_trusts_no_file() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let set = ceremony.folder.read(folder::SHARE_SET, 1 << 20).unwrap();
    let [root, next] = ["root", "next"]
        .map(|name| ceremony.folder.read(&format!("keys/{name}.json"), 1 << 20).unwrap());
    let path = ceremony.folder.path("keys/next.json");
    let papers = custodians(&["Ana", "Ben"]);
    let reshare = || Part::Reshare { threshold: 2, custodians: papers.clone() };
    fs::remove_file(&path).unwrap();
    for part in [reshare(), Part::TestShares(2), Part::Plan] {
        let error = crate::causes::told(&ceremony.sit(part).unwrap_err());
        assert!(error.contains("keys/next.json: can't be used: No such file"), "{error}");
    }
    fs::write(&path, &root).unwrap();
    let error = ceremony.sit(reshare()).unwrap_err().to_string();
    assert!(error.starts_with("keys/next.json: SHA-256: found"), "{error}");
    fs::write(&path, next).unwrap();
    assert_eq!(ceremony.folder.read(folder::SHARE_SET, 1 << 20).unwrap(), set);
    ceremony.sit(reshare()).unwrap();
    audit(&ceremony.folder).unwrap();
}

#[test]
fn an_edit_of_the_definition_spoils_no_transcript() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    // Custody, names and kinds are of keys that were made by now.
    for (from, to, part) in [
        ("threshold: 2", "threshold: 3", "share-set.json: found 2 of Ana, Ben, Cem"),
        ("west, algorithm: P-256", "west, algorithm: P-384", "found west, a key of"),
        (
            "  - {name: west, algorithm",
            "  - {name: east, algorithm: P-256}\n  - {name: west, algorithm",
            "allowed: those of the definition: east",
        ),
    ] {
        ceremony.change(folder::DEFINITION, from, to);
        let error = ceremony.sit(Part::Plan).unwrap_err().to_string();
        assert!(error.contains(part), "{to}: {error}");
        fs::write(place.path().join(folder::DEFINITION), DEFINITION).unwrap();
    }
    ceremony.sit(Part::Plan).unwrap();
    ceremony.sit(Part::Run).unwrap();
    let before = fs::read(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
    ceremony.change(folder::DEFINITION, "version: 1", "version: 1\n");
    let error = ceremony.sit(Part::TestShares(2)).unwrap_err().to_string();
    assert!(error.contains("definition: found") && error.contains("was signed"), "{error}");
    assert_eq!(fs::read(ceremony.folder.path(folder::TRANSCRIPT)).unwrap(), before);
    fs::write(place.path().join(folder::DEFINITION), DEFINITION).unwrap();
    ceremony.sit(Part::TestShares(2)).unwrap();
    audit(&ceremony.folder).unwrap();
}

/// Somebody exchanges the plan, and writes a sitting that planned it.
#[test]
fn a_sitting_that_nobody_held_is_not_gone_on_with() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    let honest = fs::read(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
    append(&ceremony.folder, "plan", vec![Event::Planned { plan: Digest::of(b"another") }]);
    audit(&ceremony.folder).unwrap_err();
    let error = ceremony.sit(Part::Run).unwrap_err().to_string();
    assert!(error.starts_with("Head of the transcript: what was typed is not that"), "{error}");
    fs::write(ceremony.folder.path(folder::TRANSCRIPT), honest).unwrap();
    // Without the paper it takes a reason, which the transcript has.
    ceremony.table.loses(walk::HEAD);
    let error = ceremony.sit(Part::Run).unwrap_err().to_string();
    assert!(error.contains("was not compared with paper, allowed is none, or a reason"), "{error}");
    let reasoned = format!("{ANSWERS}reason: the paper is lost\n");
    ceremony.table.answer(Answers::from_yaml(&reasoned).unwrap());
    ceremony.table.loses(walk::HEAD);
    ceremony.sit(Part::Run).unwrap();
    assert_eq!(audit(&ceremony.folder).unwrap().left, [""; 0]);
}

#[test]
fn only_the_plan_that_was_written_down_is_confirmed() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    ceremony.table.writes_down("Digest of the plan", Digest::of(b"another plan"));
    let error = ceremony.sit(Part::Run).unwrap_err().to_string();
    assert!(error.contains("the words that Olga typed are not the first ones"), "{error}");
    assert!(!ceremony.folder.has("out"), "nothing was signed");
}

#[test]
fn a_key_is_not_told_to_be_destroyed_that_was_moved_away() {
    for instead in [None, Some(&b"{}"[..])] {
        let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
        let mut ceremony = Ceremony::new(place.path(), &mut seen);
        ceremony.keys_and_plan();
        let path = ceremony.folder.path("keys/next.json");
        let key = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        if let Some(octets) = instead {
            fs::write(&path, octets).unwrap();
        }
        let error = ceremony.sit(Part::Run).unwrap_err().to_string();
        assert!(error.contains("next.json") || error.contains("key file"), "{error}");
        let text = fs::read_to_string(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
        assert!(!text.contains("key_destroyed"));
        fs::write(&path, key).unwrap();
        ceremony.sit(Part::Run).unwrap();
        assert!(!path.exists());
    }
}

#[test]
fn what_a_power_cut_left_is_wiped_and_no_foreign_file_replaced() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    fs::write(ceremony.folder.path(".new"), b"a sealed key").unwrap();
    ceremony.sit(Part::TestShares(2)).unwrap();
    assert!(!ceremony.folder.has(".new"));
    // A foreign file in the place of one that is not made yet.
    ceremony.folder.write("out/root.pem", b"x").unwrap();
    let error = ceremony.sit(Part::Run).unwrap_err().to_string();
    assert!(error.starts_with("out/root.pem: found a file, allowed is none"), "{error}");
    ceremony.folder.wipe("out/root.pem").unwrap();
    ceremony.sit(Part::Run).unwrap();
}

#[test]
fn a_file_of_a_step_that_was_only_begun_is_checked() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    let key = fs::read(ceremony.folder.path("keys/next.json")).unwrap();
    ceremony.sit(Part::Run).unwrap();
    let path = ceremony.folder.path(folder::TRANSCRIPT);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let first = lines.iter().position(|line| line.contains("\"signed\"")).unwrap();
    fs::write(&path, lines[..first].concat()).unwrap();
    fs::write(ceremony.folder.path("keys/next.json"), key).unwrap();
    for name in ["next", "west", "next-with-root", "root-with-next", "root-crl"] {
        fs::remove_file(ceremony.folder.path(&Folder::output(name))).unwrap();
    }
    let report = audit(&ceremony.folder).unwrap();
    assert_eq!((report.begun, report.closed), (vec!["root".to_owned()], false));
    assert_eq!(report.left.len(), 7);
    let foreign = ca_core::pem::encode(ca_core::pem::Label::Certificate, &[0x30, 0]);
    ceremony.folder.write("out/root.pem", foreign.as_bytes()).unwrap();
    let error = audit(&ceremony.folder).unwrap_err().to_string();
    assert!(error.starts_with("out/root.pem: found"), "{error}");
}

#[test]
fn shares_have_a_name_of_their_own_for_each_deal() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.sit(Part::Keys).unwrap();
    let paper = ceremony.table.paper("Ana").unwrap();
    let header = WrittenShare::read(&paper).unwrap().header();
    let report = audit(&ceremony.folder).unwrap();
    assert_ne!(header.ceremony, report.ceremony, "else a second deal had the same salts");
    let file = ceremony.folder.read(folder::SHARE_SET, 1 << 20).unwrap();
    let set: ShareSet = serde_json::from_slice(&file).unwrap();
    assert_eq!(header.ceremony, set.ceremony());
}

/// A cable that is plugged in while people sit there.
fn cable() -> Vec<String> {
    use std::cell::Cell;
    thread_local!(static LOOKS: Cell<u32> = const { Cell::new(0) });
    LOOKS.set(LOOKS.get() + 1);
    if LOOKS.get() > 1 { vec!["network interface eth0: it is up".into()] } else { Vec::new() }
}

#[test]
fn the_machine_is_looked_at_again_before_shares_are_joined() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    ceremony.keys_and_plan();
    ceremony.look = cable;
    let error = ceremony.sit(Part::Run).unwrap_err().to_string();
    assert!(error.starts_with("surroundings: found network interface eth0"), "{error}");
    let text = fs::read_to_string(ceremony.folder.path(folder::TRANSCRIPT)).unwrap();
    assert!(!text.contains("shares_joined"), "no share was typed in");
    ceremony.look = Vec::new;
    ceremony.sit(Part::Run).unwrap();
}

#[test]
fn few_dice_take_a_reason() {
    let (place, mut seen) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut ceremony = Ceremony::new(place.path(), &mut seen);
    let enough = Answers::from_yaml(ANSWERS).unwrap();
    let few = ANSWERS.replacen("entropy: 31", "entropy: 3 # ", 1);
    ceremony.table.answer(Answers::from_yaml(&few).unwrap());
    let error = ceremony.sit(Part::Keys).unwrap_err().to_string();
    assert!(error.starts_with("surroundings: found dice: 1 throws or letters"), "{error}");
    ceremony.table.answer(enough);
    ceremony.sit(Part::Keys).unwrap();
}
