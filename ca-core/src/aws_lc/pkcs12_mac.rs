//! Hashing and HMAC (RFC 2104) that leave nothing of a password or key behind, for PKCS#12.
//! `aws-lc-rs` has both, but hands digests out by value and moves the keyed state over the stack.

use std::ptr;

use aws_lc_sys as sys;

use super::{Owned, Refused, succeeded};
use crate::algorithm::Hash;

/// Hashes the parts, and then `rounds - 1` times what came out; fills `out`, which has the length
/// of the hash.
pub(crate) fn hash_rounds(
    hash: Hash,
    parts: [&[u8]; 3],
    rounds: u32,
    out: &mut [u8],
) -> Result<(), Refused> {
    let digest = digest_of(hash);
    // SAFETY: the digest is a constant of AWS-LC.
    if out.len() != unsafe { sys::EVP_MD_size(digest) } {
        return Err(Refused);
    }
    // SAFETY: takes nothing; null means that memory ran out.
    let context = Owned::new(unsafe { sys::EVP_MD_CTX_new() })?;
    for round in 0..rounds {
        // SAFETY: the context is live, the digest a constant; a null engine is allowed.
        succeeded(unsafe { sys::EVP_DigestInit_ex(context.as_ptr(), digest, ptr::null_mut()) })?;
        let again = [&*out, &[], &[]];
        for part in if round == 0 { parts } else { again } {
            // SAFETY: the context is live and initialised, pointer and length are of a live slice.
            succeeded(unsafe {
                sys::EVP_DigestUpdate(context.as_ptr(), part.as_ptr().cast(), part.len())
            })?;
        }
        let mut written = 0;
        // SAFETY: the context is live and initialised; `out` has the digest's length, by the check
        // above.
        succeeded(unsafe {
            sys::EVP_DigestFinal_ex(context.as_ptr(), out.as_mut_ptr(), &mut written)
        })?;
    }
    Ok(())
}

/// HMAC; fills `out`, which has the length of the hash.
pub(crate) fn hmac(hash: Hash, key: &[u8], message: &[u8], out: &mut [u8]) -> Result<(), Refused> {
    let digest = digest_of(hash);
    // SAFETY: the digest is a constant of AWS-LC.
    if out.len() != unsafe { sys::EVP_MD_size(digest) } {
        return Err(Refused);
    }
    let mut written = 0;
    // SAFETY: each pointer and length describe a live slice; `out` has the digest's length, by the
    // check above. The keyed state is wiped before the function returns.
    let result = unsafe {
        sys::HMAC(
            digest,
            key.as_ptr().cast(),
            key.len(),
            message.as_ptr(),
            message.len(),
            out.as_mut_ptr(),
            &mut written,
        )
    };
    if result.is_null() { Err(Refused) } else { Ok(()) }
}

fn digest_of(hash: Hash) -> *const sys::EVP_MD {
    // SAFETY: these take nothing and give pointers to constants.
    unsafe {
        match hash {
            Hash::Sha256 => sys::EVP_sha256(),
            Hash::Sha384 => sys::EVP_sha384(),
            Hash::Sha512 => sys::EVP_sha512(),
        }
    }
}
