//! Signatures: verifying anyone's, and the second implementation that checks our own.

use crate::algorithm::SignatureScheme;
use crate::public_key::{PublicKey, PublicKeyError};

/// Verifies `signature` over `message` by `key`.
///
/// # Errors
/// `SignatureError` says whether the key can't make such a signature, is too weak, or the
/// signature is wrong.
pub fn verify(
    _key: &PublicKey,
    _scheme: SignatureScheme,
    _message: &[u8],
    _signature: &[u8],
) -> Result<(), SignatureError> {
    Err(SignatureError::Invalid)
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
}
