//! The fields of a SEQUENCE, one after the other, each named when it is wrong.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use spki::AlgorithmIdentifierOwned;

use super::error::{OcspError, OcspMessage};
use super::{MAX_CERTIFICATES, error};
use crate::certificate::Certificate;
use crate::crl::error::Fault;
use crate::crl::extension::RawExtension;

/// `[number]`, explicit or of a structure.
pub(super) const fn context(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber(number) }
}

/// `[number]` of a primitive.
pub(super) const fn primitive(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: false, number: TagNumber(number) }
}

/// The content of a constructed value, read from its front.
pub(super) struct Fields<'a> {
    field: &'static str,
    reader: SliceReader<'a>,
}

impl<'a> Fields<'a> {
    /// The fields inside `der`, which must be one SEQUENCE and nothing else.
    pub(super) fn of(field: &'static str, der: &'a [u8]) -> Result<Self, Fault> {
        let any = AnyRef::from_der(der).map_err(Fault::der(field))?;
        any.tag().assert_eq(Tag::Sequence).map_err(Fault::der(field))?;
        Self::inside(field, any.value())
    }

    /// The values of a content whose header was read before.
    pub(super) fn inside(field: &'static str, content: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self { field, reader: SliceReader::new(content).map_err(Fault::der(field))? })
    }

    /// The content of the next value, which must have this tag.
    pub(super) fn next(&mut self, field: &'static str, tag: Tag) -> Result<&'a [u8], Fault> {
        let any = AnyRef::decode(&mut self.reader).map_err(Fault::der(field))?;
        any.tag().assert_eq(tag).map_err(Fault::der(field))?;
        Ok(any.value())
    }

    /// The next value, header included, whatever it is.
    pub(super) fn next_der(&mut self, field: &'static str) -> Result<&'a [u8], Fault> {
        self.reader.tlv_bytes().map_err(Fault::der(field))
    }

    /// The content of the next value if it has this tag.
    pub(super) fn optional(
        &mut self,
        field: &'static str,
        tag: Tag,
    ) -> Result<Option<&'a [u8]>, Fault> {
        if self.peek() != Some(tag) {
            return Ok(None);
        }
        self.next(field, tag).map(Some)
    }

    /// The tag of the next value.
    pub(super) fn peek(&self) -> Option<Tag> {
        if self.is_finished() { None } else { Tag::peek(&self.reader).ok() }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.reader.is_finished()
    }

    /// Refuses what stands behind the last field.
    pub(super) fn finish(self) -> Result<(), Fault> {
        self.reader.finish().map_err(Fault::der(self.field))
    }
}

/// The only value that an explicit tag holds.
pub(super) fn only<'a>(field: &'static str, content: &'a [u8]) -> Result<AnyRef<'a>, Fault> {
    AnyRef::from_der(content).map_err(Fault::der(field))
}

/// A version field: v1 is the default, which DER leaves out.
pub(super) fn check_version(found: Option<&[u8]>) -> Result<(), Fault> {
    match found {
        None => Ok(()),
        Some([0x02, 1, 0]) => Err(Fault::not_canonical("version")),
        Some(_) => Err(Fault::new("version", "another one", "v1, which is left out")),
    }
}

/// The certificates that stand behind a signature.
pub(super) fn read_certificates(
    what: OcspMessage,
    content: &[u8],
) -> Result<Vec<Certificate>, OcspError> {
    let at = |fault: Fault| error::at(what, fault);
    let mut fields = Fields::of("certs", content).map_err(at)?;
    let mut all = Vec::new();
    while !fields.is_finished() {
        if all.len() == MAX_CERTIFICATES {
            let found = format!("more than {MAX_CERTIFICATES} certificates");
            return Err(at(Fault::new("certs", found, "at most 8")));
        }
        let der = fields.next_der("certs").map_err(at)?;
        all.push(Certificate::from_der(der).map_err(|error| {
            at(Fault::new("certs", error.to_string(), "certificates as RFC 5280 has them"))
        })?);
    }
    Ok(all)
}

/// Refuses critical extensions among those that are not understood.
pub(super) fn refuse_critical(
    field: &'static str,
    extensions: &[RawExtension<'_>],
) -> Result<(), Fault> {
    match extensions.iter().find(|extension| extension.critical) {
        None => Ok(()),
        Some(RawExtension { oid, .. }) => {
            let found = format!("critical extension {oid}, which is not understood");
            Err(Fault::new(field, found, "critical extensions of RFC 6960 section 4.4"))
        }
    }
}

/// The AlgorithmIdentifier of a signature, not yet looked up.
pub(super) fn signature_algorithm(der: &[u8]) -> Result<AlgorithmIdentifierOwned, Fault> {
    let field = "signatureAlgorithm";
    let algorithm = AlgorithmIdentifierOwned::from_der(der).map_err(Fault::der(field))?;
    if algorithm.to_der().map_err(Fault::der(field))? != der {
        return Err(Fault::not_canonical(field));
    }
    Ok(algorithm)
}

/// The octets of a BIT STRING that has no unused bits.
pub(super) fn bits(field: &'static str, der: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut reader = SliceReader::new(der).map_err(Fault::der(field))?;
    let bits = BitStringRef::decode(&mut reader).map_err(Fault::der(field))?;
    reader.finish().map_err(Fault::der(field))?;
    let octets = bits.as_bytes().ok_or_else(|| Fault::new(field, "unused bits", "whole octets"))?;
    Ok(octets.to_vec())
}
