//! Certificate serial numbers (RFC 5280 section 4.1.2.2).

use std::fmt;

use rand_core::CryptoRng;

/// A serial number that this CA may use: 20 octets, positive, 158 random bits.
///
/// The two top bits are fixed to `01`, so that the DER INTEGER is always exactly 20 octets long,
/// never zero and never negative. CA/Browser Forum BR 7.1 asks for at least 64 random bits,
/// our own rule for at least 128.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber([u8; Self::LENGTH]);

impl SerialNumber {
    /// Length in octets; the most that RFC 5280 allows.
    pub const LENGTH: usize = 20;

    /// Draws a new serial number from `rng`.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut octets = [0; Self::LENGTH];
        rng.fill_bytes(&mut octets);
        octets[0] = (octets[0] & 0x3f) | 0x40;
        Self(octets)
    }

    /// The octets, big-endian, as they stand in the DER INTEGER.
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// Reads octets that `as_bytes` gave.
    ///
    /// # Errors
    /// `InvalidSerial` when there are not 20 octets or the top bits are not `01`.
    pub fn from_bytes(octets: &[u8]) -> Result<Self, InvalidSerial> {
        let octets: [u8; Self::LENGTH] = octets.try_into().map_err(|_| InvalidSerial)?;
        if octets[0] & 0xc0 == 0x40 { Ok(Self(octets)) } else { Err(InvalidSerial) }
    }

    /// Reads 40 hexadecimal digits; colons between octets are allowed, as OpenSSL prints them.
    ///
    /// # Errors
    /// `InvalidSerial` for any other text.
    pub fn from_hex(text: &str) -> Result<Self, InvalidSerial> {
        let octets = crate::fingerprint::hex_octets(text).ok_or(InvalidSerial)?;
        Self::from_bytes(&octets)
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::fingerprint::write_hex(f, &self.0)
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialNumber({self})")
    }
}

/// The octets are not a serial number of ours: exactly 20, the first from 0x40 to 0x7f.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a serial number of this CA: allowed are 40 hexadecimal digits, the first from 4 to 7")]
pub struct InvalidSerial;
