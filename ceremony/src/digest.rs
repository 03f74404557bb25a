//! SHA-256 digests, as files and transcripts name them.

use std::fmt;
use std::str::FromStr;

use ca_core::escape::quoted;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::words;

/// How many words of a digest are typed in to compare it: 132 bits, which nobody meets by trying.
pub const CONFIRMING_WORDS: usize = 12;

/// A SHA-256 digest (FIPS 180-4); 64 hexadecimal digits in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; Self::SIZE]);

impl Digest {
    /// Octets.
    pub const SIZE: usize = 32;

    /// The plain digest of a file's octets, as `sha256sum` prints it.
    pub fn of(octets: &[u8]) -> Self {
        Self(Sha256::digest(octets).into())
    }

    /// The digest of several parts for one purpose. The purpose and the length of each part are
    /// hashed too, so that no other purpose and no other division has the same digest.
    pub fn of_parts(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// Whether this is what stands on a paper: all digits, or the first [`CONFIRMING_WORDS`] words or
    /// more. Four letters of a word are enough.
    pub fn is_on_paper(&self, paper: &str) -> bool {
        let digits: String = paper.split_whitespace().collect();
        if digits.to_ascii_lowercase().parse() == Ok(*self) {
            return true;
        }
        let Ok(typed) = words::read(paper) else { return false };
        let all = words::encode(&self.0);
        let content = &all[..all.len() - words::CHECK_WORDS];
        typed.len() >= CONFIRMING_WORDS && content.starts_with(&typed)
    }

    /// The digest of a paper: 64 digits, or all of its words. Four letters of a word are enough.
    pub fn from_paper(paper: &str) -> Option<Self> {
        let digits: String = paper.split_whitespace().collect();
        if let Ok(digest) = digits.to_ascii_lowercase().parse() {
            return Some(digest);
        }
        let mut words = words::read(paper).ok()?;
        let checks = words::code::checks(&words);
        words.extend_from_slice(&checks);
        let octets = words::decode(&words, Self::SIZE).ok()?;
        Some(Self(octets[..].try_into().ok()?))
    }

    /// As people compare it: the digits, and below them the words, six on a line. All but the first of its
    /// five lines are indented by two.
    pub fn told(&self) -> String {
        let spoken = self.spoken();
        let words: Vec<&str> = spoken.split(' ').collect();
        let lines: Vec<String> = words.chunks(6).map(|line| line.join(" ")).collect();
        format!("{self}\n  {}", lines.join("\n  "))
    }

    /// As 24 words to read aloud ([`words::spoken`]).
    pub fn spoken(&self) -> String {
        words::spoken(&self.0)
    }
}

impl From<[u8; Digest::SIZE]> for Digest {
    fn from(octets: [u8; Self::SIZE]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let mut octets = [0; Self::SIZE];
        match base16ct::lower::decode(text, &mut octets) {
            Ok(read) if read.len() == Self::SIZE => Ok(Self(octets)),
            _ => Err(InvalidDigest { found: quoted(text.chars().take(80).collect::<String>()) }),
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

/// Not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("digest: found {found}, allowed are 64 digits 0-9 and a-f")]
pub struct InvalidDigest {
    found: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    /// FIPS 180-4's example of "abc".
    #[test]
    fn it_is_sha_256_and_is_read_again() {
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_string(), text);
        assert_eq!(text.parse(), Ok(Digest::of(b"abc")));
        assert_eq!(Digest::of(b"abc").spoken().split(' ').count(), 24);
        for wrong in ["", "ba78", &text.to_uppercase(), &format!("{text}00"), "x\u{1b}"] {
            let error = wrong.parse::<Digest>().unwrap_err().to_string();
            assert!(
                error.contains("allowed are 64 digits") && !error.contains('\u{1b}'),
                "{error}"
            );
        }
    }

    #[test]
    fn a_digest_is_read_from_paper_whole() {
        let digest = Digest::of(b"abc");
        let words = digest.spoken();
        let four = |word: &str| word.chars().take(4).collect::<String>();
        let short = words.split(' ').map(four).collect::<Vec<_>>().join("\n");
        let loud = digest.to_string().to_uppercase();
        assert!(digest.is_on_paper(&loud));
        for paper in [digest.to_string(), loud, words.to_uppercase(), short] {
            assert_eq!(Digest::from_paper(&paper), Some(digest), "{paper}");
        }
        let (most, _) = words.rsplit_once(' ').unwrap();
        // The last word has eight bits that are no part of a digest.
        for paper in ["", most, &format!("{words} zoo"), &format!("{most} zoo"), "ba7816bf"] {
            assert_eq!(Digest::from_paper(paper), None, "{paper}");
        }
    }

    #[test]
    fn twelve_words_or_all_digits_are_compared_with_paper() {
        let digest = Digest::of(b"abc");
        let words = digest.spoken();
        let first = |count: usize| words.split(' ').take(count).collect::<Vec<_>>().join(" ");
        for paper in [digest.to_string(), words.clone(), first(12).to_uppercase(), first(20)] {
            assert!(digest.is_on_paper(&paper), "{paper}");
            assert!(!Digest::of(b"abd").is_on_paper(&paper), "{paper}");
        }
        let wrong = format!("{} zoo", first(11));
        for paper in ["", &first(11), &wrong, &format!("{words} zoo"), &digest.to_string()[1..]] {
            assert!(!digest.is_on_paper(paper), "{paper}");
        }
    }

    #[test]
    fn purposes_and_divisions_differ() {
        let digests = [
            Digest::of_parts("a", &[b"bc"]),
            Digest::of_parts("ab", &[b"c"]),
            Digest::of_parts("a", &[b"b", b"c"]),
            Digest::of_parts("a", &[b"bc", b""]),
        ];
        for (at, digest) in digests.iter().enumerate() {
            assert!(!digests[..at].contains(digest), "{at}");
        }
    }
}
