//! UTCTime and GeneralizedTime as RFC 5280 sections 5.1.2.4 to 5.1.2.6 have them: UTCTime through
//! 2049, GeneralizedTime from 2050, whole seconds, `Z`.

use der::asn1::AnyRef;
use der::{Tag, Tagged};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::error::Fault;
use crate::escape::quoted;

/// The octets of a UTCTime without its header.
const UTC_TIME_LENGTH: u8 = 13;
const GENERALIZED_TIME_LENGTH: u8 = 15;
/// A GeneralizedTime with its header.
const LONGEST: usize = 17;
/// 1950-01-01T00:00:00Z, the first second of UTCTime.
const FIRST_SECOND: i64 = -631_152_000;
/// 0000-01-01T00:00:00Z, before which four digits name no year.
const FIRST_YEAR: i64 = -62_167_219_200;
/// 2050-01-01T00:00:00Z, the first second after UTCTime.
const FIRST_GENERALIZED: i64 = 2_524_608_000;

/// Whether a list can name the instant.
pub(crate) fn check(field: &'static str, instant: Timestamp) -> Result<(), Fault> {
    if instant.as_second() >= FIRST_SECOND {
        return Ok(());
    }
    Err(Fault::new(field, instant.to_string(), "instants from the year 1950 on"))
}

/// Appends a UTCTime or GeneralizedTime; fractions of a second are cut off.
pub(super) fn push(out: &mut Vec<u8>, instant: Timestamp) {
    let (octets, length) = encoded(instant);
    out.extend_from_slice(&octets[..length]);
}

/// Appends a GeneralizedTime, whatever the year.
pub(crate) fn push_generalized(out: &mut Vec<u8>, instant: Timestamp) {
    out.extend_from_slice(&generalized(instant));
}

/// A UTCTime or GeneralizedTime with its header, and its length; the octets behind it are of no
/// meaning. A large list has a million of these, so that nothing is allocated or divided in vain.
pub(super) fn encoded(instant: Timestamp) -> ([u8; LONGEST], usize) {
    let mut out = generalized(instant);
    if instant.as_second() >= FIRST_GENERALIZED {
        return (out, LONGEST);
    }
    // The same without the century.
    out.copy_within(4.., 2);
    out[0] = 0x17;
    out[1] = UTC_TIME_LENGTH;
    (out, LONGEST - 2)
}

/// A GeneralizedTime with its header, whatever the year.
pub(super) fn generalized(instant: Timestamp) -> [u8; LONGEST] {
    // The second that the instant lies in: one before the epoch is cut downwards too.
    let second = instant.as_second() - i64::from(instant.subsec_nanosecond() < 0);
    let second = second.max(FIRST_YEAR);
    let (day, second) = (second.div_euclid(86_400), second.rem_euclid(86_400) as u32);
    let (year, month, date) = civil(day);
    let parts = [year / 100, year % 100, month, date, second / 3600, second / 60 % 60, second % 60];
    let mut out = [b'Z'; LONGEST];
    out[0] = 0x18;
    out[1] = GENERALIZED_TIME_LENGTH;
    for (place, part) in out[2..].chunks_exact_mut(2).zip(parts) {
        // Two decimal digits: each below ten.
        place.copy_from_slice(&[b'0' + (part / 10) as u8, b'0' + (part % 10) as u8]);
    }
    out
}

/// Year, month and day of a day since the epoch, in the Gregorian calendar, which repeats itself
/// after 400 years. March is counted as the first month, so that the leap day is the last.
fn civil(day: i64) -> (u32, u32, u32) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    /// From 0000-03-01 to the epoch.
    const BEFORE_EPOCH: i64 = 719_468;
    let day = day + BEFORE_EPOCH;
    let (era, day) = (day.div_euclid(DAYS_OF_400_YEARS), day.rem_euclid(DAYS_OF_400_YEARS) as u32);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    // No instant lies after the year 9999, and none before the year 0 comes here.
    let year = (era * 400) as u32 + year + u32::from(month <= 2);
    (year, month, date)
}

/// Reads a UTCTime or GeneralizedTime.
pub(super) fn read(field: &'static str, value: AnyRef<'_>) -> Result<Timestamp, Fault> {
    match value.tag() {
        Tag::UtcTime => {
            let allowed = "UTCTime as YYMMDDhhmmssZ";
            let (year, rest) = split(field, value.value(), 2, allowed)?;
            let year = if year < 50 { 2000 + year } else { 1900 + year };
            instant(field, value.value(), year, rest, allowed)
        }
        Tag::GeneralizedTime => {
            let instant = read_generalized(field, value)?;
            if instant.as_second() < FIRST_GENERALIZED {
                let found = format!("GeneralizedTime of {instant}");
                return Err(Fault::new(field, found, "UTCTime through the year 2049"));
            }
            Ok(instant)
        }
        other => Err(Fault::new(field, format!("{other}"), "UTCTime or GeneralizedTime")),
    }
}

/// Reads a GeneralizedTime of any year.
pub(crate) fn read_generalized(field: &'static str, value: AnyRef<'_>) -> Result<Timestamp, Fault> {
    let allowed = "GeneralizedTime as YYYYMMDDhhmmssZ";
    if value.tag() != Tag::GeneralizedTime {
        return Err(Fault::new(field, format!("{}", value.tag()), allowed));
    }
    let (year, rest) = split(field, value.value(), 4, allowed)?;
    instant(field, value.value(), year, rest, allowed)
}

fn split<'a>(
    field: &'static str,
    octets: &'a [u8],
    digits: usize,
    allowed: &'static str,
) -> Result<(i16, &'a [u8]), Fault> {
    let parts = octets.split_at_checked(digits);
    parts
        .and_then(|(year, rest)| Some((number(year)?, rest)))
        .ok_or_else(|| wrong(field, octets, allowed))
}

fn instant(
    field: &'static str,
    octets: &[u8],
    year: i16,
    rest: &[u8],
    allowed: &'static str,
) -> Result<Timestamp, Fault> {
    let time = civil_of(year, rest).ok_or_else(|| wrong(field, octets, allowed))?;
    // The last day of the year 9999 is past what a timestamp holds; nothing is later.
    Ok(Offset::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX))
}

/// `MMDDhhmmssZ` of a year.
fn civil_of(year: i16, rest: &[u8]) -> Option<DateTime> {
    let digits = rest.strip_suffix(b"Z")?;
    if digits.len() != 10 {
        return None;
    }
    let two = |at: usize| digits.get(at..at + 2).and_then(number)?.try_into().ok();
    DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()
}

/// Up to four decimal digits.
fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
    })
}

fn wrong(field: &'static str, octets: &[u8], allowed: &'static str) -> Fault {
    let shown = octets.iter().take(24).copied().collect::<Vec<u8>>();
    Fault::new(field, quoted(String::from_utf8_lossy(&shown)), allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against jiff's own calendar: every day of 400 years, and the seconds of some.
    #[test]
    fn dates_are_those_of_the_calendar() {
        for day in -7305..138_792_i64 {
            let second = day * 86_400 + day.rem_euclid(86_400);
            let Ok(instant) = Timestamp::from_second(second) else { continue };
            let time = Offset::UTC.to_datetime(instant);
            let wanted = format!(
                "{:04}{:02}{:02}{:02}{:02}{:02}Z",
                time.year(),
                time.month(),
                time.day(),
                time.hour(),
                time.minute(),
                time.second()
            );
            assert_eq!(&generalized(instant)[2..], wanted.as_bytes(), "{instant}");
            let (octets, length) = encoded(instant);
            if second < FIRST_GENERALIZED {
                assert_eq!(&octets[2..length], &wanted.as_bytes()[2..], "{instant}");
            } else {
                assert_eq!(&octets[..length], &generalized(instant)[..], "{instant}");
            }
        }
    }
}
