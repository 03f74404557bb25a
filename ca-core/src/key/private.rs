//! Private keys: made, read, written, turned into signers.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::algorithm::{Algorithm, SignatureScheme};
use crate::public_key::PublicKey;
use crate::sign::Signer;

/// A private key with its public key.
pub struct PrivateKey {
    public_key: PublicKey,
}

impl PrivateKey {
    /// Makes a new key for `algorithm`.
    ///
    /// # Errors
    /// `KeyError`
    pub fn generate(_algorithm: &Algorithm, _rng: &mut dyn CryptoRng) -> Result<Self, KeyError> {
        Err(KeyError::Unsupported)
    }

    /// Reads DER: PKCS#8, SEC1 or PKCS#1.
    ///
    /// # Errors
    /// `KeyError`
    pub fn from_der(_der: &[u8]) -> Result<Self, KeyError> {
        Err(KeyError::Unsupported)
    }

    /// Writes DER PKCS#8.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::default()
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// A signer by `scheme`, which must fit the key.
    ///
    /// # Errors
    /// `KeyError`
    pub fn signer(&self, _scheme: SignatureScheme) -> Result<Signer, KeyError> {
        Err(KeyError::Unsupported)
    }
}

/// A private key that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not supported.
    #[error("private key: not supported")]
    Unsupported,
}
