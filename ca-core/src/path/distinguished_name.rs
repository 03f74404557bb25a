//! Comparing distinguished names (RFC 5280 section 7.1).
//!
//! Text is compared without regard to case, to white space at either end, to runs of white space,
//! to the kind of string and to the normal form of Unicode (NFKC), as RFC 4518 prepares it. Text
//! that it prohibits, such as letters younger than Unicode 3.2, is lower-cased alone: names that
//! differ only by normal form count as different then.

use std::borrow::Cow;

use der::asn1::Any;
use der::{Tag, Tagged};
use stringprep::x520prep;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RelativeDistinguishedName};

/// Whether two names are the same, as RFC 5280 section 7.1 compares them: case, width and spaces of
/// text do not count, nor which of the string types it is in.
pub fn same_name(left: &Name, right: &Name) -> bool {
    left == right || (left.len() == right.len() && has_prefix(left, right))
}

/// Whether `name` lies in the subtree below `base`: starts with all of its parts.
pub(super) fn has_prefix(name: &Name, base: &Name) -> bool {
    name.len() >= base.len()
        && name.iter_rdn().zip(base.iter_rdn()).all(|(left, right)| same_part(left, right))
}

/// A relative distinguished name is a set: the order of its attributes does not count.
fn same_part(left: &RelativeDistinguishedName, right: &RelativeDistinguishedName) -> bool {
    if left.iter().count() != right.iter().count() {
        return false;
    }
    let (mut left, mut right) = (folded(left), folded(right));
    left.sort_unstable();
    right.sort_unstable();
    left == right
}

fn folded(part: &RelativeDistinguishedName) -> Vec<(Vec<u8>, Tag, Vec<u8>)> {
    part.iter().map(folded_attribute).collect()
}

fn folded_attribute(attribute: &AttributeTypeAndValue) -> (Vec<u8>, Tag, Vec<u8>) {
    let oid = attribute.oid.as_bytes().to_vec();
    match text_of(&attribute.value) {
        Some(text) => {
            let prepared = prepared(&text).unwrap_or_else(|| text.to_lowercase());
            let words: Vec<&str> = prepared.split_whitespace().collect();
            (oid, Tag::Utf8String, words.join(" ").into_bytes())
        }
        None => (oid, attribute.value.tag(), attribute.value.value().to_vec()),
    }
}

/// Text in the one form in which it is compared (RFC 4518 section 2); none where that prohibits it.
fn prepared(text: &str) -> Option<String> {
    // Folding replaces letter by letter, and leaves marks apart; the second pass composes.
    let folded = x520prep(text, true).ok()?;
    x520prep(&folded, false).ok().map(Cow::into_owned)
}

/// The text of a string type whose characters are known.
pub(super) fn text_of(value: &Any) -> Option<String> {
    let octets = value.value();
    match value.tag() {
        Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            std::str::from_utf8(octets).ok().map(str::to_owned)
        }
        // With letters in it, it is no text that could equal another.
        Tag::NumericString => {
            let text = std::str::from_utf8(octets).ok()?;
            let is_numeric = text.chars().all(|one| one.is_ascii_digit() || one == ' ');
            is_numeric.then(|| text.to_owned())
        }
        // Nobody writes T.61 any more: as OpenSSL and NSS do, Latin-1 is read, so that a name does
        // not leave an excluded subtree by its string type.
        Tag::TeletexString => Some(octets.iter().map(|octet| char::from(*octet)).collect()),
        Tag::BmpString => {
            let pairs = octets.chunks_exact(2);
            if !pairs.remainder().is_empty() {
                return None;
            }
            let units: Vec<u16> =
                pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use der::{Decode, Encode};

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    /// The name with its only attribute as a string of another kind.
    fn with_tag(name: &Name, tag: u8) -> Name {
        let mut der = name.to_der().unwrap();
        // SEQUENCE, SET, SEQUENCE headers and a 3-octet identifier stand before the string.
        assert_eq!(der[9..11], [4, 3]);
        der[11] = tag;
        Name::from_der(&der).unwrap()
    }

    #[test]
    fn case_space_and_string_type_do_not_count() {
        let plain = name("CN=Root CA");
        assert!(same_name(&plain, &name("CN=root  ca")));
        let printable = with_tag(&plain, 0x13);
        let utf8 = with_tag(&plain, 0x0c);
        assert_ne!(printable, utf8);
        assert!(same_name(&printable, &utf8));
        // TeletexString and VisibleString.
        for tag in [0x14, 0x1a] {
            assert!(same_name(&with_tag(&plain, tag), &utf8), "{tag:#x}");
        }
    }

    #[test]
    fn the_normal_form_of_unicode_does_not_count() {
        let composed = name("CN=Caf\u{e9} M\u{dc}LLER");
        for same in ["CN=Cafe\u{301} Mu\u{308}ller", "CN=CAFE\u{301} m\u{fc}ller"] {
            assert!(same_name(&composed, &name(same)), "{same}");
            assert!(has_prefix(&name(&format!("O=a,{same}")), &composed), "{same}");
        }
        assert!(same_name(&name("CN=o\u{fb03}ce"), &name("CN=Office")));
        assert!(same_name(&name("CN=\u{ff21}b"), &name("CN=ab")));
        assert!(same_name(&name("CN=stra\u{df}e"), &name("CN=STRASSE")));
        assert!(same_name(&name("CN=a\u{ad}b"), &name("CN=ab")));
        // Other letters stay others, with their marks.
        assert!(!same_name(&composed, &name("CN=Cafe Muller")));
        assert!(!same_name(&composed, &name("CN=Cafe\u{300} M\u{fc}ller")));
        // What is prohibited is still compared, without case.
        assert!(same_name(&name("CN=\u{1f512} Root"), &name("CN=\u{1f512}  ROOT")));
        assert!(!same_name(&name("CN=\u{1f512} Root"), &name("CN=\u{1f513} Root")));
    }

    #[test]
    fn other_letters_other_attributes_and_other_types_count() {
        assert!(!same_name(&name("CN=Root CA"), &name("CN=Root CB")));
        assert!(!same_name(&name("CN=Root CA"), &name("CN=RootCA")));
        assert!(!same_name(&name("CN=Root CA"), &name("O=Root CA")));
        // What is no text (here an OCTET STRING) is only equal to itself.
        let plain = name("CN=Root CA");
        assert!(!same_name(&with_tag(&plain, 0x04), &with_tag(&plain, 0x0c)));
        assert!(same_name(&with_tag(&plain, 0x04), &with_tag(&plain, 0x04)));
    }

    #[test]
    fn a_subtree_is_a_prefix() {
        let base = name("O=Example,C=DE");
        assert!(has_prefix(&name("CN=a,O=example,C=de"), &base));
        assert!(has_prefix(&base, &base));
        assert!(!has_prefix(&name("CN=a,O=Other,C=DE"), &base));
        assert!(!has_prefix(&name("C=DE"), &base));
    }
}
