//! ML-DSA (FIPS 204) with a context string, which composites need.

use std::ptr;

use aws_lc_sys as sys;
use zeroize::Zeroizing;

use super::{Owned, Refused, succeeded};
use crate::algorithm::MlDsa;

/// A loaded ML-DSA private key. It is never changed after it was made, so it may be shared.
pub(crate) struct MlDsaPrivate {
    key: Owned<sys::EVP_PKEY>,
    set: MlDsa,
}

// SAFETY: an EVP_PKEY may move between threads, and signing with it from several threads at once
// is allowed as long as nobody changes it (AWS-LC, openssl/evp.h); nothing here does.
unsafe impl Send for MlDsaPrivate {}
// SAFETY: as above.
unsafe impl Sync for MlDsaPrivate {}

impl MlDsaPrivate {
    /// Loads a 32-octet seed or an expanded private key of FIPS 204.
    pub(crate) fn load(set: MlDsa, secret: &[u8]) -> Result<Self, Refused> {
        // SAFETY: pointer and length describe a live slice, which AWS-LC copies.
        let pointer = unsafe {
            sys::EVP_PKEY_pqdsa_new_raw_private_key(nid(set), secret.as_ptr(), secret.len())
        };
        Ok(Self { key: Owned::new(pointer)?, set })
    }

    /// The raw public key.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, Refused> {
        let mut out = vec![0; self.set.public_key_size()];
        let mut length = out.len();
        // SAFETY: the key is live; `out` has `length` octets that AWS-LC may write.
        succeeded(unsafe {
            sys::EVP_PKEY_get_raw_public_key(self.key.as_ptr(), out.as_mut_ptr(), &mut length)
        })?;
        if length == out.len() { Ok(out) } else { Err(Refused) }
    }

    /// The expanded private key of FIPS 204.
    pub(crate) fn expanded_key(&self) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let mut out = Zeroizing::new(vec![0; self.set.expanded_key_size()]);
        let mut length = out.len();
        // SAFETY: the key is live; `out` has `length` octets that AWS-LC may write.
        succeeded(unsafe {
            sys::EVP_PKEY_get_raw_private_key(self.key.as_ptr(), out.as_mut_ptr(), &mut length)
        })?;
        if length == out.len() { Ok(out) } else { Err(Refused) }
    }

    /// Signs `message` with `context`, hedged with fresh randomness of AWS-LC (FIPS 204
    /// algorithm 2).
    pub(crate) fn sign(&self, message: &[u8], context: &[u8]) -> Result<Vec<u8>, Refused> {
        let operation = Operation::new()?;
        let mut key_context = ptr::null_mut();
        // SAFETY: both objects are live; `key_context` is owned by the operation; a null digest
        // and engine are what ML-DSA wants.
        succeeded(unsafe {
            let (digest, engine) = (ptr::null(), ptr::null_mut());
            let key = self.key.as_ptr();
            sys::EVP_DigestSignInit(operation.0.as_ptr(), &mut key_context, digest, engine, key)
        })?;
        set_context(key_context, context)?;
        let mut signature = vec![0; self.set.signature_size()];
        let mut length = signature.len();
        // SAFETY: the operation was initialised; both slices are live and `length` is the room
        // in `signature`.
        succeeded(unsafe {
            sys::EVP_DigestSign(
                operation.0.as_ptr(),
                signature.as_mut_ptr(),
                &mut length,
                message.as_ptr(),
                message.len(),
            )
        })?;
        if length == signature.len() { Ok(signature) } else { Err(Refused) }
    }
}

/// Verifies an ML-DSA signature with `context`.
pub(crate) fn verify_ml_dsa(
    set: MlDsa,
    public_key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), Refused> {
    // SAFETY: pointer and length describe a live slice, which AWS-LC copies.
    let key = Owned::new(unsafe {
        sys::EVP_PKEY_pqdsa_new_raw_public_key(nid(set), public_key.as_ptr(), public_key.len())
    })?;
    let operation = Operation::new()?;
    let mut key_context = ptr::null_mut();
    // SAFETY: both objects are live; `key_context` is owned by the operation; a null digest and
    // engine are what ML-DSA wants.
    succeeded(unsafe {
        let (digest, engine) = (ptr::null(), ptr::null_mut());
        sys::EVP_DigestVerifyInit(
            operation.0.as_ptr(),
            &mut key_context,
            digest,
            engine,
            key.as_ptr(),
        )
    })?;
    set_context(key_context, context)?;
    // SAFETY: the operation was initialised; both slices are live.
    succeeded(unsafe {
        sys::EVP_DigestVerify(
            operation.0.as_ptr(),
            signature.as_ptr(),
            signature.len(),
            message.as_ptr(),
            message.len(),
        )
    })
}

/// One signing or verifying operation.
struct Operation(Owned<sys::EVP_MD_CTX>);

impl Operation {
    fn new() -> Result<Self, Refused> {
        // SAFETY: takes nothing; null means that memory ran out.
        Owned::new(unsafe { sys::EVP_MD_CTX_new() }).map(Self)
    }
}

/// Sets FIPS 204's context, at most 255 octets; AWS-LC refuses more.
fn set_context(key_context: *mut sys::EVP_PKEY_CTX, context: &[u8]) -> Result<(), Refused> {
    if context.is_empty() {
        return Ok(());
    }
    // SAFETY: `key_context` was just made by an Init function and is live; the slice is copied.
    succeeded(unsafe {
        sys::EVP_PKEY_CTX_set1_signature_context_string(
            key_context,
            context.as_ptr(),
            context.len(),
        )
    })
}

fn nid(set: MlDsa) -> i32 {
    match set {
        MlDsa::MlDsa44 => sys::NID_MLDSA44,
        MlDsa::MlDsa65 => sys::NID_MLDSA65,
        MlDsa::MlDsa87 => sys::NID_MLDSA87,
    }
}
