//! Serial numbers of revoked certificates, our own and foreign ones.

use std::fmt;

use super::number::is_shortest_integer;
use crate::certificate::Certificate;
use crate::serial::SerialNumber;

/// A serial number as it stands in an entry: the octets of a DER INTEGER, 1 to 20 of them.
///
/// Foreign authorities have short, zero and negative ones (RFC 5280 section 4.1.2.2 asks to
/// handle these gracefully); they are compared octet by octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntrySerial {
    octets: [u8; Self::MAX_LENGTH],
    length: u8,
}

impl EntrySerial {
    /// Octets at most (RFC 5280 section 4.1.2.2).
    pub const MAX_LENGTH: usize = 20;

    /// Reads the octets of a DER INTEGER, without its header.
    ///
    /// # Errors
    /// `InvalidEntrySerial` when there is none, are more than 20 or needless ones.
    pub fn from_integer_octets(octets: &[u8]) -> Result<Self, InvalidEntrySerial> {
        if octets.len() > Self::MAX_LENGTH {
            return Err(InvalidEntrySerial::TooLong { found: octets.len() });
        }
        if !is_shortest_integer(octets) {
            return Err(InvalidEntrySerial::NotShortest);
        }
        let mut serial = Self { octets: [0; Self::MAX_LENGTH], length: octets.len() as u8 };
        serial.octets[..octets.len()].copy_from_slice(octets);
        Ok(serial)
    }

    /// Reads hexadecimal digits, as they are shown: colons between octets and needless zeros at
    /// the front are allowed.
    ///
    /// # Errors
    /// `InvalidEntrySerial` when they are none, or more than 20 octets.
    pub fn from_hex(text: &str) -> Result<Self, InvalidEntrySerial> {
        let octets = crate::fingerprint::hex_octets(text).filter(|octets| !octets.is_empty());
        let octets = octets.ok_or(InvalidEntrySerial::NotHex)?;
        let start = octets.iter().position(|octet| *octet != 0).unwrap_or(octets.len() - 1);
        let number = &octets[start..];
        let sign: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        Self::from_integer_octets(&[sign, number].concat())
    }

    /// The serial number of a certificate.
    ///
    /// # Errors
    /// `InvalidEntrySerial` when it has more than 20 octets.
    pub fn of(certificate: &Certificate) -> Result<Self, InvalidEntrySerial> {
        Self::from_integer_octets(certificate.serial_octets())
    }

    /// The octets with zeros behind them, and how many they are.
    pub(super) fn padded(&self) -> (&[u8; Self::MAX_LENGTH], usize) {
        (&self.octets, usize::from(self.length))
    }

    /// The octets as they stand in the INTEGER, sign octet included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

impl From<&SerialNumber> for EntrySerial {
    fn from(serial: &SerialNumber) -> Self {
        // Ours have exactly 20 octets, the first from 0x40 to 0x7f: the shortest form.
        Self { octets: *serial.as_bytes(), length: SerialNumber::LENGTH as u8 }
    }
}

impl fmt::Display for EntrySerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fingerprint::write_hex(f, self.as_bytes())
    }
}

impl fmt::Debug for EntrySerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntrySerial({self})")
    }
}

/// Not a serial number that an entry can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEntrySerial {
    /// Past 20 octets.
    #[error("serial number: {found} octets, allowed are at most 20")]
    TooLong {
        /// Octets found.
        found: usize,
    },
    /// Text that is no pairs of hexadecimal digits.
    #[error("serial number: allowed are pairs of hexadecimal digits, with or without colons")]
    NotHex,
    /// No octets, or needless ones at the front.
    #[error("serial number: not DER's shortest INTEGER, allowed is only that")]
    NotShortest,
}
