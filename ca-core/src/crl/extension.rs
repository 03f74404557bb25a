//! Extensions of lists and entries as they stand, borrowed (RFC 5280 sections 5.2 and 5.3).

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};

use super::error::Fault;
use crate::well_formed::is_shortest;

/// Extensions that a list or an entry may have at most.
const MAX_EXTENSIONS: usize = 32;

/// issuerAltName, RFC 5280 section 5.2.2.
pub(super) const ISSUER_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.18");
/// cRLNumber, RFC 5280 section 5.2.3.
pub(super) const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
/// reasonCode, RFC 5280 section 5.3.1.
pub(crate) const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
/// invalidityDate, RFC 5280 section 5.3.2.
pub(crate) const INVALIDITY_DATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.24");
/// deltaCRLIndicator, RFC 5280 section 5.2.4.
pub(super) const DELTA_CRL_INDICATOR: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.27");
/// issuingDistributionPoint, RFC 5280 section 5.2.5.
pub(super) const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.28");
/// certificateIssuer, RFC 5280 section 5.3.3.
pub(super) const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
/// freshestCRL, RFC 5280 section 5.2.6.
pub(super) const FRESHEST_CRL: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.46");

/// One extension where it stands.
pub(crate) struct RawExtension<'a> {
    pub(crate) oid: ObjectIdentifier,
    pub(crate) critical: bool,
    pub(crate) value: &'a [u8],
}

impl RawExtension<'_> {
    /// Refuses the extension unless it is critical, or is not, as RFC 5280 says it must be.
    pub(crate) fn expect_critical(&self, field: &'static str, critical: bool) -> Result<(), Fault> {
        match (self.critical, critical) {
            (true, false) => Err(Fault::new(field, "critical", "not critical")),
            (false, true) => Err(Fault::new(field, "not critical", "critical")),
            _ => Ok(()),
        }
    }

    /// Decodes the value and sees that it is the one encoding that DER allows.
    pub(crate) fn decode<T>(&self, field: &'static str) -> Result<T, Fault>
    where
        T: for<'a> Decode<'a, Error = der::Error> + Encode,
    {
        let value = T::from_der(self.value).map_err(Fault::der(field))?;
        if value.to_der().map_err(Fault::der(field))? != self.value {
            return Err(Fault::not_canonical(field));
        }
        Ok(value)
    }

    /// The octets of a value that is one primitive of this tag.
    pub(crate) fn primitive(&self, field: &'static str, tag: Tag) -> Result<&[u8], Fault> {
        let any = AnyRef::from_der(self.value).map_err(Fault::der(field))?;
        any.tag().assert_eq(tag).map_err(Fault::der(field))?;
        Ok(any.value())
    }
}

/// Reads a SEQUENCE of extensions: at least one, none twice.
pub(crate) fn read_all<'a>(
    field: &'static str,
    der: &'a [u8],
) -> Result<Vec<RawExtension<'a>>, Fault> {
    let any = AnyRef::from_der(der).map_err(Fault::der(field))?;
    any.tag().assert_eq(Tag::Sequence).map_err(Fault::der(field))?;
    let mut reader = SliceReader::new(any.value()).map_err(Fault::der(field))?;
    let mut all: Vec<RawExtension<'a>> = Vec::new();
    while !reader.is_finished() {
        if all.len() == MAX_EXTENSIONS {
            return Err(Fault::new(field, "more than 32 extensions", "at most 32"));
        }
        let one = read_one(field, &mut reader)?;
        if all.iter().any(|earlier| earlier.oid == one.oid) {
            return Err(Fault::new(field, format!("{} twice", one.oid), "each extension once"));
        }
        all.push(one);
    }
    if all.is_empty() {
        return Err(Fault::new(field, "an empty list", "at least one extension, or no field"));
    }
    Ok(all)
}

fn read_one<'a>(
    field: &'static str,
    reader: &mut SliceReader<'a>,
) -> Result<RawExtension<'a>, Fault> {
    let (oid, critical, value) = reader
        .sequence(|reader| {
            let oid = ObjectIdentifier::decode(reader)?;
            let critical = Option::<bool>::decode(reader)?;
            let value = <&'a OctetStringRef>::decode(reader)?;
            Ok::<_, der::Error>((oid, critical, value.as_bytes()))
        })
        .map_err(Fault::der(field))?;
    // FALSE is the default, which DER leaves out.
    if critical == Some(false) || !is_shortest(&oid) {
        return Err(Fault::not_canonical(field));
    }
    Ok(RawExtension { oid, critical: critical == Some(true), value })
}
