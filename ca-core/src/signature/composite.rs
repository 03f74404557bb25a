//! The message that both halves of a composite sign (draft -19 section 4.2).

use sha2::{Digest, Sha256, Sha512};
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::SignatureError;
use crate::algorithm::{Composite, PreHash};

/// ASCII octets that keep composite messages apart from any other protocol's.
const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";

/// `M' = Prefix || Label || len(ctx) || ctx || PH(M)`.
pub(crate) fn representative(
    composite: Composite,
    message: &[u8],
    context: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    let too_long = SignatureError::ContextTooLong { found: context.len() };
    let length = u8::try_from(context.len()).map_err(|_| too_long)?;
    let label = composite.label().as_bytes();
    let mut out = Vec::with_capacity(PREFIX.len() + label.len() + 1 + context.len() + 64);
    out.extend_from_slice(PREFIX);
    out.extend_from_slice(label);
    out.push(length);
    out.extend_from_slice(context);
    match composite.prehash() {
        PreHash::Sha256 => out.extend_from_slice(&Sha256::digest(message)),
        PreHash::Sha512 => out.extend_from_slice(&Sha512::digest(message)),
        PreHash::Shake256 => {
            let mut hash = shake::Shake256::default();
            hash.update(message);
            let mut digest = [0; 64];
            hash.finalize_xof().read(&mut digest);
            out.extend_from_slice(&digest);
        }
    }
    Ok(out)
}

/// Takes `ML-DSA signature || classical signature` apart.
pub(crate) fn split_signature(
    composite: Composite,
    signature: &[u8],
) -> Result<(&[u8], &[u8]), SignatureError> {
    signature.split_at_checked(composite.ml_dsa().signature_size()).ok_or(SignatureError::Invalid)
}
