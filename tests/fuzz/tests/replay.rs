//! Every target holds for its seeds and for what fuzzing found before.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::Path;

use fuzzing::choices::Choices;
use fuzzing::{TARGETS, seeds};

#[test]
fn every_target_reads_a_seed_and_holds_for_all_and_for_their_neighbours() {
    let seeds = seeds::all().unwrap();
    for target in TARGETS {
        let all = seeds.get(target.name).unwrap_or_else(|| panic!("{}: no seed", target.name));
        let read = all.iter().filter(|seed| (target.check)(seed)).count();
        assert!(read > 0, "{}: none of {} seeds is read", target.name, all.len());
        // A few changes each, so that a property that breaks at once does not wait for a fuzzer.
        let mut choices = Choices::seeded(1);
        for seed in all.iter().filter(|seed| seed.len() < 2000).take(40) {
            for _ in 0..5 {
                (target.check)(&neighbour(seed, &mut choices));
            }
        }
    }
}

fn neighbour(seed: &[u8], choices: &mut Choices<'_>) -> Vec<u8> {
    let mut octets = seed.to_vec();
    for _ in 0..=choices.below(3) {
        let at = choices.below(octets.len());
        match choices.below(4) {
            0 => octets.truncate(at),
            1 => octets.insert(at, choices.octet()),
            _ => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1 << choices.below(8);
                }
            }
        }
    }
    octets
}

#[test]
fn what_was_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    for folder in entries.filter(|path| path.is_dir()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let target = TARGETS.iter().find(|target| target.name == name);
        let target = target.unwrap_or_else(|| panic!("{}: names no target", folder.display()));
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            (target.check)(&fs::read(&path).unwrap());
        }
    }
}

/// What was found is refused, and not for anything but what was wrong with it.
#[test]
fn what_was_found_is_refused_and_its_twin_is_read() {
    let twin = |target: &str, name: &str, found: &[u8], right: &[u8]| {
        let path = format!("{}/regressions/{target}/{name}", env!("CARGO_MANIFEST_DIR"));
        let octets = fs::read(path).unwrap();
        let check = TARGETS.iter().find(|one| one.name == target).unwrap().check;
        assert!(!check(&octets), "{name}: read");
        let at = octets.windows(found.len()).position(|window| window == found).unwrap();
        let octets = [&octets[..at], right, &octets[at + found.len()..]].concat();
        assert!(check(&octets), "{name}: the twin is not read");
    };
    // The value holds a SEQUENCE cut off; without the bit of constructed values it is any octets.
    let value: (&[u8], &[u8]) = (&[0x31, 0x1e, 0xb8, 0x1c], &[0x31, 0x1e, 0x98, 0x1c]);
    twin("request", "attribute-that-is-not-der-inside", value.0, value.1);
    twin("profile", "hidden-character-in-a-key", "na\u{feff}mes".as_bytes(), b"names");
}

/// cargo-fuzz starts programs by their names.
#[test]
fn every_target_has_its_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    let programs = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> =
        programs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut wanted: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
}
