//! From when to when (RFC 5280 section 4.1.2.5).

use std::time::Duration;

use der::asn1::{GeneralizedTime, UtcTime};
use jiff::Timestamp;
use x509_cert::time::Time;

use super::{IssuerIdentity, PlanError, PlanNote, Request};
use crate::certificate::ValidityFields;
use crate::profile::Profile;
use crate::validity::{InvalidValidity, Validity};

pub(super) fn planned(
    profile: &Profile,
    request: &Request,
    issuer: &IssuerIdentity<'_>,
    now: Timestamp,
    notes: &mut Vec<PlanNote>,
) -> Result<Validity, PlanError> {
    let rule = profile.validity();
    let seconds = request.validity_seconds.unwrap_or(rule.default_seconds);
    if !(1..=rule.max_seconds).contains(&seconds) {
        return Err(PlanError::ValidityLength {
            found: seconds,
            profile: profile.name().to_owned(),
            allowed: rule.max_seconds,
        });
    }
    // Profiles bound both to a hundred years, so that they fit.
    let backdate = i64::try_from(rule.backdate_seconds).unwrap_or(i64::MAX);
    let length = i64::try_from(seconds).unwrap_or(i64::MAX);
    let mut not_before = moved(now, backdate.saturating_neg())?;
    let mut not_after = moved(now, length.saturating_sub(1))?;
    if let Some(bounds) = issuer.certificate.map(|certificate| certificate.validity()) {
        not_before = not_before.max(bounds.not_before());
        if not_after > bounds.not_after() {
            notes.push(PlanNote::EndsWithIssuer { asked: not_after, set: bounds.not_after() });
            not_after = bounds.not_after();
        }
    }
    Ok(Validity::new(not_before, not_after)?)
}

/// `now` in whole seconds, so many later.
fn moved(now: Timestamp, seconds: i64) -> Result<Timestamp, InvalidValidity> {
    let moved = now.as_second().checked_add(seconds);
    let moved = moved.and_then(|second| Timestamp::from_second(second).ok());
    moved.ok_or(InvalidValidity { not_before: now, not_after: now })
}

/// UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 section 4.1.2.5).
pub(super) fn encoded(validity: Validity) -> Result<ValidityFields, PlanError> {
    let time = |instant: Timestamp| {
        let seconds = u64::try_from(instant.as_second()).map_err(|_| InvalidValidity {
            not_before: validity.not_before(),
            not_after: validity.not_after(),
        })?;
        let seconds = Duration::from_secs(seconds);
        // UTCTime refuses years from 2050 on.
        match UtcTime::from_unix_duration(seconds) {
            Ok(time) => Ok::<_, PlanError>(Time::UtcTime(time)),
            Err(_) => Ok(Time::GeneralTime(GeneralizedTime::from_unix_duration(seconds)?)),
        }
    };
    Ok(ValidityFields {
        not_before: time(validity.not_before())?,
        not_after: time(validity.not_after())?,
    })
}
