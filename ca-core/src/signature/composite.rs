//! The message that both halves of a composite sign (draft -19 section 4.2).

use shake::digest::{ExtendableOutput, Update, XofReader};

use super::first::digest;
use super::second::digest as second_digest;
use super::{Implementation, SignatureError};
use crate::algorithm::{Composite, Hash, PreHash};

/// ASCII octets that keep composite messages apart from any other protocol's.
const PREFIX: &[u8] = b"CompositeAlgorithmSignatures2025";

/// `M' = Prefix || Label || len(ctx) || ctx || PH(M)`. Each implementation hashes by itself, so that
/// the second one notices when the first hashed something else.
pub(crate) fn representative(
    implementation: Implementation,
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
    let hash = match composite.prehash() {
        PreHash::Sha256 => Hash::Sha256,
        PreHash::Sha512 => Hash::Sha512,
        PreHash::Shake256 => {
            // AWS-LC's SHAKE has no safe door; both use the same one.
            out.extend_from_slice(&shake256(message));
            return Ok(out);
        }
    };
    match implementation {
        Implementation::First => out.extend_from_slice(digest(hash, message).as_ref()),
        Implementation::Second => out.extend_from_slice(&second_digest(hash, message)),
    }
    Ok(out)
}

fn shake256(message: &[u8]) -> [u8; 64] {
    let mut hash = shake::Shake256::default();
    hash.update(message);
    let mut digest = [0; 64];
    hash.finalize_xof().read(&mut digest);
    digest
}

/// Takes `ML-DSA signature || classical signature` apart.
pub(crate) fn split_signature(
    composite: Composite,
    signature: &[u8],
) -> Result<(&[u8], &[u8]), SignatureError> {
    signature.split_at_checked(composite.ml_dsa().signature_size()).ok_or(SignatureError::Invalid)
}
