//! UTCTime and GeneralizedTime as RFC 5280 sections 5.1.2.4 to 5.1.2.6 have them: UTCTime through
//! 2049, GeneralizedTime from 2050, whole seconds, `Z`.

use der::asn1::AnyRef;
use der::{Tag, Tagged};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::error::Fault;

/// The octets of a UTCTime, header included.
const UTC_TIME_LENGTH: u8 = 13;
const GENERALIZED_TIME_LENGTH: u8 = 15;
/// 1950-01-01T00:00:00Z, the first second of UTCTime.
const FIRST_SECOND: i64 = -631_152_000;
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
    if instant.as_second() >= FIRST_GENERALIZED {
        return push_generalized(out, instant);
    }
    out.extend_from_slice(&[0x17, UTC_TIME_LENGTH]);
    let time = civil(instant);
    push_two(out, time.year().rem_euclid(100).unsigned_abs());
    push_rest(out, time);
}

/// Appends a GeneralizedTime, whatever the year.
pub(crate) fn push_generalized(out: &mut Vec<u8>, instant: Timestamp) {
    out.extend_from_slice(&[0x18, GENERALIZED_TIME_LENGTH]);
    let time = civil(instant);
    let year = time.year().unsigned_abs();
    push_two(out, year / 100);
    push_two(out, year % 100);
    push_rest(out, time);
}

/// The second that the instant lies in: one before the epoch is cut downwards too.
fn civil(instant: Timestamp) -> DateTime {
    let second = instant.as_nanosecond().div_euclid(1_000_000_000);
    let whole = i64::try_from(second).ok().and_then(|second| Timestamp::from_second(second).ok());
    Offset::UTC.to_datetime(whole.unwrap_or(instant))
}

fn push_rest(out: &mut Vec<u8>, time: DateTime) {
    for part in [time.month(), time.day(), time.hour(), time.minute(), time.second()] {
        push_two(out, part.unsigned_abs().into());
    }
    out.push(b'Z');
}

fn push_two(out: &mut Vec<u8>, number: u16) {
    // Two decimal digits: each below ten.
    out.extend([b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
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
    Fault::new(field, format!("{:?}", String::from_utf8_lossy(&shown)), allowed)
}
