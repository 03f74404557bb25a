//! Keys that were loaded into AWS-LC (Ed448: `ed448-goldilocks`; SLH-DSA: `fips205`) and can
//! sign.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature as lc;
use aws_lc_rs::signature::KeyPair as _;

use super::private::KeyError;
use super::slh_dsa::SlhDsaPrivate;
use crate::algorithm::{ClassicalKey, ClassicalScheme, Curve, Hash, SignatureScheme};
use crate::aws_lc::{BrainpoolPrivate, MlDsaPrivate, Refused};
use crate::sign::{SignError, SigningBackend};
use crate::signature::{Implementation, digest, representative};

/// A private key in this process.
pub(super) enum LocalKey {
    Classical(ClassicalPrivate),
    MlDsa(MlDsaPrivate),
    SlhDsa(SlhDsaPrivate),
    Composite(MlDsaPrivate, ClassicalPrivate),
}

impl SigningBackend for LocalKey {
    fn make_signature(
        &self,
        scheme: SignatureScheme,
        message: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        let made = match (scheme, self) {
            (SignatureScheme::Classical(scheme), Self::Classical(key)) => key.sign(scheme, message),
            (SignatureScheme::MlDsa(_), Self::MlDsa(key)) => key.sign(message, b""),
            (SignatureScheme::SlhDsa(_), Self::SlhDsa(key)) => key.sign(message),
            (SignatureScheme::Composite(composite), Self::Composite(ml_dsa, classical)) => {
                let message = representative(Implementation::First, composite, message, b"");
                message.map_err(|_| Refused).and_then(|message| {
                    let mut signature = ml_dsa.sign(&message, composite.label().as_bytes())?;
                    let second = classical.sign(composite.classical_scheme(), &message)?;
                    signature.extend_from_slice(&second);
                    Ok(signature)
                })
            }
            _ => Err(Refused),
        };
        made.map_err(|refused| SignError::Backend { scheme, reason: refused.to_string() })
    }
}

/// A loaded classical key.
pub(super) enum ClassicalPrivate {
    Ecdsa(lc::EcdsaKeyPair, Curve),
    Brainpool(BrainpoolPrivate),
    Ed25519(lc::Ed25519KeyPair),
    Ed448(Box<ed448_goldilocks::SigningKey>),
    Rsa(lc::RsaKeyPair),
}

impl ClassicalPrivate {
    /// Loads what `ClassicalSecret` keeps: a scalar, an EdDSA seed or a DER RSAPrivateKey.
    pub(super) fn load(kind: ClassicalKey, octets: &[u8]) -> Result<Self, KeyError> {
        let refused = |_| KeyError::Refused;
        match kind {
            ClassicalKey::Ec(curve @ (Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1)) => {
                let key = BrainpoolPrivate::load(curve, octets);
                key.map(Self::Brainpool).map_err(|_| KeyError::Refused)
            }
            ClassicalKey::Ec(curve) => {
                let algorithm = match curve {
                    Curve::P384 => &lc::ECDSA_P384_SHA384_ASN1_SIGNING,
                    Curve::P521 => &lc::ECDSA_P521_SHA512_ASN1_SIGNING,
                    _ => &lc::ECDSA_P256_SHA256_ASN1_SIGNING,
                };
                let point = super::classical::ec_point(curve, octets)?;
                lc::EcdsaKeyPair::from_private_key_and_public_key(algorithm, octets, &point)
                    .map(|pair| Self::Ecdsa(pair, curve))
                    .map_err(refused)
            }
            ClassicalKey::Ed25519 => {
                lc::Ed25519KeyPair::from_seed_unchecked(octets).map(Self::Ed25519).map_err(refused)
            }
            ClassicalKey::Ed448 => ed448_goldilocks::SigningKey::try_from(octets)
                .map(|key| Self::Ed448(Box::new(key)))
                .map_err(|_| KeyError::Refused),
            ClassicalKey::Rsa { .. } => {
                lc::RsaKeyPair::from_der(octets).map(Self::Rsa).map_err(refused)
            }
        }
    }

    /// The public key as it stands in a composite: point, EdDSA key or RSAPublicKey.
    pub(super) fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(pair, _) => pair.public_key().as_ref().to_vec(),
            Self::Brainpool(key) => key.public_point().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed448(key) => key.verifying_key().to_bytes().to_vec(),
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    fn sign(&self, scheme: ClassicalScheme, message: &[u8]) -> Result<Vec<u8>, Refused> {
        let random = SystemRandom::new();
        match (self, scheme) {
            (Self::Ecdsa(pair, curve), ClassicalScheme::Ecdsa(hash)) if hash == curve.hash() => {
                let signature = pair.sign(&random, message).map_err(|_| Refused)?;
                Ok(signature.as_ref().to_vec())
            }
            (Self::Brainpool(key), ClassicalScheme::Ecdsa(hash)) => {
                key.sign(digest(hash, message).as_ref())
            }
            (Self::Ed25519(pair), ClassicalScheme::Ed25519) => {
                pair.try_sign(message).map(|sig| sig.as_ref().to_vec()).map_err(|_| Refused)
            }
            (Self::Ed448(key), ClassicalScheme::Ed448) => {
                Ok(key.sign_raw(message).to_bytes().to_vec())
            }
            (Self::Rsa(pair), ClassicalScheme::RsaPkcs1(hash)) => {
                let padding: &'static dyn lc::RsaEncoding = match hash {
                    Hash::Sha256 => &lc::RSA_PKCS1_SHA256,
                    Hash::Sha384 => &lc::RSA_PKCS1_SHA384,
                    Hash::Sha512 => &lc::RSA_PKCS1_SHA512,
                };
                sign_rsa(pair, padding, message)
            }
            (Self::Rsa(pair), ClassicalScheme::RsaPss(hash)) => {
                let padding: &'static dyn lc::RsaEncoding = match hash {
                    Hash::Sha256 => &lc::RSA_PSS_SHA256,
                    Hash::Sha384 => &lc::RSA_PSS_SHA384,
                    Hash::Sha512 => &lc::RSA_PSS_SHA512,
                };
                sign_rsa(pair, padding, message)
            }
            _ => Err(Refused),
        }
    }
}

fn sign_rsa(
    pair: &lc::RsaKeyPair,
    padding: &'static dyn lc::RsaEncoding,
    message: &[u8],
) -> Result<Vec<u8>, Refused> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(|_| Refused)?;
    Ok(signature)
}
