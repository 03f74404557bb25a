//! Octets as words that people read aloud, write down and type in again.
//!
//! The words are the 2048 of BIP-39's English list: no two share their first four letters. Each is
//! a number of 11 bits. Behind the words of the content stand four check words of a Reed-Solomon
//! code: one wrong word is located, two or three are noticed for certain.

pub(crate) mod code;

use bip0039::English;
use zeroize::Zeroizing;

use ca_core::escape::quoted;

/// Bits of a word.
const BITS: usize = 11;
/// The check words behind the content.
pub const CHECK_WORDS: usize = code::CHECKS;
/// Digits of a word's number.
const DIGITS: usize = 4;
/// The most words that are read, check words included.
const MAX_WORDS: usize = 256;

/// How many words so many octets take, check words included.
pub const fn count(octets: usize) -> usize {
    (octets * 8).div_ceil(BITS) + CHECK_WORDS
}

/// The words of `octets`, check words last.
pub fn encode(octets: &[u8]) -> Zeroizing<Vec<u16>> {
    let content = (octets.len() * 8).div_ceil(BITS);
    let bit = |at: usize| {
        let octet = octets.get(at / 8).copied().unwrap_or(0);
        u16::from(octet >> (7 - at % 8)) & 1
    };
    let mut words = Zeroizing::new(Vec::with_capacity(content + CHECK_WORDS));
    for word in 0..content {
        words.push((0..BITS).fold(0, |value, at| (value << 1) | bit(word * BITS + at)));
    }
    let checks = code::checks(&words);
    words.extend_from_slice(&checks);
    words
}

/// Words as text, single spaces between them.
pub fn to_text(words: &[u16]) -> Zeroizing<String> {
    // Made large enough at once: a text that grows would leave copies of itself behind.
    let mut text = Zeroizing::new(String::with_capacity(words.len() * 9));
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(word_of(*word));
    }
    text
}

/// Words as digits, four for each, as QR codes hold them (ADR 0140): `0000` is the first of the list.
pub fn to_digits(words: &[u16]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(words.len() * DIGITS));
    for word in words {
        let digit = |place: u16| char::from(b'0' + (word / place % 10) as u8);
        text.extend([1000, 100, 10, 1].map(digit));
    }
    text
}

/// The word of a number below 2048.
fn word_of(number: u16) -> &'static str {
    English::words()[usize::from(number) % English::words().len()]
}

/// The octets of a digest as words, without check words: to be compared by ear, not typed.
pub fn spoken(octets: &[u8]) -> String {
    let words = encode(octets);
    to_text(&words[..words.len() - CHECK_WORDS]).to_string()
}

/// Reads words in any case, between any white space; the first four letters of a word are enough. Digits
/// are read as [`to_digits`] gives them: a scanner may type them.
///
/// # Errors
/// `WordsError` for what is not in the list, with its position, and for more than 256 words.
pub fn read(text: &str) -> Result<Zeroizing<Vec<u16>>, WordsError> {
    if text.bytes().all(|typed| typed.is_ascii_digit() || typed.is_ascii_whitespace()) {
        return read_digits(text);
    }
    let found = text.split_whitespace().take(MAX_WORDS + 1).count();
    if found > MAX_WORDS {
        return Err(WordsError::Count { found, allowed: format!("at most {MAX_WORDS}") });
    }
    let mut words = Zeroizing::new(Vec::with_capacity(found));
    for (at, typed) in text.split_whitespace().enumerate() {
        let number = number_of(typed).ok_or_else(|| WordsError::Unknown {
            position: at + 1,
            letters: typed.chars().count(),
        })?;
        words.push(number);
    }
    Ok(words)
}

fn read_digits(text: &str) -> Result<Zeroizing<Vec<u16>>, WordsError> {
    let digits = || text.bytes().filter(u8::is_ascii_digit).map(|digit| u16::from(digit - b'0'));
    let found = digits().take(MAX_WORDS * DIGITS + 1).count();
    if found > MAX_WORDS * DIGITS || !found.is_multiple_of(DIGITS) {
        return Err(WordsError::Digits { found });
    }
    let mut words = Zeroizing::new(Vec::with_capacity(found / DIGITS));
    let mut word = 0;
    for (at, digit) in digits().enumerate() {
        word = word * 10 + digit;
        if (at + 1).is_multiple_of(DIGITS) {
            if usize::from(word) >= English::words().len() {
                return Err(WordsError::Number { position: words.len() + 1 });
            }
            words.push(word);
            word = 0;
        }
    }
    Ok(words)
}

fn number_of(typed: &str) -> Option<u16> {
    let typed = Zeroizing::new(typed.to_ascii_lowercase());
    let list = English::words();
    let whole = list.binary_search(&typed.as_str()).ok();
    let start = || {
        let first = list.partition_point(|word| *word < typed.as_str());
        let fits = typed.len() >= 4 && list.get(first)?.starts_with(typed.as_str());
        fits.then_some(first)
    };
    u16::try_from(whole.or_else(start)?).ok()
}

/// Checks the words and gives the octets, `octets` of them.
///
/// # Errors
/// `WordsError` when there are too many or too few words, one is wrong, more are wrong, or the last
/// bits are not zero.
pub fn decode(words: &[u16], octets: usize) -> Result<Zeroizing<Vec<u8>>, WordsError> {
    let allowed = count(octets);
    if words.len() != allowed {
        return Err(WordsError::Count { found: words.len(), allowed: allowed.to_string() });
    }
    check(words)?;
    let bit = |at: usize| (words[at / BITS] >> (BITS - 1 - at % BITS)) as u8 & 1;
    let mut read = Zeroizing::new(Vec::with_capacity(octets));
    for octet in 0..octets {
        read.push((0..8).fold(0, |value, at| (value << 1) | bit(octet * 8 + at)));
    }
    let rest = octets * 8..(words.len() - CHECK_WORDS) * BITS;
    if rest.into_iter().any(|at| bit(at) == 1) {
        return Err(WordsError::Padding);
    }
    Ok(read)
}

/// Checks the check words.
///
/// # Errors
/// `WordsError::Wrong` with the position of the one word that is wrong, `WordsError::Several`.
pub fn check(words: &[u16]) -> Result<(), WordsError> {
    match code::verify(words) {
        code::Verdict::Good => Ok(()),
        code::Verdict::OneWrong { position } => Err(WordsError::Wrong {
            position: position + 1,
            found: quoted(word_of(words[position])),
        }),
        code::Verdict::SeveralWrong => Err(WordsError::Several),
    }
}

/// Words that are not what was written down. No message holds a word that was typed rightly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Not in the list. What it was is not told: it may be a passphrase, typed at the wrong question.
    #[error(
        "word {position}: found {letters} letters that are no word of the list, allowed are its words, or their first four letters"
    )]
    Unknown {
        /// Which word, from 1.
        position: usize,
        /// How many characters were typed.
        letters: usize,
    },
    /// Digits that are not four for each word.
    #[error(
        "words: found {found} digits, allowed are four for each of at most {MAX_WORDS} words; one is missing, or one too many"
    )]
    Digits {
        /// How many.
        found: usize,
    },
    /// A number that no word has.
    #[error(
        "word {position}: found four digits that are no word's, allowed are 0000 to 2047; a digit is wrong here or before"
    )]
    Number {
        /// Which word, from 1.
        position: usize,
    },
    /// One word of the list in place of another.
    #[error(
        "word {position}: found {found}, which does not fit the others; allowed is the word as it was written down"
    )]
    Wrong {
        /// Which word, from 1.
        position: usize,
        /// The word that is wrong.
        found: String,
    },
    /// More than one.
    #[error(
        "words: more than one is wrong, or two have changed places; allowed are the words as they were written down, in their order"
    )]
    Several,
    /// A word is missing, or one too many.
    #[error("words: found {found}, allowed are {allowed}")]
    Count {
        /// How many there are.
        found: usize,
        /// How many there must be.
        allowed: String,
    },
    /// Not made by this program.
    #[error(
        "words: found bits behind the content, allowed are zeros; this program did not write them"
    )]
    Padding,
}

#[cfg(test)]
mod tests;
