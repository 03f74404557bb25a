#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;

use super::*;

fn header() -> ShareHeader {
    let ceremony = CeremonyId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8]);
    ShareHeader { ceremony, rehearsal: false, threshold: 3, index: 5 }
}

fn share() -> Share {
    Share::new(header(), Zeroizing::new([0xa5; 32]))
}

fn opened(text: &str, passphrase: &str) -> Result<Share, PassphraseError> {
    WrittenShare::read(text).unwrap().open(Cost::TEST, || Ok(Zeroizing::new(passphrase.into())))
}

#[test]
fn words_give_the_share_again() {
    let text = share().to_words();
    assert_eq!(text.split(' ').count(), 35);
    let read = WrittenShare::read(&text).unwrap();
    assert_eq!(read.header(), header());
    assert!(!read.is_under_passphrase());
    let read = read.open::<PassphraseError>(Cost::TEST, || panic!("it takes no passphrase"));
    assert_eq!(*read.unwrap().value(), share().value);
}

#[test]
fn a_passphrase_opens_what_it_sealed_and_another_does_not() {
    let text = share().to_words_under(b"correct horse", Cost::TEST).unwrap();
    assert_eq!(text.split(' ').count(), 47);
    assert!(WrittenShare::read(&text).unwrap().is_under_passphrase());
    assert_eq!(*opened(&text, "correct horse").unwrap().value(), share().value);
    let error = opened(&text, "correct hors").unwrap_err();
    assert_eq!(error, PassphraseError::Wrong);
    let error = share().to_words_under(b"1234567", Cost::TEST).unwrap_err();
    assert_eq!(
        error.to_string(),
        "passphrase: found 7 octets, allowed are 8 or more; several words are better"
    );
}

/// The same value under the same passphrase has other words as another share.
#[test]
fn the_header_is_salt_and_bound() {
    let other = Share::new(ShareHeader { index: 4, ..header() }, share().value.clone());
    let [a, b] =
        [share(), other].map(|share| share.to_words_under(b"correct horse", Cost::TEST).unwrap());
    let words = words::decode(&words::read(&a).unwrap(), 58).unwrap();
    let others = words::decode(&words::read(&b).unwrap(), 58).unwrap();
    assert_ne!(words[10..], others[10..]);
    let mixed = [&others[..10], &words[10..]].concat();
    let mixed = words::to_text(&words::encode(&mixed));
    assert_eq!(opened(&mixed, "correct horse").unwrap_err(), PassphraseError::Wrong);
}

#[test]
fn every_header_is_read_as_it_was_written() {
    for threshold in 2..=16 {
        for index in 1..=16 {
            for rehearsal in [false, true] {
                let header = ShareHeader { rehearsal, threshold, index, ..header() };
                for under in [false, true] {
                    let read = ShareHeader::from_bytes(&header.to_bytes(under)).unwrap();
                    assert_eq!(read, (header, under));
                }
            }
        }
    }
}

#[test]
fn what_no_share_has_is_named() {
    let text_of = |change: fn(&mut Vec<u8>)| {
        let mut octets = [&header().to_bytes(false)[..], &[0; 32]].concat();
        change(&mut octets);
        words::to_text(&words::encode(&octets))
    };
    WrittenShare::read(&text_of(|_| ())).unwrap();
    let refused = |change| WrittenShare::read(&text_of(change)).unwrap_err().to_string();
    assert!(refused(|octets| octets[0] = 0x20).contains("version: found 2, allowed is 1"));
    assert!(refused(|octets| octets[0] |= 4).contains("flags: found 4"));
    assert!(refused(|octets| octets[1] = 0x04).contains("threshold: found 1"));
    // It says that there is a passphrase, and has too few words for that.
    assert!(refused(|octets| octets[0] |= 1).contains("length: found 42"));
    let few = WrittenShare::read("zoo zoo").unwrap_err();
    assert_eq!(few.to_string(), "words: found 2, allowed are 35, or 47 under a passphrase");
}

/// A paper on which one letter is another: the word is named, or the words around a space that is gone.
#[test]
fn any_changed_letter_of_a_share_is_refused_and_its_word_named() {
    let papers =
        [share().to_words(), share().to_words_under(b"correct horse", Cost::TEST).unwrap()];
    let mut changes = 0;
    for text in papers {
        for (at, letter) in text.bytes().enumerate() {
            for bit in 0..7 {
                let changed = letter ^ 1 << bit;
                // Words are read in any case, and any white space parts them.
                if changed.eq_ignore_ascii_case(&letter) || changed.is_ascii_whitespace() {
                    continue;
                }
                let mut octets = text.as_bytes().to_vec();
                octets[at] = changed;
                let error = WrittenShare::read(std::str::from_utf8(&octets).unwrap()).unwrap_err();
                let word = 1 + text[..at].matches(' ').count();
                let named = format!("word {word}: found");
                assert!(error.to_string().starts_with(&named), "octet {at}, bit {bit}: {error}");
                changes += 1;
            }
        }
    }
    assert!(changes > 500, "{changes}");
}

#[test]
fn nothing_shows_the_value() {
    let (share, text) = (share(), share().to_words());
    let read = WrittenShare::read(&text).unwrap();
    for shown in [format!("{share:?}"), format!("{read:?}")] {
        assert!(!shown.contains("a5") && !shown.contains("165"), "{shown}");
    }
}

proptest! {
    #[test]
    fn any_words_are_read_or_refused(numbers in proptest::collection::vec(0u16..2048, 0..60)) {
        let text = words::to_text(&numbers);
        prop_assert!(WrittenShare::read(&text).is_err());
        if !numbers.is_empty() {
            // With the right check words the parser behind them is reached.
            let text = words::to_text(&[&numbers[..], &words::code::checks(&numbers)].concat());
            let _ = WrittenShare::read(&text);
        }
    }
}
