//! Signature schemes and their AlgorithmIdentifiers.

use std::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{Any, Null};
use der::{Decode, Encode};
use spki::AlgorithmIdentifierOwned;

use super::{ClassicalScheme, Composite, Hash, MlDsa, SlhDsa};

/// How a signature was made, as a certificate's AlgorithmIdentifier says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// A classical signature.
    Classical(ClassicalScheme),
    /// A pure ML-DSA signature with an empty context (RFC 9881).
    MlDsa(MlDsa),
    /// A pure SLH-DSA signature with an empty context (RFC 9909).
    SlhDsa(SlhDsa),
    /// A composite signature with an empty context.
    Composite(Composite),
}

impl SignatureScheme {
    /// Reads an AlgorithmIdentifier. Parameters must be as the scheme's RFC says: absent for
    /// ECDSA, EdDSA, ML-DSA, SLH-DSA and composites; NULL (or absent, RFC 4055 section 5) for RSA PKCS#1;
    /// one hash, MGF1 of it and its length as salt for PSS.
    ///
    /// # Errors
    /// `SchemeError` says which identifier or parameter was found and what is allowed.
    pub fn from_identifier(identifier: &AlgorithmIdentifierOwned) -> Result<Self, SchemeError> {
        let oid = identifier.oid;
        if oid == rfc5912::ID_RSASSA_PSS {
            return pss_hash(identifier).map(|hash| Self::Classical(ClassicalScheme::RsaPss(hash)));
        }
        let Some(scheme) = Self::from_oid(oid) else {
            return Err(if is_broken(oid) {
                SchemeError::Broken { oid }
            } else {
                SchemeError::Unknown { oid }
            });
        };
        let null_is_right = matches!(scheme, Self::Classical(ClassicalScheme::RsaPkcs1(_)));
        match &identifier.parameters {
            None => Ok(scheme),
            Some(any) if null_is_right && any == &Any::null() => Ok(scheme),
            Some(_) => Err(SchemeError::Parameters {
                oid,
                allowed: if null_is_right { "NULL" } else { "none" },
            }),
        }
    }

    fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        let classical = [
            (rfc5912::ECDSA_WITH_SHA_256, ClassicalScheme::Ecdsa(Hash::Sha256)),
            (rfc5912::ECDSA_WITH_SHA_384, ClassicalScheme::Ecdsa(Hash::Sha384)),
            (rfc5912::ECDSA_WITH_SHA_512, ClassicalScheme::Ecdsa(Hash::Sha512)),
            (rfc8410::ID_ED_25519, ClassicalScheme::Ed25519),
            (rfc8410::ID_ED_448, ClassicalScheme::Ed448),
            (rfc5912::SHA_256_WITH_RSA_ENCRYPTION, ClassicalScheme::RsaPkcs1(Hash::Sha256)),
            (rfc5912::SHA_384_WITH_RSA_ENCRYPTION, ClassicalScheme::RsaPkcs1(Hash::Sha384)),
            (rfc5912::SHA_512_WITH_RSA_ENCRYPTION, ClassicalScheme::RsaPkcs1(Hash::Sha512)),
        ];
        let row = classical.into_iter().find(|(known, _)| *known == oid);
        row.map(|(_, scheme)| Self::Classical(scheme))
            .or_else(|| MlDsa::from_oid(oid).map(Self::MlDsa))
            .or_else(|| SlhDsa::from_oid(oid).map(Self::SlhDsa))
            .or_else(|| Composite::from_oid(oid).map(Self::Composite))
    }

    /// The object identifier.
    pub fn oid(&self) -> ObjectIdentifier {
        use ClassicalScheme::{Ecdsa, Ed448, Ed25519, RsaPkcs1, RsaPss};
        match self {
            Self::Classical(Ecdsa(Hash::Sha256)) => rfc5912::ECDSA_WITH_SHA_256,
            Self::Classical(Ecdsa(Hash::Sha384)) => rfc5912::ECDSA_WITH_SHA_384,
            Self::Classical(Ecdsa(Hash::Sha512)) => rfc5912::ECDSA_WITH_SHA_512,
            Self::Classical(Ed25519) => rfc8410::ID_ED_25519,
            Self::Classical(Ed448) => rfc8410::ID_ED_448,
            Self::Classical(RsaPkcs1(Hash::Sha256)) => rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
            Self::Classical(RsaPkcs1(Hash::Sha384)) => rfc5912::SHA_384_WITH_RSA_ENCRYPTION,
            Self::Classical(RsaPkcs1(Hash::Sha512)) => rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
            Self::Classical(RsaPss(_)) => rfc5912::ID_RSASSA_PSS,
            Self::MlDsa(set) => set.oid(),
            Self::SlhDsa(set) => set.oid(),
            Self::Composite(composite) => composite.oid(),
        }
    }

    /// The AlgorithmIdentifier with the parameters that the scheme's RFC asks for.
    pub fn to_identifier(&self) -> AlgorithmIdentifierOwned {
        let parameters = match self {
            Self::Classical(ClassicalScheme::RsaPkcs1(_)) => Some(Any::null()),
            Self::Classical(ClassicalScheme::RsaPss(hash)) => Some(pss_parameters(*hash)),
            _ => None,
        };
        AlgorithmIdentifierOwned { oid: self.oid(), parameters }
    }

    /// NIST's post-quantum security category; none for a classical scheme.
    pub fn nist_level(&self) -> Option<u8> {
        match self {
            Self::Classical(_) => None,
            Self::MlDsa(set) => Some(set.nist_level()),
            Self::SlhDsa(set) => Some(set.nist_level()),
            Self::Composite(composite) => Some(composite.ml_dsa().nist_level()),
        }
    }

    /// Whether a quantum computer can't forge it alone: ML-DSA, SLH-DSA or composite.
    pub fn is_post_quantum(&self) -> bool {
        self.nist_level().is_some()
    }

    /// Whether a classical signature stands in it, alone or as the half of a composite.
    pub fn has_classical_part(&self) -> bool {
        match self {
            Self::Classical(_) | Self::Composite(_) => true,
            Self::MlDsa(_) | Self::SlhDsa(_) => false,
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classical(scheme) => scheme.fmt(f),
            Self::MlDsa(set) => set.fmt(f),
            Self::SlhDsa(set) => set.fmt(f),
            Self::Composite(composite) => composite.fmt(f),
        }
    }
}

/// An AlgorithmIdentifier that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// The identifier is not in the registry.
    #[error(
        "signature algorithm: found {oid}, which is not known; allowed are the rows of `espalier algorithms`"
    )]
    Unknown {
        /// What was found.
        oid: ObjectIdentifier,
    },
    /// The signature uses MD5 or SHA-1, which can be forged.
    #[error(
        "signature algorithm: found {oid}, which uses MD5 or SHA-1 and can be forged; allowed are SHA-256 and better"
    )]
    Broken {
        /// What was found.
        oid: ObjectIdentifier,
    },
    /// The parameters are not those that the scheme's RFC asks for.
    #[error("parameters of signature algorithm {oid}: found others, allowed: {allowed}")]
    Parameters {
        /// The scheme.
        oid: ObjectIdentifier,
        /// What its RFC asks for.
        allowed: &'static str,
    },
}

fn is_broken(oid: ObjectIdentifier) -> bool {
    const BROKEN: [ObjectIdentifier; 6] = [
        rfc5912::MD_2_WITH_RSA_ENCRYPTION,
        rfc5912::MD_5_WITH_RSA_ENCRYPTION,
        rfc5912::SHA_1_WITH_RSA_ENCRYPTION,
        rfc5912::DSA_WITH_SHA_1,
        // ecdsa-with-SHA1, RFC 3279 section 2.2.3.
        ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
        // sha-1WithRSAEncryption of OIW, which old Windows wrote.
        ObjectIdentifier::new_unwrap("1.3.14.3.2.29"),
    ];
    BROKEN.contains(&oid)
}

/// RSASSA-PSS-params (RFC 4055 section 3.1); every field stands explicitly, since each default
/// means SHA-1.
#[derive(der::Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    hash: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT")]
    mask: MaskGeneration,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT")]
    salt_length: u8,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

#[derive(der::Sequence)]
struct MaskGeneration {
    oid: ObjectIdentifier,
    hash: AlgorithmIdentifierOwned,
}

fn pss_parameters(hash: Hash) -> Any {
    let hash_identifier =
        || AlgorithmIdentifierOwned { oid: hash.oid(), parameters: Some(Null.into()) };
    let parameters = PssParameters {
        hash: hash_identifier(),
        mask: MaskGeneration { oid: rfc5912::ID_MGF_1, hash: hash_identifier() },
        salt_length: hash.size() as u8,
        trailer: None,
    };
    Any::encode_from(&parameters).expect("PSS parameters are a few dozen octets")
}

fn pss_hash(identifier: &AlgorithmIdentifierOwned) -> Result<Hash, SchemeError> {
    let wrong = SchemeError::Parameters {
        oid: identifier.oid,
        allowed: "SHA-256, SHA-384 or SHA-512, MGF1 with the same hash, a salt of its length",
    };
    let parameters = identifier.parameters.as_ref().and_then(|any| any.to_der().ok());
    let parameters = parameters.and_then(|der| PssParameters::from_der(&der).ok());
    let Some(parameters) = parameters else { return Err(wrong) };
    let plain = |identifier: &AlgorithmIdentifierOwned| {
        identifier.parameters.as_ref().is_none_or(|any| any == &Any::null())
    };
    let hash = Hash::ALL.into_iter().find(|hash| hash.oid() == parameters.hash.oid);
    let agrees = hash.is_some_and(|hash| {
        plain(&parameters.hash)
            && parameters.mask.oid == rfc5912::ID_MGF_1
            && parameters.mask.hash.oid == hash.oid()
            && plain(&parameters.mask.hash)
            && usize::from(parameters.salt_length) == hash.size()
            && parameters.trailer.is_none_or(|trailer| trailer == 1)
    });
    hash.filter(|_| agrees).ok_or(wrong)
}
