//! Certification requests, PKCS#10 (RFC 2986).

mod build;
mod error;
mod possession;
mod read;
mod statement;

use std::ops::Range;

use const_oid::ObjectIdentifier;
use spki::AlgorithmIdentifierOwned;

pub use build::SignatureCertificate;
pub use error::CsrError;
pub use possession::{Possession, ProvenRequest, Standing, Voucher, Vouching};
pub(crate) use read::RequestParts;
pub use statement::PossessionStatement;

use crate::algorithm::{KeyKind, SignatureScheme};
use crate::extensions::Extensions;
use crate::general_name::AltName;
use crate::name::DistinguishedName;
use crate::public_key::PublicKey;
use crate::related::RelatedRequest;
use crate::signature;

/// The largest request that is read, in octets of DER.
pub const MAX_REQUEST_SIZE: usize = 64 * 1024;
/// The most attributes that a request may have.
pub const MAX_ATTRIBUTES: usize = 64;

/// A certification request whose every field was read and checked, but for the proof of
/// possession: that is [`Self::verify_possession`], or [`Self::verify_statement`] for a key that
/// can't sign.
#[derive(Clone, Debug)]
pub struct CertificateRequest {
    der: Vec<u8>,
    info: Range<usize>,
    subject: DistinguishedName,
    public_key: PublicKey,
    extensions: Extensions,
    names: Vec<AltName>,
    statement: Option<PossessionStatement>,
    ignored_attributes: Vec<ObjectIdentifier>,
    related: Option<RelatedRequest>,
    signature_algorithm: AlgorithmIdentifierOwned,
    scheme: SignatureScheme,
    signature: Vec<u8>,
}

impl CertificateRequest {
    /// Reads one DER request of at most 64 KiB and 100 names;
    /// [`pem::read_one_request`](crate::pem::read_one_request) reads PEM too.
    ///
    /// # Errors
    /// `CsrError`: every refusal is its own variant.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        read::request(der)
    }

    /// Checks that whoever made the request holds the private key (RFC 2986 section 3, note 2),
    /// and that the key is strong enough to be certified.
    ///
    /// # Errors
    /// `CsrError::WeakKey`, `CsrError::KeyCannotSign` or `CsrError::Possession`; for ML-KEM
    /// `CsrError::NoStatement` or `CsrError::StatementNotJudged`.
    pub fn verify_possession(&self) -> Result<ProvenRequest<'_>, CsrError> {
        match self.public_key.kind() {
            KeyKind::MlKem(_) => {
                let found = self.public_key.kind().to_string();
                return Err(match self.statement {
                    None => CsrError::NoStatement { found },
                    Some(_) => CsrError::StatementNotJudged { found },
                });
            }
            KeyKind::Other(oid) => return Err(CsrError::KeyCannotSign { found: oid }),
            KeyKind::Classical(_)
            | KeyKind::MlDsa(_)
            | KeyKind::SlhDsa(_)
            | KeyKind::Composite(_) => {}
        }
        // RFC 9883 section 3: the statement must not be used to obtain a signature certificate.
        if self.statement.is_some() {
            return Err(CsrError::StatementNotDue { found: self.public_key.kind().to_string() });
        }
        self.public_key.check_strength().map_err(CsrError::WeakKey)?;
        signature::verify(&self.public_key, self.scheme, self.info_der(), &self.signature)
            .map_err(CsrError::Possession)?;
        Ok(ProvenRequest::by_own_signature(self))
    }

    /// The request's DER, as it came.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The DER of CertificationRequestInfo, which the signature covers.
    pub fn info_der(&self) -> &[u8] {
        &self.der[self.info.clone()]
    }

    /// Who asks to be named.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The key to certify.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// All requested extensions, subjectAltName among them.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The requested alternative names.
    pub fn names(&self) -> &[AltName] {
        &self.names
    }

    /// The wish to be bound to a certificate that the requester holds (RFC 9763), not yet checked:
    /// that is [`crate::related::Binding::prove`].
    pub fn related_request(&self) -> Option<&RelatedRequest> {
        self.related.as_ref()
    }

    /// The statement of possession (RFC 9883), which names the signature certificate whose key
    /// signed the request.
    pub fn statement(&self) -> Option<&PossessionStatement> {
        self.statement.as_ref()
    }

    /// Attributes that have no effect: all but extensionRequest, the statement of possession
    /// and relatedCertRequest.
    /// challengePassword (RFC 2985 section 5.4.1) is among them, its value is not kept.
    pub fn ignored_attributes(&self) -> &[ObjectIdentifier] {
        &self.ignored_attributes
    }

    /// The AlgorithmIdentifier of the signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// How it was signed.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl PartialEq for CertificateRequest {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for CertificateRequest {}

#[cfg(test)]
mod tests;
