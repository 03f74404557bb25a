//! Reading a request's body: bounded, of a known content type, strict.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Request};
use ca_core::escape::escaped;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::config::Limits;
use super::problem::{
    BODY_TOO_LARGE, INVALID_PARAMETER, MALFORMED_BODY, Refusal, SLOW_REQUEST,
    UNSUPPORTED_MEDIA_TYPE,
};
use super::state::App;

/// JSON as a content type.
pub const JSON: &str = "application/json";
/// A certification request by itself (RFC 5967).
pub const PKCS10: &str = "application/pkcs10";

/// Reads the whole body.
///
/// # Errors
/// `body-too-large` above the limit, without reading on; `slow-request` when it takes too long;
/// `malformed-body` when it breaks off.
pub async fn read(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Bytes, Refusal> {
    read_at_most(headers, body, limits.body_bytes, limits).await
}

/// As [`read`], with another bound of the size.
///
/// # Errors
/// As [`read`].
pub async fn read_at_most(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    limits: &Limits,
) -> Result<Bytes, Refusal> {
    let seconds = limits.body_read_timeout_seconds;
    let too_large = |found: String| {
        let allowed = format!("body: found {found} octets, allowed are at most {most}");
        Refusal::new(BODY_TOO_LARGE, allowed)
    };
    let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if let Some(stated) = stated.filter(|stated: &u64| *stated > most as u64) {
        return Err(too_large(stated.to_string()));
    }
    let collected = Limited::new(body, most).collect();
    let in_time = tokio::time::timeout(Duration::from_secs(seconds), collected).await;
    let collected = in_time.map_err(|_| {
        let detail =
            format!("body: found it unfinished after {seconds} s, allowed are {seconds} s");
        Refusal::new(SLOW_REQUEST, detail)
    })?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(format!("more than {most}"))),
        Err(error) => {
            let detail = "body: it broke off before its end";
            Err(Refusal::new(MALFORMED_BODY, detail).with_cause(error))
        }
    }
}

/// The content type of the body, of those that are allowed.
///
/// # Errors
/// `unsupported-media-type`.
pub fn content_type(
    headers: &HeaderMap,
    allowed: &'static [&'static str],
) -> Result<&'static str, Refusal> {
    let refuse = |found: &str| {
        let found = shortened(found);
        let detail = format!("Content-Type: found {found}, allowed: {}", allowed.join(", "));
        Refusal::new(UNSUPPORTED_MEDIA_TYPE, detail)
    };
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => return Err(refuse("none")),
        (Some(_), Some(_)) => return Err(refuse("several")),
    };
    let text = value.to_str().map_err(|_| refuse("octets that are not ASCII"))?;
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts.all(|parameter| {
        let plain = parameter.replace('"', "");
        plain.is_empty() || plain.eq_ignore_ascii_case("charset=utf-8")
    });
    let known = allowed.iter().copied().find(|known| essence.eq_ignore_ascii_case(known));
    known.filter(|_| utf8).ok_or_else(|| refuse(text))
}

/// Reads JSON strictly: UTF-8, no member doubled or unknown, at most 128 levels deep.
///
/// # Errors
/// `malformed-body` with the place and the reason.
pub fn json<T: DeserializeOwned>(octets: &[u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(octets).map_err(|error| {
        let at = error.valid_up_to();
        let detail = format!("body: octet {at} is not UTF-8, allowed is JSON in UTF-8");
        Refusal::new(MALFORMED_BODY, detail)
    })?;
    // A struct could be read from a list as well.
    if !text.trim_start().starts_with('{') {
        return Err(Refusal::new(MALFORMED_BODY, "body: found no object, allowed is one: {…}"));
    }
    serde_json::from_str(text).map_err(|error| {
        Refusal::new(MALFORMED_BODY, format!("body: {}", shortened(&error.to_string())))
    })
}

/// Reads a request whose body is JSON.
///
/// # Errors
/// As [`content_type`], [`read`] and [`json`]; `invalid-parameter` for a query.
pub async fn json_request<T: DeserializeOwned>(
    app: &App,
    request: Request<Body>,
) -> Result<T, Refusal> {
    let (parts, body) = request.into_parts();
    content_type(&parts.headers, &[JSON])?;
    no_query(parts.uri.query())?;
    json(&read(&parts.headers, body, app.limits()).await?)
}

/// Refuses a query where there is none to be.
///
/// # Errors
/// `invalid-parameter`.
pub fn no_query(query: Option<&str>) -> Result<(), Refusal> {
    match query.filter(|query| !query.is_empty()) {
        None => Ok(()),
        Some(found) => {
            let found = shortened(found);
            let detail = format!("query: found \"{found}\", allowed is none");
            Err(Refusal::new(INVALID_PARAMETER, detail))
        }
    }
}

/// Reads the query strictly.
///
/// # Errors
/// `invalid-parameter` with the reason.
pub fn query<T: DeserializeOwned>(query: Option<&str>) -> Result<T, Refusal> {
    let url = format!("http://query/?{}", query.unwrap_or_default());
    let refuse =
        |reason: String| Refusal::new(INVALID_PARAMETER, format!("query: {}", shortened(&reason)));
    // Decoding would put marks of replacement for them.
    if !is_utf8_decoded(query.unwrap_or_default()) {
        return Err(refuse("found octets that are not UTF-8, allowed is text in UTF-8".into()));
    }
    let uri: axum::http::Uri = url.parse().map_err(|_| refuse("not a query".into()))?;
    let parsed = axum::extract::Query::<T>::try_from_uri(&uri);
    parsed.map(|parsed| parsed.0).map_err(|error| {
        let text = error.body_text();
        let prefix = "Failed to deserialize query string: ";
        refuse(text.strip_prefix(prefix).unwrap_or(&text).to_owned())
    })
}

/// Whether what percent signs stand for is UTF-8.
fn is_utf8_decoded(text: &str) -> bool {
    let digit =
        |octet: &u8| char::from(*octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (mut decoded, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let pair = match (first, after) {
            (b'%', [high, low, ..]) => digit(high).zip(digit(low)),
            _ => None,
        };
        match pair {
            Some((high, low)) => {
                decoded.push(high * 16 + low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

/// Text of a stranger in a message: bounded, and escaped.
pub(crate) fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    let mut short = escaped(&text.chars().take(MOST).collect::<String>());
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}
