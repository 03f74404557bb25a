//! The name of a ceremony, which its shares, files and transcript carry.

use std::fmt;
use std::str::FromStr;

use ca_core::escape::quoted;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

/// Eight random octets. They tell shares and files of two ceremonies apart; nothing secret depends
/// on them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CeremonyId([u8; Self::SIZE]);

impl CeremonyId {
    /// Octets.
    pub const SIZE: usize = 8;

    /// Draws a new one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; Self::SIZE];
        rng.fill_bytes(&mut octets);
        Self(octets)
    }

    /// From the octets that a share has.
    pub fn from_bytes(octets: [u8; Self::SIZE]) -> Self {
        Self(octets)
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

impl fmt::Display for CeremonyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for CeremonyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CeremonyId({self})")
    }
}

impl From<CeremonyId> for String {
    fn from(id: CeremonyId) -> Self {
        id.to_string()
    }
}

impl FromStr for CeremonyId {
    type Err = InvalidCeremonyId;

    fn from_str(text: &str) -> Result<Self, InvalidCeremonyId> {
        let mut octets = [0; Self::SIZE];
        match base16ct::lower::decode(text, &mut octets) {
            Ok(read) if read.len() == Self::SIZE => Ok(Self(octets)),
            _ => {
                Err(InvalidCeremonyId { found: quoted(text.chars().take(40).collect::<String>()) })
            }
        }
    }
}

impl TryFrom<String> for CeremonyId {
    type Error = InvalidCeremonyId;

    fn try_from(text: String) -> Result<Self, InvalidCeremonyId> {
        text.parse()
    }
}

/// Not the name of a ceremony.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ceremony: found {found}, allowed are 16 digits 0-9 and a-f")]
pub struct InvalidCeremonyId {
    found: String,
}
