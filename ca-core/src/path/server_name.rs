//! Names that a certificate is asked to be for (RFC 9525), and their syntax.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use x509_cert::ext::pkix::name::GeneralName;

use super::outcome::{Fault, Reason, printable};
use crate::certificate::Certificate;
use crate::escape::quoted;
use crate::general_name::uri_characters_fit;

/// The name that a certificate must carry in its subjectAltName. The common name is never looked
/// at (RFC 9525 section 2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// A host name in ASCII; internationalised labels as A-labels (`xn--…`).
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A mailbox. Its host is compared without regard to case.
    Email(String),
    /// A URI, compared octet by octet, such as a SPIFFE ID.
    Uri(String),
}

impl ServerName {
    /// A host name; one dot at its end is cut off.
    ///
    /// # Errors
    /// `InvalidServerName` when it is not a host name in ASCII.
    pub fn dns(text: &str) -> Result<Self, InvalidServerName> {
        let host = text.strip_suffix('.').unwrap_or(text);
        if is_host_name(host) {
            Ok(Self::Dns(host.to_owned()))
        } else {
            Err(InvalidServerName { found: printable(text, 80) })
        }
    }

    /// A mailbox.
    ///
    /// # Errors
    /// `InvalidServerName` when it is not `local@host` in ASCII.
    pub fn email(text: &str) -> Result<Self, InvalidServerName> {
        if mailbox(text).is_some() {
            Ok(Self::Email(text.to_owned()))
        } else {
            Err(InvalidServerName { found: printable(text, 80) })
        }
    }

    /// Whether a name of a certificate is this one.
    fn is_matched_by(&self, presented: &GeneralName) -> bool {
        match (self, presented) {
            (Self::Dns(host), GeneralName::DnsName(presented)) => {
                dns_matches(presented.as_str(), host)
            }
            (Self::Ip(IpAddr::V4(address)), GeneralName::IpAddress(presented)) => {
                presented.as_bytes() == address.octets()
            }
            (Self::Ip(IpAddr::V6(address)), GeneralName::IpAddress(presented)) => {
                presented.as_bytes() == address.octets()
            }
            (Self::Email(wanted), GeneralName::Rfc822Name(presented)) => {
                match (mailbox(wanted), mailbox(presented.as_str())) {
                    (Some(wanted), Some(presented)) => {
                        wanted.0 == presented.0 && wanted.1.eq_ignore_ascii_case(presented.1)
                    }
                    _ => false,
                }
            }
            (Self::Uri(wanted), GeneralName::UniformResourceIdentifier(presented)) => {
                wanted == presented.as_str()
            }
            _ => false,
        }
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(text) | Self::Email(text) | Self::Uri(text) => f.write_str(text),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl FromStr for ServerName {
    type Err = InvalidServerName;

    /// An address, a URI when `:` follows a scheme, a mailbox when there is an `@`, a host name
    /// otherwise.
    fn from_str(text: &str) -> Result<Self, InvalidServerName> {
        if let Ok(address) = text.parse() {
            Ok(Self::Ip(address))
        } else if uri_host(text).is_some() {
            Ok(Self::Uri(text.to_owned()))
        } else if text.contains('@') {
            Self::email(text)
        } else {
            Self::dns(text)
        }
    }
}

/// The text is not a name that a certificate can be for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "name: found {found}, allowed are host names in ASCII (internationalised ones as xn--…), addresses, mailboxes and URIs", found = quoted(.found)
)]
pub struct InvalidServerName {
    /// What was found, cut after 80 characters.
    pub found: String,
}

/// Checks that the certificate is for `wanted`.
pub(super) fn check(certificate: &Certificate, wanted: &ServerName) -> Result<String, Fault> {
    let presented = certificate.extensions().subject_alt_name();
    let presented = presented.map(|names| names.0.as_slice()).unwrap_or_default();
    if presented.iter().any(|name| wanted.is_matched_by(name)) {
        return Ok(format!("is for {wanted}"));
    }
    let found = if presented.is_empty() {
        "no subjectAltName (the common name does not count)".to_owned()
    } else {
        list(presented)
    };
    Err(Fault::new(Reason::Name, "subjectAltName", found, format!("a name that covers {wanted}")))
}

/// A few names for people.
fn list(names: &[GeneralName]) -> String {
    const SHOWN: usize = 8;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(describe).collect();
    if names.len() > SHOWN {
        text.push(format!("and {} more", names.len() - SHOWN));
    }
    text.join(", ")
}

/// One name for people.
pub(super) fn describe(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(text) => format!("DNS:{}", printable(text.as_str(), 80)),
        GeneralName::Rfc822Name(text) => format!("email:{}", printable(text.as_str(), 80)),
        GeneralName::UniformResourceIdentifier(text) => {
            format!("URI:{}", printable(text.as_str(), 120))
        }
        GeneralName::IpAddress(octets) => format!("IP:{}", address_text(octets.as_bytes())),
        GeneralName::DirectoryName(name) => {
            format!("directoryName:{}", super::outcome::name_label(name))
        }
        GeneralName::OtherName(other) => format!("otherName:{}", other.type_id),
        GeneralName::RegisteredId(oid) => format!("registeredID:{oid}"),
        GeneralName::EdiPartyName(_) => "ediPartyName".into(),
    }
}

fn address_text(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return IpAddr::from(octets).to_string();
    }
    match <[u8; 16]>::try_from(octets) {
        Ok(octets) => IpAddr::from(octets).to_string(),
        Err(_) => super::name_constraints::range_text(octets)
            .unwrap_or_else(|| format!("{} octets", octets.len())),
    }
}

/// Whether a dNSName covers a host. A wildcard is all of the left-most label, stands for exactly
/// one label, and has at least two labels to its right, as OpenSSL and webpki ask too.
fn dns_matches(presented: &str, host: &str) -> bool {
    let Some(parent) = presented.strip_prefix("*.") else {
        return presented.eq_ignore_ascii_case(host);
    };
    let host_parent = host.split_once('.').map(|(_, parent)| parent);
    parent.contains('.') && host_parent.is_some_and(|other| parent.eq_ignore_ascii_case(other))
}

/// Whether it is a host name in the preferred syntax (RFC 1034 section 3.5, RFC 1123 section
/// 2.1): letters, digits and hyphens in labels of 1 to 63, 253 octets in all, and not an address.
pub(super) fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253
        && text.split('.').all(is_label)
        && !last.bytes().all(|octet| octet.is_ascii_digit())
}

/// Both sides of a mailbox (RFC 5321 section 4.1.2), unless it is malformed: atoms or a quoted
/// string before the `@`, a host name behind it.
pub(super) fn mailbox(text: &str) -> Option<(&str, &str)> {
    let (local, host) = text.rsplit_once('@')?;
    let is_atom =
        |octet: u8| octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet);
    let dotted = local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom));
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .is_some_and(is_quoted_content);
    let fits = (1..=64).contains(&local.len());
    (fits && (dotted || quoted) && is_host_name(host)).then_some((local, host))
}

/// Printable ASCII in which quote and backslash are escaped.
fn is_quoted_content(content: &str) -> bool {
    let mut octets = content.bytes();
    while let Some(octet) = octets.next() {
        let fine = match octet {
            b'\\' => octets.next().is_some_and(|next| (0x20..0x7f).contains(&next)),
            b'"' => false,
            other => (0x20..0x7f).contains(&other),
        };
        if !fine {
            return false;
        }
    }
    true
}

/// The host of an absolute URI (RFC 3986): `Some(None)` when it has no authority, `None` when it
/// is not an absolute URI.
pub(super) fn uri_host(text: &str) -> Option<Option<&str>> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
    // A backslash above all: browsers take it for a slash, and so another host than stands here.
    if !is_scheme || rest.is_empty() || !uri_characters_fit(rest) {
        return None;
    }
    let Some(authority) = rest.strip_prefix("//") else { return Some(None) };
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let authority = &authority[..end];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.starts_with('[') {
        return Some(host.find(']').map(|close| &host[..=close]));
    }
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    Some((!host.is_empty()).then_some(host))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_wildcard_is_one_whole_label_on_the_left() {
        assert!(dns_matches("*.example.com", "a.EXAMPLE.com"));
        assert!(dns_matches("example.COM", "Example.com"));
        for (presented, host) in [
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", "example.com"),
            ("*.com", "example.com"),
            ("*", "localhost"),
            ("ba*.example.com", "baz.example.com"),
            ("foo.*.example.com", "foo.bar.example.com"),
            ("example.com", "example.org"),
        ] {
            assert!(!dns_matches(presented, host), "{presented} must not cover {host}");
        }
    }

    #[test]
    fn host_names_are_letters_digits_and_hyphens() {
        let long = format!("{}.example", "a".repeat(63));
        for good in ["localhost", "a-1.example.com", "xn--n3h.com", "1.example", long.as_str()] {
            assert!(is_host_name(good), "{good}");
        }
        let too_long = format!("{}.example", "a".repeat(64));
        let bad = ["", ".a", "a.", "a..b", "-a.b", "a-.b", "a_b.c", "*.a", "8.8.8.8", "ü.de", " a"];
        for bad in bad.into_iter().chain([too_long.as_str()]) {
            assert!(!is_host_name(bad), "{bad}");
        }
    }

    #[test]
    fn mailboxes_have_one_at_outside_quotes() {
        assert_eq!(mailbox("a.b+c@example.com"), Some(("a.b+c", "example.com")));
        assert_eq!(mailbox("\"a@b\"@example.com"), Some(("\"a@b\"", "example.com")));
        for bad in
            ["a@b@example.com", "@example.com", "a@", "a", "a..b@c.d", "a b@c.d", "\"a\"b\"@c.d"]
        {
            assert_eq!(mailbox(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_uri_tells_its_host() {
        assert_eq!(uri_host("https://u@Example.com:8443/x?y"), Some(Some("Example.com")));
        assert_eq!(uri_host("spiffe://td/ns/a"), Some(Some("td")));
        assert_eq!(uri_host("urn:uuid:1"), Some(None));
        assert_eq!(uri_host("https://[::1]:80/"), Some(Some("[::1]")));
        assert_eq!(uri_host("no scheme"), None);
        assert_eq!(uri_host("1a:b"), None);
        assert_eq!(uri_host("https://a.example@b.example/"), Some(Some("b.example")));
        assert_eq!(uri_host("https://a.example\\@b.example/"), None);
    }

    #[test]
    fn text_becomes_the_name_that_it_looks_like() {
        let parse = |text: &str| text.parse::<ServerName>().unwrap();
        assert_eq!(parse("::1"), ServerName::Ip("::1".parse().unwrap()));
        assert_eq!(parse("example.com."), ServerName::Dns("example.com".into()));
        assert_eq!(parse("a@example.com"), ServerName::Email("a@example.com".into()));
        assert_eq!(parse("spiffe://td/a"), ServerName::Uri("spiffe://td/a".into()));
        let error = "bücher.de".parse::<ServerName>().unwrap_err();
        assert!(error.to_string().contains("bücher.de") && error.to_string().contains("xn--"));
    }
}
