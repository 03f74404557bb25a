//! PKCS#12 files (RFC 7292): a private key, its certificate and its chain under one password.
//!
//! [`Sealed::from_der`] reads a file as far as it goes without the password, [`Sealed::open`] the
//! rest; [`seal`] writes one. Only encryption that holds is read and written: PBES2 with AES, and a
//! MAC of the SHA-2 family, by the key derivation of RFC 7292 or by PBMAC1 (RFC 9579). Files that
//! other programs write in BER are read as well. Every bound is checked before the work that it
//! bounds: [`MAX_SIZE`], [`MAX_BAGS`], [`MAX_COST`].
//!
//! A file proves nothing about its certificates: whoever knows the password can make one.

mod bag;
mod error;
mod mac;
mod report;
mod sealed;
mod structure;
mod write;

use std::fmt;

pub use bag::{CertificateEntry, Contents, KeyEntry};
pub use error::Pkcs12Error;
pub use mac::MacDerivation;
pub use report::{PartReport, Pkcs12Report};
pub use sealed::Sealed;
pub use write::{Bundle, Protection, seal};

/// The largest file that is read, in octets.
pub const MAX_SIZE: usize = crate::pem::MAX_FILE_SIZE;

/// The most keys and certificates that one file may hold, together.
pub const MAX_BAGS: usize = 200;

/// The most work that one password may cost when a file is read, all its parts together, in
/// iterations of PBKDF2: about ten seconds.
pub const MAX_COST: u64 = crate::key::MAX_ITERATIONS as u64;

/// The longest friendly name that is read or written, in UTF-16 units.
pub const MAX_NAME: usize = 255;

/// The octets of a password, which must be text: the standards turn it into UTF-16 in one place
/// and into UTF-8 in another. Its `Debug` shows nothing.
#[derive(Clone, Copy)]
pub struct Password<'a>(&'a str);

impl<'a> Password<'a> {
    /// Takes a password in UTF-8.
    ///
    /// # Errors
    /// `Pkcs12Error::PasswordText` when it is something else.
    pub fn new(octets: &'a [u8]) -> Result<Self, Pkcs12Error> {
        std::str::from_utf8(octets).map(Self).map_err(|_| Pkcs12Error::PasswordText)
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

#[cfg(test)]
mod tests;
