//! Private keys under a passphrase: bounded before they cost anything, and whole when they open.

use ca_core::inspect::{KdfReport, Report, inspect};
use ca_core::key::{PrivateKey, check_encryption, decrypt};

use super::{harmless, refusal, refused};

/// The passphrase of the seeds.
pub const PASSPHRASE: &[u8] = b"fuzz";
/// What a derivation may cost here; the bounds of ca-core allow seconds, a fuzzer has none.
const MAX_ITERATIONS: u32 = 5000;
const MAX_SCRYPT_WORK: u64 = 1 << 21;

/// Reads an encrypted private key.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let readable = check_encryption(octets);
    readable.as_ref().err().iter().for_each(|error| refusal(error));
    let shown = match inspect(octets) {
        Ok(shown) => shown,
        Err(error) => return refused(&error),
    };
    shown.iter().for_each(|shown| harmless(&shown.to_string()));
    let [one] = &shown[..] else { return false };
    let Report::EncryptedPrivateKey(report) = &one.report else { return false };
    if readable.is_err() {
        // It costs nothing either way: the refusal comes before the derivation.
        assert!(decrypt(octets, PASSPHRASE).is_err(), "decrypted what is not read");
        return false;
    }
    if !report.kdf.as_ref().is_some_and(is_cheap) {
        return false;
    }
    match decrypt(octets, PASSPHRASE) {
        Ok(plain) => {
            if let Ok(key) = PrivateKey::from_der(&plain) {
                super::private_key::holds(&key);
            }
            true
        }
        Err(error) => refused(&error),
    }
}

fn is_cheap(kdf: &KdfReport) -> bool {
    match kdf {
        KdfReport::Pbkdf2 { iterations, .. } => *iterations <= MAX_ITERATIONS,
        KdfReport::Scrypt { memory_octets, parallelization, .. } => {
            memory_octets.saturating_mul(u64::from(*parallelization)) <= MAX_SCRYPT_WORK
        }
        KdfReport::Unknown { .. } => false,
    }
}
