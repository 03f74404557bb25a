//! One custodian's share: what it says, and its words.
//!
//! ```text
//! octet 0     version (upper four bits), flags: 1 under a passphrase, 2 of a rehearsal
//! octet 1     threshold - 1 (upper four bits), index - 1
//! octets 2-9  the ceremony
//! then        the value: 32 octets, or 48 of AES-256-GCM under a passphrase
//! ```
//!
//! That is 35 words, or 47 under a passphrase ([`crate::words`]). The custodian's name stands beside
//! them on the paper, and the share's commitment in the share set binds it.

mod passphrase;

use std::fmt;

use zeroize::Zeroizing;

use crate::ceremony_id::CeremonyId;
use crate::shamir::{MIN_THRESHOLD, SECRET_SIZE, Secret};
use crate::words::{self, WordsError};

pub use passphrase::{Cost, MIN_PASSPHRASE_LENGTH, PassphraseError};

/// The version of the layout.
const VERSION: u8 = 1;
/// Octets before the value.
const HEADER_SIZE: usize = 2 + CeremonyId::SIZE;
const UNDER_PASSPHRASE: u8 = 1;
const REHEARSAL: u8 = 2;

/// What a share says beside its value; it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareHeader {
    /// The ceremony that made it.
    pub ceremony: CeremonyId,
    /// Whether it is of a rehearsal, and protects nothing.
    pub rehearsal: bool,
    /// How many shares give the key.
    pub threshold: u8,
    /// Which one it is, from 1.
    pub index: u8,
}

impl ShareHeader {
    /// The first octets of the share.
    fn to_bytes(self, under_passphrase: bool) -> [u8; HEADER_SIZE] {
        let under_passphrase = if under_passphrase { UNDER_PASSPHRASE } else { 0 };
        let rehearsal = if self.rehearsal { REHEARSAL } else { 0 };
        let mut octets = [0; HEADER_SIZE];
        octets[0] = (VERSION << 4) | under_passphrase | rehearsal;
        // Both are 1 to 16.
        octets[1] = ((self.threshold - 1) << 4) | (self.index - 1);
        octets[2..].copy_from_slice(self.ceremony.as_bytes());
        octets
    }

    /// What the commitment covers, whether or not there is a passphrase.
    pub(crate) fn committed(self) -> [u8; HEADER_SIZE] {
        self.to_bytes(false)
    }

    fn from_bytes(octets: &[u8]) -> Result<(Self, bool), ShareError> {
        let header: [u8; HEADER_SIZE] = octets
            .get(..HEADER_SIZE)
            .and_then(|header| header.try_into().ok())
            .ok_or(ShareError::Layout { field: "length", found: octets.len() })?;
        let [first, numbers, ceremony @ ..] = header;
        let (version, flags) = (first >> 4, first & 15);
        if version != VERSION {
            return Err(ShareError::Version { found: version });
        }
        if flags & !(UNDER_PASSPHRASE | REHEARSAL) != 0 {
            return Err(ShareError::Layout { field: "flags", found: flags.into() });
        }
        let threshold = (numbers >> 4) + 1;
        if threshold < MIN_THRESHOLD {
            return Err(ShareError::Layout { field: "threshold", found: threshold.into() });
        }
        let header = Self {
            ceremony: CeremonyId::from_bytes(ceremony),
            rehearsal: flags & REHEARSAL != 0,
            threshold,
            index: (numbers & 15) + 1,
        };
        Ok((header, flags & UNDER_PASSPHRASE != 0))
    }
}

/// A share, open. Nothing shows its value but its words.
pub struct Share {
    header: ShareHeader,
    value: Secret,
}

impl Share {
    pub(crate) fn new(header: ShareHeader, value: Secret) -> Self {
        Self { header, value }
    }

    /// What it says beside its value.
    pub fn header(&self) -> ShareHeader {
        self.header
    }

    pub(crate) fn value(&self) -> &Secret {
        &self.value
    }

    /// Its words, as they are written down.
    pub fn to_words(&self) -> Zeroizing<String> {
        let mut octets = Zeroizing::new(Vec::with_capacity(HEADER_SIZE + SECRET_SIZE));
        octets.extend_from_slice(&self.header.to_bytes(false));
        octets.extend_from_slice(&self.value[..]);
        words::to_text(&words::encode(&octets))
    }

    /// Its words under a passphrase of the custodian's own, without which they say nothing.
    ///
    /// # Errors
    /// `PassphraseError` when it is too short, or there is no memory.
    pub fn to_words_under(
        &self,
        passphrase: &[u8],
        cost: Cost,
    ) -> Result<Zeroizing<String>, PassphraseError> {
        let header = self.header.to_bytes(true);
        let sealed = passphrase::seal(&self.value, &header, passphrase, cost)?;
        let octets = [&header[..], &sealed].concat();
        Ok(words::to_text(&words::encode(&octets)))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({:?}, ..)", self.header)
    }
}

/// Words that were typed in and are a share's.
pub struct WrittenShare {
    header: ShareHeader,
    content: Content,
}

enum Content {
    Open(Secret),
    Sealed([u8; passphrase::SEALED_SIZE]),
}

impl WrittenShare {
    /// Reads the words.
    ///
    /// # Errors
    /// `ShareError` with the position of a word that is wrong, or what else they are not.
    pub fn read(text: &str) -> Result<Self, ShareError> {
        let numbers = words::read(text)?;
        // The number of words says whether there is a passphrase; the flag has to say the same.
        let open = HEADER_SIZE + SECRET_SIZE;
        let sealed = HEADER_SIZE + passphrase::SEALED_SIZE;
        let Some(size) =
            [open, sealed].into_iter().find(|size| words::count(*size) == numbers.len())
        else {
            let allowed =
                format!("{}, or {} under a passphrase", words::count(open), words::count(sealed));
            return Err(WordsError::Count { found: numbers.len(), allowed }.into());
        };
        let octets = words::decode(&numbers, size)?;
        let (header, under_passphrase) = ShareHeader::from_bytes(&octets)?;
        if under_passphrase != (size == sealed) {
            return Err(ShareError::Layout { field: "length", found: octets.len() });
        }
        let value = &octets[HEADER_SIZE..];
        let content = if under_passphrase {
            let mut sealed = [0; passphrase::SEALED_SIZE];
            sealed.copy_from_slice(value);
            Content::Sealed(sealed)
        } else {
            let mut secret: Secret = Zeroizing::new([0; SECRET_SIZE]);
            secret.copy_from_slice(value);
            Content::Open(secret)
        };
        Ok(Self { header, content })
    }

    /// What it says beside its value.
    pub fn header(&self) -> ShareHeader {
        self.header
    }

    /// Whether it takes a passphrase to open it.
    pub fn is_under_passphrase(&self) -> bool {
        matches!(self.content, Content::Sealed(_))
    }

    /// Opens it; the passphrase is asked for where it takes one.
    ///
    /// # Errors
    /// `PassphraseError::Wrong`; whatever `ask` gives.
    pub fn open<E: From<PassphraseError>>(
        self,
        cost: Cost,
        ask: impl FnOnce() -> Result<Zeroizing<String>, E>,
    ) -> Result<Share, E> {
        let value = match self.content {
            Content::Open(value) => value,
            Content::Sealed(sealed) => {
                let typed = ask()?;
                let header = self.header.to_bytes(true);
                passphrase::open(&sealed, &header, typed.as_bytes(), cost)?
            }
        };
        Ok(Share { header: self.header, value })
    }
}

impl fmt::Debug for WrittenShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrittenShare({:?}, ..)", self.header)
    }
}

/// Words that are no share of this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The words are wrong.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// Another version.
    #[error("share: version: found {found}, allowed is 1; a newer program may read it")]
    Version {
        /// The version.
        found: u8,
    },
    /// Not as this version lays it out.
    #[error(
        "share: {field}: found {found}, which no share of this version has; allowed are the words as they were written down"
    )]
    Layout {
        /// Which part.
        field: &'static str,
        /// Its value.
        found: usize,
    },
}

#[cfg(test)]
mod tests;
