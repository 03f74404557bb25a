//! Signatures: verifying anyone's, and the second implementation that checks our own.

mod composite;
mod deep_stack;
mod first;
mod large_ml_dsa;
mod second;
mod slh_dsa;

pub(crate) use composite::{representative, split_signature};
pub(crate) use deep_stack::on_deep_stack;
pub(crate) use first::digest;
pub(crate) use second::SecondVerifier;

use crate::algorithm::{ClassicalKey, ClassicalScheme, Composite, KeyKind, SignatureScheme};
use crate::public_key::{PublicKey, PublicKeyError};

/// From so many octets on hashing takes longer than starting a thread.
pub(crate) const LARGE: usize = 1024 * 1024;
/// The longest context of an application, in octets.
const MAX_CONTEXT: usize = 255;

/// Who verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implementation {
    /// AWS-LC, which also signs (Ed448: `ed448-goldilocks`; SLH-DSA: `fips205`).
    First,
    /// Other authors' code, which checks what AWS-LC signed: libcrux, RustCrypto, dalek, crrl.
    Second,
}

/// Verifies `signature` over `message` by `key`, with AWS-LC and the empty context of X.509.
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
    verify_in_context(Implementation::First, key, scheme, message, b"", signature)
}

/// Verifies with a chosen implementation and an application's context of at most 255 octets
/// (FIPS 204 algorithm 3, FIPS 205 algorithm 24, composite draft section 4.3).
///
/// # Errors
/// As [`verify`]; also when a classical scheme, which has no context, is given one, or the context
/// is too long.
pub fn verify_in_context(
    implementation: Implementation,
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    check_fit(key, scheme)?;
    key.check_strength().map_err(SignatureError::WeakKey)?;
    if context.len() > MAX_CONTEXT && !matches!(scheme, SignatureScheme::Classical(_)) {
        return Err(SignatureError::ContextTooLong { found: context.len() });
    }
    if implementation == Implementation::Second {
        return SecondVerifier::new(key, scheme)?.verify(message, context, signature);
    }
    match scheme {
        SignatureScheme::Classical(_) if !context.is_empty() => Err(SignatureError::NoContext),
        SignatureScheme::Classical(scheme) => {
            first::verify_classical(key.key_bytes(), key.kind(), scheme, message, signature)
        }
        SignatureScheme::MlDsa(set) => {
            first::verify_ml_dsa(set, key.key_bytes(), message, context, signature)
        }
        SignatureScheme::SlhDsa(set) => {
            slh_dsa::verify_first(set, key.key_bytes(), message, context, signature)
        }
        SignatureScheme::Composite(composite) => {
            verify_composite(key, composite, message, context, signature)
        }
    }
}

fn verify_composite(
    key: &PublicKey,
    composite: Composite,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let halves = key.composite_halves().ok_or(SignatureError::Invalid)?;
    let (ml_dsa, classical) = split_signature(composite, signature)?;
    let representative = representative(Implementation::First, composite, message, context)?;
    let wrong = |half: String| move |_| SignatureError::InvalidHalf { half };
    let label = composite.label().as_bytes();
    first::verify_ml_dsa(composite.ml_dsa(), halves.ml_dsa, &representative, label, ml_dsa)
        .map_err(wrong(composite.ml_dsa().to_string()))?;
    let kind = KeyKind::Classical(composite.classical_key());
    let scheme = composite.classical_scheme();
    first::verify_classical(halves.classical, kind, scheme, &representative, classical)
        .map_err(wrong(scheme.to_string()))
}

/// Whether a key of this kind can sign by this scheme.
pub(crate) fn check_fit(key: &PublicKey, scheme: SignatureScheme) -> Result<(), SignatureError> {
    let fits = match (key.kind(), scheme) {
        (KeyKind::Classical(key), SignatureScheme::Classical(scheme)) => {
            classical_fits(key, scheme)
        }
        (KeyKind::MlDsa(set), SignatureScheme::MlDsa(other)) => set == other,
        (KeyKind::SlhDsa(set), SignatureScheme::SlhDsa(other)) => set == other,
        (KeyKind::Composite(composite), SignatureScheme::Composite(other)) => composite == other,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(SignatureError::KeyMismatch { scheme, key: key.kind().to_string() })
}

fn classical_fits(key: ClassicalKey, scheme: ClassicalScheme) -> bool {
    matches!(
        (key, scheme),
        (ClassicalKey::Ec(_), ClassicalScheme::Ecdsa(_))
            | (ClassicalKey::Ed25519, ClassicalScheme::Ed25519)
            | (ClassicalKey::Ed448, ClassicalScheme::Ed448)
            | (ClassicalKey::Rsa { .. }, ClassicalScheme::RsaPkcs1(_) | ClassicalScheme::RsaPss(_))
    )
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
    /// A classical scheme was given a context.
    #[error("signature: a classical scheme takes no context, found one")]
    NoContext,
    /// The application's context is too long.
    #[error("signature: the context has {found} octets, allowed are at most 255")]
    ContextTooLong {
        /// Octets found.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::plan::tests::signer;

    #[test]
    fn a_context_past_255_octets_is_named_as_such() {
        for algorithm in ["mldsa44", "hybrid", "ed25519"] {
            let signer = signer(algorithm);
            let signature = signer.sign(b"message").unwrap();
            for implementation in [Implementation::First, Implementation::Second] {
                let verify = |context: &[u8]| {
                    let (key, scheme) = (signer.public_key(), signer.scheme());
                    verify_in_context(implementation, key, scheme, b"message", context, &signature)
                };
                verify(b"").unwrap();
                let longest = verify(&[7; 255]).unwrap_err();
                let too_long = verify(&[7; 256]).unwrap_err();
                if algorithm == "ed25519" {
                    assert_eq!([longest, too_long], [const { SignatureError::NoContext }; 2]);
                } else {
                    assert!(!matches!(longest, SignatureError::ContextTooLong { .. }), "{longest}");
                    assert_eq!(too_long, SignatureError::ContextTooLong { found: 256 });
                }
            }
        }
    }
}
