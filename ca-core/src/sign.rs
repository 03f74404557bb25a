//! Signing: every signature is checked by a second implementation before it leaves.

use crate::algorithm::SignatureScheme;
use crate::public_key::PublicKey;
use crate::signature::{LARGE, SecondVerifier, SignatureError, check_fit};

/// Where a private key lives and signs: in this process today, a token or a KMS later.
///
/// It promises nothing about the signature: [`Signer`] checks it.
pub trait SigningBackend: Send + Sync {
    /// Signs the message as a whole (not a digest of it) by the scheme.
    ///
    /// # Errors
    /// `SignError::Backend` with what the library or device said, never key material.
    fn make_signature(&self, scheme: SignatureScheme, message: &[u8])
    -> Result<Vec<u8>, SignError>;
}

/// A key that can sign by one scheme.
pub struct Signer {
    public_key: PublicKey,
    scheme: SignatureScheme,
    backend: Box<dyn SigningBackend>,
    second: SecondVerifier,
}

impl Signer {
    /// Joins a key's place with its public key.
    ///
    /// # Errors
    /// `SignatureError` when the second implementation can't read the key or the scheme does not
    /// fit it.
    pub fn new(
        public_key: PublicKey,
        scheme: SignatureScheme,
        backend: Box<dyn SigningBackend>,
    ) -> Result<Self, SignatureError> {
        check_fit(&public_key, scheme)?;
        let second = SecondVerifier::new(&public_key, scheme)?;
        Ok(Self { public_key, scheme, backend, second })
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// How it signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// Signs `message`, then verifies the signature with the second implementation.
    ///
    /// # Errors
    /// `SignError::Backend` when the key can't sign; `SignError::CrossCheck` when the second
    /// implementation refuses the signature, which means a fault or a bug: release nothing.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.sign_after(message, |_| ()).map(|(signature, ())| signature)
    }

    /// The same; what has to stand before the signature may be written meanwhile, as soon as its
    /// length is known. The second implementation takes a large message on a thread of its own.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub(crate) fn sign_after<T>(
        &self,
        message: &[u8],
        before: impl FnOnce(usize) -> T,
    ) -> Result<(Vec<u8>, T), SignError> {
        let prepare = || self.second.prepare(message, b"");
        let (signature, done, prepared) = if message.len() < LARGE {
            let signature = self.backend.make_signature(self.scheme, message)?;
            let done = before(signature.len());
            (signature, done, prepare())
        } else {
            std::thread::scope(|scope| {
                let second = std::thread::Builder::new().spawn_scoped(scope, prepare);
                let signature = self.backend.make_signature(self.scheme, message)?;
                let done = before(signature.len());
                // A panic there is a refusal: what was not hashed can't be checked.
                let prepared = match second {
                    Ok(second) => second.join().unwrap_or(Err(SignatureError::Invalid)),
                    // The system gives no thread.
                    Err(_) => prepare(),
                };
                Ok((signature, done, prepared))
            })?
        };
        match prepared.and_then(|message| self.second.verify_prepared(&message, b"", &signature)) {
            Ok(()) => Ok((signature, done)),
            Err(_) => {
                tracing::error!(scheme = %self.scheme, "the second implementation refuses a signature");
                Err(SignError::CrossCheck { scheme: self.scheme })
            }
        }
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({}, key {})", self.scheme, self.public_key.fingerprint())
    }
}

/// A signature that was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The library or device failed.
    #[error("signing by {scheme} failed: {reason}")]
    Backend {
        /// By which scheme.
        scheme: SignatureScheme,
        /// What it said.
        reason: String,
    },
    /// The two implementations disagree.
    #[error(
        "signing by {scheme}: the second implementation refuses the signature; a hardware fault or a bug, nothing was released. Stop issuing and compare both libraries on this machine"
    )]
    CrossCheck {
        /// By which scheme.
        scheme: SignatureScheme,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::algorithm::{Algorithm, Composite, KeyKind, MlDsa};
    use crate::key::PrivateKey;

    /// A device that signs anything by nothing.
    struct Mute;

    impl SigningBackend for Mute {
        fn make_signature(&self, scheme: SignatureScheme, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Err(SignError::Backend { scheme, reason: "mute".into() })
        }
    }

    fn public_key(name: &str) -> PublicKey {
        let rng = &mut rand_core::UnwrapErr(getrandom::SysRng);
        let key = PrivateKey::generate(Algorithm::named(name).unwrap(), rng).unwrap();
        key.public_key().clone()
    }

    #[test]
    fn a_device_signs_only_by_the_scheme_of_its_key() {
        let key = public_key("MLDSA44-RSA2048-PSS-SHA256");
        let scheme = |arc| SignatureScheme::Composite(Composite::from_arc(arc).unwrap());
        Signer::new(key.clone(), scheme(37), Box::new(Mute)).unwrap();
        // .38 has halves of the same format, and another padding.
        let error = Signer::new(key, scheme(38), Box::new(Mute)).unwrap_err();
        assert!(matches!(error, SignatureError::KeyMismatch { .. }), "{error}");
        // The octets of ML-DSA under an identifier that is not its.
        let octets = public_key("mldsa44").key_bytes().to_vec();
        let other = KeyKind::Other("1.2.3.4".parse().unwrap());
        let key = PublicKey::from_raw(other, &octets).unwrap();
        let scheme = SignatureScheme::MlDsa(MlDsa::MlDsa44);
        let error = Signer::new(key, scheme, Box::new(Mute)).unwrap_err();
        assert!(matches!(error, SignatureError::KeyMismatch { .. }), "{error}");
    }
}
