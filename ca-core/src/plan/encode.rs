//! DER that is put together from parts that are encoded already.

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{Encode, Header, Length, Tag};
use x509_cert::ext::Extension as EncodedExtension;
use x509_cert::ext::pkix::name::GeneralName;

use crate::extensions::{Extension, oid};
use crate::general_name::AltName;

/// A header and, behind it, the parts one after the other.
pub(crate) fn tlv(tag: Tag, parts: &[&[u8]]) -> Result<Vec<u8>, der::Error> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    // A header takes at most six octets.
    let mut der = Vec::with_capacity(length + 6);
    Header::new(tag, Length::try_from(length)?).encode_to_vec(&mut der)?;
    parts.iter().for_each(|part| der.extend_from_slice(part));
    Ok(der)
}

/// A signed structure: certificate, request or list. `tbs` and `algorithm` are complete DER, the
/// signature's octets go into a BIT STRING.
pub(crate) fn signed(
    tbs: &[u8],
    algorithm: &[u8],
    signature: &[u8],
) -> Result<Vec<u8>, der::Error> {
    let bits = Header::new(Tag::BitString, Length::try_from(signature.len() + 1)?).to_der()?;
    tlv(Tag::Sequence, &[tbs, algorithm, &bits, &[0], signature])
}

/// An extension with a value that is encoded here.
pub(crate) fn extension_of(
    oid: ObjectIdentifier,
    critical: bool,
    value: &impl Encode,
) -> Result<EncodedExtension, der::Error> {
    raw_extension(oid, critical, value.to_der()?)
}

/// An extension with a value that is DER already.
pub(crate) fn raw_extension(
    oid: ObjectIdentifier,
    critical: bool,
    value: Vec<u8>,
) -> Result<EncodedExtension, der::Error> {
    Ok(EncodedExtension { extn_id: oid, critical, extn_value: OctetString::new(value)? })
}

/// An extension as it will be encoded.
pub(crate) fn extension(extension: &Extension) -> Result<EncodedExtension, der::Error> {
    raw_extension(extension.oid, extension.critical, extension.value.clone())
}

/// subjectAltName; RFC 5280 section 4.2.1.6 wants it critical when the subject is empty.
pub(crate) fn subject_alt_name(
    names: &[AltName],
    critical: bool,
) -> Result<EncodedExtension, der::Error> {
    let names: Vec<GeneralName> =
        names.iter().map(AltName::to_general_name).collect::<Result<_, _>>()?;
    extension_of(oid::SUBJECT_ALT_NAME, critical, &names)
}
