//! SIGKILL at any line of the transcript: the ceremony goes on, or is given up cleanly, and no secret lies in a file.
//! `ESPALIER_CEREMONY_KILLS` says how often.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use ceremony::sealed_key::SealedKey;
use ceremony::share::{Cost, WrittenShare};
use ceremony::share_set::ShareSet;
use ceremony::sitting::SittingError;

use crate::HEAD;
use crate::person::{Person, noted};

/// How often it is killed, unless the environment says otherwise: at each line once.
const KILLS: usize = 13;
/// How long the transcript may take to get its next line.
const PATIENCE: Duration = Duration::from_secs(60);

const DEFINITION: &str = r#"
version: 1
title: Killed
at: 2026-12-01T09:00:00Z
custody: {threshold: 2, custodians: [Ana, Ben]}
keys:
  - {name: root, algorithm: ML-DSA-44}
  - {name: next, algorithm: ML-DSA-44}
make:
  - root: {name: root, key: root, subject: "CN=Killed,O=Example"}
  - root: {name: next, key: next, subject: "CN=Killed,O=Example"}
  - rekey: {old: root, new: next, days: 365}
  - crl: {name: root-crl, issuer: root, number: 1, next_update: 2027-12-01T09:00:00Z}
  - destroy: {key: next}
"#;

fn kills() -> usize {
    std::env::var("ESPALIER_CEREMONY_KILLS").map_or(KILLS, |kills| kills.parse().unwrap())
}

const KEY: &str = "Key of this sitting";

/// What the custodians have on paper.
type Papers = [Vec<String>; 2];

fn lines(folder: &Path) -> usize {
    let octets = fs::read(folder.join("transcript.jsonl")).unwrap_or_default();
    octets.iter().filter(|octet| **octet == b'\n').count()
}

/// Waits until the transcript has so many lines.
fn wait_for_lines(folder: &Path, count: usize) {
    let start = Instant::now();
    while lines(folder) < count {
        assert!(start.elapsed() < PATIENCE, "{} lines of {count}", lines(folder));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Makes the keys; gives what custodians wrote down, and the head.
fn made_keys(folder: &Path, on_paper: &[&str]) -> (Papers, String) {
    let mut person = Person::sits_down(&format!("keys {}", folder.display()));
    person.introduces_people(on_paper);
    person.prepares();
    let papers = ["Ana", "Ben"].map(|custodian| {
        person.sees(&format!("{custodian}, a passphrase"));
        person.types("none");
        let words = person.writes_down(custodian);
        person.sees(&format!("{custodian}, type in your share from paper"));
        person.types_share(&words);
        words
    });
    person.sees("Head of the transcript");
    let (code, screen) = person.leaves();
    assert_eq!(code, Some(0), "{screen}");
    (papers, noted(&screen, HEAD))
}

/// Makes the plan; gives the first words of its digest, and of the head.
fn planned(folder: &Path, head: &str) -> (String, String) {
    let mut person = Person::sits_down(&format!("plan {}", folder.display()));
    person.introduces_people(&[head]);
    let (code, screen) = person.leaves();
    assert_eq!(code, Some(0), "{screen}");
    (noted(&screen, "Digest of the plan"), noted(&screen, HEAD))
}

/// Sits down to sign, up to where the last share is typed in.
fn begins_to_sign(folder: &Path, on_paper: &[&str], words: &str, papers: &Papers) -> Person {
    let mut person = Person::sits_down(&format!("run {}", folder.display()));
    person.introduces_people(on_paper);
    person.prepares();
    person.confirms(words);
    for words in papers {
        person.sees("Custodian, type in your share");
        person.types_share(words);
    }
    person
}

fn audited(folder: &Path) -> Output {
    let mut audit = Command::new(env!("CARGO_BIN_EXE_espalier-ceremony"));
    audit.args(["verify-transcript", "--without-paper"]).arg(folder).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// Everything below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn copied(from: &Path, to: &Path) {
    for path in files(from) {
        let place = to.join(path.strip_prefix(from).unwrap());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(path, place).unwrap();
    }
}

/// What must be in no file: four words of a share after each other, and the seeds of both keys.
fn secrets(folder: &Path, papers: &Papers) -> Vec<Vec<u8>> {
    let open = |words: &Vec<String>| {
        let written = WrittenShare::read(&words.join(" ")).unwrap();
        let no_passphrase = || -> Result<_, SittingError> { panic!("it has none") };
        written.open(Cost::REAL, no_passphrase).unwrap()
    };
    let shares: Vec<_> = papers.iter().map(open).collect();
    let set = fs::read(folder.join("share-set.json")).unwrap();
    let set: ShareSet = serde_json::from_slice(&set).unwrap();
    let under = set.recover(&shares).unwrap();
    let mut secrets: Vec<Vec<u8>> = papers
        .iter()
        .flat_map(|words| words.windows(4))
        .map(|four| four.join(" ").into())
        .collect();
    for name in ["root", "next"] {
        let sealed = fs::read(folder.join(format!("keys/{name}.json"))).unwrap();
        let key = SealedKey::from_json(&sealed).unwrap().open(&under).unwrap();
        let der = key.to_pkcs8_der().unwrap();
        // ML-DSA keys are kept as their seed (RFC 9881), which stands at the end.
        let seed = &der[der.len() - 32..];
        secrets.push(seed.to_vec());
        secrets.push(Base64::encode_string(&seed[..30]).into());
        secrets.push(seed.iter().map(|octet| format!("{octet:02x}")).collect::<String>().into());
    }
    secrets
}

fn leaks(folder: &Path, secrets: &[Vec<u8>]) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        let octets = fs::read(path).unwrap();
        let first: BTreeSet<u8> = secrets.iter().map(|secret| secret[0]).collect();
        (0..octets.len())
            .filter(|at| first.contains(&octets[*at]))
            .any(|at| secrets.iter().any(|secret| octets[at..].starts_with(secret)))
    };
    files(folder).into_iter().filter(holds).collect()
}

#[test]
fn killed_at_any_line_it_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let prepared = place.path().join("prepared");
    fs::create_dir(&prepared).unwrap();
    fs::write(prepared.join("ceremony.yaml"), DEFINITION).unwrap();
    let (papers, head) = made_keys(&prepared, &[]);
    let (words, head) = planned(&prepared, &head);
    let secrets = secrets(&prepared, &papers);
    let before = lines(&prepared);

    let whole = place.path().join("whole");
    copied(&prepared, &whole);
    assert_eq!(begins_to_sign(&whole, &[&head], &words, &papers).leaves().0, Some(0));
    // From the first signature on: two lines for each of five files and the key, one at the end.
    let last = lines(&whole);
    let first = last - 13 + 1;
    assert!(before < first);
    assert!(text(&audited(&whole).stdout).contains("left         nothing"));
    assert_eq!(leaks(&whole, &secrets), [""; 0].map(PathBuf::from));
    // The search finds what is there.
    fs::write(whole.join("note"), papers[1][9..].join(" ")).unwrap();
    assert_eq!(leaks(&whole, &secrets), [whole.join("note")]);

    for kill in 0..kills() {
        let folder = place.path().join(format!("kill-{kill}"));
        copied(&prepared, &folder);
        let person = begins_to_sign(&folder, &[&head], &words, &papers);
        // Every line comes up; then some moments behind it.
        let line = first + kill * 5 % 13;
        wait_for_lines(&folder, line);
        std::thread::sleep(Duration::from_micros(700 * (kill as u64 % 11)));
        person.loses_power();
        let (code, screen) = person.leaves();
        let key = noted(&screen, KEY);
        assert_eq!(leaks(&folder, &secrets), [""; 0].map(PathBuf::from), "kill {kill}");
        let audit = audited(&folder);
        let told = text(&audit.stderr);
        // A line that was cut off, or a key in the midst of being wiped: each is named.
        let named = ["a line without its end", "keys/next.json: "];
        assert!(
            audit.status.success() || named.iter().any(|words| told.contains(words)),
            "kill {kill}: {told}"
        );
        if !text(&audit.stdout).contains("left         nothing") {
            assert_ne!(code, Some(0), "kill {kill}: it ended by itself, and something is left");
            // What they wrote down of the sitting that was killed says that it was theirs.
            let on_paper = [head.as_str(), &key];
            let (code, screen) = begins_to_sign(&folder, &on_paper, &words, &papers).leaves();
            assert_eq!(code, Some(0), "kill {kill}: {screen}");
        }
        let audit = audited(&folder);
        let (report, told) = (text(&audit.stdout), text(&audit.stderr));
        assert!(report.contains("left         nothing"), "kill {kill}: {report}{told}");
        assert_eq!(fs::read_dir(folder.join("out")).unwrap().count(), 5, "no half-written file");
        assert!(!folder.join("keys/next.json").exists());
    }
}

#[test]
fn keys_that_were_cut_off_are_made_anew_or_given_up() {
    for handed_out in [false, true] {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().to_owned();
        fs::write(folder.join("ceremony.yaml"), DEFINITION).unwrap();
        let mut person = Person::sits_down(&format!("keys {}", folder.display()));
        person.introduces_people(&[]);
        person.prepares();
        person.sees("Ana, a passphrase");
        if handed_out {
            person.types("none");
            let words = person.writes_down("Ana");
            person.types_share(&words);
            person.sees("Ben, a passphrase");
        }
        person.loses_power();
        let (code, screen) = person.leaves();
        assert_ne!(code, Some(0));
        let key = noted(&screen, KEY);
        assert!(!folder.join("keys").exists() && !folder.join("share-set.json").exists());
        assert!(audited(&folder).status.success());
        if handed_out {
            let mut person = Person::sits_down(&format!("keys {}", folder.display()));
            person.introduces_people(&[&key]);
            person.prepares();
            let (code, screen) = person.leaves();
            assert_eq!(code, Some(2), "{screen}");
            assert!(screen.contains("begin again in a new folder"), "{screen}");
        } else {
            made_keys(&folder, &[&key]);
        }
    }
}
