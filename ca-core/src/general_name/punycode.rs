//! Whether the rest of an A-label is Punycode (RFC 3492 section 6.2).

/// Decodes `text`, what follows `xn--`, and says whether it is well-formed and holds at least one
/// letter outside ASCII, as an A-label must.
pub(super) fn is_valid(text: &str) -> bool {
    let (basic, extended) = text.rsplit_once('-').unwrap_or(("", text));
    let mut length = basic.len() as u32;
    let (mut code, mut index, mut bias) = (128_u32, 0_u32, 72_u32);
    let mut digits = extended.bytes();
    let mut first = true;
    while digits.len() > 0 {
        let Some(next) = variable_length(&mut digits, index, bias) else { return false };
        length += 1;
        bias = adapt(next - index, length, first);
        first = false;
        let Some(grown) = code.checked_add(next / length) else { return false };
        code = grown;
        if char::from_u32(code).is_none() {
            return false;
        }
        index = next % length + 1;
    }
    !first
}

/// One generalized variable-length integer, added to `index`.
fn variable_length(digits: &mut std::str::Bytes<'_>, index: u32, bias: u32) -> Option<u32> {
    let (mut sum, mut weight) = (index, 1_u32);
    for step in 1_u32.. {
        let digit = match digits.next()? {
            letter @ b'a'..=b'z' => u32::from(letter - b'a'),
            letter @ b'A'..=b'Z' => u32::from(letter - b'A'),
            figure @ b'0'..=b'9' => u32::from(figure - b'0') + 26,
            _ => return None,
        };
        sum = sum.checked_add(digit.checked_mul(weight)?)?;
        let threshold = (36 * step).saturating_sub(bias).clamp(1, 26);
        if digit < threshold {
            break;
        }
        weight = weight.checked_mul(36 - threshold)?;
    }
    Some(sum)
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, length: u32, first: bool) -> u32 {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta += delta / length;
    let mut steps = 0;
    while delta > 455 {
        delta /= 35;
        steps += 36;
    }
    steps + 36 * delta / (delta + 38)
}
