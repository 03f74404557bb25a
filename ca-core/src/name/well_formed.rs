//! Whether a name's values are what their tags say. Decoding a name leaves them as they are: the
//! type of an attribute's value is open.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, IntRef, UtcTime};
use der::{Reader, SliceReader, Tag, Tagged};
use x509_cert::name::Name;

/// The deepest nesting of a value that is not plain text.
const MAX_DEPTH: usize = 8;

/// The first attribute whose value is not DER of its tag: text that is none in UTF8String,
/// BMPString or UniversalString, or a malformed value of another type.
pub(crate) fn malformed_attribute(name: &Name) -> Option<ObjectIdentifier> {
    // No attribute type that anybody registered has values with tags of their own.
    let fits = |value: AnyRef<'_>| value.tag().is_universal() && is_der(value, 0);
    let found = name.iter().find(|attribute| !fits((&attribute.value).into()));
    found.map(|attribute| attribute.oid)
}

/// Whether a value of open type, such as parameters of an algorithm, is DER of its tag.
pub(crate) fn is_well_formed(value: AnyRef<'_>) -> bool {
    is_der(value, 0)
}

fn is_der(value: AnyRef<'_>, depth: usize) -> bool {
    let octets = value.value();
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(octets).is_ok(),
        Tag::BmpString => octets.len().is_multiple_of(2),
        Tag::Boolean => value.decode_as::<bool>().is_ok(),
        Tag::Integer => value.decode_as::<IntRef<'_>>().is_ok(),
        Tag::Null => octets.is_empty(),
        Tag::BitString => value.decode_as::<BitStringRef<'_>>().is_ok(),
        Tag::ObjectIdentifier => value.decode_as::<ObjectIdentifier>().is_ok(),
        Tag::UtcTime => value.decode_as::<UtcTime>().is_ok(),
        Tag::GeneralizedTime => value.decode_as::<GeneralizedTime>().is_ok(),
        tag if tag.is_constructed() => members_are_der(octets, depth + 1),
        _ => true,
    }
}

fn members_are_der(octets: &[u8], depth: usize) -> bool {
    let Ok(mut reader) = SliceReader::new(octets) else { return octets.is_empty() };
    while depth <= MAX_DEPTH && !reader.is_finished() {
        match reader.decode::<AnyRef<'_>>() {
            Ok(member) if is_der(member, depth) => {}
            _ => return false,
        }
    }
    reader.is_finished()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use der::Decode;

    use super::*;

    /// A name of one common name with this tag and content.
    fn name(tag: u8, content: &[u8]) -> Name {
        let value = [&[tag, content.len() as u8][..], content].concat();
        let attribute = [&[6, 3, 0x55, 4, 3][..], &value].concat();
        let set = [&[0x30, attribute.len() as u8][..], &attribute].concat();
        let part = [&[0x31, set.len() as u8][..], &set].concat();
        Name::from_der(&[&[0x30, part.len() as u8][..], &part].concat()).unwrap()
    }

    #[test]
    fn values_are_what_their_tags_say_or_the_attribute_is_named() {
        let cases: [(u8, &[u8], &[u8]); 8] = [
            (0x0c, &[0xc3, 0xa4], &[0xc3, 0x28]),
            (0x1e, &[0, 65], &[0, 65, 0]),
            (0x01, &[0xff], &[1]),
            (0x02, &[1], &[0, 1]),
            (0x05, &[], &[0]),
            (0x03, &[0], &[9]),
            (0x06, &[0x55], &[0x80]),
            (0x30, &[5, 0], &[5, 1, 0]),
        ];
        for (tag, right, wrong) in cases {
            assert_eq!(malformed_attribute(&name(tag, right)), None, "{tag:#x}");
            let found = malformed_attribute(&name(tag, wrong)).map(|oid| oid.to_string());
            assert_eq!(found.as_deref(), Some("2.5.4.3"), "{tag:#x}");
        }
        assert!(malformed_attribute(&name(0x86, b"a")).is_some());
        // What is no text in T.61 or ASCII is left to whoever compares it.
        assert_eq!(malformed_attribute(&name(0x13, &[0xff])), None);
    }

    #[test]
    fn nesting_is_bounded() {
        let mut value = vec![5, 0];
        for _ in 0..20 {
            value = [&[0x30, value.len() as u8][..], &value].concat();
        }
        assert!(malformed_attribute(&name(0x30, &value)).is_some());
    }
}
