//! Something signed over HTTP: media type, validators, and how long caches may keep it (RFC 9110,
//! RFC 9111, RFC 5019 section 6.2).

use axum::body::{Body, Bytes};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HeaderName, HeaderValue, IF_NONE_MATCH,
    LAST_MODIFIED,
};
use axum::http::{HeaderMap, Response, StatusCode};
use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// A document with the dates that it carries itself.
#[derive(Clone, Debug)]
pub(super) struct Dated {
    media_type: &'static str,
    body: Bytes,
    etag: String,
    /// thisUpdate, or notBefore.
    since: Timestamp,
    /// nextUpdate, or notAfter.
    until: Timestamp,
}

impl Dated {
    pub(super) fn new(
        media_type: &'static str,
        body: impl Into<Bytes>,
        since: Timestamp,
        until: Timestamp,
    ) -> Self {
        let body = body.into();
        let etag = format!("\"{}\"", Fingerprint::of(&body));
        Self { media_type, body, etag, since, until }
    }

    /// The document itself.
    pub(super) fn octets(&self) -> &Bytes {
        &self.body
    }

    /// The answer to GET and HEAD: 304 where the client has this very document.
    pub(super) fn answer(&self, asked: &HeaderMap, now: Timestamp, most: u64) -> Response<Body> {
        if self.is_known(asked) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            self.add_validators(&mut response, now, most);
            return response;
        }
        self.whole(now, most)
    }

    /// All of it, whatever the client has.
    pub(super) fn whole(&self, now: Timestamp, most: u64) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body.clone()));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        self.add_validators(&mut response, now, most);
        response
    }

    fn add_validators(&self, response: &mut Response<Body>, now: Timestamp, most: u64) {
        let left = u64::try_from(self.until.as_second() - now.as_second()).unwrap_or(0);
        let age = left.min(most);
        let control = format!("max-age={age}, public, no-transform, must-revalidate");
        add(response, CACHE_CONTROL, &control);
        add(response, ETAG, &self.etag);
        for (name, instant) in [(LAST_MODIFIED, self.since), (EXPIRES, self.until)] {
            // A year that the format can't hold has no header.
            if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&instant) {
                add(response, name, &date);
            }
        }
    }

    /// If-None-Match alone decides. If-Modified-Since has whole seconds: what was signed again within
    /// one, after a revocation, would seem to be the same.
    fn is_known(&self, asked: &HeaderMap) -> bool {
        let tags = asked.get_all(IF_NONE_MATCH).iter();
        tags.filter_map(|value| value.to_str().ok()).any(|text| {
            text.trim() == "*"
                || text.split(',').any(|tag| tag.trim().trim_start_matches("W/") == self.etag)
        })
    }
}

fn add(response: &mut Response<Body>, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use axum::http::header::IF_MODIFIED_SINCE;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn document() -> Dated {
        let (since, until) = (at("2026-11-26T08:00:00Z"), at("2026-11-27T08:00:00Z"));
        Dated::new("application/pkix-crl", vec![1, 2, 3], since, until)
    }

    fn status(name: HeaderName, text: &str) -> u16 {
        let mut asked = HeaderMap::new();
        asked.insert(name, HeaderValue::from_str(text).unwrap());
        document().answer(&asked, at("2026-11-26T09:00:00Z"), 300).status().as_u16()
    }

    #[test]
    fn headers_say_from_when_and_until_when() {
        let header = |now: &str, name: HeaderName| {
            let response = document().answer(&HeaderMap::new(), at(now), 300);
            response.headers()[name].to_str().unwrap().to_owned()
        };
        let now = "2026-11-26T09:00:00Z";
        assert_eq!(header(now, LAST_MODIFIED), "Thu, 26 Nov 2026 08:00:00 GMT");
        assert_eq!(header(now, EXPIRES), "Fri, 27 Nov 2026 08:00:00 GMT");
        for (now, age) in [
            (now, "max-age=300,"),
            ("2026-11-27T07:59:50Z", "max-age=10,"),
            ("2026-11-27T08:00:00Z", "max-age=0,"),
            ("2026-11-28T08:00:00Z", "max-age=0,"),
        ] {
            let found = header(now, CACHE_CONTROL);
            assert!(found.starts_with(age), "{now}: {found}");
        }
    }

    #[test]
    fn what_the_client_has_is_not_sent_again_and_anything_else_is() {
        let etag = document().etag;
        for text in [&etag, "*", &format!("\"a\", W/{etag}")] {
            assert_eq!(status(IF_NONE_MATCH, text), 304, "{text}");
        }
        for text in ["\"a\"", "", etag.trim_matches('"')] {
            assert_eq!(status(IF_NONE_MATCH, text), 200, "{text}");
        }
        assert_eq!(status(IF_MODIFIED_SINCE, "Thu, 26 Nov 2026 08:00:00 GMT"), 200);
    }
}
