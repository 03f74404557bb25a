//! Reading requests, every part bounded before it is taken apart.

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use x509_cert::name::Name;

use super::statement::{PossessionStatement, STATEMENT_OF_POSSESSION};
use super::{CertificateRequest, CsrError, MAX_ATTRIBUTES, MAX_REQUEST_SIZE};
use crate::algorithm::SignatureScheme;
use crate::certificate::{CertificateError, Outer};
use crate::extensions::{Extension, ExtensionError, Extensions, oid};
use crate::general_name::{AltName, MAX_NAMES};
use crate::name::{self, DistinguishedName};
use crate::public_key::{PublicKey, PublicKeyError};
use crate::related::{RELATED_CERT_REQUEST, RelatedRequest};
use crate::well_formed::{MAX_DEPTH, is_well_formed_set, is_well_formed_whole};

/// extensionRequest, RFC 2985 section 5.4.2.
pub(super) const EXTENSION_REQUEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// The tag of the attributes field, `[0] IMPLICIT SET`.
pub(super) const ATTRIBUTES: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

pub(super) fn request(der: &[u8]) -> Result<CertificateRequest, CsrError> {
    if der.len() > MAX_REQUEST_SIZE {
        return Err(CsrError::TooLarge { found: der.len() });
    }
    let outer = Outer::read(der).map_err(|error| match error {
        CertificateError::Malformed(error) => CsrError::Malformed(error),
        CertificateError::SignatureUnusedBits => CsrError::SignatureUnusedBits,
        _ => CsrError::NotCanonical { field: "CertificationRequest" },
    })?;
    let info = info(&der[outer.tbs.clone()])?;
    let attributes = attributes(info.attributes)?;
    let subject = subject(info.subject)?;
    let public_key = PublicKey::from_spki(info.public_key)?;
    let names = names(&attributes.extensions)?;
    // Every field was read by its own rules; nothing that those leave open may have two forms.
    if !is_well_formed_whole(&der[outer.tbs.clone()]) {
        return Err(CsrError::NotCanonical { field: "CertificationRequestInfo" });
    }
    Ok(CertificateRequest {
        der: der.to_vec(),
        info: outer.tbs,
        subject,
        public_key,
        names,
        extensions: attributes.extensions,
        statement: attributes.statement,
        ignored_attributes: attributes.ignored,
        related: attributes.related,
        scheme: SignatureScheme::from_identifier(&outer.signature_algorithm)?,
        signature_algorithm: outer.signature_algorithm,
        signature: outer.signature,
    })
}

/// What lints look at, each part read as far as it goes: a request that is refused still has
/// parts.
pub(crate) struct RequestParts {
    pub(crate) subject: Name,
    pub(crate) key: Result<PublicKey, PublicKeyError>,
    pub(crate) extensions: Extensions,
    /// Why some extensions are not in `extensions`.
    pub(crate) unreadable: Vec<ExtensionError>,
}

impl RequestParts {
    /// # Errors
    /// `CsrError` when not even the structure can be read.
    pub(crate) fn read(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_REQUEST_SIZE {
            return Err(CsrError::TooLarge { found: der.len() });
        }
        let outer = Outer::read(der).map_err(|_| CsrError::NotCanonical { field: "it" })?;
        let info = info(&der[outer.tbs])?;
        if info.subject.len() > name::MAX_DER {
            return Err(CsrError::SubjectTooLarge { found: info.subject.len() });
        }
        let mut requested = Vec::new();
        let mut reader = SliceReader::new(info.attributes)?;
        while !reader.is_finished() {
            let (oid, values) = attribute(reader.tlv_bytes()?)?;
            if oid == EXTENSION_REQUEST && requested.is_empty() {
                requested = Vec::<x509_cert::ext::Extension>::from_der(values).unwrap_or_default();
            }
        }
        let all = requested.iter().map(Extension::from).collect();
        let (extensions, unreadable) = Extensions::read_each(all);
        let subject = Name::from_der(info.subject)?;
        Ok(Self { subject, key: PublicKey::from_spki(info.public_key), extensions, unreadable })
    }
}

/// The parts of CertificationRequestInfo, not yet read.
struct Info<'a> {
    subject: &'a [u8],
    public_key: &'a [u8],
    /// What stands inside the SET.
    attributes: &'a [u8],
}

fn info(der: &[u8]) -> Result<Info<'_>, CsrError> {
    let mut reader = SliceReader::new(der)?;
    let (version, subject, public_key, attributes) = reader.sequence(|reader| {
        let version = u8::decode(reader)?;
        let subject = reader.tlv_bytes()?;
        let public_key = reader.tlv_bytes()?;
        let attributes = if reader.is_finished() { None } else { Some(AnyRef::decode(reader)?) };
        Ok::<_, der::Error>((version, subject, public_key, attributes))
    })?;
    reader.finish()?;
    if version != 0 {
        return Err(CsrError::Version { found: version });
    }
    let attributes = attributes.ok_or(CsrError::NoAttributes)?;
    attributes.tag().assert_eq(ATTRIBUTES)?;
    Ok(Info { subject, public_key, attributes: attributes.value() })
}

fn subject(der: &[u8]) -> Result<DistinguishedName, CsrError> {
    if der.len() > name::MAX_DER {
        return Err(CsrError::SubjectTooLarge { found: der.len() });
    }
    let name = Name::from_der(der)?;
    // Reading sorts each SET, writing shows whether it was.
    if name.to_der()? != der {
        return Err(CsrError::NotCanonical { field: "the subject" });
    }
    Ok(DistinguishedName::from_name(name)?)
}

#[derive(Default)]
struct Attributes {
    extensions: Extensions,
    statement: Option<PossessionStatement>,
    ignored: Vec<ObjectIdentifier>,
    related: Option<RelatedRequest>,
}

fn attributes(set: &[u8]) -> Result<Attributes, CsrError> {
    let mut reader = SliceReader::new(set)?;
    let (mut seen, mut previous) = (Vec::new(), &[][..]);
    let mut found = Attributes::default();
    while !reader.is_finished() {
        let der = reader.tlv_bytes()?;
        if seen.len() == MAX_ATTRIBUTES {
            return Err(CsrError::TooManyAttributes { allowed: MAX_ATTRIBUTES });
        }
        if der < previous {
            return Err(CsrError::NotCanonical { field: "the set of attributes" });
        }
        previous = der;
        let (oid, values) = attribute(der)?;
        if seen.contains(&oid) {
            return Err(CsrError::DuplicateAttribute { oid });
        }
        seen.push(oid);
        if oid == EXTENSION_REQUEST {
            found.extensions = extension_request(values)?;
        } else if oid == RELATED_CERT_REQUEST {
            found.related = Some(related_request(values)?);
        } else if oid == STATEMENT_OF_POSSESSION {
            found.statement = Some(PossessionStatement::read(values)?);
        } else if !is_well_formed_set(values) {
            return Err(CsrError::AttributeValue { oid, allowed: MAX_DEPTH });
        } else {
            found.ignored.push(oid);
        }
    }
    Ok(found)
}

/// The type of an attribute and what stands inside its SET of values.
fn attribute(der: &[u8]) -> Result<(ObjectIdentifier, &[u8]), der::Error> {
    let mut reader = SliceReader::new(der)?;
    let attribute = reader.sequence(|reader| {
        let oid = ObjectIdentifier::decode(reader)?;
        let values = AnyRef::decode(reader)?;
        values.tag().assert_eq(Tag::Set)?;
        Ok::<_, der::Error>((oid, values.value()))
    })?;
    reader.finish()?;
    Ok(attribute)
}

fn extension_request(values: &[u8]) -> Result<Extensions, CsrError> {
    let mut reader = SliceReader::new(values)?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(reader.tlv_bytes()?);
    }
    let [value] = all[..] else {
        return Err(CsrError::ExtensionRequestValues { found: all.len() });
    };
    let extensions = Vec::<x509_cert::ext::Extension>::from_der(value)?;
    if extensions.is_empty() {
        return Err(CsrError::EmptyExtensionRequest);
    }
    if extensions.to_der()? != value {
        return Err(CsrError::NotCanonical { field: "extensionRequest" });
    }
    Ok(Extensions::new(extensions.iter().map(Extension::from).collect())?)
}

fn related_request(values: &[u8]) -> Result<RelatedRequest, CsrError> {
    let mut reader = SliceReader::new(values)?;
    let value = reader.tlv_bytes()?;
    // The attribute has a single value (RFC 9763 section 3.1).
    reader.finish()?;
    Ok(RelatedRequest::from_der(value)?)
}

fn names(extensions: &Extensions) -> Result<Vec<AltName>, CsrError> {
    let Some(names) = extensions.subject_alt_name() else { return Ok(Vec::new()) };
    if names.0.is_empty() {
        return Err(CsrError::EmptySubjectAltName);
    }
    if names.0.len() > MAX_NAMES {
        return Err(CsrError::TooManyNames { found: names.0.len() });
    }
    let named = names.0.iter().enumerate().map(|(index, name)| {
        AltName::from_general_name(name)
            .map_err(|reason| CsrError::AltName { position: index + 1, reason })
    });
    let named = named.collect::<Result<_, _>>()?;
    if extensions
        .get(oid::SUBJECT_ALT_NAME)
        .is_some_and(|san| names.to_der().is_ok_and(|der| der != san.value))
    {
        return Err(CsrError::NotCanonical { field: "subjectAltName" });
    }
    Ok(named)
}
