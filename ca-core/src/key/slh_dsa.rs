//! The SLH-DSA part of a private key (RFC 9909), and signing with it by `fips205`.

use std::num::NonZeroU32;

use fips205::traits::{KeyGen, SerDes, Signer};
use fips205::{CryptoRng, RngCore, RngError};
use zeroize::{Zeroize, Zeroizing};

use super::private::KeyError;
use crate::algorithm::SlhDsa;
use crate::aws_lc::Refused;
use crate::secret::SecretBytes;
use crate::signature::on_deep_stack;

/// The three parts of FIPS 205 that are drawn for a key, each of at most 32 octets.
const MOST_DRAWN: usize = 3 * 32;

/// An SLH-DSA private key: `SK.seed || SK.prf || PK.seed || PK.root` (FIPS 205 figure 15).
pub(super) struct SlhDsaSecret {
    set: SlhDsa,
    octets: SecretBytes,
}

impl SlhDsaSecret {
    /// Draws SK.seed, SK.prf and PK.seed in this order (FIPS 205 algorithm 21).
    pub(super) fn generate(
        set: SlhDsa,
        rng: &mut dyn rand_core::CryptoRng,
    ) -> Result<Self, KeyError> {
        let mut drawn = Drawn::new(3 * set.part_size());
        rng.fill_bytes(&mut drawn.octets);
        let octets = with_wiped_stack(|| SlhDsaPrivate::generate(set, drawn));
        octets.map(|octets| Self { set, octets }).map_err(|_| KeyError::Refused)
    }

    /// Reads the privateKey field of PKCS#8: the octets as they are, in no further wrapping. PK.root
    /// must belong to the rest: with another one, signatures would give the key away.
    pub(super) fn from_inner(set: SlhDsa, inner: &[u8]) -> Result<Self, KeyError> {
        let (found, allowed) = (inner.len(), set.private_key_size());
        if found != allowed {
            return Err(KeyError::Length { part: "SLH-DSA private key", found, allowed });
        }
        let key = Self { set, octets: SecretBytes::new(inner) };
        key.load().map(|_| key)
    }

    /// `PK.seed || PK.root`.
    pub(super) fn public_key(&self) -> &[u8] {
        &self.octets[2 * self.set.part_size()..]
    }

    /// The privateKey field of PKCS#8.
    pub(super) fn to_inner(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.octets.to_vec())
    }

    /// Loads the key. `fips205` computes PK.root anew and compares, which takes as long as to make
    /// a key.
    pub(super) fn load(&self) -> Result<SlhDsaPrivate, KeyError> {
        let loaded = with_wiped_stack(|| SlhDsaPrivate::load(self.set, &self.octets));
        loaded.map_err(|_| KeyError::Refused)
    }
}

/// Each parameter set has types of its own in `fips205`.
macro_rules! sets {
    ($($set:ident => $module:ident),* $(,)?) => {
        /// A loaded SLH-DSA key. It wipes itself on drop.
        pub(super) enum SlhDsaPrivate {
            $(
                #[doc = concat!("A key for `", stringify!($module), "`.")]
                $set(Box<fips205::$module::PrivateKey>),
            )*
        }

        impl SlhDsaPrivate {
            #[inline(never)]
            fn generate(set: SlhDsa, mut drawn: Drawn) -> Result<SecretBytes, Refused> {
                match set {
                    $(SlhDsa::$set => {
                        let made = fips205::$module::KG::try_keygen_with_rng(&mut drawn);
                        let (_, key) = made.map_err(|_| Refused)?;
                        Ok(SecretBytes::new(&*Zeroizing::new(key.into_bytes())))
                    })*
                }
            }

            #[inline(never)]
            fn load(set: SlhDsa, octets: &[u8]) -> Result<Self, Refused> {
                match set {
                    $(SlhDsa::$set => {
                        let octets = octets.try_into().map_err(|_| Refused)?;
                        let key = fips205::$module::PrivateKey::try_from_bytes(octets);
                        key.map(|key| Self::$set(Box::new(key))).map_err(|_| Refused)
                    })*
                }
            }

            #[inline(never)]
            fn sign_with(&self, message: &[u8], drawn: &mut Drawn) -> Result<Vec<u8>, Refused> {
                match self {
                    $(Self::$set(key) => {
                        let signature = key.try_sign_with_rng(drawn, message, b"", true);
                        Ok(signature.map_err(|_| Refused)?.to_vec())
                    })*
                }
            }

            /// FIPS 205's n.
            fn part_size(&self) -> usize {
                match self {
                    $(Self::$set(_) => SlhDsa::$set.part_size(),)*
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

impl SlhDsaPrivate {
    /// Signs in the hedged variant with the empty context of X.509. The n octets of its randomness
    /// come from AWS-LC's generator, as ML-DSA's do.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut drawn = Drawn::new(self.part_size());
        aws_lc_rs::rand::fill(&mut drawn.octets).map_err(|_| Refused)?;
        with_wiped_stack(|| self.sign_with(message, &mut drawn))
    }
}

/// Octets that were drawn before, handed to `fips205` as the generator that it asks for; it gives
/// each octet once and fails after the last.
struct Drawn {
    octets: Zeroizing<Vec<u8>>,
    given: usize,
}

impl Drawn {
    fn new(size: usize) -> Self {
        debug_assert!(size <= MOST_DRAWN);
        Self { octets: Zeroizing::new(vec![0; size]), given: 0 }
    }
}

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        let mut octets = [0; 4];
        self.fill_bytes(&mut octets);
        u32::from_le_bytes(octets)
    }

    fn next_u64(&mut self) -> u64 {
        let mut octets = [0; 8];
        self.fill_bytes(&mut octets);
        u64::from_le_bytes(octets)
    }

    fn fill_bytes(&mut self, place: &mut [u8]) {
        // `fips205` asks by `try_fill_bytes` only.
        self.try_fill_bytes(place).expect("no more is asked for than was drawn");
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), RngError> {
        let next = self.octets.get(self.given..).and_then(|rest| rest.get(..place.len()));
        let exhausted = NonZeroU32::MIN.saturating_add(RngError::CUSTOM_START);
        place.copy_from_slice(next.ok_or(exhausted)?);
        self.given += place.len();
        Ok(())
    }
}

impl CryptoRng for Drawn {}

/// Runs `work` on a deep stack, and overwrites that afterwards.
fn with_wiped_stack<T: Send>(
    work: impl FnOnce() -> Result<T, Refused> + Send,
) -> Result<T, Refused> {
    let done = on_deep_stack(|| {
        let done = work();
        wipe_stack();
        done
    });
    done.unwrap_or(Err(Refused))
}

/// Overwrites the stack below its caller, where `fips205` moved private keys by value: it wipes
/// its variables, but not what the compiler copied on the way. What it computes of a private key
/// lies below some ten signatures of up to 49,856 octets each.
#[inline(never)]
fn wipe_stack() {
    const DEPTH: usize = 1024 * 1024;
    let mut area = [0_u64; DEPTH / 8];
    area.zeroize();
    std::hint::black_box(&mut area);
}

#[cfg(test)]
mod tests;
