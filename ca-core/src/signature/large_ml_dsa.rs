//! ML-DSA over large messages by RustCrypto's `ml-dsa`, which takes µ, the hash of key and message
//! (FIPS 204 algorithm 7, line 6), apart from the signature. libcrux, which checks all others,
//! hashes the message only when it has the signature; for a large list that would be a second
//! pass over all of it after the first, instead of beside it.

use ml_dsa::{KeyInit, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey};
use rsa::signature::digest::Update;

use super::SignatureError;
use crate::algorithm::MlDsa;

/// Hashes a message for a key.
///
/// # Errors
/// `SignatureError` for a key of another length, or a context of more than 255 octets.
pub(super) fn mu(
    set: MlDsa,
    key: &[u8],
    message: &[u8],
    context: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    match set {
        MlDsa::MlDsa44 => mu_of::<MlDsa44>(key, message, context),
        MlDsa::MlDsa65 => mu_of::<MlDsa65>(key, message, context),
        MlDsa::MlDsa87 => mu_of::<MlDsa87>(key, message, context),
    }
    .ok_or(SignatureError::Invalid)
}

/// Checks the signature of a message that was hashed by [`mu`].
///
/// # Errors
/// `SignatureError` when it is not one by this key.
pub(super) fn verify(
    set: MlDsa,
    key: &[u8],
    mu: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let holds = match set {
        MlDsa::MlDsa44 => holds::<MlDsa44>(key, mu, signature),
        MlDsa::MlDsa65 => holds::<MlDsa65>(key, mu, signature),
        MlDsa::MlDsa87 => holds::<MlDsa87>(key, mu, signature),
    };
    if holds == Some(true) { Ok(()) } else { Err(SignatureError::Invalid) }
}

fn mu_of<P: MlDsaParams>(key: &[u8], message: &[u8], context: &[u8]) -> Option<Vec<u8>> {
    let key = VerifyingKey::<P>::new_from_slice(key).ok()?;
    let absorb = |hash: &mut _| {
        Update::update(hash, message);
        Ok(())
    };
    key.compute_mu(absorb, context).ok().map(|mu| mu.to_vec())
}

fn holds<P: MlDsaParams>(key: &[u8], mu: &[u8], signature: &[u8]) -> Option<bool> {
    let key = VerifyingKey::<P>::new_from_slice(key).ok()?;
    let signature = Signature::<P>::try_from(signature).ok()?;
    Some(key.verify_mu(mu.try_into().ok()?, &signature))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use crate::algorithm::Algorithm;
    use crate::key::PrivateKey;
    use crate::signature::Implementation::{First, Second};
    use crate::signature::{LARGE, verify_in_context};

    /// AWS-LC's signature of a large message holds; with one bit of the message, the signature or
    /// the context changed it does not, as AWS-LC says too.
    #[test]
    fn a_large_message_is_judged_as_the_first_implementation_does() {
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        for name in ["mldsa44", "mldsa65", "mldsa87"] {
            let algorithm = Algorithm::named(name).unwrap();
            let scheme = algorithm.scheme();
            let key = PrivateKey::generate(algorithm, rng).unwrap();
            let mut message = vec![0x5a; LARGE];
            let mut signature = key.signer(scheme).unwrap().sign(&message).unwrap();
            let both = |message: &[u8], context: &[u8], signature: &[u8]| {
                let key = key.public_key();
                [First, Second].map(|by| {
                    verify_in_context(by, key, scheme, message, context, signature).is_ok()
                })
            };
            assert_eq!(both(&message, b"", &signature), [true; 2], "{name}");
            assert_eq!(both(&message, b"x", &signature), [false; 2], "{name}: context");
            assert_eq!(both(&message[1..], b"", &signature), [false; 2], "{name}: shorter");
            assert_eq!(both(&message, b"", &signature[1..]), [false; 2], "{name}: cut off");
            message[LARGE - 1] ^= 1;
            assert_eq!(both(&message, b"", &signature), [false; 2], "{name}: message");
            message[LARGE - 1] ^= 1;
            signature[7] ^= 1;
            assert_eq!(both(&message, b"", &signature), [false; 2], "{name}: signature");
        }
    }
}
