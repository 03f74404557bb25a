//! Whether octets are DER (X.690 clauses 8, 10 and 11), without knowing what they mean: a judge
//! apart from the decoders that are judged.

use std::fmt;

use crate::tree::split;

/// The deepest nesting that is looked into.
const MAX_DEPTH: usize = 64;

/// A rule of DER that is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// Where the value starts at fault.
    pub at: usize,
    /// What rule.
    pub rule: Rule,
}

/// Rules of DER.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Whole values, one behind the other, none behind the last.
    Whole,
    /// Lengths in their shortest form, none open.
    Length,
    /// SEQUENCE and SET constructed, everything else primitive.
    Constructed,
    /// BOOLEAN of one octet, 0x00 or 0xff.
    Boolean,
    /// INTEGER and ENUMERATED in their shortest form.
    Integer,
    /// BIT STRING with at most seven unused bits, all zero.
    BitString,
    /// NULL of no octet.
    Null,
    /// OBJECT IDENTIFIER of whole arcs in their shortest form.
    ObjectIdentifier,
    /// UTF8String of UTF-8, BMPString and UniversalString of whole characters.
    Text,
    /// Dates with seconds, in UTC, without a fraction of zeros.
    Time,
    /// The members of a SET in ascending order.
    SetOrder,
    /// Not nested deeper than is looked into.
    Depth,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {:?} is broken by the value at octet {}", self.rule, self.at)
    }
}

/// Checks one value.
///
/// # Errors
/// The first rule that is broken.
pub fn check(der: &[u8]) -> Result<(), Breach> {
    let end = value(der, 0, 0)?;
    if end == der.len() { Ok(()) } else { Err(Breach { at: end, rule: Rule::Whole }) }
}

/// Checks a certificate, and the values inside its extensions and its key.
///
/// # Errors
/// The first rule that is broken.
pub fn check_certificate(der: &[u8]) -> Result<(), Breach> {
    check(der)?;
    let fields: Vec<_> = members(der).next().into_iter().flat_map(|(_, tbs)| values(tbs)).collect();
    for (_, field) in &fields {
        for (tag, inner) in values(field) {
            // Extensions stand in a SEQUENCE inside `[3]`; the value is the last part of each.
            let parts = values(inner).filter_map(|(_, extension)| values(extension).last());
            for (_, value) in parts.filter(|(tag, _)| *tag == 0x04) {
                check(value)?;
            }
            // Keys of RSA are a SEQUENCE behind the count of unused bits; points are not.
            if let (0x03, [0, key @ ..]) = (tag, inner)
                && key.first() == Some(&0x30)
            {
                check(key)?;
            }
        }
    }
    Ok(())
}

/// The tags and contents of the values inside a value.
fn members(der: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    split(der).into_iter().flat_map(|(_, content, _)| values(content))
}

/// The tags and contents of a run of values, up to the first that is none.
fn values(mut octets: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = split(octets)?;
        octets = rest;
        Some((tag, content))
    })
}

/// Checks the value at `at`; gives where it ends.
fn value(der: &[u8], at: usize, depth: usize) -> Result<usize, Breach> {
    let breach = |rule| Err(Breach { at, rule });
    if depth > MAX_DEPTH {
        return breach(Rule::Depth);
    }
    let (tag, content, end) = header(der, at)?;
    let (start, octets) = (content, &der[content..end]);
    let constructed = tag & 0x20 != 0;
    if tag & 0xc0 == 0 && constructed != matches!(tag & 0x1f, 0x10 | 0x11 | 0x08 | 0x0b) {
        return breach(Rule::Constructed);
    }
    if constructed {
        let mut next = start;
        let mut before: &[u8] = &[];
        while next < end {
            let from = next;
            next = value(&der[..end], next, depth + 1)?;
            if tag == 0x31 && !in_order(before, &der[from..next]) {
                return Err(Breach { at: from, rule: Rule::SetOrder });
            }
            before = &der[from..next];
        }
        return Ok(end);
    }
    match rule_of(tag).filter(|(_, holds)| !holds(octets)) {
        Some((rule, _)) => breach(rule),
        None => Ok(end),
    }
}

/// The tag's first octet, where the content starts and where it ends.
fn header(der: &[u8], at: usize) -> Result<(u8, usize, usize), Breach> {
    let whole = Breach { at, rule: Rule::Whole };
    let tag = *der.get(at).ok_or(whole)?;
    let mut next = at + 1;
    if tag & 0x1f == 0x1f {
        while der.get(next).ok_or(whole)? & 0x80 != 0 {
            next += 1;
        }
        next += 1;
    }
    let first = *der.get(next).ok_or(whole)?;
    next += 1;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x80 => return Err(Breach { at, rule: Rule::Length }),
        _ => {
            let count = usize::from(first & 0x7f);
            let octets = der.get(next..next + count).ok_or(whole)?;
            next += count;
            if count > 4 {
                let rule = if octets[0] == 0 { Rule::Length } else { Rule::Whole };
                return Err(Breach { at, rule });
            }
            let length = octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
            if octets[0] == 0 || length < 0x80 {
                return Err(Breach { at, rule: Rule::Length });
            }
            length
        }
    };
    match next.checked_add(length).filter(|end| *end <= der.len()) {
        Some(end) => Ok((tag, next, end)),
        None => Err(whole),
    }
}

type Holds = fn(&[u8]) -> bool;

fn rule_of(tag: u8) -> Option<(Rule, Holds)> {
    Some(match tag {
        0x01 => (Rule::Boolean, |octets| matches!(octets, [0 | 0xff])),
        0x02 | 0x0a => (Rule::Integer, is_integer),
        0x03 => (Rule::BitString, is_bit_string),
        0x05 => (Rule::Null, <[u8]>::is_empty),
        0x06 => (Rule::ObjectIdentifier, is_identifier),
        0x0c => (Rule::Text, |octets| std::str::from_utf8(octets).is_ok()),
        0x1e => (Rule::Text, |octets| octets.len().is_multiple_of(2)),
        0x1c => (Rule::Text, |octets| octets.len().is_multiple_of(4)),
        0x17 => (Rule::Time, |octets| is_time(octets, 12)),
        0x18 => (Rule::Time, |octets| is_time(octets, 14)),
        _ => return None,
    })
}

fn is_integer(octets: &[u8]) -> bool {
    match octets {
        [] => false,
        [first, second, ..] => !matches!((first, second >> 7), (0, 0) | (0xff, 1)),
        [_] => true,
    }
}

fn is_bit_string(octets: &[u8]) -> bool {
    match octets {
        [0] => true,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

fn is_identifier(octets: &[u8]) -> bool {
    let ends = octets.last().is_some_and(|last| last & 0x80 == 0);
    let starts_arc = |at: usize| at == 0 || octets[at - 1] & 0x80 == 0;
    ends && !(0..octets.len()).any(|at| octets[at] == 0x80 && starts_arc(at))
}

/// So many digits and a Z; a fraction of a second may stand between them.
fn is_time(octets: &[u8], digits: usize) -> bool {
    let Some((numbers, rest)) = octets.split_at_checked(digits) else { return false };
    let fraction = match rest {
        [b'Z'] => true,
        [b'.', fraction @ .., b'Z'] if digits == 14 => {
            fraction.last().is_some_and(|last| *last != b'0')
                && fraction.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    fraction && numbers.iter().all(u8::is_ascii_digit)
}

/// Encodings compared as X.690 clause 11.6 wants: the shorter one with zeros behind it.
fn in_order(before: &[u8], after: &[u8]) -> bool {
    let longest = before.len().max(after.len());
    let padded = |octets: &[u8]| {
        let mut padded = octets.to_vec();
        padded.resize(longest, 0);
        padded
    };
    padded(before) <= padded(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_a_value_that_keeps_it_and_one_that_breaks_it() {
        let cases: [(&[u8], &[u8], Rule); 15] = [
            (&[0x30, 0], &[0x30, 1], Rule::Whole),
            (&[0x30, 2, 5, 0], &[0x30, 2, 5, 0, 0], Rule::Whole),
            (&[4, 1, 7], &[4, 0x81, 1, 7], Rule::Length),
            (&[0x30, 0], &[0x30, 0x80, 0, 0], Rule::Length),
            (&[0x30, 0], &[0x10, 0], Rule::Constructed),
            (&[4, 0], &[0x24, 0], Rule::Constructed),
            (&[1, 1, 0xff], &[1, 1, 1], Rule::Boolean),
            (&[2, 2, 0, 0x80], &[2, 2, 0, 0x7f], Rule::Integer),
            (&[3, 2, 7, 0x80], &[3, 2, 7, 0xc0], Rule::BitString),
            (&[5, 0], &[5, 1, 0], Rule::Null),
            (&[6, 2, 0x55, 0x1d], &[6, 2, 0x55, 0x9d], Rule::ObjectIdentifier),
            (&[6, 3, 0x55, 0x81, 0x01], &[6, 3, 0x55, 0x80, 0x01], Rule::ObjectIdentifier),
            (&[12, 2, 0xc3, 0xa4], &[12, 2, 0xc3, 0x28], Rule::Text),
            (b"\x17\x0d260601120000Z", b"\x17\x0b2606011200Z", Rule::Time),
            (&[0x31, 6, 2, 1, 1, 2, 1, 2], &[0x31, 6, 2, 1, 2, 2, 1, 1], Rule::SetOrder),
        ];
        for (kept, broken, rule) in cases {
            assert_eq!(check(kept), Ok(()), "{kept:?}");
            assert_eq!(check(broken).map_err(|breach| breach.rule), Err(rule), "{broken:?}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let mut der = vec![0x30, 0];
        while der.len() < 120 {
            der = [&[0x30, der.len() as u8][..], &der].concat();
        }
        assert_eq!(check(&der), Ok(()));
        let mut deep = vec![0x30, 0];
        for _ in 0..70 {
            let length = deep.len();
            deep = if length < 128 {
                [&[0x30, length as u8][..], &deep].concat()
            } else {
                [&[0x30, 0x81, length as u8][..], &deep].concat()
            };
        }
        assert_eq!(check(&deep).map_err(|breach| breach.rule), Err(Rule::Depth));
    }
}
