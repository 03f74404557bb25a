//! Related certificates (RFC 9763): two certificates of one holder that are bound to each other,
//! mostly a classical one and a post-quantum one.
//!
//! The holder of the first asks for the second by a CSR with a [`RelatedRequest`]: signed by the
//! first one's key, so that both keys are known to be in one hand. The second then has the
//! [`RelatedCertificate`] extension, a digest of the whole first certificate.
//!
//! ADR 0051 says what that proves and what is enforced.

mod binding;
mod error;
mod request;

use const_oid::ObjectIdentifier;
use der::Sequence;
use der::asn1::OctetString;
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierOwned;

pub use binding::{Binding, ProvenRelation, check_binding};
pub(crate) use binding::{check_names, check_usages};
pub use error::{BindingError, RelatedError};
pub use request::{MAX_LOCATIONS, RelatedRequest, RequestFault};

use crate::algorithm::{ClassicalScheme, Hash, SignatureScheme};
use crate::certificate::Certificate;
use crate::extensions::oid::RELATED_CERTIFICATE;
use crate::plan::encode;

/// id-aa-relatedCertRequest.
pub const RELATED_CERT_REQUEST: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.60");

/// The extension (RFC 9763 section 4.1): `SEQUENCE { hashAlgorithm, hashValue }`.
#[derive(Clone, Debug, PartialEq, Eq, Sequence)]
pub struct RelatedCertificate {
    hash: AlgorithmIdentifierOwned,
    value: OctetString,
}

impl RelatedCertificate {
    /// What binds to this certificate: by the hash that its signature names, as section 4.1 wants
    /// it, and by SHA-512 where the signature names none.
    ///
    /// # Errors
    /// `der::Error` when it can't be encoded, which a digest can.
    pub fn to(certificate: &Certificate) -> Result<Self, der::Error> {
        let hash = match SignatureScheme::from_identifier(certificate.signature_algorithm()) {
            Ok(SignatureScheme::Classical(
                ClassicalScheme::Ecdsa(hash)
                | ClassicalScheme::RsaPkcs1(hash)
                | ClassicalScheme::RsaPss(hash),
            )) => hash,
            _ => Hash::Sha512,
        };
        // SHA-2 without parameters (RFC 5754 section 2).
        let algorithm = AlgorithmIdentifierOwned { oid: hash.oid(), parameters: None };
        let value = OctetString::new(digest(hash, certificate.der()))?;
        Ok(Self { hash: algorithm, value })
    }

    /// As an extension; it must not be critical (section 4.1).
    pub(crate) fn to_extension(&self) -> Result<x509_cert::ext::Extension, der::Error> {
        encode::extension_of(RELATED_CERTIFICATE, false, self)
    }

    /// Which hash, if it is one that is known.
    pub fn hash(&self) -> Option<Hash> {
        Hash::ALL.into_iter().find(|hash| hash.oid() == self.hash.oid)
    }

    /// The identifier of the hash.
    pub fn hash_oid(&self) -> ObjectIdentifier {
        self.hash.oid
    }

    /// The digest.
    pub fn value(&self) -> &[u8] {
        self.value.as_bytes()
    }

    /// Whether it is this certificate's digest; false also for a hash that is not known.
    pub fn matches(&self, certificate: &Certificate) -> bool {
        self.hash().is_some_and(|hash| digest(hash, certificate.der()) == self.value())
    }
}

fn digest(hash: Hash, octets: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => Sha256::digest(octets).to_vec(),
        Hash::Sha384 => Sha384::digest(octets).to_vec(),
        Hash::Sha512 => Sha512::digest(octets).to_vec(),
    }
}

#[cfg(test)]
mod tests;
