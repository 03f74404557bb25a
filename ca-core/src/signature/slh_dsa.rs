//! Verification of SLH-DSA (FIPS 205): by `fips205`, which also signs, and by RustCrypto's
//! `slh-dsa`. Each has types of its own for each parameter set.

use fips205::traits::{SerDes, Verifier};

use super::{SignatureError, on_deep_stack};
use crate::algorithm::SlhDsa;

macro_rules! sets {
    ($($set:ident => $module:ident),* $(,)?) => {
        fn first_holds(
            set: SlhDsa,
            key: &[u8],
            message: &[u8],
            context: &[u8],
            signature: &[u8],
        ) -> Option<bool> {
            Some(match set {
                $(SlhDsa::$set => {
                    let key = fips205::$module::PublicKey::try_from_bytes(key.try_into().ok()?);
                    key.ok()?.verify(message, signature.try_into().ok()?, context)
                })*
            })
        }

        /// A key for RustCrypto's `slh-dsa`.
        pub(crate) enum SlhDsaSecond {
            $(
                #[doc = concat!("A key for `", stringify!($set), "`.")]
                $set(slh_dsa::VerifyingKey<slh_dsa::$set>),
            )*
        }

        impl SlhDsaSecond {
            pub(super) fn new(set: SlhDsa, key: &[u8]) -> Result<Self, SignatureError> {
                match set {
                    $(SlhDsa::$set => slh_dsa::VerifyingKey::try_from(key).map(Self::$set),)*
                }
                .map_err(|_| SignatureError::Invalid)
            }

            fn holds(&self, message: &[u8], context: &[u8], signature: &[u8]) -> bool {
                match self {
                    $(Self::$set(key) => slh_dsa::Signature::try_from(signature).is_ok_and(
                        |signature| {
                            key.try_verify_with_context(message, context, &signature).is_ok()
                        },
                    ),)*
                }
            }
        }
    };
}

sets! {
    Sha2_128s => slh_dsa_sha2_128s,
    Sha2_128f => slh_dsa_sha2_128f,
    Sha2_192s => slh_dsa_sha2_192s,
    Sha2_192f => slh_dsa_sha2_192f,
    Sha2_256s => slh_dsa_sha2_256s,
    Sha2_256f => slh_dsa_sha2_256f,
    Shake128s => slh_dsa_shake_128s,
    Shake128f => slh_dsa_shake_128f,
    Shake192s => slh_dsa_shake_192s,
    Shake192f => slh_dsa_shake_192f,
    Shake256s => slh_dsa_shake_256s,
    Shake256f => slh_dsa_shake_256f,
}

/// Verifies by `fips205`.
pub(super) fn verify_first(
    set: SlhDsa,
    key: &[u8],
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    // A length that can't be right is not worth a thread.
    if signature.len() != set.signature_size() {
        return Err(SignatureError::Invalid);
    }
    match on_deep_stack(|| first_holds(set, key, message, context, signature)) {
        Some(Some(true)) => Ok(()),
        _ => Err(SignatureError::Invalid),
    }
}

impl SlhDsaSecond {
    pub(super) fn verify(
        &self,
        message: &[u8],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match on_deep_stack(|| self.holds(message, context, signature)) {
            Some(true) => Ok(()),
            _ => Err(SignatureError::Invalid),
        }
    }
}
