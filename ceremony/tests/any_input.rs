//! Whatever comes from outside is read or refused: no octets make a reader panic, and what is refused
//! shows no control characters.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fmt::Display;

use ceremony::definition::Definition;
use ceremony::plan::Plan;
use ceremony::rehearsal::Answers;
use ceremony::sealed_key::SealedKey;
use ceremony::share::WrittenShare;
use ceremony::share_set::ShareSet;
use ceremony::transcript;
use proptest::prelude::*;

const DEFINITION: &str = include_str!("rehearsal/root.yaml");
const ANSWERS: &str = include_str!("rehearsal/answers.yaml");

/// The refusal is one line that a terminal shows as it is.
fn told<T, E: Display>(result: Result<T, E>) {
    if let Err(error) = result {
        let text = error.to_string();
        assert!(!text.contains(['\u{1b}', '\r', '\u{202e}']), "{text:?}");
        assert!(text.len() < 4000, "{text}");
    }
}

fn read_by_all(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    told(Definition::from_yaml(&text));
    told(Answers::from_yaml(&text));
    told(WrittenShare::read(&text));
    told(Plan::from_json(octets));
    told(SealedKey::from_json(octets));
    told(transcript::read(octets));
    // Whoever reads a share set escapes what serde says.
    let _ = serde_json::from_slice::<ShareSet>(octets);
}

/// The text with a part replaced.
fn changed(text: &str, at: usize, length: usize, by: &str) -> Vec<u8> {
    let (at, octets) = (at % text.len(), text.as_bytes());
    let end = (at + length).min(octets.len());
    [&octets[..at], by.as_bytes(), &octets[end..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_by_all(&octets);
        read_by_all(&[&octets[..], b"\n"].concat());
    }

    #[test]
    fn files_with_a_part_replaced(
        at in any::<usize>(), length in 0usize..20, by in "\\PC{0,8}|[\\x00-\\x1f\u{202e}]{0,3}",
    ) {
        for text in [DEFINITION, ANSWERS] {
            read_by_all(&changed(text, at, length, &by));
        }
    }

    #[test]
    fn json_of_other_shapes(
        key in r"version|ceremony|entry|header|steps|shares|[a-z]{0,5}|\\u001b\[2J",
        value in r#"[0-9]{1,30}|"[a-z]{0,9}"|"\\u202e"|\[\]|\{\}|null|true"#,
    ) {
        read_by_all(format!("{{\"{key}\":{value}}}").as_bytes());
        read_by_all(format!("{{\"entry\":{{\"{key}\":{value}}},\"signature\":\"\"}}\n").as_bytes());
    }
}

#[test]
fn the_files_themselves_are_read() {
    Definition::from_yaml(DEFINITION).unwrap();
    Answers::from_yaml(ANSWERS).unwrap();
}
