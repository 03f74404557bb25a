//! Content negotiation (RFC 9110 section 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::body::shortened;
use super::problem::{NOT_ACCEPTABLE, Refusal};

/// JSON with PEM inside, for people.
pub const JSON: &str = "application/json";
/// One certificate in DER (RFC 2585).
pub const PKIX_CERT: &str = "application/pkix-cert";
/// A revocation list in DER (RFC 2585).
pub const PKIX_CRL: &str = "application/pkix-crl";
/// A certificate and those above it in PEM (RFC 8555 section 9.1).
pub const PEM_CHAIN: &str = "application/pem-certificate-chain";

/// The most media ranges of an Accept header that are looked at.
const MOST_RANGES: usize = 32;

/// The best of `offered`, which stand in the order of our preference; the first where anything will do.
///
/// # Errors
/// `not-acceptable` where none is wanted.
pub fn choose(
    headers: &HeaderMap,
    offered: &'static [&'static str],
) -> Result<&'static str, Refusal> {
    let texts: Vec<&str> =
        headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let ranges: Vec<(&str, u16)> =
        texts.iter().flat_map(|text| text.split(',')).take(MOST_RANGES).filter_map(range).collect();
    if ranges.is_empty() && headers.get(ACCEPT).is_none() {
        return Ok(offered[0]);
    }
    let mut best = None;
    for media_type in offered.iter().copied() {
        let weight = weight(media_type, &ranges);
        if weight > best.map_or(0, |(_, weight)| weight) {
            best = Some((media_type, weight));
        }
    }
    best.map(|(media_type, _)| media_type).ok_or_else(|| {
        let found = shortened(&texts.join(", "));
        let detail = format!("Accept: found {found:?}, allowed: {}", offered.join(", "));
        Refusal::new(NOT_ACCEPTABLE, detail)
    })
}

/// A media range and its weight in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next().filter(|media_type| media_type.contains('/'))?;
    let mut weight = 1_000;
    for parameter in parts {
        if let Some(value) = parameter.strip_prefix("q=").or(parameter.strip_prefix("Q=")) {
            let value: f32 = value.parse().ok().filter(|value| (0.0..=1.0).contains(value))?;
            weight = (value * 1_000.0) as u16;
        }
    }
    Some((media_type, weight))
}

/// How much a media type is wanted: the most exact range decides.
fn weight(media_type: &str, ranges: &[(&str, u16)]) -> u16 {
    let group = media_type.split('/').next().unwrap_or_default();
    let exactness = |range: &str| {
        if range.eq_ignore_ascii_case(media_type) {
            Some(2)
        } else if range == "*/*" {
            Some(0)
        } else {
            let wild = range.strip_suffix("/*")?;
            wild.eq_ignore_ascii_case(group).then_some(1)
        }
    };
    let fitting = ranges.iter().filter_map(|(range, weight)| Some((exactness(range)?, *weight)));
    fitting.max().map_or(0, |(_, weight)| weight)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use axum::http::HeaderValue;

    use super::*;

    const OFFERED: &[&str] = &[JSON, PKIX_CERT, PEM_CHAIN];

    fn chosen(accept: &str) -> Result<&'static str, String> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_str(accept).unwrap());
        choose(&headers, OFFERED).map_err(|refusal| refusal.detail().to_owned())
    }

    #[test]
    fn the_wanted_representation_is_chosen() {
        assert_eq!(choose(&HeaderMap::new(), OFFERED).unwrap(), JSON);
        for (accept, expected) in [
            ("*/*", JSON),
            ("application/pkix-cert", PKIX_CERT),
            ("APPLICATION/PKIX-CERT", PKIX_CERT),
            ("text/html, application/*;q=0.1", JSON),
            ("application/json;q=0.5, application/pem-certificate-chain", PEM_CHAIN),
            ("application/json;q=0, */*;q=0.1", PKIX_CERT),
        ] {
            assert_eq!(chosen(accept), Ok(expected), "{accept}");
        }
    }

    #[test]
    fn what_can_t_be_made_is_refused_with_what_can() {
        for accept in ["text/html", "application/json;q=0", "nonsense", "application/json;q=7", ""]
        {
            let detail = chosen(accept).unwrap_err();
            assert!(detail.ends_with("application/pem-certificate-chain"), "{detail}");
        }
    }
}
