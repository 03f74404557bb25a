//! Patterns of names that a requester may ask for, and of the requesters' own names.
//!
//! A pattern is `KIND:value` as a name is, or `*` for any name. Its places for values of the
//! requester, `{namespace}` and the like, are filled once the requester is known.

mod text;

use std::fmt;
use std::net::IpAddr;

use ca_core::general_name::{AltName, DnsName, NameKind};

pub use text::TextPattern;

use super::facts::Facts;
use super::quoted::quoted;

/// The longest pattern, in octets; a URI has 2048.
const MAX_PATTERN: usize = 2_100;

/// What stands in for a value of the requester until it is known: it fits every kind of name.
const SPECIMEN: &str = "specimen";

/// Names that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// As it was written.
    source: String,
    form: Form,
}

/// What a pattern stands for, places included.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `*`.
    Any,
    /// `DNS:…`.
    Dns(DnsPattern),
    /// `IP:address` or `IP:address/bits`.
    Ip { address: IpAddr, bits: u8 },
    /// `email:local@domain` or `UPN:local@domain`.
    Address { kind: NameKind, local: String, domain: DnsPattern },
    /// `URI:…`, whose last segment or segments may be any.
    Uri { start: String, rest: Rest },
}

/// `host`, `*.suffix` or `**.suffix`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DnsPattern {
    labels: Labels,
    suffix: String,
}

/// How many labels may stand before the suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labels {
    None,
    One,
    Any,
}

/// What may follow the start of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    None,
    /// `/*`: one segment.
    Segment,
    /// `/**`: one segment or more.
    Segments,
}

impl NamePattern {
    /// Whether it stands for every name.
    pub(super) fn is_any(&self) -> bool {
        self.form == Form::Any
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// `PatternError` with what was found and what is allowed.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let wrong = |reason: &str| PatternError::new(text, reason);
        if text.len() > MAX_PATTERN {
            return Err(wrong("at most 2100 octets"));
        }
        let source = text.to_owned();
        if text == "*" {
            return Ok(Self { source, form: Form::Any });
        }
        check_places(text)?;
        let (kind, value) = text.split_once(':').ok_or_else(|| wrong(FORMS))?;
        let kind = NameKind::named(kind).ok_or_else(|| wrong(FORMS))?;
        let form = match kind {
            NameKind::Dns => Form::Dns(DnsPattern::parse(value).map_err(|why| wrong(&why))?),
            NameKind::Ip => network(value)
                .ok_or_else(|| wrong("an address, or address/bits with no bit outside the mask"))?,
            NameKind::Email | NameKind::Upn => address(kind, value).map_err(|why| wrong(&why))?,
            NameKind::Uri => uri(value).map_err(|why| wrong(&why))?,
        };
        Ok(Self { source, form })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether `name` is one of those that it stands for, once the places are filled from `facts`.
    /// A place whose value is unknown, or has characters that could break out of it, makes the
    /// pattern stand for nothing.
    ///
    /// A wildcard name is within a pattern when every name that it stands for is.
    pub fn covers(&self, name: &AltName, facts: &Facts) -> bool {
        match (&self.form, name) {
            (Form::Any, _) => true,
            (Form::Dns(pattern), AltName::Dns(name)) => pattern.covers(name, facts),
            (Form::Ip { address, bits }, AltName::Ip(ip)) => within(*address, *bits, *ip),
            (Form::Address { kind: NameKind::Email, local, domain }, AltName::Email(found)) => {
                covers_address(local, domain, found.as_str(), facts)
            }
            (Form::Address { kind: NameKind::Upn, local, domain }, AltName::Upn(found)) => {
                covers_address(local, domain, found.as_str(), facts)
            }
            (Form::Uri { start, rest }, AltName::Uri(found)) => facts
                .fill(start, is_segment)
                .is_some_and(|start| rest.covers(&start, found.as_str())),
            _ => false,
        }
    }
}

const FORMS: &str = "*, DNS:host, DNS:*.suffix, DNS:**.suffix, IP:address, IP:address/bits, email:local@domain, email:*@domain, UPN:user@realm, URI:uri, URI:start/* or URI:start/**";

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl DnsPattern {
    fn parse(value: &str) -> Result<Self, String> {
        let (labels, suffix) = match (value.strip_prefix("**."), value.strip_prefix("*.")) {
            (Some(suffix), _) => (Labels::Any, suffix),
            (None, Some(suffix)) => (Labels::One, suffix),
            (None, None) => (Labels::None, value),
        };
        let filled = Facts::specimen(suffix, SPECIMEN);
        if filled.contains('*') {
            return Err("a * only as the whole first label, and ** there for any number".into());
        }
        DnsName::new(&filled).map_err(|error| error.to_string())?;
        Ok(Self { labels, suffix: suffix.to_ascii_lowercase() })
    }

    fn covers(&self, name: &DnsName, facts: &Facts) -> bool {
        let Some(suffix) = facts.fill(&self.suffix, is_label) else { return false };
        let wildcard = name.as_str().strip_prefix("*.");
        if let Some(host) = wildcard {
            return match self.labels {
                Labels::None => false,
                Labels::One => host == suffix,
                Labels::Any => host == suffix || below(host, &suffix).is_some(),
            };
        }
        match (self.labels, below(name.as_str(), &suffix)) {
            (Labels::None, _) => name.as_str() == suffix,
            (Labels::One, Some(head)) => !head.contains('.'),
            (Labels::Any, head) => head.is_some(),
            (Labels::One, None) => false,
        }
    }
}

/// What stands before the suffix and its dot.
fn below<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    name.strip_suffix(suffix)?.strip_suffix('.').filter(|head| !head.is_empty())
}

impl Rest {
    fn covers(self, start: &str, found: &str) -> bool {
        let segments = || found.strip_prefix(start)?.strip_prefix('/');
        match self {
            Self::None => found == start,
            Self::Segment => segments().is_some_and(is_segment),
            Self::Segments => segments().is_some_and(|rest| rest.split('/').all(is_segment)),
        }
    }
}

fn covers_address(local: &str, domain: &DnsPattern, found: &str, facts: &Facts) -> bool {
    let Some((found_local, found_domain)) = found.rsplit_once('@') else { return false };
    let Ok(found_domain) = DnsName::new(found_domain) else { return false };
    let local = match local {
        "*" => true,
        local => facts.fill(local, is_segment).is_some_and(|local| local == found_local),
    };
    local && domain.covers(&found_domain, facts)
}

fn address(kind: NameKind, value: &str) -> Result<Form, String> {
    let (local, domain) = value.rsplit_once('@').ok_or("local@domain or *@domain")?;
    let domain = DnsPattern::parse(domain)?;
    if local != "*" {
        let filled = Facts::specimen(local, SPECIMEN);
        AltName::of_kind(kind, &format!("{filled}@example.com")).map_err(|e| e.to_string())?;
        if local.contains('*') {
            return Err("* only as the whole local part".into());
        }
    }
    Ok(Form::Address { kind, local: local.to_owned(), domain })
}

fn uri(value: &str) -> Result<Form, String> {
    let (start, rest) = match (value.strip_suffix("/**"), value.strip_suffix("/*")) {
        (Some(start), _) => (start, Rest::Segments),
        (None, Some(start)) => (start, Rest::Segment),
        (None, None) => (value, Rest::None),
    };
    let filled = Facts::specimen(start, SPECIMEN);
    if rest != Rest::None {
        // Else the last part of the host, a query or a fragment would be what may be any.
        let path_starts = filled.split_once("://").is_some_and(|(_, rest)| !rest.starts_with('/'));
        if !path_starts || filled.contains(['?', '#', '*']) {
            return Err("before /* or /** stand scheme://host and whole segments".into());
        }
    }
    AltName::of_kind(NameKind::Uri, &filled).map_err(|error| error.to_string())?;
    Ok(Form::Uri { start: start.to_owned(), rest })
}

/// An address alone, or address and mask with no bit outside it.
fn network(value: &str) -> Option<Form> {
    let (text, bits) = match value.split_once('/') {
        Some((text, bits)) if bits.bytes().all(|byte| byte.is_ascii_digit()) => (text, Some(bits)),
        Some(_) => return None,
        None => (value, None),
    };
    let address: IpAddr = text.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok()).filter(|bits| *bits <= most)?;
    (mask(address, bits) == address).then_some(Form::Ip { address, bits })
}

fn within(network: IpAddr, bits: u8, ip: IpAddr) -> bool {
    network.is_ipv4() == ip.is_ipv4() && mask(ip, bits) == network
}

/// The address with all but its first bits zero.
fn mask(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4((ip.to_bits() & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6((ip.to_bits() & mask).into())
        }
    }
}

/// A value that fills a place of a DNS name is one label; a dot would reach into a neighbour's.
fn is_label(value: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&value.len())
        && value.bytes().all(fits)
        && !value.starts_with('-')
        && !value.ends_with('-')
}

/// A plain segment of a path: no escapes, no dots alone.
fn is_segment(value: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !value.is_empty() && value.bytes().all(fits) && value != "." && value != ".."
}

/// Every `{` has a known place behind it.
fn check_places(text: &str) -> Result<(), PatternError> {
    Facts::check_places(text).map_err(|reason| PatternError::new(text, &reason))
}

/// A pattern that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("name pattern: found {found}, allowed: {allowed}")]
pub struct PatternError {
    found: String,
    allowed: String,
}

impl PatternError {
    fn new(found: &str, allowed: &str) -> Self {
        Self { found: quoted(found), allowed: allowed.to_owned() }
    }
}

#[cfg(test)]
mod tests;
