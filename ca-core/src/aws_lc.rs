//! The one module that calls AWS-LC directly: ML-DSA with a context, ML-KEM from a seed,
//! ECDSA on the brainpool curves, scrypt, AES-CBC, and the hashing of PKCS#12. `aws-lc-rs` lacks the
//! first four and leaves keys on the stack in the others; everything else goes through its safe API.
//!
//! Every pointer that AWS-LC hands out is owned by exactly one [`Owned`], which frees it. AWS-LC
//! wipes each allocation when it is freed (`OPENSSL_free`), private keys included.
#![expect(
    unsafe_code,
    reason = "the only door to AWS-LC's C functions; each block has its SAFETY line"
)]

mod brainpool;
mod cbc;
mod ml_dsa;
mod ml_kem;
mod pkcs12_mac;
mod scrypt;

use std::ptr::NonNull;

pub(crate) use brainpool::{BrainpoolPrivate, verify_brainpool};
pub(crate) use cbc::{Direction, aes_cbc};
pub(crate) use ml_dsa::{MlDsaPrivate, verify_ml_dsa};
pub(crate) use ml_kem::{MlKemPrivate, check_ml_kem_public};
pub(crate) use pkcs12_mac::{hash_rounds, hmac};
pub(crate) use scrypt::{ScryptCost, scrypt};

/// AWS-LC refused; its error queue holds no secret, but says little that helps a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("AWS-LC refused the operation")]
pub(crate) struct Refused;

/// A type of AWS-LC that is freed by one function.
trait Freeable {
    /// Frees it.
    ///
    /// # Safety
    /// `pointer` came from AWS-LC, is not null and is not used again.
    unsafe fn free(pointer: *mut Self);
}

macro_rules! freeable {
    ($($type:ty => $free:path),* $(,)?) => {$(
        impl Freeable for $type {
            unsafe fn free(pointer: *mut Self) {
                // SAFETY: the caller passes a live pointer of this type for the last time.
                unsafe { $free(pointer) }
            }
        }
    )*};
}

freeable! {
    aws_lc_sys::EVP_PKEY => aws_lc_sys::EVP_PKEY_free,
    aws_lc_sys::EVP_PKEY_CTX => aws_lc_sys::EVP_PKEY_CTX_free,
    aws_lc_sys::EVP_MD_CTX => aws_lc_sys::EVP_MD_CTX_free,
    aws_lc_sys::EVP_CIPHER_CTX => aws_lc_sys::EVP_CIPHER_CTX_free,
    aws_lc_sys::EC_GROUP => aws_lc_sys::EC_GROUP_free,
    aws_lc_sys::EC_KEY => aws_lc_sys::EC_KEY_free,
    aws_lc_sys::EC_POINT => aws_lc_sys::EC_POINT_clear_free,
    aws_lc_sys::BIGNUM => aws_lc_sys::BN_clear_free,
}

/// Owns one object of AWS-LC and frees it on drop.
struct Owned<T: Freeable>(NonNull<T>);

impl<T: Freeable> Owned<T> {
    /// Takes what a constructor of AWS-LC returned; null means failure.
    fn new(pointer: *mut T) -> Result<Self, Refused> {
        NonNull::new(pointer).map(Self).ok_or(Refused)
    }

    fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Freeable> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` took the only copy of the pointer, and nothing can use it after drop.
        unsafe { T::free(self.as_ptr()) }
    }
}

/// AWS-LC's functions return 1 for success.
fn succeeded(result: std::ffi::c_int) -> Result<(), Refused> {
    if result == 1 { Ok(()) } else { Err(Refused) }
}
