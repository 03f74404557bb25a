//! The parts of a certificate, as nodes.

use const_oid::ObjectIdentifier;

use crate::tree::Node;

/// Tags of one octet.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// UTF8String.
    pub const UTF8: u8 = 0x0c;
    /// PrintableString.
    pub const PRINTABLE: u8 = 0x13;
    /// TeletexString.
    pub const TELETEX: u8 = 0x14;
    /// IA5String.
    pub const IA5: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// BMPString.
    pub const BMP: u8 = 0x1e;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
}

/// `[number]` around a primitive value.
#[must_use]
pub fn context(number: u8, octets: impl Into<Vec<u8>>) -> Node {
    Node::octets(0x80 | number, octets)
}

/// `[number]` around others.
#[must_use]
pub fn context_of(number: u8, nodes: Vec<Node>) -> Node {
    Node::nodes(0xa0 | number, nodes)
}

/// A SEQUENCE.
#[must_use]
pub fn sequence(nodes: Vec<Node>) -> Node {
    Node::nodes(tag::SEQUENCE, nodes)
}

/// An OBJECT IDENTIFIER in dotted notation.
///
/// # Panics
/// When the text is none.
#[must_use]
pub fn oid(text: &str) -> Node {
    let oid: ObjectIdentifier = text.parse().expect("the identifiers of this crate are right");
    Node::octets(tag::OID, oid.as_bytes())
}

/// An INTEGER by its octets.
#[must_use]
pub fn integer(octets: &[u8]) -> Node {
    Node::octets(tag::INTEGER, octets)
}

/// A BOOLEAN.
#[must_use]
pub fn boolean(value: bool) -> Node {
    Node::octets(tag::BOOLEAN, [if value { 0xff } else { 0 }])
}

/// A text of this tag.
#[must_use]
pub fn text(tag: u8, text: &str) -> Node {
    Node::octets(tag, text.as_bytes())
}

/// A Name of these attributes, one in each part: the last arc under 2.5.4, the string's tag, the
/// text.
#[must_use]
pub fn name(attributes: &[(u8, u8, &str)]) -> Node {
    let part = |(arc, tag, value): &(u8, u8, &str)| {
        let attribute = sequence(vec![oid(&format!("2.5.4.{arc}")), text(*tag, value)]);
        Node::nodes(tag::SET, vec![attribute])
    };
    sequence(attributes.iter().map(part).collect())
}

/// `CN=text`.
#[must_use]
pub fn common_name(text: &str) -> Node {
    name(&[(3, tag::UTF8, text)])
}

/// An Extension. A `critical` of FALSE is left out, as DER wants of a default.
#[must_use]
pub fn extension(identifier: &str, critical: bool, value: Node) -> Node {
    let mut parts = vec![oid(identifier)];
    if critical {
        parts.push(boolean(true));
    }
    parts.push(Node::wrapped(value));
    sequence(parts)
}

/// A BIT STRING of named bits, the first bit first, without zeros at its end.
#[must_use]
pub fn bits(named: &[u8]) -> Node {
    let last = named.iter().max().map_or(0, |bit| usize::from(*bit) + 1);
    let mut octets = vec![0; 1 + last.div_ceil(8)];
    octets[0] = (last.div_ceil(8) * 8 - last) as u8;
    for bit in named {
        octets[1 + usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    Node::octets(tag::BIT_STRING, octets)
}

/// A GeneralName `[1]`, `[2]` or `[6]` of text, `[7]` of octets.
#[must_use]
pub fn dns(text: &str) -> Node {
    context(2, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_bits_have_no_zeros_at_their_end() {
        assert_eq!(bits(&[0]).to_der(), [3, 2, 7, 0x80]);
        assert_eq!(bits(&[5, 6]).to_der(), [3, 2, 1, 0x06]);
        assert_eq!(bits(&[8]).to_der(), [3, 3, 7, 0, 0x80]);
        assert_eq!(bits(&[]).to_der(), [3, 1, 0]);
    }

    #[test]
    fn an_extension_spells_out_only_true() {
        let bare = extension("2.5.29.15", false, bits(&[0]));
        assert_eq!(bare.to_der(), [0x30, 11, 6, 3, 0x55, 0x1d, 0x0f, 4, 4, 3, 2, 7, 0x80]);
        assert_eq!(extension("2.5.29.15", true, bits(&[0])).children()[1], boolean(true));
    }
}
