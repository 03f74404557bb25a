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
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::slh_dsa::SlhDsaSecond;
use super::{Implementation, LARGE, SignatureError, large_ml_dsa, representative, split_signature};
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
        self.verify_prepared(&self.prepare(message, context)?, context, signature)
    }

    /// What can be done before there is a signature: hashing, where the scheme hashes first.
    pub(crate) fn prepare<'m>(
        &self,
        message: &'m [u8],
        context: &[u8],
    ) -> Result<Prepared<'m>, SignatureError> {
        match self {
            Self::Classical(_) if !context.is_empty() => Err(SignatureError::NoContext),
            Self::Classical(key) => Ok(match key.hash() {
                Some(hash) => Prepared::Hashed(digest(hash, message)),
                None => Prepared::Whole(message),
            }),
            Self::MlDsa(key) if message.len() >= LARGE => {
                key.hash(message, context).map(Prepared::Hashed)
            }
            Self::MlDsa(_) | Self::SlhDsa(_) => Ok(Prepared::Whole(message)),
            Self::Composite { composite, .. } => {
                representative(Implementation::Second, *composite, message, context)
                    .map(Prepared::Hashed)
            }
        }
    }

    /// [`Self::verify`] of what [`Self::prepare`] gave for the same context.
    pub(crate) fn verify_prepared(
        &self,
        prepared: &Prepared<'_>,
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match (self, prepared) {
            (Self::Classical(key), Prepared::Hashed(digest)) => {
                key.verify_hashed(digest, signature)
            }
            (Self::Classical(key), Prepared::Whole(message)) => key.verify(message, signature),
            (Self::MlDsa(key), Prepared::Whole(message)) => key.verify(message, context, signature),
            (Self::SlhDsa(key), Prepared::Whole(message)) => {
                key.verify(message, context, signature)
            }
            (Self::MlDsa(key), Prepared::Hashed(mu)) => key.verify_hashed(mu, signature),
            (Self::SlhDsa(_), Prepared::Hashed(_))
            | (Self::Composite { .. }, Prepared::Whole(_)) => Err(SignatureError::Invalid),
            (Self::Composite { composite, ml_dsa, classical }, Prepared::Hashed(message)) => {
                let (first, second) = split_signature(*composite, signature)?;
                ml_dsa.verify(message, composite.label().as_bytes(), first)?;
                classical.verify(message, second)
            }
        }
    }
}

/// A message, as far as it can be taken without the signature.
pub(crate) enum Prepared<'m> {
    /// As it is: the scheme wants all of it.
    Whole(&'m [u8]),
    /// The digest that the scheme signs, a composite's representative, or ML-DSA's µ.
    Hashed(Vec<u8>),
}

/// A digest by RustCrypto, so that AWS-LC's own hashing is checked as well.
pub(super) fn digest(hash: Hash, message: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => Sha256::digest(message).to_vec(),
        Hash::Sha384 => Sha384::digest(message).to_vec(),
        Hash::Sha512 => Sha512::digest(message).to_vec(),
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

    /// The parameter set, and the octets of the key.
    fn raw(&self) -> (MlDsa, &[u8]) {
        match self {
            Self::MlDsa44(key) => (MlDsa::MlDsa44, key.as_slice()),
            Self::MlDsa65(key) => (MlDsa::MlDsa65, key.as_slice()),
            Self::MlDsa87(key) => (MlDsa::MlDsa87, key.as_slice()),
        }
    }

    /// µ of a large message.
    fn hash(&self, message: &[u8], context: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let (set, key) = self.raw();
        large_ml_dsa::mu(set, key, message, context)
    }

    /// Verifies a signature of the message that [`Self::hash`] took.
    fn verify_hashed(&self, mu: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let (set, key) = self.raw();
        large_ml_dsa::verify(set, key, mu, signature)
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

    /// The hash of an ECDSA signature, which is made of the digest alone.
    fn hash(&self) -> Option<Hash> {
        match self {
            Self::P256(_, hash)
            | Self::P384(_, hash)
            | Self::P521(_, hash)
            | Self::Brainpool256(_, hash)
            | Self::Brainpool384(_, hash) => Some(*hash),
            Self::Ed25519(_) | Self::Ed448(_) | Self::Rsa(_) => None,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let holds = match self {
            Self::Ed25519(key) => {
                let signature = ed25519_dalek::Signature::from_slice(signature);
                signature.is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            Self::Ed448(key) => key.verify_raw(signature, message),
            Self::Rsa(key) => key.verify(message, &RsaSignature(signature.to_vec())).is_ok(),
            ecdsa => {
                let hash = ecdsa.hash().ok_or(SignatureError::Invalid)?;
                return ecdsa.verify_hashed(&digest(hash, message), signature);
            }
        };
        if holds { Ok(()) } else { Err(SignatureError::Invalid) }
    }

    /// Verifies an ECDSA signature of this digest.
    fn verify_hashed(&self, digest: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        // Each curve has types of its own, and the bounds of a generic function over them would
        // be longer than this.
        macro_rules! ecdsa {
            ($curve:ty, $key:expr) => {
                ecdsa::der::Signature::<$curve>::try_from(signature)
                    .and_then(|sig| $key.verify_prehash(digest, &sig))
                    .is_ok()
            };
        }
        let holds = match self {
            Self::P256(key, _) => {
                fixed_p256(signature).is_some_and(|signature| key.verify_hash(&signature, digest))
            }
            Self::P384(key, _) => ecdsa!(NistP384, key),
            Self::P521(key, _) => ecdsa!(NistP521, key),
            Self::Brainpool256(key, _) => ecdsa!(BrainpoolP256r1, key),
            Self::Brainpool384(key, _) => ecdsa!(BrainpoolP384r1, key),
            Self::Ed25519(_) | Self::Ed448(_) | Self::Rsa(_) => false,
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
