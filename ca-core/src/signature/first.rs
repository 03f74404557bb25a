//! Verification by AWS-LC, the implementation that also signs. AWS-LC has no Ed448, so that one
//! is verified by `ed448-goldilocks`.

use aws_lc_rs::signature as lc;

use super::SignatureError;
use crate::algorithm::{ClassicalKey, ClassicalScheme, Curve, Hash, KeyKind, MlDsa};
use crate::aws_lc;

pub(super) fn verify_ml_dsa(
    set: MlDsa,
    key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    aws_lc::verify_ml_dsa(set, key, message, context, signature)
        .map_err(|_| SignatureError::Invalid)
}

pub(super) fn verify_classical(
    key: &[u8],
    kind: KeyKind,
    scheme: ClassicalScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let KeyKind::Classical(kind) = kind else { return Err(SignatureError::Invalid) };
    let algorithm: &'static dyn lc::VerificationAlgorithm = match (kind, scheme) {
        (
            ClassicalKey::Ec(curve @ (Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1)),
            ClassicalScheme::Ecdsa(hash),
        ) => {
            let digest = digest(hash, message);
            return aws_lc::verify_brainpool(curve, key, digest.as_ref(), signature)
                .map_err(|_| SignatureError::Invalid);
        }
        (ClassicalKey::Ed448, ClassicalScheme::Ed448) => {
            return verify_ed448(key, message, signature);
        }
        (ClassicalKey::Ec(curve), ClassicalScheme::Ecdsa(hash)) => ecdsa(curve, hash)?,
        (ClassicalKey::Ed25519, ClassicalScheme::Ed25519) => &lc::ED25519,
        (ClassicalKey::Rsa { .. }, ClassicalScheme::RsaPkcs1(hash)) => match hash {
            Hash::Sha256 => &lc::RSA_PKCS1_2048_8192_SHA256,
            Hash::Sha384 => &lc::RSA_PKCS1_2048_8192_SHA384,
            Hash::Sha512 => &lc::RSA_PKCS1_2048_8192_SHA512,
        },
        (ClassicalKey::Rsa { .. }, ClassicalScheme::RsaPss(hash)) => match hash {
            Hash::Sha256 => &lc::RSA_PSS_2048_8192_SHA256,
            Hash::Sha384 => &lc::RSA_PSS_2048_8192_SHA384,
            Hash::Sha512 => &lc::RSA_PSS_2048_8192_SHA512,
        },
        _ => return Err(SignatureError::Invalid),
    };
    lc::UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .map_err(|_| SignatureError::Invalid)
}

fn ecdsa(
    curve: Curve,
    hash: Hash,
) -> Result<&'static dyn lc::VerificationAlgorithm, SignatureError> {
    Ok(match (curve, hash) {
        (Curve::P256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (Curve::P256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (Curve::P384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (Curve::P384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (Curve::P521, Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (Curve::P521, Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (Curve::P521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
        (Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1, _) => {
            return Err(SignatureError::Invalid);
        }
    })
}

pub(crate) fn digest(hash: Hash, message: &[u8]) -> aws_lc_rs::digest::Digest {
    let algorithm = match hash {
        Hash::Sha256 => &aws_lc_rs::digest::SHA256,
        Hash::Sha384 => &aws_lc_rs::digest::SHA384,
        Hash::Sha512 => &aws_lc_rs::digest::SHA512,
    };
    aws_lc_rs::digest::digest(algorithm, message)
}

fn verify_ed448(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
    let key: &[u8; 57] = key.try_into().map_err(|_| SignatureError::Invalid)?;
    let key =
        ed448_goldilocks::VerifyingKey::from_bytes(key).map_err(|_| SignatureError::Invalid)?;
    let signature =
        ed448_goldilocks::Signature::try_from(signature).map_err(|_| SignatureError::Invalid)?;
    key.verify_raw(&signature, message).map_err(|_| SignatureError::Invalid)
}
