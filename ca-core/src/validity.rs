//! Validity periods (RFC 5280 section 4.1.2.5).

use std::time::Duration;

use jiff::Timestamp;

/// An ordered pair of whole seconds; a certificate is valid from the first to the last, both
/// included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Validity {
    /// From two instants; fractions of a second are cut off.
    ///
    /// # Errors
    /// `InvalidValidity` when the end lies before the start, or either is outside the years
    /// 1950 to 9999 that a certificate can name.
    pub fn new(not_before: Timestamp, not_after: Timestamp) -> Result<Self, InvalidValidity> {
        let cut = |time: Timestamp| Timestamp::from_second(time.as_second());
        let (Ok(not_before), Ok(not_after)) = (cut(not_before), cut(not_after)) else {
            return Err(InvalidValidity { not_before, not_after });
        };
        let nameable = FIRST_SECOND..=LAST_SECOND;
        let in_range =
            nameable.contains(&not_before.as_second()) && nameable.contains(&not_after.as_second());
        if not_after < not_before || !in_range {
            return Err(InvalidValidity { not_before, not_after });
        }
        Ok(Self { not_before, not_after })
    }

    /// The first valid second.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last valid second.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether `time` lies inside, both ends included.
    pub fn contains(&self, time: Timestamp) -> bool {
        let second = time.as_second();
        self.not_before.as_second() <= second && second <= self.not_after.as_second()
    }

    /// Whether all of `inner` lies inside this period.
    pub fn covers(&self, inner: &Self) -> bool {
        self.not_before <= inner.not_before && inner.not_after <= self.not_after
    }

    /// How long it lasts, the last second included.
    pub fn duration(&self) -> Duration {
        let seconds = self.not_after.as_second() - self.not_before.as_second() + 1;
        Duration::from_secs(seconds.unsigned_abs())
    }
}

/// 1950-01-01T00:00:00Z, the first second of UTCTime.
const FIRST_SECOND: i64 = -631_152_000;
/// 9999-12-31T23:59:59Z, the last second of GeneralizedTime.
const LAST_SECOND: i64 = 253_402_300_799;

/// The period ends before it starts, or names a year that a certificate can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "validity from {not_before} to {not_after}: allowed are periods that end after they start, in the years 1950 to 9999"
)]
pub struct InvalidValidity {
    /// The start that was found.
    pub not_before: Timestamp,
    /// The end that was found.
    pub not_after: Timestamp,
}
