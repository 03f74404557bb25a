//! Subject alternative names: from text, from a request, into a certificate
//! (RFC 5280 section 4.2.1.6).

mod constraint;
mod dns;
mod punycode;
mod uri;

use std::fmt;
use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::asn1::{Any, Ia5String, OctetString};
use der::{Tag, Tagged};
use x509_cert::ext::pkix::name::{GeneralName, OtherName};

pub use constraint::{ConstraintError, NameSubtree};
pub use uri::SpiffeError;
pub(crate) use uri::characters_fit as uri_characters_fit;

use crate::escape::{hides_or_reorders, quoted};

/// The most names that a request or certificate may have.
pub const MAX_NAMES: usize = 100;
/// id-ms-san-upn, the user principal name of Active Directory.
pub const UPN_OID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
/// The longest e-mail address or user principal name, in octets (RFC 5321 section 4.5.3.1.3
/// without the angle brackets).
const MAX_ADDRESS: usize = 254;

/// Kinds of subject alternative names that this CA certifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// dNSName.
    Dns,
    /// iPAddress.
    Ip,
    /// rfc822Name.
    Email,
    /// uniformResourceIdentifier.
    Uri,
    /// otherName with a user principal name.
    Upn,
}

impl NameKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Ip, Self::Email, Self::Uri, Self::Upn];

    /// The kind that a person names: `dns`, `ip`, `email`, `uri` or `upn`, in any case.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_string().eq_ignore_ascii_case(text))
    }
}

impl fmt::Display for NameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "DNS",
            Self::Ip => "IP",
            Self::Email => "email",
            Self::Uri => "URI",
            Self::Upn => "UPN",
        })
    }
}

/// A subject alternative name whose syntax was checked. Its text form is `KIND:value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AltName {
    /// A DNS name in lower case, perhaps with the wildcard `*` as its leftmost label.
    Dns(DnsName),
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// An ASCII mailbox.
    Email(EmailAddress),
    /// An absolute URI.
    Uri(AbsoluteUri),
    /// A user principal name, `user@realm`.
    Upn(PrincipalName),
}

macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Checks the syntax.
            ///
            /// # Errors
            /// `AltNameError` with what was found and what is allowed.
            pub fn new(text: &str) -> Result<Self, AltNameError> {
                $check(text).map(Self)
            }

            /// The text without its kind.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

checked_text!(
    /// A DNS name that was checked (RFC 1034 section 3.5, RFC 5890, RFC 9525 section 6.3).
    DnsName,
    dns::check
);
checked_text!(
    /// An e-mail address that was checked (RFC 5321 section 4.1.2, dot-string only).
    EmailAddress,
    check_email
);
checked_text!(
    /// An absolute URI that was checked (RFC 3986 section 4.3, SPIFFE-ID section 2).
    AbsoluteUri,
    uri::check
);
checked_text!(
    /// A user principal name that was checked: `user@realm`, UTF-8.
    PrincipalName,
    check_principal
);

impl DnsName {
    /// Whether the leftmost label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.0.starts_with("*.")
    }

    /// Whether the name is `suffix` or stands below it, label by label.
    pub fn is_within(&self, suffix: &str) -> bool {
        let suffix = suffix.trim_start_matches('.');
        let head =
            self.0.len().checked_sub(suffix.len()).and_then(|at| self.0.split_at_checked(at));
        head.is_some_and(|(head, tail)| {
            tail.eq_ignore_ascii_case(suffix) && (head.is_empty() || head.ends_with('.'))
        })
    }
}

impl AltName {
    /// Reads `DNS:…`, `IP:…`, `email:…`, `URI:…`, `UPN:…` (kinds in any case). Without a kind it
    /// is guessed: an address is an IP, what has a scheme and `://` is a URI, what has an `@` an
    /// e-mail address, everything else a DNS name.
    ///
    /// # Errors
    /// `AltNameError` names the field, what was found and what is allowed.
    pub fn parse(text: &str) -> Result<Self, AltNameError> {
        let text = text.trim();
        let kind = text.split_once(':').and_then(|(kind, rest)| Some((kind_of(kind)?, rest)));
        match kind {
            Some((kind, rest)) => Self::of_kind(kind, rest.trim()),
            None if unbracketed(text).parse::<IpAddr>().is_ok() => {
                Self::of_kind(NameKind::Ip, unbracketed(text))
            }
            None if text.contains("://") => Self::of_kind(NameKind::Uri, text),
            None if text.contains('@') => Self::of_kind(NameKind::Email, text),
            None => Self::of_kind(NameKind::Dns, text),
        }
    }

    /// Reads the value of a known kind.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of_kind(kind: NameKind, value: &str) -> Result<Self, AltNameError> {
        match kind {
            NameKind::Dns => DnsName::new(value).map(Self::Dns),
            NameKind::Ip => value
                .parse()
                .map(Self::Ip)
                .map_err(|_| AltNameError::IpAddress { found: shortened(value) }),
            NameKind::Email => EmailAddress::new(value).map(Self::Email),
            NameKind::Uri => AbsoluteUri::new(value).map(Self::Uri),
            NameKind::Upn => PrincipalName::new(value).map(Self::Upn),
        }
    }

    /// Checks a name of a request or certificate.
    ///
    /// # Errors
    /// `AltNameError` when the kind is not certified here or the syntax is wrong.
    pub fn from_general_name(name: &GeneralName) -> Result<Self, AltNameError> {
        match name {
            GeneralName::DnsName(text) => DnsName::new(text.as_str()).map(Self::Dns),
            GeneralName::Rfc822Name(text) => EmailAddress::new(text.as_str()).map(Self::Email),
            GeneralName::UniformResourceIdentifier(text) => {
                AbsoluteUri::new(text.as_str()).map(Self::Uri)
            }
            GeneralName::IpAddress(octets) => ip_address(octets.as_bytes()).map(Self::Ip),
            GeneralName::OtherName(other) => principal(other).map(Self::Upn),
            GeneralName::DirectoryName(_) => Err(AltNameError::Kind { found: "directoryName" }),
            GeneralName::EdiPartyName(_) => Err(AltNameError::Kind { found: "ediPartyName" }),
            GeneralName::RegisteredId(_) => Err(AltNameError::Kind { found: "registeredID" }),
        }
    }

    /// The name as it is encoded.
    ///
    /// # Errors
    /// `der::Error` when the text does not fit its string type, which its checks rule out.
    pub fn to_general_name(&self) -> Result<GeneralName, der::Error> {
        Ok(match self {
            Self::Dns(name) => GeneralName::DnsName(Ia5String::new(name.as_str())?),
            Self::Email(name) => GeneralName::Rfc822Name(Ia5String::new(name.as_str())?),
            Self::Uri(name) => {
                GeneralName::UniformResourceIdentifier(Ia5String::new(name.as_str())?)
            }
            Self::Ip(IpAddr::V4(ip)) => GeneralName::IpAddress(OctetString::new(ip.octets())?),
            Self::Ip(IpAddr::V6(ip)) => GeneralName::IpAddress(OctetString::new(ip.octets())?),
            Self::Upn(name) => GeneralName::OtherName(OtherName {
                type_id: UPN_OID,
                value: Any::new(Tag::Utf8String, name.as_str().as_bytes())?,
            }),
        })
    }

    /// The name without its kind.
    pub fn value(&self) -> String {
        match self {
            Self::Dns(name) => name.as_str().to_owned(),
            Self::Ip(ip) => ip.to_string(),
            Self::Email(name) => name.as_str().to_owned(),
            Self::Uri(name) => name.as_str().to_owned(),
            Self::Upn(name) => name.as_str().to_owned(),
        }
    }

    /// What kind of name it is.
    pub fn kind(&self) -> NameKind {
        match self {
            Self::Dns(_) => NameKind::Dns,
            Self::Ip(_) => NameKind::Ip,
            Self::Email(_) => NameKind::Email,
            Self::Uri(_) => NameKind::Uri,
            Self::Upn(_) => NameKind::Upn,
        }
    }
}

impl fmt::Display for AltName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.value())
    }
}

impl std::str::FromStr for AltName {
    type Err = AltNameError;

    fn from_str(text: &str) -> Result<Self, AltNameError> {
        Self::parse(text)
    }
}

/// The kind in front of the colon; also what OpenSSL writes (`IP Address`, `RFC822`).
fn kind_of(text: &str) -> Option<NameKind> {
    NameKind::named(text).or_else(|| {
        text.eq_ignore_ascii_case("ip address")
            .then_some(NameKind::Ip)
            .or_else(|| text.eq_ignore_ascii_case("rfc822").then_some(NameKind::Email))
    })
}

fn unbracketed(text: &str) -> &str {
    text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text)
}

/// What is quoted in an error, cut after 100 characters.
fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

fn ip_address(octets: &[u8]) -> Result<IpAddr, AltNameError> {
    let wrong = || AltNameError::IpLength { found: octets.len() };
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).map(IpAddr::from).map_err(|_| wrong()),
        16 => <[u8; 16]>::try_from(octets).map(IpAddr::from).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

fn principal(other: &OtherName) -> Result<PrincipalName, AltNameError> {
    if other.type_id != UPN_OID {
        return Err(AltNameError::OtherName { found: other.type_id });
    }
    if other.value.tag() != Tag::Utf8String {
        return Err(AltNameError::UpnType { found: other.value.tag() });
    }
    let text = String::from_utf8_lossy(other.value.value());
    PrincipalName::new(&text)
}

/// `local@domain`: the local part a dot-string of RFC 5321, the domain a DNS name, whose case is
/// kept.
fn check_email(text: &str) -> Result<String, AltNameError> {
    let wrong = || AltNameError::Email { found: shortened(text) };
    let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
    let atom_character =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let atom = |part: &str| !part.is_empty() && part.bytes().all(atom_character);
    let local_fits = local.len() <= 64 && local.split('.').all(atom);
    let domain_fits = dns::check(domain).is_ok() && !domain.starts_with('*');
    if text.len() > MAX_ADDRESS || !local_fits || !domain_fits {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

fn check_principal(text: &str) -> Result<String, AltNameError> {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.chars().any(|c| hides_or_reorders(c) || c.is_whitespace() || c == '@')
            && !part.contains(char::REPLACEMENT_CHARACTER)
    };
    let fits = text.len() <= MAX_ADDRESS
        && text.split_once('@').is_some_and(|(user, realm)| plain(user) && plain(realm));
    if fits { Ok(text.to_owned()) } else { Err(AltNameError::Upn { found: shortened(text) }) }
}

/// A subject alternative name that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AltNameError {
    /// No text.
    #[error("DNS name: found nothing, allowed are labels such as demo.example.com")]
    DnsEmpty,
    /// Past 253 characters.
    #[error("DNS name: found {found} characters, allowed are at most 253")]
    DnsLength {
        /// Characters found.
        found: usize,
    },
    /// A label is wrong.
    #[error(
        "DNS name {name}: found label {label}, allowed are 1 to 63 letters, digits and hyphens, no hyphen at either end", name = quoted(.name), label = quoted(.label)
    )]
    DnsLabel {
        /// The whole name.
        name: String,
        /// The label found.
        label: String,
    },
    /// Letters outside ASCII.
    #[error(
        "DNS name {name}: found letters outside ASCII, allowed is the A-label form (xn--…) of RFC 5890; `idn` and most browsers convert it", name = quoted(.name)
    )]
    DnsUnicode {
        /// The whole name.
        name: String,
    },
    /// `xn--` with something that is not Punycode, or a reserved label.
    #[error(
        "DNS name {name}: found label {label}, allowed with two hyphens in the third and fourth place are only A-labels (xn-- and valid Punycode)", name = quoted(.name), label = quoted(.label)
    )]
    DnsALabel {
        /// The whole name.
        name: String,
        /// The label found.
        label: String,
    },
    /// A wildcard elsewhere than as the whole leftmost label.
    #[error(
        "DNS name {name}: found a wildcard, allowed is only the whole leftmost label, with at least two labels after it (*.example.com)", name = quoted(.name)
    )]
    DnsWildcard {
        /// The whole name.
        name: String,
    },
    /// The last label has only digits.
    #[error(
        "DNS name {}: found a last label of digits, allowed is a name; write an address as IP:{name}", quoted(.name)
    )]
    DnsNumeric {
        /// The whole name.
        name: String,
    },
    /// The name ends in a dot.
    #[error("DNS name {name}: found a dot at the end, allowed is the name without it", name = quoted(.name))]
    DnsTrailingDot {
        /// The whole name.
        name: String,
    },
    /// Not an address.
    #[error("IP address: found {found}, allowed are 192.0.2.1 and 2001:db8::1 forms", found = quoted(.found))]
    IpAddress {
        /// What was found.
        found: String,
    },
    /// The wrong number of octets.
    #[error("IP address: found {found} octets, allowed are 4 (IPv4) and 16 (IPv6)")]
    IpLength {
        /// Octets found.
        found: usize,
    },
    /// Not a mailbox.
    #[error(
        "email: found {found}, allowed is local@domain in ASCII: a local part of at most 64 characters without quotes, a DNS name without wildcard", found = quoted(.found)
    )]
    Email {
        /// What was found.
        found: String,
    },
    /// Not an absolute URI.
    #[error("URI: found {found}, allowed is an absolute URI ({reason})", found = quoted(.found))]
    Uri {
        /// What was found.
        found: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Not a SPIFFE ID.
    #[error("URI: found {found}, allowed for spiffe:// is a SPIFFE ID: {reason}", found = quoted(.found))]
    Spiffe {
        /// What was found.
        found: String,
        /// The rule that it breaks.
        reason: SpiffeError,
    },
    /// Not a user principal name.
    #[error(
        "UPN: found {found}, allowed is user@realm with one @, no spaces, nothing that controls, hides or reorders text, at most 254 octets", found = quoted(.found)
    )]
    Upn {
        /// What was found.
        found: String,
    },
    /// A user principal name of another string type.
    #[error("UPN: found a {found}, allowed is UTF8String")]
    UpnType {
        /// The tag found.
        found: Tag,
    },
    /// An otherName of another type.
    #[error(
        "otherName: found type {found}, allowed is the user principal name (1.3.6.1.4.1.311.20.2.3)"
    )]
    OtherName {
        /// The type found.
        found: ObjectIdentifier,
    },
    /// A kind of name that is not certified here.
    #[error("subjectAltName: found a {found}, allowed are DNS, IP, email, URI and UPN")]
    Kind {
        /// The kind found.
        found: &'static str,
    },
}

#[cfg(test)]
mod tests;
