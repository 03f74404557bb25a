//! CRL numbers (RFC 5280 section 5.2.3).

use std::fmt;

/// The number of a list within its issuer's series: it grows from one list to the next.
///
/// At most 20 octets in DER, sign octet included, so below 2^159.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CrlNumber([u8; Self::MAX_LENGTH]);

impl CrlNumber {
    /// Octets of the DER INTEGER at most (RFC 5280 section 5.2.3).
    pub const MAX_LENGTH: usize = 20;

    /// The number after this one.
    ///
    /// # Errors
    /// `InvalidCrlNumber` after 2^159 - 1.
    pub fn next(self) -> Result<Self, InvalidCrlNumber> {
        let mut octets = self.0;
        for octet in octets.iter_mut().rev() {
            let (sum, carried) = octet.overflowing_add(1);
            *octet = sum;
            if !carried {
                break;
            }
        }
        if octets[0] & 0x80 != 0 {
            return Err(InvalidCrlNumber::TooLong { found: Self::MAX_LENGTH + 1 });
        }
        Ok(Self(octets))
    }

    /// Reads the octets of a DER INTEGER, without its header.
    ///
    /// # Errors
    /// `InvalidCrlNumber` when there is none, are more than 20 or needless ones, or the number is
    /// negative.
    pub fn from_integer_octets(octets: &[u8]) -> Result<Self, InvalidCrlNumber> {
        if octets.len() > Self::MAX_LENGTH {
            return Err(InvalidCrlNumber::TooLong { found: octets.len() });
        }
        if !is_shortest_integer(octets) {
            return Err(InvalidCrlNumber::NotShortest);
        }
        if octets[0] & 0x80 != 0 {
            return Err(InvalidCrlNumber::Negative);
        }
        let mut number = [0; Self::MAX_LENGTH];
        number[Self::MAX_LENGTH - octets.len()..].copy_from_slice(octets);
        Ok(Self(number))
    }

    /// The octets as they stand in a DER INTEGER: the shortest form, never empty.
    pub fn integer_octets(&self) -> &[u8] {
        let start = self.0.iter().position(|octet| *octet != 0).unwrap_or(Self::MAX_LENGTH);
        // A top bit that is set needs an octet of zero before it; zero itself is one octet. The
        // first octet of all is below 0x80, so that there is one.
        let needs_zero = self.0.get(start).is_none_or(|octet| octet & 0x80 != 0);
        &self.0[start - usize::from(needs_zero)..]
    }

    /// The whole DER INTEGER.
    pub(super) fn to_der(self) -> Vec<u8> {
        let octets = self.integer_octets();
        // At most twenty octets: one octet of length.
        [&[0x02, octets.len() as u8], octets].concat()
    }
}

impl From<u64> for CrlNumber {
    fn from(number: u64) -> Self {
        let mut octets = [0; Self::MAX_LENGTH];
        octets[Self::MAX_LENGTH - 8..].copy_from_slice(&number.to_be_bytes());
        Self(octets)
    }
}

/// Prints decimal digits, hexadecimal ones after `0x` from 2^128 on.
impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = self.0.split_at(4);
        match (high, <[u8; 16]>::try_from(low)) {
            ([0, 0, 0, 0], Ok(low)) => u128::from_be_bytes(low).fmt(f),
            _ => {
                f.write_str("0x")?;
                crate::fingerprint::write_hex(f, self.integer_octets())
            }
        }
    }
}

/// Whether these are an INTEGER's octets in DER: at least one, none needless.
pub(super) fn is_shortest_integer(octets: &[u8]) -> bool {
    match octets {
        [] => false,
        [0x00, next, ..] => next & 0x80 != 0,
        [0xff, next, ..] => next & 0x80 == 0,
        _ => true,
    }
}

/// Not a CRL number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCrlNumber {
    /// Past 20 octets.
    #[error("CRL number: {found} octets, allowed are at most 20")]
    TooLong {
        /// Octets found.
        found: usize,
    },
    /// Below zero.
    #[error("CRL number: negative, allowed are zero and more")]
    Negative,
    /// No octets, or needless ones at the front.
    #[error("CRL number: not DER's shortest INTEGER, allowed is only that")]
    NotShortest,
}
