//! Which URLs are asked at all.

use std::net::IpAddr;

use url::{Host, Url};

/// The longest URL, in octets.
const MOST: usize = 2_000;
/// What is allowed, in words.
pub(crate) const ALLOWED: &str = "an https URL without user and fragment; http only to this machine's own addresses (127.0.0.1, ::1, localhost)";

/// Reads a URL that will be asked, maybe with a credential: `https`, or `http` to this machine
/// itself; no user, no fragment.
///
/// # Errors
/// What is allowed.
pub fn checked_url(text: &str) -> Result<Url, &'static str> {
    let url = Url::parse(text).map_err(|_| ALLOWED)?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => return Err(ALLOWED),
    };
    let scheme = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if scheme && plain && text.len() <= MOST { Ok(url) } else { Err(ALLOWED) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "https://issuer.example.com/path",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/a",
            "http://localhost:1/a?b=c",
            "https://10.0.0.1:6443",
        ] {
            checked_url(good).unwrap();
        }
        for bad in [
            "http://issuer.example.com",
            "http://10.0.0.1/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "https://user@issuer.example.com",
            "https://issuer.example.com/#a",
            "file:///etc/passwd",
            "ftp://issuer.example.com",
            "issuer.example.com",
            "https://",
            "",
        ] {
            assert_eq!(checked_url(bad), Err(ALLOWED), "{bad}");
        }
    }
}
