//! Encrypted private keys: what is known without the passphrase (RFC 5958 section 3, RFC 8018).

use const_oid::ObjectIdentifier;
use der::asn1::OctetString;
use der::{Decode, Encode, Sequence};
use pkcs5::pbes2::{EncryptionScheme, Kdf, PBES2_OID, Pbkdf2Prf};
use serde::Serialize;
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

/// OWASP's floor for PBKDF2 with HMAC-SHA-256 (2023).
const PBKDF2_ITERATIONS_FLOOR: u32 = 600_000;
/// The memory of scrypt with N = 2^14, r = 8, which RFC 7914 section 2 calls a starting point.
const SCRYPT_MEMORY_FLOOR: u64 = 16 * 1024 * 1024;

/// An encrypted private key. Which key it is, only the passphrase tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EncryptedKeyReport {
    /// `PBES2`, or `unknown`.
    pub scheme: &'static str,
    /// The scheme's identifier.
    pub scheme_oid: String,
    /// How the passphrase becomes a key; none when the scheme is unknown.
    pub kdf: Option<KdfReport>,
    /// The cipher's name, or `unknown`; none when the scheme is unknown.
    pub cipher: Option<String>,
    /// The cipher's identifier.
    pub cipher_oid: Option<String>,
    /// Octets of the encrypted key, padding included.
    pub ciphertext_octets: usize,
    /// Octets of the whole.
    pub size_octets: usize,
    /// What is weak about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How a passphrase becomes a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name")]
pub enum KdfReport {
    /// PBKDF2 (RFC 8018 section 5.2).
    #[serde(rename = "PBKDF2")]
    Pbkdf2 {
        /// The pseudo-random function.
        prf: &'static str,
        /// How many rounds.
        iterations: u32,
        /// Octets of salt.
        salt_octets: usize,
    },
    /// scrypt (RFC 7914).
    #[serde(rename = "scrypt")]
    Scrypt {
        /// N.
        cost: u64,
        /// r.
        block_size: u16,
        /// p.
        parallelization: u16,
        /// What one guess needs, in octets: 128 N r.
        memory_octets: u64,
        /// Octets of salt.
        salt_octets: usize,
    },
    /// Another one, or one with parameters that are not read.
    #[serde(rename = "unknown")]
    Unknown {
        /// Its identifier.
        oid: String,
    },
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3).
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo {
    algorithm: AlgorithmIdentifierOwned,
    encrypted: OctetString,
}

/// PBES2-params (RFC 8018 appendix A.4).
#[derive(Sequence)]
struct Pbes2Parameters {
    kdf: AlgorithmIdentifierOwned,
    cipher: AlgorithmIdentifierOwned,
}

impl EncryptedKeyReport {
    /// Describes DER of an EncryptedPrivateKeyInfo.
    ///
    /// # Errors
    /// `EncryptedKeyError` when it or the parameters of PBES2 are not of that structure, or
    /// nothing is encrypted.
    pub fn new(der: &[u8]) -> Result<Self, EncryptedKeyError> {
        let info = EncryptedPrivateKeyInfo::from_der(der)?;
        if info.encrypted.as_bytes().is_empty() {
            return Err(EncryptedKeyError::Empty);
        }
        let pbes2 = if info.algorithm.oid == PBES2_OID {
            Some(pbes2(&info.algorithm).ok_or(EncryptedKeyError::Parameters)?)
        } else {
            None
        };
        let kdf = pbes2.as_ref().map(|parameters| kdf(&parameters.kdf));
        let cipher = pbes2.as_ref().map(|parameters| parameters.cipher.oid);
        Ok(Self {
            scheme: if pbes2.is_some() { "PBES2" } else { "unknown" },
            scheme_oid: info.algorithm.oid.to_string(),
            cipher: pbes2.as_ref().map(|parameters| cipher_name(&parameters.cipher)),
            cipher_oid: cipher.map(|oid| oid.to_string()),
            ciphertext_octets: info.encrypted.as_bytes().len(),
            size_octets: der.len(),
            warnings: warnings(info.algorithm.oid, kdf.as_ref(), cipher),
            kdf,
        })
    }
}

fn pbes2(identifier: &AlgorithmIdentifierOwned) -> Option<Pbes2Parameters> {
    let parameters = identifier.parameters.as_ref()?.to_der().ok()?;
    Pbes2Parameters::from_der(&parameters).ok()
}

fn kdf(identifier: &AlgorithmIdentifierOwned) -> KdfReport {
    let unknown = || KdfReport::Unknown { oid: identifier.oid.to_string() };
    let Ok(der) = identifier.to_der() else { return unknown() };
    let Ok(borrowed) = AlgorithmIdentifierRef::from_der(&der) else { return unknown() };
    match Kdf::try_from(borrowed) {
        Ok(Kdf::Pbkdf2(parameters)) => KdfReport::Pbkdf2 {
            prf: prf_name(parameters.prf),
            iterations: parameters.iteration_count,
            salt_octets: parameters.salt.as_ref().len(),
        },
        Ok(Kdf::Scrypt(parameters)) => KdfReport::Scrypt {
            cost: parameters.cost_parameter,
            block_size: parameters.block_size,
            parallelization: parameters.parallelization,
            memory_octets: parameters
                .cost_parameter
                .saturating_mul(128)
                .saturating_mul(parameters.block_size.into()),
            salt_octets: parameters.salt.as_ref().len(),
        },
        Ok(_) | Err(_) => unknown(),
    }
}

fn prf_name(prf: Pbkdf2Prf) -> &'static str {
    match prf {
        Pbkdf2Prf::HmacWithSha1 => "HMAC-SHA-1",
        Pbkdf2Prf::HmacWithSha224 => "HMAC-SHA-224",
        Pbkdf2Prf::HmacWithSha256 => "HMAC-SHA-256",
        Pbkdf2Prf::HmacWithSha384 => "HMAC-SHA-384",
        Pbkdf2Prf::HmacWithSha512 => "HMAC-SHA-512",
        _ => "unknown",
    }
}

fn cipher_name(identifier: &AlgorithmIdentifierOwned) -> String {
    let name = identifier.to_der().ok().and_then(|der| {
        let scheme = EncryptionScheme::from_der(&der).ok()?;
        Some(match scheme {
            EncryptionScheme::Aes128Cbc { .. } => "AES-128-CBC",
            EncryptionScheme::Aes192Cbc { .. } => "AES-192-CBC",
            EncryptionScheme::Aes256Cbc { .. } => "AES-256-CBC",
            EncryptionScheme::Aes128Gcm { .. } => "AES-128-GCM",
            EncryptionScheme::Aes256Gcm { .. } => "AES-256-GCM",
            _ => return None,
        })
    });
    let weak = || WEAK_CIPHERS.iter().find(|(oid, _)| *oid == identifier.oid.to_string());
    name.or_else(|| weak().map(|(_, name)| *name)).unwrap_or("unknown").to_owned()
}

/// Ciphers that are named but never read.
const WEAK_CIPHERS: [(&str, &str); 3] = [
    ("1.3.14.3.2.7", "DES-CBC"),
    ("1.2.840.113549.3.7", "3DES-CBC"),
    ("1.2.840.113549.3.2", "RC2-CBC"),
];

fn warnings(
    scheme: ObjectIdentifier,
    kdf: Option<&KdfReport>,
    cipher: Option<ObjectIdentifier>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if scheme != PBES2_OID {
        warnings.push(format!("encrypted by scheme {scheme}, only PBES2 can be decrypted here"));
    }
    match kdf {
        Some(KdfReport::Pbkdf2 { prf, iterations, .. }) => {
            if *prf == "HMAC-SHA-1" {
                warnings.push("PBKDF2 uses HMAC-SHA-1; HMAC-SHA-256 is wanted".into());
            }
            if *iterations < PBKDF2_ITERATIONS_FLOOR {
                warnings.push(format!(
                    "PBKDF2 has {iterations} iterations; at least {PBKDF2_ITERATIONS_FLOOR} slow down guessing enough"
                ));
            }
        }
        Some(KdfReport::Scrypt { memory_octets, .. }) if *memory_octets < SCRYPT_MEMORY_FLOOR => {
            warnings.push(format!(
                "scrypt needs {memory_octets} octets of memory; at least {SCRYPT_MEMORY_FLOOR} slow down guessing enough"
            ));
        }
        Some(KdfReport::Unknown { oid }) => {
            warnings.push(format!("the key derivation {oid} or its parameters are not known"));
        }
        _ => {}
    }
    if let Some(cipher) = cipher.map(|oid| oid.to_string())
        && let Some((_, name)) = WEAK_CIPHERS.iter().find(|(oid, _)| *oid == cipher)
    {
        warnings.push(format!("{name} is weak; AES-256 is wanted"));
    }
    warnings
}

/// An encrypted private key that is malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncryptedKeyError {
    /// Not DER of an EncryptedPrivateKeyInfo.
    #[error("encrypted private key: not DER of the expected structure ({0})")]
    Malformed(#[from] der::Error),
    /// No octet is encrypted.
    #[error("encrypted private key: nothing is encrypted, allowed is at least one octet")]
    Empty,
    /// PBES2 without its parameters.
    #[error(
        "encrypted private key: the parameters of PBES2 are malformed, allowed are a key derivation and a cipher (RFC 8018 appendix A.4)"
    )]
    Parameters,
}
