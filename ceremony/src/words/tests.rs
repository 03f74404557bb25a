#![allow(clippy::unwrap_used)] // a panic is the failure report

use proptest::prelude::*;

use super::*;

fn words_of(octets: &[u8]) -> Zeroizing<Vec<u16>> {
    encode(octets)
}

/// BIP-39's own vectors: entropy of zeros is `abandon` again and again, of ones `zoo`.
#[test]
fn the_list_is_that_of_bip_39() {
    assert_eq!(English::words().len(), 2048);
    assert!(English::words().is_sorted());
    assert!(spoken(&[0; 16]).starts_with("abandon abandon"));
    assert!(spoken(&[0xff; 16]).starts_with("zoo zoo zoo"));
    assert!(spoken(&[0x7f; 16]).starts_with("legal winner thank year wave sausage worth useful"));
    let starts = English::words().iter().map(|word| &word[..word.len().min(4)]);
    let mut starts: Vec<&str> = starts.collect();
    starts.dedup();
    assert_eq!(starts.len(), 2048);
}

#[test]
fn what_was_written_is_read() {
    for length in 0..=64 {
        let octets: Vec<u8> = (0..length).map(|at| (at * 37 + 11) as u8).collect();
        let text = to_text(&words_of(&octets));
        assert_eq!(text.split(' ').count(), count(octets.len()));
        let shouted = text.to_uppercase().replace(' ', "\n  ");
        assert_eq!(*decode(&read(&shouted).unwrap(), octets.len()).unwrap(), octets);
        let short: Vec<&str> = text.split(' ').map(|word| &word[..word.len().min(4)]).collect();
        assert_eq!(*read(&short.join(" ")).unwrap(), *words_of(&octets));
    }
}

/// The first vector of SeedQR's description: `attack pizza motion avocado network …`.
#[test]
fn digits_are_four_for_each_word() {
    let words = read("attack pizza motion avocado network gather crop fresh").unwrap();
    let digits = to_digits(&words);
    assert_eq!(*digits, "01151325115401271190077104150742");
    assert_eq!(*read(&digits).unwrap(), *words);
    // As a scanner of several lines types them.
    assert_eq!(*read(&format!(" {}\n{} ", &digits[..7], &digits[7..])).unwrap(), *words);
    for (wrong, told) in [
        ("01152048", "word 2: found four digits that are no word's, allowed are 0000 to 2047"),
        ("0115132", "words: found 7 digits, allowed are four for each of at most 256 words"),
        ("0115 attack", "word 1: found 4 letters"),
    ] {
        let error = read(wrong).unwrap_err().to_string();
        assert!(error.starts_with(told), "{wrong}: {error}");
    }
    let error = read(&"0115".repeat(257)).unwrap_err().to_string();
    assert!(error.starts_with("words: found 1025 digits, allowed are four"), "{error}");
}

#[test]
fn a_word_that_is_not_in_the_list_is_named() {
    let error = read("abandon zoo abandn").unwrap_err().to_string();
    assert!(error.starts_with("word 3: found 6 letters that are no word of the list"), "{error}");
    assert!(!error.contains("aband"), "it may be a passphrase");
    // Three letters are enough only where they are a word.
    read("zoo").unwrap();
    let error = read("aba").unwrap_err();
    assert!(error.to_string().starts_with("word 1: found 3 letters"), "{error}");
    let error = read("\u{1b}[2J").unwrap_err().to_string();
    assert!(error.starts_with("word 1: found 4 letters"), "{error}");
    let error = read(&"zoo ".repeat(257)).unwrap_err();
    assert_eq!(error.to_string(), "words: found 257, allowed are at most 256");
    read(&"zoo ".repeat(256)).unwrap();
}

#[test]
fn a_missing_word_and_one_too_many_are_told() {
    let words = words_of(&[5; 42]);
    assert_eq!(words.len(), 35);
    let error = decode(&words[..34], 42).unwrap_err();
    assert_eq!(error.to_string(), "words: found 34, allowed are 35");
    let more = [&words[..], &[0]].concat();
    assert!(matches!(decode(&more, 42), Err(WordsError::Count { found: 36, .. })));
}

#[test]
fn neighbours_that_changed_places_are_noticed() {
    let words = words_of(&std::array::from_fn::<u8, 42, _>(|at| at as u8 * 5));
    for at in 1..words.len() {
        let mut swapped = words.clone();
        swapped.swap(at - 1, at);
        if swapped != words {
            assert_eq!(decode(&swapped, 42).unwrap_err(), WordsError::Several, "{at}");
        }
    }
}

#[test]
fn padding_is_zero() {
    let mut content = words_of(&[1; 42])[..31].to_vec();
    content[30] |= 1;
    let words = [&content[..], &code::checks(&content)].concat();
    assert_eq!(decode(&words, 42).unwrap_err(), WordsError::Padding);
}

proptest! {
    /// One wrong word is located, wherever it is and whatever it is.
    #[test]
    fn one_wrong_word_is_located(
        octets in any::<[u8; 42]>(), at in 0usize..35, change in 1u16..2048,
    ) {
        let mut words = words_of(&octets);
        words[at] ^= change;
        match decode(&words, 42) {
            Err(WordsError::Wrong { position, found }) => {
                prop_assert_eq!(position, at + 1);
                prop_assert_eq!(found, quoted(word_of(words[at])));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// Two and three are noticed, and no word is blamed.
    #[test]
    fn two_or_three_wrong_words_are_noticed(
        octets in any::<[u8; 42]>(),
        places in proptest::sample::subsequence((0..35usize).collect::<Vec<_>>(), 2..=3),
        changes in proptest::collection::vec(1u16..2048, 3),
    ) {
        let mut words = words_of(&octets);
        for (place, change) in places.iter().zip(changes) {
            words[*place] ^= change;
        }
        prop_assert_eq!(decode(&words, 42).unwrap_err(), WordsError::Several);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = read(&text).map(|words| decode(&words, 42).map(|octets| octets.len()));
    }
}
