//! Requests (RFC 6960 section 4.1).

mod read;

use std::ops::Range;

use der::{Encode, Tag};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::name::GeneralName;

use super::build::OcspBuildError;
use super::cert_id::CertId;
use super::error::{OcspError, OcspMessage};
use super::fields::context;
use super::nonce::Nonce;
use super::{MAX_CERT_IDS, MAX_REQUEST_SIZE};
use crate::algorithm::SignatureScheme;
use crate::certificate::Certificate;
use crate::crl::EntrySerial;
use crate::plan::encode::tlv;
use crate::signature::verify;

/// A request of which every octet was read once. Its signature, if it has one, was not checked:
/// that is [`Self::check_signature`].
#[derive(Clone, Debug)]
pub struct OcspRequest {
    der: Vec<u8>,
    tbs: Range<usize>,
    cert_ids: Vec<CertId>,
    nonce: Option<Nonce>,
    requestor_name: Option<GeneralName>,
    signature: Option<RequestSignature>,
}

/// The signature of a request.
#[derive(Clone, Debug)]
struct RequestSignature {
    algorithm: AlgorithmIdentifierOwned,
    octets: Vec<u8>,
    /// The signer's first.
    certificates: Vec<Certificate>,
}

impl OcspRequest {
    /// Reads one DER request of at most 64 KiB and 100 CertIDs.
    ///
    /// A critical extension that is not understood is refused. A signed request must have
    /// requestorName and the signer's certificate.
    ///
    /// # Errors
    /// `OcspError` names the field, what was found and what is allowed. A responder answers
    /// malformedRequest.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, OcspError> {
        let der = der.into();
        if der.len() > MAX_REQUEST_SIZE {
            let (what, found) = (OcspMessage::Request, der.len());
            return Err(OcspError::TooLarge { what, found, allowed: MAX_REQUEST_SIZE });
        }
        read::request(der)
    }

    /// Asks about these certificates, without a signature. A nonce makes sure that the response
    /// was made for this request; responders that signed beforehand can't repeat it.
    ///
    /// # Errors
    /// `OcspBuildError` unless there are 1 to 100 CertIDs.
    pub fn build(cert_ids: &[CertId], nonce: Option<&Nonce>) -> Result<Self, OcspBuildError> {
        if !(1..=MAX_CERT_IDS).contains(&cert_ids.len()) {
            let (field, found) = ("requestList", cert_ids.len());
            return Err(OcspBuildError::Count { field, found, allowed: MAX_CERT_IDS });
        }
        let mut list = Vec::new();
        for cert_id in cert_ids {
            list.extend(tlv(Tag::Sequence, &[&cert_id.to_der()?])?);
        }
        let list = tlv(Tag::Sequence, &[&list])?;
        let extensions = match nonce {
            Some(nonce) => tlv(context(2), &[&vec![nonce.to_extension()?].to_der()?])?,
            None => Vec::new(),
        };
        let tbs = tlv(Tag::Sequence, &[&list, &extensions])?;
        Ok(Self::from_der(tlv(Tag::Sequence, &[&tbs])?)?)
    }

    /// The request's DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DER of TBSRequest, which a signature covers.
    pub fn tbs_der(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// What is asked about, in the request's order.
    pub fn cert_ids(&self) -> &[CertId] {
        &self.cert_ids
    }

    /// Serial numbers that are asked about and belong to `issuer`.
    pub fn serials_of(&self, issuer: &Certificate) -> Vec<EntrySerial> {
        let ours = self.cert_ids.iter().filter(|cert_id| cert_id.is_issued_by(issuer));
        ours.map(|cert_id| *cert_id.serial()).collect()
    }

    /// The nonce.
    pub fn nonce(&self) -> Option<&Nonce> {
        self.nonce.as_ref()
    }

    /// Who asks, by their own word.
    pub fn requestor_name(&self) -> Option<&GeneralName> {
        self.requestor_name.as_ref()
    }

    /// Whether it is signed.
    pub fn is_signed(&self) -> bool {
        self.signature.is_some()
    }

    /// The AlgorithmIdentifier and the octets of the signature.
    pub fn signature(&self) -> Option<(&AlgorithmIdentifierOwned, &[u8])> {
        self.signature.as_ref().map(|signature| (&signature.algorithm, &signature.octets[..]))
    }

    /// The certificates that a signed request brings along, the signer's first.
    pub fn certificates(&self) -> &[Certificate] {
        self.signature.as_ref().map(|signature| &signature.certificates[..]).unwrap_or_default()
    }

    /// Checks the signature by the key of the first certificate that the request brings along;
    /// gives that certificate, none for a request without a signature.
    ///
    /// Nobody vouches for the certificate: it only shows that the request is whole. What a
    /// responder answers here does not depend on who asks.
    ///
    /// # Errors
    /// `OcspError::Scheme` and `OcspError::Signature`; a responder answers malformedRequest.
    pub fn check_signature(&self) -> Result<Option<&Certificate>, OcspError> {
        let Some(signature) = &self.signature else { return Ok(None) };
        let Some(signer) = signature.certificates.first() else { return Ok(None) };
        let what = OcspMessage::Request;
        let scheme = SignatureScheme::from_identifier(&signature.algorithm)
            .map_err(|error| OcspError::Scheme { what, error })?;
        verify(signer.public_key(), scheme, self.tbs_der(), &signature.octets)
            .map_err(|error| OcspError::Signature { what, error })?;
        Ok(Some(signer))
    }
}
