//! Why a file is refused. No message holds anything of a key or password.

use super::{MAX_BAGS, MAX_COST, MAX_NAME, MAX_SIZE};
use crate::ber::BerError;
use crate::certificate::CertificateError;
use crate::key::KeyError;

/// A PKCS#12 file that can't be read, or not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Pkcs12Error {
    /// Past the bound.
    #[error("PKCS#12: {found} octets, allowed are at most {MAX_SIZE}")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not BER, or nested too deep.
    #[error("PKCS#12: {part}: {error}")]
    Encoding {
        /// Which part of the file.
        part: &'static str,
        /// What is wrong.
        error: BerError,
    },
    /// Not of the structure that RFC 7292 gives.
    #[error("PKCS#12: {part}: not of the structure of RFC 7292 ({error})")]
    Malformed {
        /// Which part of the file.
        part: &'static str,
        /// What is wrong.
        error: der::Error,
    },
    /// A field has a value that is not read.
    #[error("PKCS#12: {field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The key or the certificates are encrypted in a way that is broken or unknown.
    #[error(
        "PKCS#12: {part}: found {found}, allowed: PBES2 with AES-CBC, and PBKDF2-HMAC-SHA-2 or scrypt"
    )]
    Encryption {
        /// What is encrypted.
        part: &'static str,
        /// How.
        found: String,
    },
    /// The MAC is made in a way that is broken or unknown.
    #[error(
        "PKCS#12: mac: found {found}, allowed: HMAC with SHA-256, SHA-384 or SHA-512, by RFC 7292 or PBMAC1"
    )]
    MacAlgorithm {
        /// How.
        found: String,
    },
    /// Nothing shows whether the file was changed.
    #[error(
        "PKCS#12: mac: found none, allowed: a MAC by the password over all that is in the file"
    )]
    NoMac,
    /// A password would cost too much.
    #[error(
        "PKCS#12: {part}: {found} iterations with those before it, allowed are 1 to {MAX_COST} in the whole file"
    )]
    Cost {
        /// Which part.
        part: &'static str,
        /// Iterations up to and with this part.
        found: u64,
    },
    /// The MAC does not fit.
    #[error("PKCS#12: the password is wrong, or the file is damaged: its MAC does not fit")]
    Password,
    /// The MAC fits, but what is encrypted does not open.
    #[error(
        "PKCS#12: {part}: the MAC fits, but this does not open by the same password, or is damaged"
    )]
    Sealed {
        /// Which part.
        part: &'static str,
    },
    /// The password is not text.
    #[error("PKCS#12: the password is not UTF-8, which the standards ask for")]
    PasswordText,
    /// More than the bound.
    #[error("PKCS#12: more than {MAX_BAGS} keys and certificates, allowed are at most {MAX_BAGS}")]
    TooMany,
    /// A private key is refused.
    #[error("PKCS#12: bag {position}: {error}")]
    Key {
        /// Which bag, counted from 1.
        position: usize,
        /// What is wrong.
        error: Box<KeyError>,
    },
    /// A certificate is refused.
    #[error("PKCS#12: bag {position}: {error}")]
    Certificate {
        /// Which bag, counted from 1.
        position: usize,
        /// What is wrong.
        error: Box<CertificateError>,
    },
    /// A friendly name that can't be read or written.
    #[error(
        "PKCS#12: friendlyName: found {found}, allowed: 1 to {MAX_NAME} characters of Unicode's basic plane"
    )]
    Name {
        /// What was found.
        found: String,
    },
    /// The certificate is another key's.
    #[error(
        "PKCS#12: the first certificate is for a key with SHA-256 {certificate}, allowed: that of the private key, {key}"
    )]
    KeyMismatch {
        /// The fingerprint of the key in the certificate.
        certificate: String,
        /// The fingerprint of the private key's public key.
        key: String,
    },
    /// Nothing to write.
    #[error("PKCS#12: no certificate, allowed is at least one")]
    NoCertificate,
    /// One certificate twice.
    #[error("PKCS#12: the certificate with SHA-256 {fingerprint} is given twice, allowed is once")]
    Twice {
        /// Which.
        fingerprint: String,
    },
    /// The library fails, for want of memory.
    #[error("PKCS#12: AWS-LC refused to derive a key or to encrypt")]
    Refused,
}

impl Pkcs12Error {
    /// Whether the file is protected in a way that was given up; it must be made anew.
    pub fn is_outdated(&self) -> bool {
        matches!(self, Self::Encryption { .. } | Self::MacAlgorithm { .. } | Self::NoMac)
    }

    pub(super) fn encoding(part: &'static str) -> impl Fn(BerError) -> Self {
        move |error| Self::Encoding { part, error }
    }

    pub(super) fn malformed(part: &'static str) -> impl Fn(der::Error) -> Self {
        move |error| Self::Malformed { part, error }
    }

    /// What PBES2 refuses, as words about a part of this file.
    pub(super) fn encryption(part: &'static str) -> impl Fn(KeyError) -> Self {
        move |error| match error {
            KeyError::Encryption { found } => Self::Encryption { part, found: named(found) },
            KeyError::EncryptionCost { found, allowed }
            | KeyError::EncryptionParameters { found, allowed } => {
                Self::Field { field: part, found, allowed }
            }
            KeyError::Malformed(error) => Self::Malformed { part, error },
            _ => Self::Refused,
        }
    }
}

/// The encryptions and digests of the old days, which people know by name.
const OLD: [(&str, &str); 10] = [
    ("1.2.840.113549.1.12.1.1", "pbeWithSHAAnd128BitRC4"),
    ("1.2.840.113549.1.12.1.2", "pbeWithSHAAnd40BitRC4"),
    ("1.2.840.113549.1.12.1.3", "pbeWithSHAAnd3-KeyTripleDES-CBC"),
    ("1.2.840.113549.1.12.1.4", "pbeWithSHAAnd2-KeyTripleDES-CBC"),
    ("1.2.840.113549.1.12.1.5", "pbeWithSHAAnd128BitRC2-CBC"),
    ("1.2.840.113549.1.12.1.6", "pbeWithSHAAnd40BitRC2-CBC"),
    ("1.2.840.113549.3.7", "3DES-CBC"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
    ("1.3.14.3.2.26", "HMAC-SHA-1"),
    ("1.2.840.113549.2.5", "HMAC-MD5"),
];

/// Adds the name to an identifier at the end of `found`.
pub(super) fn named(found: String) -> String {
    match OLD.iter().find(|(oid, _)| found.rsplit(' ').next() == Some(oid)) {
        Some((_, name)) => format!("{found} ({name})"),
        None => found,
    }
}
