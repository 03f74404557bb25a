//! The claims of a token whose signature is right (RFC 7519 section 4.1).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::TokenRefusal;
use super::refusal::instant;
use crate::auth::quoted::{is_plain, quoted};

/// The most audiences that a token may name.
const MAX_AUDIENCES: usize = 32;
/// The longest subject, in characters (OpenID Connect Core section 2).
const MAX_SUBJECT: usize = 255;

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Its issuer, to the letter.
    pub issuer: &'a str,
    /// One of these is among its audiences.
    pub audiences: &'a [String],
    /// Now.
    pub now: Timestamp,
    /// How far the issuer's clock may be from ours, in seconds.
    pub leeway_seconds: u32,
    /// How long a token may live, in seconds.
    pub max_lifetime_seconds: u32,
}

/// Claims that were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    subject: String,
    expires_at: i64,
    all: Map<String, Value>,
}

impl Claims {
    /// Checks issuer, audience, subject and times.
    pub(in crate::auth) fn check(
        claims: &Map<String, Value>,
        expected: &Expected<'_>,
    ) -> Result<Self, TokenRefusal> {
        match claims.get("iss") {
            Some(Value::String(issuer)) if issuer == expected.issuer => {}
            Some(Value::String(issuer)) => {
                return Err(TokenRefusal::new("iss", quoted(issuer), "the issuer of the key"));
            }
            _ => return Err(TokenRefusal::new("iss", "no text", "the issuer of the key")),
        }
        check_audience(claims, expected.audiences)?;
        let subject = check_subject(claims)?;
        let expires_at = check_times(claims, expected)?;
        Ok(Self { subject, expires_at, all: claims.clone() })
    }

    /// Whom it is about.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When it ends, in seconds since 1970.
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// A claim by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// Every claim.
    pub fn all(&self) -> &Map<String, Value> {
        &self.all
    }
}

fn check_audience(claims: &Map<String, Value>, allowed: &[String]) -> Result<(), TokenRefusal> {
    let refuse = |found: String| Err(TokenRefusal::new("aud", found, allowed.join(" or ")));
    let found: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) if all.len() <= MAX_AUDIENCES => {
            match all.iter().map(Value::as_str).collect() {
                Some(texts) => texts,
                None => return refuse("an array with something else than texts".into()),
            }
        }
        Some(Value::Array(all)) => return refuse(format!("{} audiences", all.len())),
        None => return refuse("none".into()),
        Some(_) => return refuse("neither text nor array".into()),
    };
    if found.iter().any(|audience| allowed.iter().any(|own| own == audience)) {
        return Ok(());
    }
    refuse(quoted(&found.join(", ")))
}

fn check_subject(claims: &Map<String, Value>) -> Result<String, TokenRefusal> {
    const ALLOWED: &str = "1 to 255 characters, none that controls, hides or reorders text";
    match claims.get("sub") {
        Some(Value::String(subject))
            if (1..=MAX_SUBJECT).contains(&subject.chars().count()) && is_plain(subject) =>
        {
            Ok(subject.clone())
        }
        Some(Value::String(subject)) => Err(TokenRefusal::new("sub", quoted(subject), ALLOWED)),
        _ => Err(TokenRefusal::new("sub", "no text", ALLOWED)),
    }
}

/// `exp` must be there; `nbf` and `iat` may.
fn check_times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<i64, TokenRefusal> {
    let now = expected.now.as_second();
    let leeway = i64::from(expected.leeway_seconds);
    let Some(expires) = seconds(claims, "exp")? else {
        return Err(TokenRefusal::new("exp", "none", "the time at which the token ends"));
    };
    if expires.saturating_add(leeway) <= now {
        // Without what time it is: who asks again and again is told the same.
        let allowed = "an instant to come, by the server's clock";
        return Err(TokenRefusal::new("exp", instant(expires), allowed));
    }
    let issued = seconds(claims, "iat")?;
    for (field, time) in [("nbf", seconds(claims, "nbf")?), ("iat", issued)] {
        if let Some(time) = time.filter(|time| *time > now.saturating_add(leeway)) {
            let allowed = "an instant that has passed, by the server's clock";
            return Err(TokenRefusal::new(field, instant(time), allowed));
        }
    }
    let most = i64::from(expected.max_lifetime_seconds);
    // Without iat the rest of its life is all that is known.
    let lifetime = expires.saturating_sub(issued.unwrap_or(now));
    if lifetime > most.saturating_add(leeway) {
        let found = format!("a life of {lifetime} s");
        return Err(TokenRefusal::new("exp", found, format!("at most {most} s")));
    }
    Ok(expires)
}

/// A NumericDate: seconds since 1970, perhaps with a fraction, which is cut off.
fn seconds(claims: &Map<String, Value>, field: &'static str) -> Result<Option<i64>, TokenRefusal> {
    const RANGE: f64 = 253_402_300_799.0; // the end of the year 9999
    let number = match claims.get(field) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(_) => None,
    };
    match number {
        #[allow(clippy::cast_possible_truncation, reason = "the range was checked")]
        Some(number) if (0.0..=RANGE).contains(&number) => Ok(Some(number as i64)),
        _ => Err(TokenRefusal::new(field, "no time", "seconds since 1970 as a number")),
    }
}
