//! Names and octets as text.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use der::asn1::{Any, Ia5StringRef, PrintableStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::escape::{escaped, escaped_raw};
use crate::general_name::UPN_OID;

/// Lower-case hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String can't fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// A distinguished name in RFC 4514 form, harmless for a terminal; empty for an empty name.
pub(super) fn name_text(name: &Name) -> String {
    escaped(&crate::name::to_text(name))
}

/// General names as OpenSSL writes them: `DNS:`, `IP:`, `email:`, `URI:`, `dirName:`,
/// `otherName:`, `registeredID:`.
pub(super) fn general_names(names: &[GeneralName]) -> Vec<String> {
    names.iter().map(|name| general_name(name, false)).collect()
}

/// One general name; `as_subtree` reads an address as RFC 5280 section 4.2.1.10 does: with a
/// mask.
pub(super) fn general_name(name: &GeneralName, as_subtree: bool) -> String {
    match name {
        GeneralName::DnsName(text) => format!("DNS:{}", escaped_raw(text.as_str())),
        GeneralName::Rfc822Name(text) => format!("email:{}", escaped_raw(text.as_str())),
        GeneralName::UniformResourceIdentifier(text) => {
            format!("URI:{}", escaped_raw(text.as_str()))
        }
        GeneralName::IpAddress(octets) if as_subtree => format!("IP:{}", subnet(octets.as_bytes())),
        GeneralName::IpAddress(octets) => format!("IP:{}", address(octets.as_bytes())),
        GeneralName::DirectoryName(name) => format!("dirName:{}", name_text(name)),
        GeneralName::OtherName(other) if other.type_id == UPN_OID => {
            format!("otherName:UPN={}", string_or_hex(&other.value))
        }
        GeneralName::OtherName(other) => {
            format!("otherName:{}={}", other.type_id, string_or_hex(&other.value))
        }
        GeneralName::RegisteredId(oid) => format!("registeredID:{oid}"),
        GeneralName::EdiPartyName(party) => {
            let der = party.to_der().unwrap_or_default();
            format!("ediPartyName:#{}", hex(&der))
        }
    }
}

/// A string type's text, or `#` and the DER of anything else.
pub(super) fn string_or_hex(any: &Any) -> String {
    let text = match any.tag() {
        Tag::Utf8String => Utf8StringRef::try_from(any).ok().map(|text| text.as_str().to_owned()),
        Tag::Ia5String => Ia5StringRef::try_from(any).ok().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => {
            PrintableStringRef::try_from(any).ok().map(|text| text.as_str().to_owned())
        }
        _ => None,
    };
    match text {
        Some(text) => escaped_raw(&text),
        None => format!("#{}", hex(&any.to_der().unwrap_or_default())),
    }
}

fn address(octets: &[u8]) -> String {
    match ip(octets) {
        Some(address) => address.to_string(),
        None => format!("#{}", hex(octets)),
    }
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    let four: Result<[u8; 4], _> = octets.try_into();
    let sixteen: Result<[u8; 16], _> = octets.try_into();
    four.map(IpAddr::from).ok().or(sixteen.map(|octets| Ipv6Addr::from(octets).into()).ok())
}

/// An address and a mask of the same length: `10.0.0.0/8`, or both in full when the mask has
/// gaps.
fn subnet(octets: &[u8]) -> String {
    let (network, mask) = octets.split_at(octets.len() / 2);
    let (Some(network), Some(full_mask)) = (ip(network), ip(mask)) else {
        return format!("#{}", hex(octets));
    };
    let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
    let leading = mask.iter().take_while(|octet| **octet == 0xff).count();
    let next = mask.get(leading).map_or(0, |octet| octet.leading_ones());
    let prefix = u32::try_from(leading).unwrap_or(u32::MAX) * 8 + next;
    if prefix == ones { format!("{network}/{prefix}") } else { format!("{network}/{full_mask}") }
}
