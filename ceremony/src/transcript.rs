//! The transcript: one line a step, each of canonical JSON, chained by hashes and signed.
//!
//! A line is `{"entry": …, "signature": …}`. The entry holds the SHA-256 of the line before it, so that
//! no line can be changed, left out or put elsewhere without all that follow. Each sitting signs with a
//! key of its own, which lives in memory and dies with it: who gets hold of the disk later can't sign
//! for a sitting that is over (ADR 0142). The head, the SHA-256 of the last line, goes on paper.

mod event;
mod read;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::Algorithm;
use ca_core::key::{KeyError, PrivateKey};
use ca_core::sign::{SignError, Signer};
use jiff::Timestamp;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

pub use event::{Event, KeyReady, Opening, Program};
pub use read::{Line, Read, TranscriptError, read};

use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;

/// How sittings sign: ML-DSA-65 and Ed25519 in one, so that both must be broken.
const ALGORITHM: &str = "MLDSA65-Ed25519-SHA512";
/// What a signature covers before the entry, so that it is good for nothing else.
const PURPOSE: &[u8] = b"espalier-ceremony transcript v1\0";

/// What is chained and signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    version: u8,
    /// From 1.
    pub number: u64,
    /// SHA-256 of the line before it.
    previous: Digest,
    /// When, by the clock of the machine.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    entry: Entry,
    signature: String,
}

impl Entry {
    /// What the signature covers.
    fn signed(&self) -> Vec<u8> {
        [PURPOSE, &canonical::of(self)].concat()
    }
}

/// What stands in the place of the line before the first.
fn before_first(ceremony: CeremonyId) -> Digest {
    Digest::of_parts("espalier-ceremony transcript v1", &[ceremony.as_bytes()])
}

/// What a transcript is written to.
trait Medium {
    /// Appends octets; they are on the disk when this returns.
    fn append(&mut self, octets: &[u8]) -> io::Result<()>;

    /// Cuts off what stands behind so many octets.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Medium for File {
    fn append(&mut self, octets: &[u8]) -> io::Result<()> {
        self.write_all(octets)?;
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.sync_all()
    }
}

/// The most hours between two lines of one sitting: a clock that jumps ahead is noticed.
const MAX_HOURS: i64 = 24;

/// A transcript that a sitting writes.
pub struct Transcript {
    medium: Box<dyn Medium>,
    /// Octets of whole lines.
    length: u64,
    /// Whether octets may stand behind them that can't be cut off.
    damaged: bool,
    signer: Signer,
    head: Digest,
    number: u64,
    last: Option<Timestamp>,
}

impl Transcript {
    /// Opens the transcript at `path`, or begins it, and writes that a sitting opens. All that is there
    /// is read and checked before. What a power cut left of a line is cut off: what it would have
    /// told was not done yet.
    ///
    /// # Errors
    /// `TranscriptError` when what is there is not right, `WriteError` when the file can't be written
    /// or the clock stands before the last entry.
    pub fn open(
        path: &Path,
        opening: Opening,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, WriteError> {
        let failed = |source| WriteError::File { path: path.display().to_string(), source };
        let octets = match std::fs::read(path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        let there = read(&octets)?;
        if let Some(first) = there.opening() {
            first.check_same_ceremony(&opening)?;
        }
        if let Some(allowed) = there.last_time().filter(|last| now < *last) {
            return Err(WriteError::Clock { found: now, allowed });
        }
        let algorithm = Algorithm::named(ALGORITHM).expect("the registry has every composite");
        let key = PrivateKey::generate(algorithm, rng)?;
        let signer = key.signer(algorithm.scheme())?;
        let mut options = File::options();
        options.create(true).append(true);
        let mut file = options.open(path).map_err(failed)?;
        let length = (octets.len() - there.torn) as u64;
        if there.torn > 0 {
            file.cut(length).map_err(failed)?;
        }
        let head = there.head().unwrap_or_else(|| before_first(opening.ceremony));
        let (number, last) = (there.lines.len() as u64, None);
        let medium = Box::new(file);
        let mut transcript = Self { medium, length, damaged: false, signer, head, number, last };
        let spki = Base64::encode_string(key.public_key().spki_der());
        let cut_octets = there.torn as u64;
        let opening = Opening { key: spki, cut_octets, ..opening };
        transcript.append(Event::SittingOpened(Box::new(opening)), now)?;
        Ok(transcript)
    }

    /// Appends an entry; it is on the disk when this returns.
    ///
    /// # Errors
    /// `WriteError` when it can't be signed or written, or the clock was stepped back or far ahead. What
    /// was written of the line is cut off again: the lines before it stay a transcript.
    pub fn append(&mut self, event: Event, now: Timestamp) -> Result<(), WriteError> {
        if let Some(last) = self.last.filter(|last| now < *last) {
            return Err(WriteError::Clock { found: now, allowed: last });
        }
        let far = jiff::SignedDuration::from_hours(MAX_HOURS);
        if let Some(last) = self.last.filter(|last| now.duration_since(*last) > far) {
            return Err(WriteError::Jump { found: now, last });
        }
        let number = self.number + 1;
        let entry = Entry { version: 1, number, previous: self.head, at: now, event };
        let signature = Base64::encode_string(&self.signer.sign(&entry.signed())?);
        let mut line = canonical::of(&Written { entry, signature });
        let head = Digest::of(&line);
        line.push(b'\n');
        let failed = |source| WriteError::File { path: crate::folder::TRANSCRIPT.into(), source };
        if self.damaged {
            return Err(failed(io::Error::other("an earlier line could not be written")));
        }
        if let Err(error) = self.medium.append(&line) {
            self.damaged = self.medium.cut(self.length).is_err();
            return Err(failed(error));
        }
        self.length += line.len() as u64;
        (self.head, self.number, self.last) = (head, number, Some(now));
        Ok(())
    }

    /// The SHA-256 of the last line, for paper.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// How many lines there are.
    pub(crate) fn lines(&self) -> u64 {
        self.number
    }

    /// The key that this sitting signs with, as its first line has it.
    pub(crate) fn public_key(&self) -> String {
        Base64::encode_string(self.signer.public_key().spki_der())
    }

    /// The digest of the key that this sitting signs with, for paper.
    pub fn key(&self) -> Digest {
        Digest::of(self.signer.public_key().spki_der())
    }
}

/// An entry that was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// What is there is not right.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The disk is full, or may not be written.
    #[error("{path}: can't be read or written")]
    File {
        /// Which file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The clock went back.
    #[error(
        "clock: found {found}, allowed is {allowed} or later, the time of the last entry; set the clock right"
    )]
    Clock {
        /// The time now.
        found: Timestamp,
        /// The time of the last entry.
        allowed: Timestamp,
    },
    /// The clock went far ahead.
    #[error(
        "clock: found {found}, allowed are at most {MAX_HOURS} hours after {last}, the time of the last entry; set the clock right, or begin another sitting"
    )]
    Jump {
        /// The time now.
        found: Timestamp,
        /// The time of the last entry.
        last: Timestamp,
    },
    /// No key for the sitting.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

#[cfg(test)]
mod tests;
