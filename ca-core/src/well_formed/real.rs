//! REAL in DER (X.690 clauses 8.5 and 11.3).

/// Whether the content is that of a REAL: each number has one encoding.
pub(super) fn is_der(content: &[u8]) -> bool {
    match content {
        // Zero; and the infinities, not-a-number and minus zero, which stand alone.
        [] | [0x40..=0x43] => true,
        // NR3 of ISO 6093.
        [0x03, decimal @ ..] => is_decimal(decimal),
        // Base 2, no scaling factor.
        [first @ (0x80..=0x83 | 0xc0..=0xc3), rest @ ..] => is_binary(first & 3, rest),
        _ => false,
    }
}

/// An exponent of as many octets as `length` says, then an odd mantissa, both as short as can be.
fn is_binary(length: u8, rest: &[u8]) -> bool {
    let (count, rest) = match (length, rest) {
        (3, [count @ 4..=u8::MAX, rest @ ..]) => (usize::from(*count), rest),
        (3, _) => return false,
        (fewer, rest) => (usize::from(fewer) + 1, rest),
    };
    let Some((exponent, mantissa)) = rest.split_at_checked(count) else { return false };
    let padded = matches!(exponent, [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..]);
    let odd = mantissa.last().is_some_and(|last| last & 1 == 1);
    !padded && odd && mantissa.first() != Some(&0)
}

/// Digits without a zero at either end, perhaps behind `-`, then `.E`, then the exponent, which is
/// `+0` when it is zero.
fn is_decimal(text: &[u8]) -> bool {
    let Some(at) = text.windows(2).position(|two| two == b".E") else { return false };
    let (mantissa, exponent) = (&text[..at], &text[at + 2..]);
    let digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let mantissa = mantissa.strip_prefix(b"-").unwrap_or(mantissa);
    let ends = [mantissa.first(), mantissa.last()];
    let power = exponent.strip_prefix(b"-").unwrap_or(exponent);
    let power = exponent == b"+0" || (digits(power) && power.first() != Some(&b'0'));
    digits(mantissa) && !ends.contains(&Some(&b'0')) && power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_one_encoding() {
        let right: [&[u8]; 12] = [
            b"",
            &[0x40],
            &[0x43],
            &[0x80, 0, 1],
            &[0xc0, 0xff, 3],
            &[0x81, 0, 0x80, 1],
            &[0x81, 0xff, 0x7f, 1],
            &[0x83, 4, 0, 0x80, 0, 0, 5],
            &[0x82, 1, 0, 0, 1],
            b"\x0315.E-1",
            b"\x031.E+0",
            b"\x03-1.E10",
        ];
        for content in right {
            assert!(is_der(content), "{content:x?}");
        }
        let wrong: [&[u8]; 21] = [
            &[0x40, 0],
            &[0x44],
            &[0x00],
            &[0x80],
            &[0x80, 0],
            &[0x80, 0, 2],
            &[0x80, 0, 0, 1],
            &[0x81, 0, 0x7f, 1],
            &[0x81, 0xff, 0x80, 1],
            &[0x90, 0, 1],
            &[0x84, 0, 1],
            &[0x83, 3, 1, 0, 0, 1],
            &[0x83, 9, 1],
            b"\x011",
            b"\x0315E-1",
            b"\x0310.E1",
            b"\x0301.E+0",
            b"\x031.E0",
            b"\x031.E+1",
            b"\x03.E+0",
            b"\x03+1.E+0",
        ];
        for content in wrong {
            assert!(!is_der(content), "{content:x?}");
        }
    }
}
