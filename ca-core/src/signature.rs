//! Signatures: verifying anyone's, and the second implementation that checks our own.

mod composite;
mod first;
mod second;

pub(crate) use composite::{representative, split_signature};
pub(crate) use second::SecondVerifier;

use crate::algorithm::{ClassicalKey, ClassicalScheme, KeyKind, SignatureScheme};
use crate::public_key::{PublicKey, PublicKeyError};

/// Verifies `signature` over `message` by `key`, with AWS-LC (Ed448: with `ed448-goldilocks`).
///
/// # Errors
/// `SignatureError` says whether the key can't make such a signature, is too weak, or the
/// signature is wrong.
pub fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    check_fit(key, scheme)?;
    key.check_strength().map_err(SignatureError::WeakKey)?;
    match scheme {
        SignatureScheme::Classical(scheme) => {
            first::verify_classical(key.key_bytes(), key.kind(), scheme, message, signature)
        }
        SignatureScheme::MlDsa(set) => {
            first::verify_ml_dsa(set, key.key_bytes(), message, b"", signature)
        }
        SignatureScheme::Composite(composite) => {
            verify_composite(key, composite, message, b"", signature)
        }
    }
}

/// Verifies a composite signature that was made with an application's context (draft section
/// 4.3). X.509 always uses the empty one, which [`verify`] does.
///
/// # Errors
/// As [`verify`].
pub fn verify_composite(
    key: &PublicKey,
    composite: crate::algorithm::Composite,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    check_fit(key, SignatureScheme::Composite(composite))?;
    let halves = key.composite_halves().ok_or(SignatureError::Invalid)?;
    let (ml_dsa, classical) = split_signature(composite, signature)?;
    let representative = representative(composite, message, context)?;
    let wrong = |half: String| move |_| SignatureError::InvalidHalf { half };
    let label = composite.label().as_bytes();
    first::verify_ml_dsa(composite.ml_dsa(), halves.ml_dsa, &representative, label, ml_dsa)
        .map_err(wrong(composite.ml_dsa().to_string()))?;
    let kind = KeyKind::Classical(composite.classical_key());
    let scheme = composite.classical_scheme();
    first::verify_classical(halves.classical, kind, scheme, &representative, classical)
        .map_err(wrong(scheme.to_string()))
}

/// Verifies a pure ML-DSA signature with a context (FIPS 204 algorithm 3), for protocols other
/// than X.509.
///
/// # Errors
/// As [`verify`].
pub fn verify_ml_dsa_with_context(
    key: &PublicKey,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let KeyKind::MlDsa(set) = key.kind() else { return Err(SignatureError::Invalid) };
    first::verify_ml_dsa(set, key.key_bytes(), message, context, signature)
}

/// Verifies with the second implementation instead of AWS-LC.
///
/// # Errors
/// As [`verify`].
pub fn verify_with_second(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    check_fit(key, scheme)?;
    key.check_strength().map_err(SignatureError::WeakKey)?;
    SecondVerifier::new(key, scheme)?.verify(message, signature)
}

/// Whether a key of this kind can sign by this scheme.
pub(crate) fn check_fit(key: &PublicKey, scheme: SignatureScheme) -> Result<(), SignatureError> {
    let fits = match (key.kind(), scheme) {
        (KeyKind::Classical(key), SignatureScheme::Classical(scheme)) => {
            classical_fits(key, scheme)
        }
        (KeyKind::MlDsa(set), SignatureScheme::MlDsa(other)) => set == other,
        (KeyKind::Composite(composite), SignatureScheme::Composite(other)) => composite == other,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(SignatureError::KeyMismatch { scheme, key: key.kind().to_string() })
}

fn classical_fits(key: ClassicalKey, scheme: ClassicalScheme) -> bool {
    match (key, scheme) {
        (ClassicalKey::Ec(_), ClassicalScheme::Ecdsa(_))
        | (ClassicalKey::Ed25519, ClassicalScheme::Ed25519)
        | (ClassicalKey::Ed448, ClassicalScheme::Ed448)
        | (ClassicalKey::Rsa { .. }, ClassicalScheme::RsaPkcs1(_) | ClassicalScheme::RsaPss(_)) => {
            true
        }
        _ => false,
    }
}

/// A signature that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The key is not of the kind that makes such signatures.
    #[error("signature: made by {scheme}, but the key is {key}")]
    KeyMismatch {
        /// The scheme that the AlgorithmIdentifier names.
        scheme: SignatureScheme,
        /// The key that should have made it.
        key: String,
    },
    /// The key is too weak.
    #[error(transparent)]
    WeakKey(PublicKeyError),
    /// Wrong signature for this message and key.
    #[error("signature: does not match the message and key")]
    Invalid,
    /// One half of a composite is wrong.
    #[error("signature: the {half} half of the composite does not match the message and key")]
    InvalidHalf {
        /// Which half: its algorithm's name.
        half: String,
    },
    /// The application's context is too long.
    #[error("signature: the context has {found} octets, allowed are at most 255")]
    ContextTooLong {
        /// Octets found.
        found: usize,
    },
}

#[cfg(test)]
mod tests;
