//! PBES2 (RFC 8018 section 6.2) by AWS-LC: `pkcs5` reads and writes the parameters, but leaves the
//! key that it derives on the stack, which with the file opens the private key.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512};
use pkcs5::pbes2::{EncryptionScheme, Kdf, Parameters, Pbkdf2Prf};
use zeroize::Zeroizing;

use super::encrypted::MAX_SCRYPT_MEMORY;
use crate::aws_lc::{Direction, Refused, ScryptCost, aes_cbc, scrypt};

/// What did not work.
pub(crate) enum Failure {
    /// Making a key of the passphrase, whichever it is.
    Derivation,
    /// The cipher: when decrypting, mostly by the wrong key.
    Cipher,
}

/// Encrypts or decrypts under the key that the passphrase gives.
pub(crate) fn crypt(
    direction: Direction,
    parameters: &Parameters,
    passphrase: &[u8],
    input: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let iv = match &parameters.encryption {
        EncryptionScheme::Aes128Cbc { iv }
        | EncryptionScheme::Aes192Cbc { iv }
        | EncryptionScheme::Aes256Cbc { iv } => iv,
        _ => return Err(Failure::Cipher),
    };
    let size = parameters.encryption.key_size();
    let mut key = Zeroizing::new(vec![0; size]);
    derive(&parameters.kdf, passphrase, &mut key).map_err(|_| Failure::Derivation)?;
    aes_cbc(direction, &key, iv, input).map_err(|_| Failure::Cipher)
}

fn derive(kdf: &Kdf, passphrase: &[u8], key: &mut [u8]) -> Result<(), Refused> {
    match kdf {
        Kdf::Pbkdf2(kdf) => {
            let algorithm = match kdf.prf {
                Pbkdf2Prf::HmacWithSha256 => PBKDF2_HMAC_SHA256,
                Pbkdf2Prf::HmacWithSha384 => PBKDF2_HMAC_SHA384,
                Pbkdf2Prf::HmacWithSha512 => PBKDF2_HMAC_SHA512,
                _ => return Err(Refused),
            };
            let iterations = NonZeroU32::new(kdf.iteration_count).ok_or(Refused)?;
            pbkdf2::derive(algorithm, iterations, kdf.salt.as_ref(), passphrase, key);
            Ok(())
        }
        Kdf::Scrypt(kdf) => {
            let cost = ScryptCost {
                n: kdf.cost_parameter,
                r: kdf.block_size.into(),
                p: kdf.parallelization.into(),
                // N and r were bounded before; a little more is needed for what p multiplies.
                max_memory: usize::try_from(2 * MAX_SCRYPT_MEMORY).unwrap_or(usize::MAX),
            };
            scrypt(passphrase, kdf.salt.as_ref(), cost, key)
        }
        _ => Err(Refused),
    }
}
