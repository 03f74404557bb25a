//! `inspect` is total: whatever the input, it answers or refuses, and what it writes is harmless.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use ca_core::inspect::inspect;
use ca_core::pem::{self, Input, Label};
use proptest::prelude::*;

/// Every fixture as its file holds it, and as DER.
static INPUTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inspect");
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let kinds = ["der", "pem"];
    paths.retain(|path| {
        path.extension().is_some_and(|kind| kinds.iter().any(|known| kind == *known))
    });
    let files: Vec<Vec<u8>> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    let ders = files.iter().flat_map(|file| match pem::read(file).unwrap() {
        Input::Der(der) => vec![der.to_vec()],
        Input::Pem(blocks) => blocks.iter().map(|block| block.der().to_vec()).collect(),
    });
    ders.chain(files.iter().cloned()).collect()
});

/// Whether a terminal would obey or hide something.
fn is_harmless(text: &str) -> bool {
    text.chars().all(|character| {
        let control = character.is_control() && character != '\n';
        let format = matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        !control && !format
    })
}

fn check(input: &[u8]) -> Result<(), TestCaseError> {
    match inspect(input) {
        Ok(objects) => {
            for object in &objects {
                prop_assert!(is_harmless(&object.to_string()), "{object}");
            }
            let json = serde_json::to_string(&objects).unwrap();
            prop_assert!(is_harmless(&json), "{json}");
        }
        Err(error) => {
            prop_assert!(is_harmless(&error.to_string()), "{error:?}");
            prop_assert!(error.to_string().len() < 1000, "{error}");
        }
    }
    Ok(())
}

/// A fixture with octets changed, cut, added or removed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let place = any::<prop::sample::Index>;
    let change = (place(), any::<u8>());
    (place(), prop::collection::vec(change, 1..6), 0..4u8, place()).prop_map(
        |(input, changes, edit, at)| {
            let mut octets = input.get(&INPUTS).clone();
            for (place, value) in changes {
                let place = place.index(octets.len());
                octets[place] = value;
            }
            let at = at.index(octets.len());
            match edit {
                0 => octets.truncate(at),
                1 => octets.insert(at, 0x30),
                2 => drop(octets.remove(at)),
                _ => {}
            }
            octets
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        check(&octets)?;
        check(&[&[0x30, 0x82][..], &octets].concat())?;
    }

    #[test]
    fn arbitrary_text_never_panics(text in "(-----(BEGIN|END) [A-Z ]{0,12}-----|\\PC{0,9}|[\\x00-\\x1f]|\n|=|[A-Za-z0-9+/]{0,20}){0,12}") {
        check(text.as_bytes())?;
    }

    #[test]
    fn mutated_fixtures_never_panic(octets in mutated()) {
        check(&octets)?;
    }

    #[test]
    fn mutated_der_in_pem_never_panics(octets in mutated(), label in prop::sample::select(&Label::ALL[..])) {
        check(pem::encode_secret(label, &octets).as_bytes())?;
    }

    #[test]
    fn encoding_and_reading_give_the_same_octets(content in prop::collection::vec(any::<u8>(), 0..127)) {
        let der = [&[0x30, content.len() as u8][..], &content].concat();
        match pem::read(pem::encode(Label::Certificate, &der).as_bytes()).unwrap() {
            Input::Pem(blocks) => prop_assert_eq!(blocks[0].der(), &der[..]),
            Input::Der(_) => prop_assert!(false, "text was taken for DER"),
        }
    }
}
