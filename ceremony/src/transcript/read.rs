//! Reading a transcript: form, chain, signatures.

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::Algorithm;
use ca_core::escape::escaped;
use ca_core::public_key::PublicKey;
use ca_core::signature::{Implementation, verify_in_context};
use jiff::Timestamp;

use super::{ALGORITHM, Entry, Event, Opening, Written, before_first};
use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;

/// The largest transcript, in octets.
const MAX_SIZE: usize = 64 * 1024 * 1024;

/// A transcript whose chain and signatures are right. Whether what it tells is true of the files is
/// for [`crate::audit`].
#[derive(Clone, Debug)]
pub struct Read {
    /// The lines.
    pub lines: Vec<Line>,
    /// Octets of a last line that was not written to its end.
    pub torn: usize,
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it tells.
    pub entry: Entry,
    /// SHA-256 of it, which the next one names.
    pub digest: Digest,
}

impl Read {
    /// The SHA-256 of the last line.
    pub fn head(&self) -> Option<Digest> {
        self.lines.last().map(|line| line.digest)
    }

    /// How the first sitting opened.
    pub fn opening(&self) -> Option<&Opening> {
        self.lines.first().and_then(|line| match &line.entry.event {
            Event::SittingOpened(opening) => Some(&**opening),
            _ => None,
        })
    }

    /// What it tells, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.lines.iter().map(|line| &line.entry.event)
    }

    pub(super) fn last_time(&self) -> Option<Timestamp> {
        self.lines.last().map(|line| line.entry.at)
    }
}

/// Reads a transcript, and checks form, order, chain and signatures of all lines.
///
/// # Errors
/// `TranscriptError` with the line, from 1.
pub fn read(octets: &[u8]) -> Result<Read, TranscriptError> {
    if octets.len() > MAX_SIZE {
        return Err(TranscriptError::TooLarge { found: octets.len() });
    }
    let whole = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at + 1);
    let mut reader = Reader::default();
    for line in octets[..whole].split_inclusive(|octet| *octet == b'\n') {
        reader.line(&line[..line.len() - 1])?;
    }
    Ok(Read { lines: reader.lines, torn: octets.len() - whole })
}

#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    /// The key of the sitting.
    key: Option<PublicKey>,
}

impl Reader {
    fn line(&mut self, text: &[u8]) -> Result<(), TranscriptError> {
        let line = self.lines.len() + 1;
        let refuse = |field, found: String, allowed: String| {
            Err(TranscriptError::Line { line, field, found, allowed })
        };
        let written: Written = serde_json::from_slice(text).map_err(|error| {
            TranscriptError::Malformed { line, found: escaped(&error.to_string()) }
        })?;
        if canonical::of(&written) != text {
            return refuse("form", "another text".into(), "canonical JSON (RFC 8785)".into());
        }
        let Written { entry, signature } = written;
        if entry.version != 1 {
            return refuse("version", entry.version.to_string(), "1".into());
        }
        if entry.number != line as u64 {
            return refuse("number", entry.number.to_string(), line.to_string());
        }
        let before = self.lines.last();
        if let Some(before) = before.filter(|before| entry.at < before.entry.at) {
            let allowed = format!("{} or later", before.entry.at);
            return refuse("at", entry.at.to_string(), allowed);
        }
        let key = match &entry.event {
            Event::SittingOpened(opening) => Some(self.opened(line, opening, entry.previous)?),
            _ => None,
        };
        if let Some(before) = before.filter(|before| entry.previous != before.digest) {
            return refuse("previous", entry.previous.to_string(), before.digest.to_string());
        }
        let Some(key) = key.or(self.key.take()) else {
            return refuse("event", "another one".into(), "sitting_opened as the first".into());
        };
        if !is_signed(&key, &entry, &signature) {
            let allowed = "one by the sitting's key over the entry".into();
            return refuse("signature", "a wrong one".into(), allowed);
        }
        self.key = Some(key);
        self.lines.push(Line { entry, digest: Digest::of(text) });
        Ok(())
    }

    /// The key of a sitting that opens.
    fn opened(
        &self,
        line: usize,
        opening: &Opening,
        previous: Digest,
    ) -> Result<PublicKey, TranscriptError> {
        let refuse = |field, found: String, allowed: String| {
            Err(TranscriptError::Line { line, field, found, allowed })
        };
        let first = self.lines.first().map(|line| &line.entry.event);
        if let Some(Event::SittingOpened(first)) = first {
            match first.check_same_ceremony(opening) {
                Err(TranscriptError::Ceremony { found, allowed }) => {
                    return refuse("ceremony", found.to_string(), allowed.to_string());
                }
                Err(TranscriptError::Rehearsal { found }) => {
                    return refuse("rehearsal", found.to_string(), (!found).to_string());
                }
                other => other?,
            }
        } else if previous != before_first(opening.ceremony) {
            let allowed = before_first(opening.ceremony).to_string();
            return refuse("previous", previous.to_string(), allowed);
        }
        let key = Base64::decode_vec(&opening.key).ok();
        match key.and_then(|key| PublicKey::from_spki(&key).ok()) {
            Some(key) => Ok(key),
            None => refuse("key", "no public key".into(), format!("a key of {ALGORITHM}")),
        }
    }
}

/// Checks with both implementations.
fn is_signed(key: &PublicKey, entry: &Entry, signature: &str) -> bool {
    let (Ok(algorithm), Ok(signature)) =
        (Algorithm::named(ALGORITHM), Base64::decode_vec(signature))
    else {
        return false;
    };
    let (scheme, message) = (algorithm.scheme(), entry.signed());
    [Implementation::First, Implementation::Second].into_iter().all(|implementation| {
        verify_in_context(implementation, key, scheme, &message, b"", &signature).is_ok()
    })
}

/// A transcript that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TranscriptError {
    /// Past the bound.
    #[error("transcript: {found} octets, allowed are at most {MAX_SIZE}")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not JSON, or not these fields.
    #[error("transcript: line {line}: {found}")]
    Malformed {
        /// Which line, from 1.
        line: usize,
        /// What the reader says.
        found: String,
    },
    /// A field that is wrong.
    #[error("transcript: line {line}: {field}: found {found}, allowed: {allowed}")]
    Line {
        /// Which line, from 1.
        line: usize,
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// Of another ceremony.
    #[error("transcript: ceremony: found {found}, allowed is {allowed}")]
    Ceremony {
        /// The ceremony that was found.
        found: CeremonyId,
        /// The one of the first line.
        allowed: CeremonyId,
    },
    /// A rehearsal in a real transcript, or the other way.
    #[error("transcript: rehearsal: found {found}, allowed is {}", !*.found)]
    Rehearsal {
        /// What was found.
        found: bool,
    },
}
