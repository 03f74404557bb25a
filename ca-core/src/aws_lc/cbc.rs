//! AES in CBC mode with PKCS#7 padding (RFC 8018 appendix B.2.5). `aws-lc-rs` has it too, but
//! moves the expanded key over the stack and leaves it there.

use std::ffi::c_int;
use std::ptr;

use aws_lc_sys as sys;
use zeroize::Zeroizing;

use super::{Owned, Refused, succeeded};

/// Which way.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Direction {
    Encrypt,
    Decrypt,
}

/// Encrypts or decrypts `input`; the key has 16, 24 or 32 octets.
pub(crate) fn aes_cbc(
    direction: Direction,
    key: &[u8],
    iv: &[u8; 16],
    input: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    // SAFETY: these take nothing and give pointers to constants.
    let cipher = unsafe {
        match key.len() {
            16 => sys::EVP_aes_128_cbc(),
            24 => sys::EVP_aes_192_cbc(),
            32 => sys::EVP_aes_256_cbc(),
            _ => return Err(Refused),
        }
    };
    // SAFETY: takes nothing; null means that memory ran out.
    let context = Owned::new(unsafe { sys::EVP_CIPHER_CTX_new() })?;
    let way = c_int::from(direction == Direction::Encrypt);
    // SAFETY: the context is live, and key and vector have the lengths of the cipher; both are
    // copied. A null engine is allowed.
    succeeded(unsafe {
        let (context, engine) = (context.as_ptr(), ptr::null_mut());
        sys::EVP_CipherInit_ex(context, cipher, engine, key.as_ptr(), iv.as_ptr(), way)
    })?;
    let length = c_int::try_from(input.len()).map_err(|_| Refused)?;
    // One block more than goes in is the most that comes out.
    let mut out = Zeroizing::new(vec![0; input.len() + 16]);
    let (mut written, mut last) = (0, 0);
    // SAFETY: the context is live and initialised; `out` has room for `length` octets and a block.
    succeeded(unsafe {
        let (to, from) = (out.as_mut_ptr(), input.as_ptr());
        sys::EVP_CipherUpdate(context.as_ptr(), to, &mut written, from, length)
    })?;
    let start = usize::try_from(written).map_err(|_| Refused)?;
    let rest = out.get_mut(start..).ok_or(Refused)?;
    // SAFETY: as above; at most one block is written, for which `rest` has the room: what was
    // written before is no longer than the input.
    succeeded(unsafe { sys::EVP_CipherFinal_ex(context.as_ptr(), rest.as_mut_ptr(), &mut last) })?;
    out.truncate(start + usize::try_from(last).map_err(|_| Refused)?);
    Ok(out)
}
