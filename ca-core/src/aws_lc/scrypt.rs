//! scrypt (RFC 7914), whose memory AWS-LC wipes when it is freed.

use aws_lc_sys as sys;

use super::{Refused, succeeded};

/// The parameters of RFC 7914 section 2.
#[derive(Clone, Copy)]
pub(crate) struct ScryptCost {
    pub(crate) n: u64,
    pub(crate) r: u64,
    pub(crate) p: u64,
    /// Octets that it may take; AWS-LC refuses parameters that need more.
    pub(crate) max_memory: usize,
}

/// Fills `key`.
pub(crate) fn scrypt(
    passphrase: &[u8],
    salt: &[u8],
    cost: ScryptCost,
    key: &mut [u8],
) -> Result<(), Refused> {
    // SAFETY: each pointer and length describe a live slice; AWS-LC writes `key` alone.
    succeeded(unsafe {
        sys::EVP_PBE_scrypt(
            passphrase.as_ptr().cast(),
            passphrase.len(),
            salt.as_ptr(),
            salt.len(),
            cost.n,
            cost.r,
            cost.p,
            cost.max_memory,
            key.as_mut_ptr(),
            key.len(),
        )
    })
}
