//! One file as several texts, each short enough for one QR code, in any order.
//!
//! The form is BBQr (bbqr.org, in the public domain), which other programs read and write as well: `B$`, the
//! encoding, the type of file, how many parts there are, which one it is (both two digits in base 36), and
//! Base32 (RFC 4648) of its octets without padding. We write the encoding `2`, Base32, and the type `B`,
//! octets, and read nothing else: compression gains nothing on keys and signatures.

use base32ct::{Base32UpperUnpadded, Encoding as _};
use ca_core::escape::quoted;

/// What every text of ours begins with.
const START: &str = "B$2B";
/// Characters of the two numbers behind it.
const NUMBERS: usize = 4;
/// Characters before the data.
pub const HEADER: usize = START.len() + NUMBERS;
/// The most parts that two digits in base 36 count.
pub const MOST: usize = 36 * 36 - 1;
/// The longest text that a QR code holds (ISO/IEC 18004: version 40, level L, alphanumeric).
pub const LONGEST: usize = 4296;
/// Base32 makes this many characters of [`GROUP_OCTETS`], so that parts are cut between two groups.
const GROUP: usize = 8;
/// See [`GROUP`].
const GROUP_OCTETS: usize = 5;
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Divides octets into texts of at most this many characters, of about equal length.
///
/// # Errors
/// `TooMany` when that makes more than [`MOST`].
pub fn split(octets: &[u8], characters: usize) -> Result<Vec<String>, TooMany> {
    let room = characters.saturating_sub(HEADER) / GROUP;
    let groups = octets.len().div_ceil(GROUP_OCTETS).max(1);
    let too_many = |found| TooMany { found, octets: octets.len(), characters };
    let total = groups.checked_div(room).map(|_| groups.div_ceil(room));
    let total = total.filter(|total| *total <= MOST).ok_or_else(|| too_many(total))?;
    let size = groups.div_ceil(total) * GROUP_OCTETS;
    // Equal parts may be fewer than there is room for.
    let total = octets.len().div_ceil(size).max(1);
    let part = |index: usize| {
        let end = octets.len().min((index + 1) * size);
        let data = Base32UpperUnpadded::encode_string(&octets[index * size..end]);
        format!("{START}{}{}{data}", in_base_36(total), in_base_36(index))
    };
    Ok((0..total).map(part).collect())
}

fn in_base_36(number: usize) -> String {
    [number / 36, number % 36].map(|digit| char::from(DIGITS[digit % 36])).iter().collect()
}

fn of_base_36(digits: &str) -> Option<usize> {
    digits.bytes().try_fold(0, |number, digit| {
        let digit = DIGITS.iter().position(|known| *known == digit)?;
        Some(number * 36 + digit)
    })
}

/// It does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "pictures: found {}, allowed are {MOST}, of {octets} octets in pictures of {characters} characters; make larger pictures",
    .found.map_or("none that has room".to_owned(), |found| found.to_string())
)]
pub struct TooMany {
    found: Option<usize>,
    octets: usize,
    characters: usize,
}

/// Parts on their way together.
#[derive(Clone, Debug, Default)]
pub struct Joining {
    parts: Vec<Option<Vec<u8>>>,
}

impl Joining {
    /// Takes the text of one picture; whether it was a new one. The same one may come again, as a
    /// camera sees it many times.
    ///
    /// # Errors
    /// `PartError`: the text is no part, or not of the same file as those before.
    pub fn take(&mut self, text: &str) -> Result<bool, PartError> {
        let (total, index, octets) = read(text.trim())?;
        if self.parts.is_empty() {
            self.parts = vec![None; total];
        }
        let other_file = PartError::OtherFile { part: index + 1, of: self.parts.len() };
        if self.parts.len() != total || !self.has_length(index, octets.len()) {
            return Err(other_file);
        }
        match &self.parts[index] {
            None => {
                self.parts[index] = Some(octets);
                Ok(true)
            }
            Some(known) if *known == octets => Ok(false),
            Some(_) => Err(other_file),
        }
    }

    /// Whether a part may have so many octets: all but the last are equal, and that is no longer.
    fn has_length(&self, index: usize, length: usize) -> bool {
        let last = self.parts.len() - 1;
        let known =
            self.parts.iter().enumerate().filter_map(|(at, part)| Some((at, part.as_ref()?)));
        known.into_iter().all(|(at, part)| match (index == last, at == last) {
            (false, false) => length == part.len(),
            (true, false) => length <= part.len(),
            (false, true) => length >= part.len(),
            (true, true) => true,
        })
    }

    /// How many there are in all; 0 before the first was taken.
    pub fn total(&self) -> usize {
        self.parts.len()
    }

    /// The numbers of those that are missing, from 1 on.
    pub fn missing(&self) -> Vec<usize> {
        let missing = self.parts.iter().enumerate().filter(|(_, part)| part.is_none());
        missing.map(|(index, _)| index + 1).collect()
    }

    /// All octets, once no part is missing.
    pub fn whole(&self) -> Option<Vec<u8>> {
        let parts: Option<Vec<&[u8]>> = self.parts.iter().map(Option::as_deref).collect();
        parts.filter(|parts| !parts.is_empty()).map(|parts| parts.concat())
    }
}

/// How many parts there are, which one this is from 0 on, and its octets.
fn read(text: &str) -> Result<(usize, usize, Vec<u8>), PartError> {
    let shown = || quoted(text.chars().take(16).collect::<String>());
    if text.len() > LONGEST {
        return Err(PartError::Long { found: text.len() });
    }
    let rest = text.strip_prefix(START).ok_or_else(|| PartError::Start { found: shown() })?;
    let numbers = rest.get(..2).zip(rest.get(2..NUMBERS));
    let numbers = numbers.and_then(|(total, index)| Some((of_base_36(total)?, of_base_36(index)?)));
    let Some((total, index)) = numbers.filter(|(total, index)| index < total) else {
        return Err(PartError::Numbers { found: shown() });
    };
    let data = &rest[NUMBERS..];
    let octets = Base32UpperUnpadded::decode_vec(data).ok();
    // One text has one meaning: bits beyond the last octet are zero.
    let octets = octets.filter(|octets| Base32UpperUnpadded::encode_string(octets) == data);
    match octets {
        Some(octets) if !octets.is_empty() => Ok((total, index, octets)),
        _ => Err(PartError::Data { part: index + 1 }),
    }
}

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// It is longer than any QR code holds.
    #[error("picture: found {found} characters, allowed are {LONGEST}")]
    Long {
        /// How many.
        found: usize,
    },
    /// Another QR code.
    #[error(
        "picture: found one that begins with {found}, allowed are those of `transfer show`, which begin with {START}"
    )]
    Start {
        /// Its first characters.
        found: String,
    },
    /// No part of something.
    #[error(
        "picture: found {found}, whose numbers say no part of a whole; allowed is a part below the total"
    )]
    Numbers {
        /// Its first characters.
        found: String,
    },
    /// What it holds is no Base32.
    #[error(
        "picture {part}: found other characters than those of Base32 or a wrong number of them"
    )]
    Data {
        /// Its number, from 1 on.
        part: usize,
    },
    /// Two files were mixed.
    #[error(
        "picture {part}: found one of another file, allowed are the {of} of the file that was begun"
    )]
    OtherFile {
        /// Its number, from 1 on.
        part: usize,
        /// How many parts the file has that was begun.
        of: usize,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use proptest::prelude::*;

    use super::*;

    fn joined(texts: &[String]) -> Result<Option<Vec<u8>>, PartError> {
        let mut joining = Joining::default();
        for text in texts {
            joining.take(text)?;
        }
        Ok(joining.whole())
    }

    /// As the specification writes its header: two of base 36, the total and the index from 0 on.
    #[test]
    fn the_form_is_bbqr() {
        assert_eq!(split(b"foobar", 100).unwrap(), ["B$2B0100MZXW6YTBOI"]);
        let texts = split(&[0; 5 * 40], 16).unwrap();
        assert_eq!(texts.len(), 40);
        assert_eq!(texts[39], "B$2B1413AAAAAAAA");
    }

    #[test]
    fn parts_come_in_any_order_and_more_than_once() {
        let octets: Vec<u8> = (0..200).collect();
        let texts = split(&octets, 48).unwrap();
        assert!(texts.iter().all(|text| text.len() <= 48));
        let mut joining = Joining::default();
        for text in texts.iter().rev() {
            assert_eq!(joining.whole(), None);
            assert_eq!(joining.take(&format!("  {text}\r\n")), Ok(true));
            assert_eq!(joining.take(text), Ok(false));
        }
        assert_eq!((joining.whole(), joining.missing()), (Some(octets), vec![]));
    }

    #[test]
    fn what_is_no_part_or_of_another_file_is_named() {
        let texts = split(&[1; 100], 48).unwrap();
        let other = split(&[2; 100], 48).unwrap();
        let longer = split(&[1; 200], 48).unwrap();
        let shorter = texts[1][..texts[1].len() - 8].to_owned();
        let mut joining = Joining::default();
        joining.take(&texts[0]).unwrap();
        for (text, words) in [
            ("https://example.com/".to_owned(), "begins with \"https://example.\""),
            (texts[1].replace("B$2B", "B$HB"), "allowed are those of `transfer show`"),
            ("B$2B0505AAAAAAAA".into(), "no part of a whole"),
            ("B$2B0a00AAAAAAAA".into(), "no part of a whole"),
            ("B$2B0".into(), "no part of a whole"),
            ("B$2B05é".into(), "no part of a whole"),
            ("B$2B0501".into(), "picture 2: found other characters"),
            ("B$2B0501AAAAAAA1".into(), "picture 2: found other characters"),
            // Bits beyond the last octet are not zero.
            ("B$2B0501MZ".into(), "picture 2: found other characters"),
            ("B$2B0501MY".into(), "picture 2: found one of another file, allowed are the 4"),
            (other[0].clone(), "picture 1: found one of another file, allowed are the"),
            (longer[0].clone(), "picture 1: found one of another file"),
            (shorter, "picture 2: found one of another file, allowed are the 4"),
            ("A".repeat(LONGEST + 1), "found 4297 characters, allowed are 4296"),
        ] {
            let error = joining.take(&text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        assert_eq!(joining.missing().len(), texts.len() - 1);
    }

    #[test]
    fn more_than_two_digits_count_is_refused() {
        let most = vec![0; MOST * GROUP_OCTETS];
        assert_eq!(split(&most, 16).unwrap().len(), MOST);
        let error = split(&[&most[..], &[0]].concat(), 16).unwrap_err().to_string();
        assert!(
            error.starts_with("pictures: found 1296, allowed are 1295, of 6476 octets"),
            "{error}"
        );
        assert!(split(&[0], 15).unwrap_err().to_string().contains("none that has room"));
    }

    proptest! {
        #[test]
        fn whatever_is_split_is_joined_again(
            octets in prop::collection::vec(any::<u8>(), 1..3000), characters in 16..400_usize,
        ) {
            if let Ok(texts) = split(&octets, characters) {
                prop_assert!(texts.iter().all(|text| text.len() <= characters));
                prop_assert_eq!(joined(&texts), Ok(Some(octets)));
            }
        }

        #[test]
        fn any_text_is_answered(text in any::<String>(), tail in "[0-9A-Z]{0,40}") {
            let mut joining = Joining::default();
            let _ = joining.take(&text);
            let _ = joining.take(&format!("B$2B{tail}"));
        }
    }
}
