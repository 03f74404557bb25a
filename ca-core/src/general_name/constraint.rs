//! Subtrees of name constraints, from text (RFC 5280 section 4.2.1.10).

use std::net::IpAddr;

use der::asn1::{Ia5String, OctetString};
use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;

use super::{AltNameError, NameKind, dns, shortened};
use crate::escape::quoted;

/// A subtree of names: `DNS:example.com`, `IP:10.0.0.0/8`, `email:example.com` (a whole domain
/// with `email:.example.com`), `URI:.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSubtree {
    kind: NameKind,
    text: String,
    base: GeneralName,
}

impl NameSubtree {
    /// Reads a subtree.
    ///
    /// # Errors
    /// `ConstraintError` with what was found and what is allowed.
    pub fn parse(text: &str) -> Result<Self, ConstraintError> {
        let wrong = || ConstraintError::Form { found: shortened(text) };
        let (kind, value) = text.split_once(':').ok_or_else(wrong)?;
        let kind = NameKind::named(kind).ok_or_else(wrong)?;
        let base = match kind {
            NameKind::Dns => GeneralName::DnsName(ia5(dns::check(value)?)?),
            NameKind::Ip => GeneralName::IpAddress(network(value).ok_or_else(wrong)?),
            NameKind::Email => GeneralName::Rfc822Name(ia5(domain(value)?)?),
            NameKind::Uri => GeneralName::UniformResourceIdentifier(ia5(domain(value)?)?),
            NameKind::Upn => return Err(wrong()),
        };
        if value.contains('*') {
            return Err(wrong());
        }
        Ok(Self { kind, text: text.to_owned(), base })
    }

    /// Which kind of names it bounds.
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    /// The text that it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The subtree as it is encoded.
    pub fn to_subtree(&self) -> GeneralSubtree {
        GeneralSubtree { base: self.base.clone(), minimum: 0, maximum: None }
    }
}

/// A host, or with a dot in front every host below it.
fn domain(value: &str) -> Result<String, AltNameError> {
    let host = value.strip_prefix('.').unwrap_or(value);
    dns::check(host).map(|_| value.to_ascii_lowercase())
}

fn ia5(text: String) -> Result<Ia5String, ConstraintError> {
    Ia5String::new(&text).map_err(|_| ConstraintError::Form { found: text })
}

/// Address and mask of `address/bits`; bits outside the mask must be zero.
fn network(value: &str) -> Option<OctetString> {
    let (address, bits) = value.split_once('/')?;
    let bits: u32 = bits.parse().ok()?;
    let octets = match address.parse().ok()? {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            (ip.to_bits() & !mask == 0).then(|| [ip.octets(), mask.to_be_bytes()].concat())?
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits)?).unwrap_or(0);
            (ip.to_bits() & !mask == 0).then(|| [ip.octets(), mask.to_be_bytes()].concat())?
        }
    };
    OctetString::new(octets).ok()
}

/// A subtree that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// Not one of the forms.
    #[error(
        "name constraint: found {found}, allowed are DNS:example.com, IP:10.0.0.0/8 (no bits outside the mask), email:example.com and URI:.example.com", found = quoted(.found)
    )]
    Form {
        /// What was found.
        found: String,
    },
    /// The name inside is wrong.
    #[error("name constraint: {0}")]
    Name(#[from] AltNameError),
}
