//! Certificates as they are read (RFC 5280 section 4.1).

use std::ops::Range;

use der::asn1::BitString;
use der::{Decode, Encode, ErrorKind, Reader, Sequence, SliceReader, Tag, Tagged};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::certificate::Version;
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::extensions::{Extension, ExtensionError, Extensions};
use crate::fingerprint::Fingerprint;
use crate::name::MAX_DER;
use crate::path::same_name;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::validity::{InvalidValidity, Validity};
use crate::well_formed::{is_well_formed, is_well_formed_whole, malformed_attribute};

/// The largest certificate that is read, in octets. An ML-DSA-87 certificate with 100 names has
/// about 15,000.
pub const MAX_CERTIFICATE_SIZE: usize = 128 * 1024;

/// A certificate that was parsed in full; its bytes are kept as they came.
#[derive(Clone, Debug)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Range<usize>,
    fields: TbsFields,
    public_key: PublicKey,
    validity: Validity,
    extensions: Extensions,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
}

/// TBSCertificate (RFC 5280 section 4.1), read or about to be signed.
///
/// `signature` is optional because the alternative signature covers the structure without it
/// (X.509 (10/2019) clause 9.8).
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(crate) struct TbsFields {
    #[asn1(context_specific = "0", default = "Default::default")]
    pub(crate) version: Version,
    pub(crate) serial_number: der::asn1::Int,
    #[asn1(optional = "true")]
    pub(crate) signature: Option<AlgorithmIdentifierOwned>,
    pub(crate) issuer: Name,
    pub(crate) validity: ValidityFields,
    pub(crate) subject: Name,
    pub(crate) subject_public_key_info: der::asn1::Any,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) issuer_unique_id: Option<BitString>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    pub(crate) subject_unique_id: Option<BitString>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) extensions: Option<Vec<x509_cert::ext::Extension>>,
}

/// Validity as it is encoded.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub(crate) struct ValidityFields {
    pub(crate) not_before: Time,
    pub(crate) not_after: Time,
}

impl Certificate {
    /// Reads one DER certificate.
    ///
    /// # Errors
    /// `CertificateError` says which field is wrong: not DER, trailing octets, another encoding
    /// than DER's only one, an unknown version, a malformed extension or key.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_SIZE {
            return Err(CertificateError::TooLarge { found: der.len() });
        }
        let outer = Outer::read(der)?;
        check_name_sizes(&der[outer.tbs.clone()])?;
        let fields = TbsFields::from_der(&der[outer.tbs.clone()])?;
        if fields.to_der()? != der[outer.tbs.clone()] {
            return Err(CertificateError::NotCanonical);
        }
        let inner_algorithm = fields.signature.as_ref().ok_or(CertificateError::NoAlgorithm)?;
        if *inner_algorithm != outer.signature_algorithm {
            return Err(CertificateError::AlgorithmsDiffer {
                outer: outer.signature_algorithm.oid,
                inner: inner_algorithm.oid,
            });
        }
        check_version(&fields)?;
        check_names(&fields)?;
        // What was read is encoded again as it came: arcs with a leading 0x80, and values of open type.
        if !is_well_formed_whole(&der[outer.tbs.clone()]) {
            return Err(CertificateError::NotCanonical);
        }
        let validity = Validity::new(
            timestamp(&fields.validity.not_before),
            timestamp(&fields.validity.not_after),
        )?;
        let public_key = PublicKey::from_spki(&fields.subject_public_key_info.to_der()?)?;
        let extensions = fields.extensions.iter().flatten().map(Extension::from).collect();
        let extensions = Extensions::new(extensions)?;
        Ok(Self {
            der: der.to_vec(),
            tbs: outer.tbs,
            fields,
            public_key,
            validity,
            extensions,
            signature_algorithm: outer.signature_algorithm,
            signature: outer.signature,
        })
    }

    /// The certificate's DER, as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DER of TBSCertificate, which the signature covers.
    pub fn tbs_der(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// TBSCertificate as fields, for the alternative signature.
    pub(crate) fn tbs_fields(&self) -> &TbsFields {
        &self.fields
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.fields.version
    }

    /// The serial number's octets as they stand in the INTEGER, sign octet included.
    pub fn serial_octets(&self) -> &[u8] {
        self.fields.serial_number.as_bytes()
    }

    /// Who signed it.
    pub fn issuer(&self) -> &Name {
        &self.fields.issuer
    }

    /// Whom it names.
    pub fn subject(&self) -> &Name {
        &self.fields.subject
    }

    /// From when to when it is valid.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// The subject's key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Its extensions.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The AlgorithmIdentifier of the signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The SHA-256 of the whole certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.der)
    }

    /// The SHA-256 over TBSCertificate without altSignatureValue (2.5.29.74): what the ledger
    /// recorded before the certificate was signed, by either signature. Without an alternative
    /// signature it is the digest of [`Self::tbs_der`].
    ///
    /// # Errors
    /// `der::Error` when the fields can't be encoded again, which fields that were read can.
    pub fn record_digest(&self) -> Result<Fingerprint, der::Error> {
        if self.extensions.alt_signature_value().is_none() {
            return Ok(Fingerprint::of(self.tbs_der()));
        }
        let mut fields = self.fields.clone();
        if let Some(extensions) = &mut fields.extensions {
            extensions.retain(|found| found.extn_id != crate::extensions::oid::ALT_SIGNATURE_VALUE);
        }
        Ok(Fingerprint::of(&fields.to_der()?))
    }

    /// Whether issuer and subject are the same name (RFC 5280 sections 3.2 and 7.1).
    pub fn is_self_issued(&self) -> bool {
        same_name(self.issuer(), self.subject())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl From<&x509_cert::ext::Extension> for Extension {
    fn from(extension: &x509_cert::ext::Extension) -> Self {
        Self {
            oid: extension.extn_id,
            critical: extension.critical,
            value: extension.extn_value.as_bytes().to_vec(),
        }
    }
}

/// The three parts of a signed structure: certificate, request or list.
pub(crate) struct Outer {
    /// Where the part that is signed stands, header included.
    pub(crate) tbs: Range<usize>,
    pub(crate) signature_algorithm: AlgorithmIdentifierOwned,
    pub(crate) signature: Vec<u8>,
}

impl Outer {
    /// Takes a `SEQUENCE { signed ANY, algorithm AlgorithmIdentifier, signature BIT STRING }`
    /// apart.
    pub(crate) fn read(der: &[u8]) -> Result<Self, CertificateError> {
        let mut reader = SliceReader::new(der)?;
        let outer = reader.sequence(|reader| {
            let start = usize::try_from(reader.offset())?;
            let signed = reader.tlv_bytes()?;
            let tbs = start..start + signed.len();
            let signature_algorithm = AlgorithmIdentifierOwned::decode(reader)?;
            let signature = BitString::decode(reader)?;
            Ok::<_, der::Error>((tbs, signature_algorithm, signature))
        })?;
        reader.finish()?;
        let (tbs, signature_algorithm, signature) = outer;
        let parameters = signature_algorithm.parameters.as_ref();
        if let Some(any) = parameters.filter(|any| !is_well_formed((*any).into())) {
            return Err(der::Error::from(ErrorKind::Value { tag: any.tag() }).into());
        }
        let signature = signature.as_bytes().ok_or(CertificateError::SignatureUnusedBits)?;
        Ok(Self { tbs, signature_algorithm, signature: signature.to_vec() })
    }
}

/// The instant of a UTCTime or GeneralizedTime.
pub(crate) fn timestamp(time: &Time) -> Timestamp {
    let seconds = time.to_unix_duration().as_secs();
    // A DER time has at most the year 9999, which a timestamp holds.
    i64::try_from(seconds)
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Bounds issuer and subject before they are decoded: decoding a SET sorts it, and names are
/// compared often while paths are built.
pub(crate) fn check_name_sizes(tbs: &[u8]) -> Result<(), CertificateError> {
    let mut outer = SliceReader::new(tbs)?;
    let names = outer.sequence(|reader| {
        let has_version = Tag::peek(reader)?.is_context_specific();
        // serialNumber and signature stand before issuer.
        for _ in 0..usize::from(has_version) + 2 {
            reader.tlv_bytes()?;
        }
        let issuer = reader.tlv_bytes()?.len();
        reader.tlv_bytes()?;
        let subject = reader.tlv_bytes()?.len();
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, der::Error>([("issuer", issuer), ("subject", subject)])
    })?;
    match names.into_iter().find(|(_, found)| *found > MAX_DER) {
        Some((field, found)) => Err(CertificateError::NameTooLong { field, found }),
        None => Ok(()),
    }
}

/// Checks that the names hold what their tags say; otherwise every reader would see another name.
fn check_names(fields: &TbsFields) -> Result<(), CertificateError> {
    for (field, name) in [("issuer", &fields.issuer), ("subject", &fields.subject)] {
        if name.iter_rdn().any(|part| part.iter().next().is_none()) {
            return Err(CertificateError::NamePart { field });
        }
        if let Some(attribute) = malformed_attribute(name) {
            return Err(CertificateError::NameValue { field, attribute });
        }
    }
    Ok(())
}

fn check_version(fields: &TbsFields) -> Result<(), CertificateError> {
    let unique_ids = fields.issuer_unique_id.is_some() || fields.subject_unique_id.is_some();
    let needed = match (&fields.extensions, unique_ids) {
        (Some(_), _) => Version::V3,
        (None, true) => Version::V2,
        (None, false) => Version::V1,
    };
    if (fields.version as u8) < needed as u8 {
        return Err(CertificateError::Version { found: fields.version, needed });
    }
    if fields.extensions.as_ref().is_some_and(Vec::is_empty) {
        return Err(CertificateError::NoExtensions);
    }
    Ok(())
}

/// A certificate that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Past the bound.
    #[error("certificate: {found} octets, allowed are at most 131072")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// A name past the bound.
    #[error("certificate: {field} has {found} octets, allowed are at most 8192")]
    NameTooLong {
        /// Whose name.
        field: &'static str,
        /// Octets found.
        found: usize,
    },
    /// A value in a name that is not what its tag says.
    #[error(
        "certificate: {field}: the value of attribute {attribute} is not what its tag says; allowed is text in the encoding of its string type"
    )]
    NameValue {
        /// Whose name.
        field: &'static str,
        /// Which attribute.
        attribute: const_oid::ObjectIdentifier,
    },
    /// A part of a name without an attribute (RFC 5280 section 4.1.2.4).
    #[error(
        "certificate: {field} has a part without an attribute, allowed is at least one in each"
    )]
    NamePart {
        /// Whose name.
        field: &'static str,
    },
    /// Not DER, or not a certificate: truncated, trailing octets, indefinite length, wrong tags.
    #[error("certificate: not DER of the expected structure ({0})")]
    Malformed(#[from] der::Error),
    /// Another encoding than the only one that DER allows, such as a default that is spelt out.
    #[error(
        "certificate: TBSCertificate is not canonical DER; allowed is only the shortest form, without defaults"
    )]
    NotCanonical,
    /// TBSCertificate lacks its signature field.
    #[error("certificate: TBSCertificate has no signature algorithm")]
    NoAlgorithm,
    /// The two signature algorithms differ (RFC 5280 section 4.1.1.2).
    #[error(
        "certificate: signatureAlgorithm is {outer}, TBSCertificate says {inner} or other parameters; both must be the same"
    )]
    AlgorithmsDiffer {
        /// The outer identifier.
        outer: const_oid::ObjectIdentifier,
        /// The identifier inside TBSCertificate.
        inner: const_oid::ObjectIdentifier,
    },
    /// The signature is not a whole number of octets.
    #[error("certificate: the signature's BIT STRING has unused bits, allowed are none")]
    SignatureUnusedBits,
    /// The version is too old for what the certificate holds.
    #[error("certificate: version is {found:?}, its fields need {needed:?}")]
    Version {
        /// The version found.
        found: Version,
        /// The version that its fields need.
        needed: Version,
    },
    /// The extensions field is there but empty.
    #[error(
        "certificate: the extensions field is empty, allowed is at least one extension or no field"
    )]
    NoExtensions,
    /// The validity period is impossible.
    #[error("certificate: {0}")]
    Validity(#[from] InvalidValidity),
    /// The subject's key.
    #[error("certificate: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// An extension.
    #[error("certificate: {0}")]
    Extension(#[from] ExtensionError),
}
