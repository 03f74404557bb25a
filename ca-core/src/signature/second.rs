//! The second implementation: other authors' code than AWS-LC's, which checks every signature
//! that the CA makes. ML-DSA by libcrux (formally verified), P-256 and Ed448 by crrl, the other
//! curves, RSA and SLH-DSA by RustCrypto, Ed25519 by dalek. Only public keys are used here.

use bp256::BrainpoolP256r1;
use bp384::BrainpoolP384r1;
use der::Decode;
use der::asn1::UintRef;
use ecdsa::VerifyingKey;
use libcrux_ml_dsa::{MLDSASignature, MLDSAVerificationKey, ml_dsa_44, ml_dsa_65, ml_dsa_87};
use p384::NistP384;
use p521::NistP521;
use rsa::signature::Verifier;
use rsa::signature::hazmat::PrehashVerifier;
use sha2::{Sha256, Sha384, Sha512};

use super::first::digest;
use super::slh_dsa::SlhDsaSecond;
use super::{SignatureError, representative, split_signature};
use crate::algorithm::{
    ClassicalKey, ClassicalScheme, Composite, Curve, Hash, KeyKind, MlDsa, SignatureScheme,
};
use crate::public_key::{PublicKey, RsaPublicKey};

/// A public key parsed once by the second implementation, to check many signatures.
pub(crate) enum SecondVerifier {
    Classical(ClassicalSecond),
    MlDsa(MlDsaSecond),
    SlhDsa(SlhDsaSecond),
    Composite { composite: Composite, ml_dsa: MlDsaSecond, classical: ClassicalSecond },
}

impl SecondVerifier {
    /// Parses the key for a scheme that fits it.
    pub(crate) fn new(key: &PublicKey, scheme: SignatureScheme) -> Result<Self, SignatureError> {
        match scheme {
            SignatureScheme::Classical(scheme) => {
                let KeyKind::Classical(kind) = key.kind() else {
                    return Err(SignatureError::Invalid);
                };
                ClassicalSecond::new(kind, scheme, key.key_bytes()).map(Self::Classical)
            }
            SignatureScheme::MlDsa(set) => MlDsaSecond::new(set, key.key_bytes()).map(Self::MlDsa),
            SignatureScheme::SlhDsa(set) => {
                SlhDsaSecond::new(set, key.key_bytes()).map(Self::SlhDsa)
            }
            SignatureScheme::Composite(composite) => {
                let halves = key.composite_halves().ok_or(SignatureError::Invalid)?;
                let (kind, scheme) = (composite.classical_key(), composite.classical_scheme());
                Ok(Self::Composite {
                    composite,
                    ml_dsa: MlDsaSecond::new(composite.ml_dsa(), halves.ml_dsa)?,
                    classical: ClassicalSecond::new(kind, scheme, halves.classical)?,
                })
            }
        }
    }

    /// Verifies with an application's context; a classical key takes none.
    pub(crate) fn verify(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match self {
            Self::Classical(key) if context.is_empty() => key.verify(message, signature),
            Self::Classical(_) => Err(SignatureError::NoContext),
            Self::MlDsa(key) => key.verify(message, context, signature),
            Self::SlhDsa(key) => key.verify(message, context, signature),
            Self::Composite { composite, ml_dsa, classical } => {
                let representative = representative(*composite, message, context)?;
                let (first, second) = split_signature(*composite, signature)?;
                ml_dsa.verify(&representative, composite.label().as_bytes(), first)?;
                classical.verify(&representative, second)
            }
        }
    }
}

/// An ML-DSA key for libcrux.
pub(crate) enum MlDsaSecond {
    MlDsa44(Box<ml_dsa_44::MLDSA44VerificationKey>),
    MlDsa65(Box<ml_dsa_65::MLDSA65VerificationKey>),
    MlDsa87(Box<ml_dsa_87::MLDSA87VerificationKey>),
}

impl MlDsaSecond {
    fn new(set: MlDsa, key: &[u8]) -> Result<Self, SignatureError> {
        Ok(match set {
            MlDsa::MlDsa44 => Self::MlDsa44(Box::new(MLDSAVerificationKey::new(array(key)?))),
            MlDsa::MlDsa65 => Self::MlDsa65(Box::new(MLDSAVerificationKey::new(array(key)?))),
            MlDsa::MlDsa87 => Self::MlDsa87(Box::new(MLDSAVerificationKey::new(array(key)?))),
        })
    }

    fn verify(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match self {
            Self::MlDsa44(key) => {
                ml_dsa_44::verify(key, message, context, &MLDSASignature::new(array(signature)?))
            }
            Self::MlDsa65(key) => {
                ml_dsa_65::verify(key, message, context, &MLDSASignature::new(array(signature)?))
            }
            Self::MlDsa87(key) => {
                ml_dsa_87::verify(key, message, context, &MLDSASignature::new(array(signature)?))
            }
        }
        .map_err(|_| SignatureError::Invalid)
    }
}

/// A classical key, with the scheme where the key's type needs it.
pub(crate) enum ClassicalSecond {
    P256(Box<crrl::p256::PublicKey>, Hash),
    P384(VerifyingKey<NistP384>, Hash),
    P521(VerifyingKey<NistP521>, Hash),
    Brainpool256(VerifyingKey<BrainpoolP256r1>, Hash),
    Brainpool384(VerifyingKey<BrainpoolP384r1>, Hash),
    Ed25519(ed25519_dalek::VerifyingKey),
    Ed448(Box<crrl::ed448::PublicKey>),
    Rsa(Box<dyn Verifier<RsaSignature> + Send + Sync>),
}

/// An RSA signature before the padding is known.
pub(crate) struct RsaSignature(Vec<u8>);

impl ClassicalSecond {
    fn new(
        kind: ClassicalKey,
        scheme: ClassicalScheme,
        key: &[u8],
    ) -> Result<Self, SignatureError> {
        let parsed = match (kind, scheme) {
            (ClassicalKey::Ec(curve), ClassicalScheme::Ecdsa(hash)) => Self::ec(curve, hash, key),
            (ClassicalKey::Ed25519, ClassicalScheme::Ed25519) => {
                ed25519_dalek::VerifyingKey::from_bytes(&array(key)?).ok().map(Self::Ed25519)
            }
            (ClassicalKey::Ed448, ClassicalScheme::Ed448) => {
                crrl::ed448::PublicKey::decode(key).map(|key| Self::Ed448(Box::new(key)))
            }
            (ClassicalKey::Rsa { .. }, scheme) => rsa_verifier(key, scheme).map(Self::Rsa),
            _ => None,
        };
        parsed.ok_or(SignatureError::Invalid)
    }

    fn ec(curve: Curve, hash: Hash, key: &[u8]) -> Option<Self> {
        Some(match curve {
            Curve::P256 => Self::P256(Box::new(crrl::p256::PublicKey::decode(key)?), hash),
            Curve::P384 => Self::P384(VerifyingKey::from_sec1_bytes(key).ok()?, hash),
            Curve::P521 => Self::P521(VerifyingKey::from_sec1_bytes(key).ok()?, hash),
            Curve::BrainpoolP256r1 => {
                Self::Brainpool256(VerifyingKey::from_sec1_bytes(key).ok()?, hash)
            }
            Curve::BrainpoolP384r1 => {
                Self::Brainpool384(VerifyingKey::from_sec1_bytes(key).ok()?, hash)
            }
        })
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        // Each curve has types of its own, and the bounds of a generic function over them would
        // be longer than this.
        macro_rules! ecdsa {
            ($curve:ty, $key:expr, $hash:expr) => {
                ecdsa::der::Signature::<$curve>::try_from(signature)
                    .and_then(|sig| $key.verify_prehash(digest(*$hash, message).as_ref(), &sig))
                    .is_ok()
            };
        }
        let holds = match self {
            Self::P256(key, hash) => fixed_p256(signature).is_some_and(|signature| {
                key.verify_hash(&signature, digest(*hash, message).as_ref())
            }),
            Self::P384(key, hash) => ecdsa!(NistP384, key, hash),
            Self::P521(key, hash) => ecdsa!(NistP521, key, hash),
            Self::Brainpool256(key, hash) => ecdsa!(BrainpoolP256r1, key, hash),
            Self::Brainpool384(key, hash) => ecdsa!(BrainpoolP384r1, key, hash),
            Self::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature);
                signature.is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            Self::Ed448(key) => key.verify_raw(signature, message),
            Self::Rsa(key) => key.verify(message, &RsaSignature(signature.to_vec())).is_ok(),
        };
        if holds { Ok(()) } else { Err(SignatureError::Invalid) }
    }
}

/// ECDSA-Sig-Value (RFC 3279 section 2.2.3).
#[derive(der::Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// Both numbers of a DER signature in 32 octets each, as crrl takes them.
fn fixed_p256(der: &[u8]) -> Option<[u8; 64]> {
    let signature = EcdsaSignature::from_der(der).ok()?;
    let mut fixed = [0; 64];
    let (r, s) = fixed.split_at_mut(32);
    for (number, place) in [(signature.r, r), (signature.s, s)] {
        let start = place.len().checked_sub(number.as_bytes().len())?;
        place[start..].copy_from_slice(number.as_bytes());
    }
    Some(fixed)
}

fn array<const N: usize>(octets: &[u8]) -> Result<[u8; N], SignatureError> {
    octets.try_into().map_err(|_| SignatureError::Invalid)
}

/// A verifier for one padding and hash.
struct Padded<V, S>(V, std::marker::PhantomData<fn(S)>);

impl<V, S> Verifier<RsaSignature> for Padded<V, S>
where
    V: Verifier<S>,
    S: for<'a> TryFrom<&'a [u8]>,
{
    fn verify(&self, message: &[u8], signature: &RsaSignature) -> rsa::signature::Result<()> {
        let signature = S::try_from(&signature.0).map_err(|_| rsa::signature::Error::new())?;
        self.0.verify(message, &signature)
    }
}

fn rsa_verifier(
    key: &[u8],
    scheme: ClassicalScheme,
) -> Option<Box<dyn Verifier<RsaSignature> + Send + Sync>> {
    use rsa::{BoxedUint, pkcs1v15, pss};
    let parsed = RsaPublicKey::from_der(key).ok()?;
    let number = |octets: &[u8]| BoxedUint::from_be_slice_vartime(octets);
    let (modulus, exponent) =
        (number(parsed.modulus.as_bytes()), number(parsed.exponent.as_bytes()));
    let key = rsa::PublicKey::new(modulus, exponent).ok()?;
    macro_rules! boxed {
        ($verifier:expr, $signature:ty) => {
            Box::new(Padded::<_, $signature>($verifier, std::marker::PhantomData))
        };
    }
    Some(match scheme {
        ClassicalScheme::RsaPkcs1(Hash::Sha256) => {
            boxed!(pkcs1v15::VerifyingKey::<Sha256>::new(key), pkcs1v15::Signature)
        }
        ClassicalScheme::RsaPkcs1(Hash::Sha384) => {
            boxed!(pkcs1v15::VerifyingKey::<Sha384>::new(key), pkcs1v15::Signature)
        }
        ClassicalScheme::RsaPkcs1(Hash::Sha512) => {
            boxed!(pkcs1v15::VerifyingKey::<Sha512>::new(key), pkcs1v15::Signature)
        }
        ClassicalScheme::RsaPss(Hash::Sha256) => {
            boxed!(pss::VerifyingKey::<Sha256>::new_with_salt_len(key, 32), pss::Signature)
        }
        ClassicalScheme::RsaPss(Hash::Sha384) => {
            boxed!(pss::VerifyingKey::<Sha384>::new_with_salt_len(key, 48), pss::Signature)
        }
        ClassicalScheme::RsaPss(Hash::Sha512) => {
            boxed!(pss::VerifyingKey::<Sha512>::new_with_salt_len(key, 64), pss::Signature)
        }
        _ => return None,
    })
}
