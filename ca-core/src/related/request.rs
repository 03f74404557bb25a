//! relatedCertRequest, the attribute of a CSR (RFC 9763 section 3.1).

use std::ops::Range;

use base64ct::{Base64, Encoding as _};
use der::asn1::{BitStringRef, Ia5StringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag};
use jiff::Timestamp;
use x509_cert::name::Name;

use super::RELATED_CERT_REQUEST;
use crate::certificate::Certificate;
use crate::name::MAX_DER;
use crate::path::same_name;
use crate::plan::encode::tlv;
use crate::sign::{SignError, Signer};
use crate::well_formed::malformed_attribute;

/// The most places that a request may name.
pub const MAX_LOCATIONS: usize = 8;
/// What stands before a certificate that is in the request itself (RFC 2397, RFC 2585).
const DATA: &str = "data:application/pkix-cert;base64,";

/// Who holds another certificate too, when they said so, where to get it, and the proof.
///
/// ```text
/// RequesterCertificate ::= SEQUENCE {
///     certID        IssuerAndSerialNumber,
///     requestTime   BinaryTime,
///     locationInfo  UniformResourceIdentifiers,
///     signature     BIT STRING }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedRequest {
    der: Vec<u8>,
    /// certID and requestTime as they stand in `der`: what the signature covers.
    signed: Range<usize>,
    issuer: Name,
    serial: Vec<u8>,
    time: Timestamp,
    locations: Vec<String>,
    signature: Vec<u8>,
}

impl RelatedRequest {
    /// Signs a request for what is bound to `related`, whose key `signer` holds. Without `urls` the
    /// certificate itself is the place: a `data:` URI.
    ///
    /// # Errors
    /// `RequestFault` when the key is not the certificate's, or the places are malformed.
    pub fn sign(
        related: &Certificate,
        signer: &Signer,
        now: Timestamp,
        urls: &[String],
    ) -> Result<Self, RequestFault> {
        if signer.public_key() != related.public_key() {
            return Err(RequestFault::new(
                "signature",
                "another key than the related certificate's",
                "the key of the related certificate",
            ));
        }
        let inline = [format!("{DATA}{}", Base64::encode_string(related.der()))];
        let locations = if urls.is_empty() { &inline[..] } else { urls };
        let signed = covered(related, now)?;
        let signature = signer.sign(&signed)?;
        let uris: Result<Vec<Vec<u8>>, der::Error> =
            locations.iter().map(|uri| Ia5StringRef::new(uri)?.to_der()).collect();
        let uris = tlv(Tag::Sequence, &[&uris?.concat()])?;
        let signature = BitStringRef::from_bytes(&signature)?.to_der()?;
        Self::from_der(&tlv(Tag::Sequence, &[&signed, &uris, &signature])?)
    }

    /// Reads one RequesterCertificate.
    ///
    /// # Errors
    /// `RequestFault` names the field, what was found and what is allowed.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestFault> {
        let mut reader = SliceReader::new(der)?;
        let (signed, id, seconds, uris, signature) = reader.sequence(|reader| {
            let start = usize::try_from(reader.offset())?;
            let id = reader.tlv_bytes()?;
            let seconds = u64::decode(reader)?;
            let signed = start..usize::try_from(reader.offset())?;
            let uris = reader.tlv_bytes()?;
            let signature = BitStringRef::decode(reader)?;
            Ok::<_, der::Error>((signed, id, seconds, uris, signature))
        })?;
        reader.finish()?;
        let (issuer, serial) = cert_id(id)?;
        let time = i64::try_from(seconds).ok().and_then(|it| Timestamp::from_second(it).ok());
        let time = time.ok_or_else(|| {
            let found = format!("{seconds} seconds after 1970");
            RequestFault::new("requestTime", found, "a time before the year 10000")
        })?;
        let signature = signature
            .as_bytes()
            .ok_or_else(|| RequestFault::new("signature", "unused bits", "whole octets"))?;
        let (signature, locations) = (signature.to_vec(), read_locations(uris)?);
        Ok(Self { der: der.to_vec(), signed, issuer, serial, time, locations, signature })
    }

    /// The DER, as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The attribute of a CSR, in DER.
    pub(crate) fn to_attribute(&self) -> Result<Vec<u8>, der::Error> {
        let values = tlv(Tag::Set, &[&self.der])?;
        tlv(Tag::Sequence, &[&RELATED_CERT_REQUEST.to_der()?, &values])
    }

    /// Who issued the related certificate.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// The octets of its serial number.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// When the request was made, in whole seconds.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Where to get the related certificate. The signature does not cover that.
    pub fn locations(&self) -> &[String] {
        &self.locations
    }

    /// The related certificate's DER, where it is in the request itself as a `data:` URI.
    pub fn inline_certificate(&self) -> Option<Vec<u8>> {
        let encoded = self.locations.iter().find_map(|uri| uri.strip_prefix(DATA))?;
        Base64::decode_vec(encoded).ok()
    }

    /// Whether it names this certificate.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        same_name(&self.issuer, certificate.issuer()) && self.serial == certificate.serial_octets()
    }

    /// What the signature covers: the DER of certID, and behind it that of requestTime.
    pub(super) fn signed(&self) -> &[u8] {
        &self.der[self.signed.clone()]
    }

    /// The signature's octets; the key says how they were made.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

fn covered(related: &Certificate, now: Timestamp) -> Result<Vec<u8>, RequestFault> {
    let serial = tlv(Tag::Integer, &[related.serial_octets()])?;
    let id = tlv(Tag::Sequence, &[&related.issuer().to_der()?, &serial])?;
    let seconds = u64::try_from(now.as_second()).map_err(|_| {
        RequestFault::new("requestTime", now.to_string(), "a time after 1970; check the clock")
    })?;
    Ok([id, seconds.to_der()?].concat())
}

/// IssuerAndSerialNumber (RFC 5652 section 10.2.4).
fn cert_id(der: &[u8]) -> Result<(Name, Vec<u8>), RequestFault> {
    let mut reader = SliceReader::new(der)?;
    let (name, serial) = reader.sequence(|reader| {
        let name = reader.tlv_bytes()?;
        let serial = der::asn1::Int::decode(reader)?;
        Ok::<_, der::Error>((name, serial))
    })?;
    reader.finish()?;
    if name.len() > MAX_DER {
        let found = format!("an issuer of {} octets", name.len());
        return Err(RequestFault::new("certID", found, "at most 8192 octets"));
    }
    let issuer = Name::from_der(name)?;
    if issuer.to_der()? != name || malformed_attribute(&issuer).is_some() {
        return Err(RequestFault::new("certID", "an issuer that is not DER", "DER alone"));
    }
    Ok((issuer, serial.as_bytes().to_vec()))
}

fn read_locations(der: &[u8]) -> Result<Vec<String>, RequestFault> {
    let mut reader = SliceReader::new(der)?;
    let uris = reader.sequence(|reader| {
        let mut uris = Vec::new();
        while !reader.is_finished() && uris.len() <= MAX_LOCATIONS {
            uris.push(Ia5StringRef::decode(reader)?.to_string());
        }
        // What is left over is more than is read.
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, der::Error>(uris)
    })?;
    reader.finish()?;
    match uris.len() {
        1..=MAX_LOCATIONS => Ok(uris),
        found => {
            let found = if found == 0 { "none".into() } else { "more than 8".to_owned() };
            Err(RequestFault::new("locationInfo", found, "1 to 8 URIs"))
        }
    }
}

/// A relatedCertRequest that can't be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// Not of the structure.
    #[error("relatedCertRequest: not of the structure of RFC 9763 section 3.1 ({0})")]
    Malformed(#[from] der::Error),
    /// A field has a value that is not allowed.
    #[error("relatedCertRequest: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// It could not be signed.
    #[error("relatedCertRequest: {0}")]
    Sign(#[from] SignError),
}

impl RequestFault {
    fn new(field: &'static str, found: impl Into<String>, allowed: &'static str) -> Self {
        Self::Field { field, found: found.into(), allowed }
    }
}
