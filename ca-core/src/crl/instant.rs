//! UTCTime and GeneralizedTime as RFC 5280 sections 5.1.2.4 to 5.1.2.6 have them: UTCTime through
//! 2049, GeneralizedTime from 2050, whole seconds, `Z`.

use der::asn1::AnyRef;
use der::{Tag, Tagged};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::error::Fault;
use crate::escape::quoted;

/// Octets of a GeneralizedTime with its header, up to the day; those of a UTCTime are two less.
pub(super) const DATE: usize = 10;
/// Octets behind these: hours, minutes, seconds, `Z`.
pub(super) const TIME: usize = 7;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// 1950-01-01T00:00:00Z, the first second of UTCTime.
const FIRST_SECOND: i64 = -631_152_000;
/// 0000-01-01T00:00:00Z, before which four digits name no year.
const FIRST_YEAR: i64 = -62_167_219_200;
/// 2050-01-01T00:00:00Z, the first second after UTCTime.
const FIRST_GENERALIZED: i64 = 2_524_608_000;

/// Whether a list can name the instant.
pub(crate) fn check(field: &'static str, instant: Timestamp) -> Result<(), Fault> {
    if second_of(instant) >= FIRST_SECOND {
        return Ok(());
    }
    Err(Fault::new(field, instant.to_string(), "instants from the year 1950 on"))
}

/// Appends a UTCTime or GeneralizedTime; fractions of a second are cut off.
pub(super) fn push(out: &mut Vec<u8>, instant: Timestamp) {
    Dates::default().push(out, instant);
}

/// Appends a GeneralizedTime, whatever the year.
pub(crate) fn push_generalized(out: &mut Vec<u8>, instant: Timestamp) {
    Dates::default().push_generalized(out, instant);
}

/// Encodes the dates of a list. The last day is kept: what is revoked in a row is mostly revoked on
/// one day, and the calendar is what takes long. A large list has a million dates, so that each is
/// written in two pieces of fixed size.
#[derive(Debug)]
pub(super) struct Dates {
    /// When that day started, in seconds since the epoch.
    start: i64,
    /// A GeneralizedTime up to that day: tag, length, year, month, day.
    generalized: [u8; DATE],
    /// A UTCTime, the same; the last two octets are of no meaning.
    utc: [u8; DATE],
}

impl Default for Dates {
    fn default() -> Self {
        Self { start: 0, generalized: *b"\x18\x0f19700101", utc: *b"\x17\x0d700101\0\0" }
    }
}

impl Dates {
    /// Appends a UTCTime or GeneralizedTime with its header.
    fn push(&mut self, out: &mut Vec<u8>, instant: Timestamp) {
        let (date, length, time) = self.encoded(instant);
        out.extend_from_slice(&date[..length]);
        out.extend_from_slice(&time);
    }

    /// Appends a GeneralizedTime with its header, whatever the year.
    fn push_generalized(&mut self, out: &mut Vec<u8>, instant: Timestamp) {
        let (date, time) = self.generalized(instant);
        out.extend_from_slice(&date);
        out.extend_from_slice(&time);
    }

    /// A UTCTime or GeneralizedTime with its header: how many octets of the first part count, and
    /// the second part behind these.
    #[inline]
    pub(super) fn encoded(&mut self, instant: Timestamp) -> ([u8; DATE], usize, [u8; TIME]) {
        let time = self.turn_to(instant);
        if instant.as_second() < FIRST_GENERALIZED {
            (self.utc, DATE - 2, time)
        } else {
            (self.generalized, DATE, time)
        }
    }

    /// A GeneralizedTime with its header, whatever the year, in two parts.
    #[inline]
    pub(super) fn generalized(&mut self, instant: Timestamp) -> ([u8; DATE], [u8; TIME]) {
        let time = self.turn_to(instant);
        (self.generalized, time)
    }

    /// Takes the day of an instant; answers the time of that day, `hhmmssZ`.
    #[inline]
    fn turn_to(&mut self, instant: Timestamp) -> [u8; TIME] {
        let second = second_of(instant).max(FIRST_YEAR);
        if !(self.start..self.start + DAY).contains(&second) {
            self.begin_day(second.div_euclid(DAY));
        }
        let second = (second - self.start) as u32;
        let [hour, minute, second] = [second / 3600, second / 60 % 60, second % 60].map(pair);
        [hour[0], hour[1], minute[0], minute[1], second[0], second[1], b'Z']
    }

    #[cold]
    fn begin_day(&mut self, day: i64) {
        let (year, month, date) = civil(day);
        let parts = [year / 100, year % 100, month, date].map(pair);
        for (place, part) in self.generalized[2..].chunks_exact_mut(2).zip(parts) {
            place.copy_from_slice(&part);
        }
        self.utc[2..DATE - 2].copy_from_slice(&self.generalized[4..]);
        self.start = day * DAY;
    }
}

/// The second that the instant lies in: one before the epoch is cut downwards too.
fn second_of(instant: Timestamp) -> i64 {
    instant.as_second() - i64::from(instant.subsec_nanosecond() < 0)
}

/// Two decimal digits of a number below a hundred.
fn pair(number: u32) -> [u8; 2] {
    PAIRS[number as usize]
}

/// The numbers below a hundred in two decimal digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

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
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn the_last_second_of_1949_is_not_one_of_2049() {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(check("revocationDate", instant("1950-01-01T00:00:00Z")).is_ok());
        for text in ["1949-12-31T23:59:59Z", "1949-12-31T23:59:59.5Z"] {
            assert!(check("revocationDate", instant(text)).is_err(), "{text}");
        }
    }

    /// Against jiff's own calendar: every day of 400 years, and the seconds of some.
    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut dates = Dates::default();
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
            let (mut found, mut short) = (Vec::new(), Vec::new());
            dates.push_generalized(&mut found, instant);
            assert_eq!(found, [b"\x18\x0f", wanted.as_bytes()].concat(), "{instant}");
            dates.push(&mut short, instant);
            if second < FIRST_GENERALIZED {
                assert_eq!(short, [b"\x17\x0d", &wanted.as_bytes()[2..]].concat(), "{instant}");
            } else {
                assert_eq!(short, found, "{instant}");
            }
        }
    }
}
