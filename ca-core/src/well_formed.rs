//! Whether values of open type are what their tags say: those of a name's attributes, parameters of
//! algorithms, attributes of a request. Decoding leaves them as they are.

mod real;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, GeneralizedTime, IntRef, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use x509_cert::name::Name;

/// The deepest nesting of a value of open type.
pub(crate) const MAX_DEPTH: usize = 8;
/// The deepest nesting of what holds such values: a request has them eight levels down.
const MAX_WHOLE_DEPTH: usize = 24;

/// The first attribute whose value is not DER of its tag: text that is none in UTF8String,
/// BMPString or UniversalString, or a malformed value of another type.
pub(crate) fn malformed_attribute(name: &Name) -> Option<ObjectIdentifier> {
    // No attribute type that anybody registered has values with tags of their own.
    let fits = |value: AnyRef<'_>| value.tag().is_universal() && is_well_formed(value);
    let found = name.iter().find(|attribute| !fits((&attribute.value).into()));
    found.map(|attribute| attribute.oid)
}

/// Whether a value of open type, such as parameters of an algorithm, is DER of its tag
/// (X.690 clauses 8, 10 and 11), and nested no deeper than [`MAX_DEPTH`].
pub(crate) fn is_well_formed(value: AnyRef<'_>) -> bool {
    is_der(value, MAX_DEPTH)
}

/// The same of the members of a SET OF, whose tag may be another one.
pub(crate) fn is_well_formed_set(members: &[u8]) -> bool {
    members_are_der(Tag::Set, members, MAX_DEPTH)
}

/// The same of a whole structure, with room for what holds the values.
pub(crate) fn is_well_formed_whole(der: &[u8]) -> bool {
    AnyRef::from_der(der).is_ok_and(|whole| is_der(whole, MAX_WHOLE_DEPTH))
}

/// Whether every arc is written with the fewest octets (X.690 clause 8.19.2), which decoding leaves open.
pub(crate) fn is_shortest(oid: &ObjectIdentifier) -> bool {
    are_arcs(oid.as_bytes())
}

/// Whether it is DER and has at most so many levels below it.
fn is_der(value: AnyRef<'_>, levels: usize) -> bool {
    let octets = value.value();
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(octets).is_ok(),
        Tag::BmpString => octets.len().is_multiple_of(2),
        Tag::Boolean => value.decode_as::<bool>().is_ok(),
        Tag::Integer => value.decode_as::<IntRef<'_>>().is_ok(),
        // The same rules under another tag.
        Tag::Enumerated => AnyRef::new(Tag::Integer, octets)
            .is_ok_and(|integer| integer.decode_as::<IntRef<'_>>().is_ok()),
        Tag::Null => octets.is_empty(),
        Tag::BitString => is_bit_string(octets),
        Tag::Real => real::is_der(octets),
        Tag::RelativeOid => are_arcs(octets),
        Tag::ObjectIdentifier => {
            value.decode_as::<ObjectIdentifier>().is_ok_and(|oid| is_shortest(&oid))
        }
        Tag::UtcTime => value.decode_as::<UtcTime>().is_ok(),
        Tag::GeneralizedTime => is_time(octets),
        tag if tag.is_constructed() => levels > 0 && members_are_der(tag, octets, levels - 1),
        _ => true,
    }
}

/// At most seven unused bits, none where there is no octet, and all of them zero (X.690 clauses 8.6.2
/// and 11.2.1), which decoding leaves open.
fn is_bit_string(octets: &[u8]) -> bool {
    match octets {
        [0] => true,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

/// GeneralizedTime, with a fraction of a second that does not end in zero (X.690 clause 11.7).
fn is_time(octets: &[u8]) -> bool {
    let mut parts = octets.splitn(2, |octet| *octet == b'.');
    let whole = match (parts.next(), parts.next()) {
        (Some(seconds), Some([fraction @ .., b'1'..=b'9', b'Z'])) => {
            if !fraction.iter().all(u8::is_ascii_digit) {
                return false;
            }
            &[seconds, b"Z"].concat()
        }
        _ => octets,
    };
    AnyRef::new(Tag::GeneralizedTime, whole)
        .is_ok_and(|time| time.decode_as::<GeneralizedTime>().is_ok())
}

/// Whether they are the arcs of a RELATIVE-OID, each in as few octets as it needs (X.690 clause 8.20).
fn are_arcs(octets: &[u8]) -> bool {
    let starts = octets.split_inclusive(|octet| octet & 0x80 == 0);
    octets.last().is_some_and(|last| last & 0x80 == 0)
        && starts.into_iter().all(|arc| arc.first() != Some(&0x80))
}

/// Whether they are DER, and in the order of a SET OF, by their encodings (X.690 clause 11.6), or of
/// a SET, by their tags, of which none comes twice (clause 10.3): the octets do not tell which it is.
fn members_are_der(tag: Tag, octets: &[u8], levels: usize) -> bool {
    let Ok(mut reader) = SliceReader::new(octets) else { return octets.is_empty() };
    let (mut previous, mut previous_tag): (&[u8], _) = (&[], None);
    let (mut by_encoding, mut by_tag) = (true, true);
    while !reader.is_finished() {
        let Ok(member) = reader.tlv_bytes() else { return false };
        let Ok(value) = AnyRef::from_der(member) else { return false };
        if !is_der(value, levels) {
            return false;
        }
        // Class and number, whether it is constructed or not.
        let this_tag =
            Some((member.first().map_or(0, |octet| octet >> 6), value.tag().number().value()));
        by_encoding &= member >= previous;
        by_tag &= this_tag > previous_tag;
        (previous, previous_tag) = (member, this_tag);
    }
    tag != Tag::Set || by_encoding || by_tag
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
        let cases: [(u8, &[u8], &[u8]); 20] = [
            (0x0c, &[0xc3, 0xa4], &[0xc3, 0x28]),
            (0x1e, &[0, 65], &[0, 65, 0]),
            (0x01, &[0xff], &[1]),
            (0x02, &[1], &[0, 1]),
            (0x02, &[0xff], &[0xff, 0xff]),
            (0x0a, &[3], &[0, 3]),
            (0x05, &[], &[0]),
            (0x03, &[0], &[9]),
            (0x03, &[0, 0xff], &[8, 0]),
            (0x03, &[4, 0xf0], &[4, 0xf8]),
            (0x03, &[7, 1, 0x80], &[7]),
            (0x06, &[0x55], &[0x80]),
            (0x30, &[5, 0], &[5, 1, 0]),
            (0x31, &[2, 1, 1, 2, 1, 2], &[2, 1, 2, 2, 1, 1]),
            // A SET of a SEQUENCE and a PrintableString, by tag; of two of the same tag, by encoding.
            (0x31, &[0x30, 0, 0x13, 0], &[0x13, 1, 97, 0x13, 0, 0x30, 0]),
            (0x31, &[0x13, 0, 0x30, 0], &[0x30, 0, 0x30, 0, 0x13, 0]),
            (0x0d, &[0x81, 0x00, 5], &[0x80, 1]),
            (0x09, &[0x80, 0, 1], &[0x80, 0, 2]),
            (0x18, b"20260601120000Z", b"20261301120000Z"),
            (0x18, b"20260601120000.05Z", b"20260601120000.50Z"),
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
