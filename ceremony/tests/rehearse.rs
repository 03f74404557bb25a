//! The program itself, unattended: a rehearsal from its answers, and the check of what it made.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use ca_core::crl::EntrySerial;
use ca_core::pem;

/// What a rehearsal may take, as the issue says; it takes some seconds.
const BOUND: Duration = Duration::from_secs(60);

fn ceremony(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_espalier-ceremony")).args(arguments).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[test]
fn a_rehearsal_makes_roots_crosses_and_lists_and_is_verified() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("made");
    let made = folder.to_str().unwrap();
    let answers = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rehearsal/answers.yaml");
    let start = Instant::now();
    let done = ceremony(&["rehearse", "--answers", answers, "--folder", made]);
    let took = start.elapsed();
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(took < BOUND, "it took {took:?}");

    let verified = ceremony(&["verify-transcript", made, "--without-paper"]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    let report = text(&verified.stdout);
    assert!(report.starts_with("rehearsal"), "{report}");
    assert!(report.contains("left         nothing"), "{report}");
    assert!(report.contains("not compared with paper"), "{report}");
    let head = report.split("head         ").nth(1).unwrap().split_whitespace();
    let (digits, words) = (head.clone().next().unwrap(), head.skip(1).take(12));
    let words = words.collect::<Vec<_>>().join(" ");
    for head in [digits, &words] {
        let verified = ceremony(&["verify-transcript", made, "--head", head]);
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        assert!(!text(&verified.stdout).contains("not compared"));
    }
    let other = format!("{}{}", &digits[1..], &digits[..1]);
    for (options, code) in [(&["--head", &other][..], 1), (&[], 2)] {
        let refused = ceremony(&[&["verify-transcript", made], options].concat());
        assert_eq!(refused.status.code(), Some(code), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).contains("--head"), "{}", text(&refused.stderr));
    }
    check_outputs(&folder);

    // A second rehearsal does not touch it.
    let again = ceremony(&["rehearse", "--answers", answers, "--folder", made]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("allowed is a folder that is not there yet"));

    let root = folder.join("out/hybrid.pem");
    let mut octets = fs::read(&root).unwrap();
    octets[600] ^= 1;
    fs::write(&root, octets).unwrap();
    let refused = ceremony(&["verify-transcript", made, "--without-paper"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("out/hybrid.pem"), "{}", text(&refused.stderr));
}

/// What was made is right beside the transcript, too.
fn check_outputs(folder: &Path) {
    let read = |name: &str| fs::read(folder.join(format!("out/{name}.pem"))).unwrap();
    let certificate = |name: &str| pem::read_one_certificate(&read(name)).unwrap();
    let list = |name: &str| pem::read_one_crl(&read(name)).unwrap();
    let hashes = certificate("hashes");
    let revoked = list("hashes-crl");
    revoked.verify(&hashes).unwrap();
    assert!(revoked.find(&EntrySerial::from_hex("4001").unwrap()).is_some());
    assert!(revoked.find(&EntrySerial::from_hex("4002").unwrap()).is_none());
    // The list of one root is not the other's.
    list("hybrid-crl").verify(&certificate("hybrid")).unwrap();
    list("hybrid-crl").verify(&hashes).unwrap_err();
    for (crossed, own) in [("pure-by-classical", "pure"), ("classical-by-pure", "classical")] {
        assert_eq!(certificate(crossed).public_key(), certificate(own).public_key());
        assert_ne!(certificate(crossed).issuer(), certificate(own).issuer());
    }
}

/// The commands that `--help` lists below `words`.
fn listed(words: &[String]) -> Vec<Vec<String>> {
    let arguments: Vec<&str> =
        words.iter().map(String::as_str).chain(std::iter::once("--help")).collect();
    let help = text(&ceremony(&arguments).stdout);
    assert!(help.contains("Example"), "{words:?} --help has no example:\n{help}");
    let Some((_, commands)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let rows = commands.lines().take_while(|row| !row.is_empty());
    let names = rows.filter_map(|row| row.strip_prefix("  ").filter(|row| !row.starts_with(' ')));
    let names = names.filter_map(|row| row.split(' ').next());
    names.map(|name| [words, &[name.to_owned()]].concat()).collect()
}

#[test]
fn every_help_has_an_example() {
    let (mut waiting, mut seen) = (vec![Vec::new()], 0);
    while let Some(words) = waiting.pop() {
        seen += 1;
        waiting.extend(listed(&words));
    }
    assert_eq!(seen, 17, "the program, its ten commands, and two below each of three");
}

#[test]
fn what_is_not_there_is_named() {
    let place = tempfile::tempdir().unwrap();
    let refused =
        ceremony(&["verify-transcript", "--without-paper", place.path().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("transcript.jsonl"), "{}", text(&refused.stderr));
    let refused = ceremony(&["rehearse", "--answers", "/nonexistent/a.yaml", "--folder", "x"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(text(&refused.stderr).contains("No such file"), "{}", text(&refused.stderr));
}
