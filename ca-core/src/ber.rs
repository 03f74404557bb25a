//! Containers as other programs write them: BER (X.690 clause 8) made into DER.
//!
//! RFC 7292 and RFC 5652 allow BER, and Bouncy Castle and macOS write it: indefinite lengths,
//! lengths that are longer than needed, OCTET STRINGs in pieces. The order of a SET OF stays as it
//! came.

use zeroize::Zeroizing;

/// The deepest nesting that is read. A PKCS#12 file has 8 levels between two OCTET STRINGs, a
/// PKCS#7 bag with a certificate has 12.
const MAX_DEPTH: usize = 32;

const CONSTRUCTED: u8 = 0x20;
const OCTET_STRING: u8 = 0x04;
const TAG_NUMBER: u8 = 0x1f;

/// What is no BER, or nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BerError {
    /// Past the bound.
    #[error("nested deeper than {MAX_DEPTH} levels at octet {at}, allowed are at most {MAX_DEPTH}")]
    TooDeep {
        /// Where the first value too deep begins.
        at: usize,
    },
    /// It ends in the middle of a value.
    #[error("truncated: the value at octet {at} goes past the end of what holds it")]
    Truncated {
        /// Where the value begins.
        at: usize,
    },
    /// Octets left over.
    #[error("octets after the value, which ends at {at}; allowed are none")]
    Trailing {
        /// Where the value ends.
        at: usize,
    },
    /// A tag or length that no container has.
    #[error("the header at octet {at} has a tag or length that no container has")]
    Header {
        /// Where it stands.
        at: usize,
    },
    /// A piece of an OCTET STRING that is something else.
    #[error("an OCTET STRING in pieces has another value at octet {at}, allowed are OCTET STRINGs")]
    Piece {
        /// Where the piece begins.
        at: usize,
    },
}

/// Makes one BER value into DER, in time that grows with its length. The octets wipe themselves,
/// since they may hold a key.
///
/// # Errors
/// `BerError` with the place of the first fault.
pub(crate) fn to_der(ber: &[u8]) -> Result<Zeroizing<Vec<u8>>, BerError> {
    // Only a value of 64 KiB or more can have a longer header in DER, by two octets at most, and
    // it has MAX_DEPTH parents at most. So the buffer never grows, which would leave a copy.
    let most = ber.len() + ber.len() / 1024 + 256;
    let mut der = Zeroizing::new(Vec::with_capacity(most));
    let mut reader = Reader { octets: ber, at: 0 };
    reader.value(&mut der, 0)?;
    match reader.at {
        at if at == ber.len() => Ok(der),
        at => Err(BerError::Trailing { at }),
    }
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

/// How long a value is.
enum Length {
    Definite(usize),
    /// Until two zero octets.
    Indefinite,
}

impl<'a> Reader<'a> {
    /// Reads one value and writes it as DER.
    fn value(&mut self, der: &mut Vec<u8>, depth: usize) -> Result<(), BerError> {
        let (at, tag, length) = self.header(depth)?;
        if tag & TAG_NUMBER == TAG_NUMBER || tag == 0 {
            return Err(BerError::Header { at });
        }
        let start = der.len();
        if tag & CONSTRUCTED == 0 {
            let Length::Definite(length) = length else { return Err(BerError::Header { at }) };
            der.extend_from_slice(self.take(length, at)?);
            put_header(der, start, tag);
        } else if tag == OCTET_STRING | CONSTRUCTED {
            self.contents(length, at, |reader| reader.piece(der, depth + 1))?;
            put_header(der, start, OCTET_STRING);
        } else {
            self.contents(length, at, |reader| reader.value(der, depth + 1))?;
            put_header(der, start, tag);
        }
        Ok(())
    }

    /// Reads one piece of an OCTET STRING, which may be in pieces itself.
    fn piece(&mut self, whole: &mut Vec<u8>, depth: usize) -> Result<(), BerError> {
        let (at, tag, length) = self.header(depth)?;
        match (tag, length) {
            (OCTET_STRING, Length::Definite(length)) => {
                whole.extend_from_slice(self.take(length, at)?);
                Ok(())
            }
            (tag, length) if tag == OCTET_STRING | CONSTRUCTED => {
                self.contents(length, at, |reader| reader.piece(whole, depth + 1))
            }
            _ => Err(BerError::Piece { at }),
        }
    }

    /// Reads the values of a constructed one until it ends.
    fn contents(
        &mut self,
        length: Length,
        at: usize,
        mut read: impl FnMut(&mut Self) -> Result<(), BerError>,
    ) -> Result<(), BerError> {
        let Length::Definite(length) = length else {
            while !self.octets[self.at..].starts_with(&[0, 0]) {
                if self.at == self.octets.len() {
                    return Err(BerError::Truncated { at });
                }
                read(self)?;
            }
            self.at += 2;
            return Ok(());
        };
        // What is inside may not reach past the end of this value.
        let whole = self.octets;
        let end = self.at.checked_add(length).filter(|end| *end <= whole.len());
        let end = end.ok_or(BerError::Truncated { at })?;
        self.octets = &whole[..end];
        while self.at < end {
            read(self)?;
        }
        self.octets = whole;
        Ok(())
    }

    /// Where the next value begins, its tag, and its length.
    fn header(&mut self, depth: usize) -> Result<(usize, u8, Length), BerError> {
        let at = self.at;
        if depth >= MAX_DEPTH {
            return Err(BerError::TooDeep { at });
        }
        let (tag, first) = (self.octet(at)?, self.octet(at)?);
        let length = match first {
            0x80 => Length::Indefinite,
            0..=0x7f => Length::Definite(first.into()),
            // Four octets of length go far past the largest input; more may be leading zeros.
            0x81..=0x84 => {
                let digits = self.take(usize::from(first & 0x7f), at)?;
                Length::Definite(digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)))
            }
            _ => return Err(BerError::Header { at }),
        };
        Ok((at, tag, length))
    }

    fn octet(&mut self, at: usize) -> Result<u8, BerError> {
        Ok(self.take(1, at)?[0])
    }

    fn take(&mut self, length: usize, at: usize) -> Result<&'a [u8], BerError> {
        let end = self.at.checked_add(length).ok_or(BerError::Truncated { at })?;
        let taken = self.octets.get(self.at..end).ok_or(BerError::Truncated { at })?;
        self.at = end;
        Ok(taken)
    }
}

/// Puts the shortest header before what stands at the end of `der` from `start` on.
fn put_header(der: &mut Vec<u8>, start: usize, tag: u8) {
    let length = der.len() - start;
    let octets = length.to_be_bytes();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let digits = &octets[zeros..];
    let mut header = Vec::with_capacity(2 + digits.len());
    header.push(tag);
    if length < 0x80 {
        header.push(octets[octets.len() - 1]);
    } else {
        // A length has at most eight octets.
        header.push(0x80 | digits.len() as u8);
        header.extend_from_slice(digits);
    }
    der.resize(der.len() + header.len(), 0);
    der.copy_within(start..start + length, start + header.len());
    der[start..start + header.len()].copy_from_slice(&header);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn indefinite_lengths_long_lengths_and_pieces_become_der() {
        for (ber, der) in [
            (&[0x30, 0x80, 0x02, 0x01, 0x05, 0, 0][..], &[0x30, 3, 2, 1, 5][..]),
            (&[0x30, 0x82, 0, 3, 0x02, 0x01, 0x05], &[0x30, 3, 2, 1, 5]),
            (&[0x24, 0x80, 0x04, 1, 7, 0x24, 3, 0x04, 1, 8, 0, 0], &[0x04, 2, 7, 8]),
            (&[0xa0, 0x80, 0x30, 0x80, 0, 0, 0, 0], &[0xa0, 2, 0x30, 0]),
        ] {
            assert_eq!(to_der(ber).unwrap().as_slice(), der);
        }
    }

    #[test]
    fn what_is_no_container_is_refused_where_it_stands() {
        for (ber, error) in [
            (&[][..], BerError::Truncated { at: 0 }),
            (&[0x30, 0x80, 0x02, 1, 5, 0], BerError::Truncated { at: 5 }),
            (&[0x30, 3, 0x02, 2, 5, 6], BerError::Truncated { at: 2 }),
            (&[0x30, 0, 0], BerError::Trailing { at: 2 }),
            (&[0x02, 0x80, 0, 0], BerError::Header { at: 0 }),
            (&[0x30, 3, 0x1f, 1, 5], BerError::Header { at: 2 }),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], BerError::Header { at: 0 }),
            (&[0x24, 3, 0x02, 1, 5], BerError::Piece { at: 2 }),
        ] {
            assert_eq!(to_der(ber).unwrap_err(), error, "{ber:02x?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| {
            let mut ber = [0x30, 0x80].repeat(levels);
            ber.extend([0; 2].repeat(levels));
            ber
        };
        assert!(to_der(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(to_der(&nested(MAX_DEPTH + 1)), Err(BerError::TooDeep { at: 2 * MAX_DEPTH }));
        let pieces = [[0x24, 0x80].repeat(40), [0; 2].repeat(40)].concat();
        assert_eq!(to_der(&pieces), Err(BerError::TooDeep { at: 2 * MAX_DEPTH }));
    }

    /// A value of BER in one of its forms, and its DER.
    fn value() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
        let content = proptest::collection::vec(any::<u8>(), 0..300);
        let leaf = (content, any::<bool>()).prop_map(|(content, in_pieces)| {
            let mut der = content.clone();
            put_header(&mut der, 0, OCTET_STRING);
            if !in_pieces {
                return (der.clone(), der);
            }
            let mut ber = vec![0x24, 0x80];
            for piece in content.chunks(7) {
                let mut piece = piece.to_vec();
                put_header(&mut piece, 0, OCTET_STRING);
                ber.extend(piece);
            }
            ber.extend([0, 0]);
            (ber, der)
        });
        leaf.prop_recursive(6, 40, 5, |inner| {
            (proptest::collection::vec(inner, 0..5), any::<bool>()).prop_map(
                |(parts, indefinite)| {
                    let mut der: Vec<u8> = parts.iter().flat_map(|(_, der)| der.clone()).collect();
                    put_header(&mut der, 0, 0x30);
                    let mut ber: Vec<u8> = parts.into_iter().flat_map(|(ber, _)| ber).collect();
                    if indefinite {
                        ber.splice(0..0, [0x30, 0x80]);
                        ber.extend([0, 0]);
                    } else {
                        put_header(&mut ber, 0, 0x30);
                    }
                    (ber, der)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn every_form_gives_the_same_der((ber, der) in value()) {
            prop_assert_eq!(&**to_der(&ber).unwrap(), &der[..]);
            prop_assert_eq!(&**to_der(&der).unwrap(), &der[..]);
        }

        #[test]
        fn any_octets_end_in_an_answer(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(der) = to_der(&octets) {
                prop_assert_eq!(to_der(&der).unwrap(), der);
            }
        }
    }
}
