//! PKCS#12 files: bounded before they cost anything, and whole when they open.

use ca_core::pkcs12::{Password, Sealed};

use super::encrypted_key::PASSPHRASE;
use super::{harmless, refused};

/// What a derivation may cost here, in iterations; the seeds take 2,048.
const MAX_ITERATIONS: u64 = 5000;

/// Reads a file and tries the passphrase of the seeds.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    let sealed = match Sealed::from_der(octets) {
        Ok(sealed) => sealed,
        Err(error) => return refused(&error),
    };
    let report = sealed.report();
    harmless(&serde_json::to_string(&report).expect("reports are plain data"));
    let encryptions = report.parts.iter().filter_map(|part| part.encryption.as_deref());
    let cheap = encryptions.flat_map(numbers).all(|number| number <= MAX_ITERATIONS);
    if !cheap || u64::from(report.mac_iterations) > MAX_ITERATIONS {
        return false;
    }
    let password = Password::new(PASSPHRASE).expect("the passphrase is text");
    match sealed.open(password) {
        Ok(contents) => {
            for certificate in &contents.certificates {
                let der = certificate.certificate.der().to_vec();
                super::certificate::holds(&certificate.certificate, &der);
            }
            true
        }
        Err(error) => refused(&error),
    }
}

/// The numbers in a text: the cost is told to people only.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split(|one: char| !one.is_ascii_digit()).filter_map(|digits| digits.parse().ok())
}
