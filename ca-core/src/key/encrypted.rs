//! Private keys under a passphrase: EncryptedPrivateKeyInfo with PBES2 (RFC 8018, RFC 5958).

use der::asn1::OctetStringRef;
use der::{Decode, Encode, Sequence};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2::{self, Kdf, Pbkdf2Prf};
use pkcs8::EncryptedPrivateKeyInfoRef;
use rand_core::CryptoRng;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::pbes2::{Failure, crypt};
use super::private::{KeyError, MAX_KEY_SIZE};
use crate::aws_lc::Direction;

/// The most PBKDF2 iterations that are read: about ten seconds.
pub(crate) const MAX_ITERATIONS: u32 = 10_000_000;
/// The most memory that reading a scrypt key may take, in octets.
pub(super) const MAX_SCRYPT_MEMORY: u64 = 512 * 1024 * 1024;
/// The most passes over that memory.
const MAX_SCRYPT_PASSES: u16 = 16;

/// How a passphrase becomes a key. Both encrypt by AES-256 in CBC mode, which OpenSSL reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyDerivation {
    /// scrypt (RFC 7914) with N = 16384, r = 8, p = 1: the most that OpenSSL reads by default.
    #[default]
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256 and 600,000 iterations.
    Pbkdf2,
}

/// Encrypts DER PKCS#8 under a passphrase; gives DER EncryptedPrivateKeyInfo.
///
/// # Errors
/// `KeyError::Encryption` when the parameters can't be made, which needs a broken generator;
/// `KeyError::Refused` when AWS-LC fails, for want of memory.
pub fn encrypt(
    pkcs8: &[u8],
    passphrase: &[u8],
    derivation: KeyDerivation,
    mut rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyError> {
    let failed = |error: pkcs5::Error| KeyError::Encryption { found: error.to_string() };
    let parameters = match derivation {
        KeyDerivation::Scrypt => pbes2::Parameters::generate_scrypt(&mut rng),
        KeyDerivation::Pbkdf2 => pbes2::Parameters::generate_pbkdf2(&mut rng),
    };
    let parameters = parameters.map_err(failed)?;
    let ciphertext =
        crypt(Direction::Encrypt, &parameters, passphrase, pkcs8).map_err(|_| KeyError::Refused)?;
    let info = EncryptedPrivateKeyInfoRef {
        encryption_algorithm: parameters.into(),
        encrypted_data: OctetStringRef::new(&ciphertext)?,
    };
    Ok(info.to_der()?)
}

/// Decrypts DER EncryptedPrivateKeyInfo; gives DER PKCS#8 that wipes itself.
///
/// # Errors
/// `KeyError::Passphrase` for a wrong passphrase, `KeyError::Encryption` for what is not read
/// (PBES1, SHA-1, other ciphers), `KeyError::EncryptionCost` for parameters past the bounds,
/// `KeyError::EncryptionParameters` for those that give no key, `KeyError::Refused` when AWS-LC
/// fails, for want of memory.
pub fn decrypt(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let (parameters, ciphertext) = read(der)?;
    let plain = crypt(Direction::Decrypt, &parameters, passphrase, ciphertext);
    let plain = plain.map_err(|failure| match failure {
        Failure::Derivation => KeyError::Refused,
        Failure::Cipher => KeyError::Passphrase,
    })?;
    // With a wrong passphrase the padding is right once in 256 times; the structure tells then.
    match pkcs8::PrivateKeyInfoRef::from_der(&plain) {
        Ok(_) => Ok(plain),
        Err(_) => Err(KeyError::Passphrase),
    }
}

/// Whether [`decrypt`] would read this encryption, so that nobody types a passphrase in vain.
/// `crate::inspect` says what any encryption is.
///
/// # Errors
/// As [`decrypt`], but for the passphrase.
pub fn check_encryption(der: &[u8]) -> Result<(), KeyError> {
    read(der).map(|_| ())
}

fn read(der: &[u8]) -> Result<(pbes2::Parameters, &[u8]), KeyError> {
    if der.len() > MAX_KEY_SIZE {
        return Err(KeyError::TooLarge { found: der.len() });
    }
    let info = Outer::from_der(der)?;
    Ok((checked_parameters(info.algorithm)?, info.data.as_bytes()))
}

/// The parameters of PBES2 in any structure, when they are strong enough and within the bounds.
///
/// # Errors
/// As [`decrypt`], but for the passphrase.
pub(crate) fn checked_parameters(
    algorithm: AlgorithmIdentifierRef<'_>,
) -> Result<pbes2::Parameters, KeyError> {
    let scheme =
        EncryptionScheme::try_from(algorithm).map_err(|error| unknown(algorithm, error))?;
    let EncryptionScheme::Pbes2(parameters) = scheme else {
        return Err(KeyError::Encryption { found: "PBES1, which is broken".into() });
    };
    check_cipher(parameters.encryption)?;
    check_strength(&parameters.kdf)?;
    check_cost(&parameters.kdf)?;
    check_parameters(&parameters)?;
    Ok(parameters)
}

/// `pkcs5` calls an encryption that it does not know malformed. Where the structure around it is
/// sound, the refusal names the encryption.
fn unknown(algorithm: AlgorithmIdentifierRef<'_>, error: der::Error) -> KeyError {
    if algorithm.oid != pbes2::PBES2_OID {
        return KeyError::Encryption { found: format!("encryption {}", algorithm.oid) };
    }
    let inner = algorithm.parameters.map(|parameters| parameters.decode_as::<Inner<'_>>());
    let Some(Ok(Inner { derivation, cipher })) = inner else { return error.into() };
    if ![pbes2::PBKDF2_OID, pbes2::SCRYPT_OID].contains(&derivation.oid) {
        return KeyError::Encryption { found: format!("key derivation {}", derivation.oid) };
    }
    let aes = [pbes2::AES_128_CBC_OID, pbes2::AES_192_CBC_OID, pbes2::AES_256_CBC_OID];
    match aes.contains(&cipher.oid) {
        true => error.into(),
        false => KeyError::Encryption { found: format!("cipher {}", cipher.oid) },
    }
}

/// EncryptedPrivateKeyInfo (RFC 5958 section 3) with any encryption.
#[derive(Sequence)]
struct Outer<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    data: &'a OctetStringRef,
}

/// PBES2-params (RFC 8018 appendix A.4) with any functions.
#[derive(Sequence)]
struct Inner<'a> {
    derivation: AlgorithmIdentifierRef<'a>,
    cipher: AlgorithmIdentifierRef<'a>,
}

fn check_cipher(cipher: pbes2::EncryptionScheme) -> Result<(), KeyError> {
    use pbes2::EncryptionScheme::{Aes128Cbc, Aes192Cbc, Aes256Cbc};
    match cipher {
        Aes128Cbc { .. } | Aes192Cbc { .. } | Aes256Cbc { .. } => Ok(()),
        other => Err(KeyError::Encryption { found: format!("cipher {}", other.oid()) }),
    }
}

fn check_strength(kdf: &Kdf) -> Result<(), KeyError> {
    match kdf.pbkdf2().map(|kdf| kdf.prf) {
        Some(prf @ (Pbkdf2Prf::HmacWithSha1 | Pbkdf2Prf::HmacWithSha224)) => {
            Err(KeyError::Encryption { found: format!("PBKDF2 with {prf:?}") })
        }
        _ => Ok(()),
    }
}

/// Bounds the time and memory that a stranger's file can cost.
fn check_cost(kdf: &Kdf) -> Result<(), KeyError> {
    match kdf {
        Kdf::Pbkdf2(kdf) if kdf.iteration_count > MAX_ITERATIONS => {
            let found = format!("{} iterations", kdf.iteration_count);
            Err(KeyError::EncryptionCost { found, allowed: "10000000 iterations" })
        }
        Kdf::Scrypt(kdf) => {
            let memory =
                128u64.saturating_mul(kdf.cost_parameter).saturating_mul(kdf.block_size.into());
            if memory <= MAX_SCRYPT_MEMORY && kdf.parallelization <= MAX_SCRYPT_PASSES {
                return Ok(());
            }
            let found = format!("scrypt with {memory} octets and p={}", kdf.parallelization);
            Err(KeyError::EncryptionCost { found, allowed: "536870912 octets and p=16" })
        }
        _ => Ok(()),
    }
}

/// Parameters that no passphrase could ever open (RFC 7914 section 2, RFC 8018 appendix A.2).
fn check_parameters(parameters: &pbes2::Parameters) -> Result<(), KeyError> {
    let wrong = |found, allowed| Err(KeyError::EncryptionParameters { found, allowed });
    let (said, needed) = (parameters.kdf.key_length(), parameters.encryption.key_size());
    if let Some(said) = said.filter(|said| usize::from(*said) != needed) {
        let found = format!("a derived key of {said} octets for a cipher that takes {needed}");
        return wrong(found, "the length that the cipher takes, or none");
    }
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) if kdf.iteration_count == 0 => {
            wrong("PBKDF2 with 0 iterations".into(), "1 to 10000000 iterations")
        }
        Kdf::Scrypt(kdf) => {
            let (n, r, p) = (kdf.cost_parameter, kdf.block_size, kdf.parallelization);
            let below = 1_u64.checked_shl(16 * u32::from(r));
            let fits = n > 1 && n.is_power_of_two() && below.is_none_or(|below| n < below);
            if fits && r > 0 && p > 0 {
                return Ok(());
            }
            let allowed = "N a power of two above 1 and below 2^(16 r), r and p at least 1";
            wrong(format!("scrypt with N={n}, r={r}, p={p}"), allowed)
        }
        _ => Ok(()),
    }
}
