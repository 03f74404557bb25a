//! What shows of a file without its password.

use pkcs5::pbes2::{self, EncryptionScheme, Kdf, Pbkdf2Prf};
use serde::Serialize;

use super::bag::bag_name;
use super::mac::Derivation;
use super::sealed::{Part, Sealed};

/// A file that stays closed: how it is protected, and what shows all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pkcs12Report {
    /// How the MAC is made.
    pub mac: String,
    /// Iterations of the MAC's key derivation.
    pub mac_iterations: u32,
    /// Octets of the MAC's salt.
    pub mac_salt_octets: usize,
    /// The parts, in the order of the file.
    pub parts: Vec<PartReport>,
    /// Octets of the whole.
    pub size_octets: usize,
}

/// One part of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartReport {
    /// What it holds.
    pub holds: String,
    /// How it is encrypted; none for what is in the clear.
    pub encryption: Option<String>,
}

impl Sealed {
    /// What shows without the password.
    pub fn report(&self) -> Pkcs12Report {
        let mac = match self.mac.derivation {
            Derivation::Rfc7292 => {
                format!("HMAC-{} by RFC 7292 appendix B", self.mac.hash)
            }
            Derivation::Pbkdf2 { prf, .. } => {
                format!("PBMAC1: HMAC-{} by PBKDF2-HMAC-{prf}", self.mac.hash)
            }
        };
        let mut parts = Vec::new();
        for part in &self.parts {
            match part {
                Part::Encrypted { parameters, ciphertext } => parts.push(PartReport {
                    holds: format!("{} encrypted octets, mostly certificates", ciphertext.len()),
                    encryption: Some(encryption(parameters)),
                }),
                Part::Plain { bags, .. } => {
                    parts.extend(bags.iter().map(|(kind, parameters)| PartReport {
                        holds: bag_name(*kind),
                        encryption: parameters.as_ref().map(encryption),
                    }));
                }
            }
        }
        Pkcs12Report {
            mac,
            mac_iterations: self.mac.iterations,
            mac_salt_octets: self.mac.salt.len(),
            parts,
            size_octets: self.size,
        }
    }
}

/// Such as `AES-256-CBC, PBKDF2-HMAC-SHA-256 with 250000 iterations`.
fn encryption(parameters: &pbes2::Parameters) -> String {
    let cipher = match parameters.encryption {
        EncryptionScheme::Aes128Cbc { .. } => "AES-128-CBC",
        EncryptionScheme::Aes192Cbc { .. } => "AES-192-CBC",
        _ => "AES-256-CBC",
    };
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => {
            let prf = match kdf.prf {
                Pbkdf2Prf::HmacWithSha384 => "SHA-384",
                Pbkdf2Prf::HmacWithSha512 => "SHA-512",
                _ => "SHA-256",
            };
            format!("{cipher}, PBKDF2-HMAC-{prf} with {} iterations", kdf.iteration_count)
        }
        Kdf::Scrypt(kdf) => {
            let (n, r, p) = (kdf.cost_parameter, kdf.block_size, kdf.parallelization);
            format!("{cipher}, scrypt with N {n}, r {r}, p {p}")
        }
        _ => cipher.to_owned(),
    }
}
