//! Syntax of absolute URIs (RFC 3986) and of SPIFFE IDs.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{AltNameError, dns, shortened};

/// The longest URI, in octets; the SPIFFE ID standard sets it (section 2.3).
const MAX_URI: usize = 2048;
/// The longest trust domain, in octets (SPIFFE-ID section 2.1).
const MAX_TRUST_DOMAIN: usize = 255;

/// Which rule of the SPIFFE ID standard is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeError {
    /// The trust domain is empty, too long or has other characters.
    #[error("the trust domain has 1 to 255 of a to z, 0 to 9, dot, hyphen and underscore")]
    TrustDomain,
    /// The path has other characters, an empty or a dot segment, or ends in a slash.
    #[error(
        "the path has segments of letters, digits, dot, hyphen and underscore, none empty, none . or .., no slash at the end"
    )]
    Path,
    /// There is a query or a fragment.
    #[error("there is no query and no fragment")]
    Query,
}

/// Checks a URI.
pub(super) fn check(text: &str) -> Result<String, AltNameError> {
    let wrong = |reason| AltNameError::Uri { found: shortened(text), reason };
    if text.len() > MAX_URI {
        return Err(wrong("at most 2048 octets"));
    }
    let (scheme, rest) =
        text.split_once(':').ok_or_else(|| wrong("a scheme and a colon come first"))?;
    let starts = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let fits = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !starts || !fits {
        return Err(wrong("the scheme is a letter, then letters, digits, plus, hyphen or dot"));
    }
    if rest.is_empty() {
        return Err(wrong("something must follow the scheme"));
    }
    if !characters_fit(rest) {
        return Err(wrong("only the characters of RFC 3986, all others as % and two digits"));
    }
    if scheme.eq_ignore_ascii_case("spiffe") {
        let spiffe = |reason| AltNameError::Spiffe { found: shortened(text), reason };
        check_spiffe(text).map_err(spiffe)?;
    } else if let Some(rest) = rest.strip_prefix("//") {
        check_authority(rest).map_err(wrong)?;
    }
    Ok(text.to_owned())
}

/// Whether what follows the scheme has only the characters of RFC 3986.
pub(crate) fn characters_fit(rest: &str) -> bool {
    let octets = rest.as_bytes();
    octets.iter().enumerate().all(|(index, octet)| match octet {
        b'%' => octets
            .get(index + 1..index + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        _ => octet.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(octet),
    })
}

/// RFC 5280 section 4.2.1.6: an authority holds a fully qualified name or an address.
fn check_authority(rest: &str) -> Result<(), &'static str> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match host_port.strip_prefix('[') {
        Some(literal) => {
            let (address, port) = literal.split_once(']').ok_or("[ needs a ] after the address")?;
            address.parse::<Ipv6Addr>().map_err(|_| "between [ and ] stands an IPv6 address")?;
            (None, port)
        }
        None => {
            let colon = host_port.find(':').unwrap_or(host_port.len());
            (Some(&host_port[..colon]), &host_port[colon..])
        }
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    // Rust's parser would take a plus before the digits.
    let plain = port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port_fits = port.is_empty() || plain && digits.parse::<u16>().is_ok();
    if !port_fits {
        return Err("the port is a number up to 65535");
    }
    match host {
        Some(host) if host.parse::<Ipv4Addr>().is_ok() => Ok(()),
        Some(host) if dns::check(host).is_ok() && !host.starts_with('*') => Ok(()),
        Some(_) => Err("after // stands a host name or an address"),
        None => Ok(()),
    }
}

/// SPIFFE-ID section 2.
fn check_spiffe(text: &str) -> Result<(), SpiffeError> {
    let rest = text.strip_prefix("spiffe://").ok_or(SpiffeError::TrustDomain)?;
    if rest.contains(['?', '#']) {
        return Err(SpiffeError::Query);
    }
    let (domain, path) = rest.split_once('/').map_or((rest, None), |(d, path)| (d, Some(path)));
    let domain_byte =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    if !(1..=MAX_TRUST_DOMAIN).contains(&domain.len()) || !domain.bytes().all(domain_byte) {
        return Err(SpiffeError::TrustDomain);
    }
    let segment_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let segment = |part: &str| {
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(segment_byte)
    };
    if path.is_none_or(|path| path.split('/').all(segment)) {
        Ok(())
    } else {
        Err(SpiffeError::Path)
    }
}
