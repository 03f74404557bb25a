//! Durations as Go writes them and cert-manager stores them, such as `2160h0m0s`.

/// Nanoseconds of each unit, the longer name first where one begins another.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
];
/// The longest text that is read, in octets.
const LONGEST: usize = 64;

/// Whole seconds of a duration; fractions of a second are cut off.
///
/// # Errors
/// For what is no positive duration of one second or more: what was found and what is allowed.
pub fn seconds(text: &str) -> Result<u64, String> {
    let refused = || {
        let found: String = text.chars().take(40).collect();
        format!("found {found:?}, allowed is a duration of one second or more such as 2160h0m0s")
    };
    if text.len() > LONGEST {
        return Err(refused());
    }
    let mut rest = text;
    let mut nanoseconds: u128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(refused)?;
        let (number, behind) = rest.split_at(end);
        let (name, unit) =
            UNITS.iter().find(|(name, _)| behind.starts_with(name)).ok_or_else(refused)?;
        nanoseconds += scaled(number, *unit).ok_or_else(refused)?;
        rest = &behind[name.len()..];
    }
    u64::try_from(nanoseconds / 1_000_000_000).ok().filter(|found| *found > 0).ok_or_else(refused)
}

/// A decimal number times a unit; at most twelve digits on each side, so that nothing overflows.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let read = |digits: &str| match digits {
        "" => Some(0),
        digits if digits.len() <= 12 => digits.parse::<u128>().ok(),
        _ => None,
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let places = u32::try_from(fraction.len()).ok()?;
    Some(read(whole)? * unit + read(fraction)? * unit / 10_u128.pow(places))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn what_go_writes_is_read() {
        for (text, found) in [
            ("2160h0m0s", 7_776_000),
            ("1h30m", 5_400),
            ("90s", 90),
            ("1.5h", 5_400),
            ("1m0.5s", 60),
            ("1500ms", 1),
            ("87600h", 315_360_000),
        ] {
            assert_eq!(seconds(text), Ok(found), "{text}");
        }
    }

    #[test]
    fn all_else_is_refused_with_what_is_allowed() {
        let long = "1h".repeat(40);
        for text in
            ["", "0s", "-1h", "h", "1", "1d", ".h", "1h ", "é", "0.5s", "1234567890123s", &long]
        {
            let error = seconds(text).unwrap_err();
            assert!(error.contains("allowed is a duration"), "{text}: {error}");
        }
    }
}
