//! ML-KEM (FIPS 203) from a seed or an expanded key, and the checks of its section 7.

use std::ptr;

use aws_lc_sys as sys;
use zeroize::Zeroizing;

use super::{Owned, Refused, succeeded};
use crate::algorithm::MlKem;

/// A loaded ML-KEM decapsulation key whose two halves belong together.
pub(crate) struct MlKemPrivate {
    key: Owned<sys::EVP_PKEY>,
    set: MlKem,
}

impl MlKemPrivate {
    /// Grows the key from the 64 octets `d || z` (FIPS 203 algorithm 16).
    pub(crate) fn from_seed(set: MlKem, seed: &[u8]) -> Result<Self, Refused> {
        // SAFETY: takes an identifier and no engine; null means failure.
        let context =
            Owned::new(unsafe { sys::EVP_PKEY_CTX_new_id(sys::EVP_PKEY_KEM, ptr::null_mut()) })?;
        let (mut key, mut length) = (ptr::null_mut(), seed.len());
        // SAFETY: the context is live.
        succeeded(unsafe { sys::EVP_PKEY_CTX_kem_set_params(context.as_ptr(), nid(set)) })?;
        // SAFETY: as above.
        succeeded(unsafe { sys::EVP_PKEY_keygen_init(context.as_ptr()) })?;
        // SAFETY: the context was initialised; pointer and length describe a live slice, which
        // AWS-LC copies; a null key is made anew and is ours.
        let made = succeeded(unsafe {
            sys::EVP_PKEY_keygen_deterministic(
                context.as_ptr(),
                &mut key,
                seed.as_ptr(),
                &mut length,
            )
        });
        let key = Owned::new(key);
        made?;
        Self { key: key?, set }.checked()
    }

    /// Loads an expanded decapsulation key, which holds its encapsulation key.
    pub(crate) fn from_expanded(set: MlKem, expanded: &[u8]) -> Result<Self, Refused> {
        let public = expanded.get(set.public_key_in_expanded()).ok_or(Refused)?;
        // SAFETY: both pointers and lengths describe live slices, which AWS-LC copies.
        let key = Owned::new(unsafe {
            sys::EVP_PKEY_kem_new_raw_key(
                nid(set),
                public.as_ptr(),
                public.len(),
                expanded.as_ptr(),
                expanded.len(),
            )
        })?;
        Self { key, set }.checked()
    }

    /// The checks of FIPS 203 sections 7.1 and 7.3: the modulus of the public half, the hash of it
    /// in the private half, and that what one encapsulates the other opens.
    fn checked(self) -> Result<Self, Refused> {
        // SAFETY: the key is live and holds both halves.
        succeeded(unsafe { sys::EVP_PKEY_kem_check_key(self.key.as_ptr()) })?;
        Ok(self)
    }

    /// The raw encapsulation key.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, Refused> {
        let mut out = vec![0; self.set.public_key_size()];
        let mut length = out.len();
        // SAFETY: the key is live; `out` has `length` octets that AWS-LC may write.
        succeeded(unsafe {
            sys::EVP_PKEY_get_raw_public_key(self.key.as_ptr(), out.as_mut_ptr(), &mut length)
        })?;
        if length == out.len() { Ok(out) } else { Err(Refused) }
    }

    /// The expanded decapsulation key.
    pub(crate) fn expanded_key(&self) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let mut out = Zeroizing::new(vec![0; self.set.expanded_key_size()]);
        let mut length = out.len();
        // SAFETY: the key is live; `out` has `length` octets that AWS-LC may write.
        succeeded(unsafe {
            sys::EVP_PKEY_get_raw_private_key(self.key.as_ptr(), out.as_mut_ptr(), &mut length)
        })?;
        if length == out.len() { Ok(out) } else { Err(Refused) }
    }
}

/// The check of FIPS 203 section 7.2 on an encapsulation key of the right length: every
/// coefficient is below the modulus.
pub(crate) fn check_ml_kem_public(set: MlKem, key: &[u8]) -> Result<(), Refused> {
    // SAFETY: pointer and length describe a live slice, which AWS-LC copies.
    let key = Owned::new(unsafe {
        sys::EVP_PKEY_kem_new_raw_public_key(nid(set), key.as_ptr(), key.len())
    })?;
    // SAFETY: the key is live, and the context takes a reference of its own to it.
    let context = Owned::new(unsafe { sys::EVP_PKEY_CTX_new(key.as_ptr(), ptr::null_mut()) })?;
    // SAFETY: the context is live and has a key.
    succeeded(unsafe { sys::EVP_PKEY_public_check(context.as_ptr()) })
}

fn nid(set: MlKem) -> i32 {
    match set {
        MlKem::MlKem512 => sys::NID_MLKEM512,
        MlKem::MlKem768 => sys::NID_MLKEM768,
        MlKem::MlKem1024 => sys::NID_MLKEM1024,
    }
}
