//! The CHOICE that RFC 9881 section 6 (ML-DSA) and RFC 9935 section 6 (ML-KEM) share: a private
//! key as its seed, expanded, or both.

use der::asn1::OctetStringRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber};
use zeroize::Zeroizing;

use super::private::KeyForm;

/// The octet before a seed: `[0] IMPLICIT OCTET STRING`.
const SEED_TAG: Tag = Tag::ContextSpecific { constructed: false, number: TagNumber(0) };

/// What was found; the lengths are not checked yet.
pub(super) enum SeedChoice<'a> {
    Seed(&'a [u8]),
    Expanded(&'a [u8]),
    Both { seed: &'a [u8], expanded: &'a [u8] },
}

impl<'a> SeedChoice<'a> {
    /// Reads the privateKey field of PKCS#8.
    pub(super) fn read(inner: &'a [u8]) -> Result<Self, der::Error> {
        let mut reader = SliceReader::new(inner)?;
        let found = match der::Header::peek(&reader)?.tag() {
            SEED_TAG => Self::Seed(implicit_value(&mut reader)?),
            Tag::OctetString => Self::Expanded(<&OctetStringRef>::decode(&mut reader)?.as_bytes()),
            _ => reader.sequence(|reader| {
                let seed = <&OctetStringRef>::decode(reader)?.as_bytes();
                let expanded = <&OctetStringRef>::decode(reader)?.as_bytes();
                Ok::<_, der::Error>(Self::Both { seed, expanded })
            })?,
        };
        reader.finish()?;
        Ok(found)
    }
}

/// The privateKey field: the seed form whenever the seed is known.
pub(super) fn write(form: KeyForm, octets: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(octets.len() + 8));
    let tag = match form {
        KeyForm::ExpandedKey => Tag::OctetString,
        KeyForm::Seed | KeyForm::Both => SEED_TAG,
    };
    // A seed has at most 64 octets, an expanded key at most 4,896: a header is always possible.
    let header = der::Length::try_from(octets.len())
        .and_then(|length| der::Header::new(tag, length).to_der());
    out.extend_from_slice(&header.expect("a short length has a header"));
    out.extend_from_slice(octets);
    out
}

/// The value of the next element, whatever its tag.
fn implicit_value<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], der::Error> {
    let header = der::Header::decode(reader)?;
    reader.read_slice(header.length())
}
