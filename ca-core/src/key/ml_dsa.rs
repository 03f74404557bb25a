//! The ML-DSA part of a private key (RFC 9881 section 6).

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::private::{KeyError, KeyForm};
use super::seed_choice::{self, SeedChoice};
use crate::algorithm::MlDsa;
use crate::aws_lc::MlDsaPrivate;
use crate::secret::SecretBytes;

/// An ML-DSA private key: its seed, or the expanded key where that is all there is.
pub(super) struct MlDsaSecret {
    set: MlDsa,
    form: KeyForm,
    octets: SecretBytes,
}

impl MlDsaSecret {
    pub(super) fn generate(set: MlDsa, rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; MlDsa::SEED_SIZE]);
        rng.fill_bytes(&mut *seed);
        Self { set, form: KeyForm::Seed, octets: SecretBytes::new(&*seed) }
    }

    /// From the 32 octets of FIPS 204's seed.
    pub(super) fn from_seed(set: MlDsa, seed: &[u8]) -> Result<Self, KeyError> {
        if seed.len() != MlDsa::SEED_SIZE {
            let (found, allowed) = (seed.len(), MlDsa::SEED_SIZE);
            return Err(KeyError::Length { part: "ML-DSA seed", found, allowed });
        }
        Ok(Self { set, form: KeyForm::Seed, octets: SecretBytes::new(seed) })
    }

    /// Reads ML-DSA-PrivateKey, the CHOICE of seed, expandedKey and both. In `both` the seed must
    /// expand to the key; then the seed alone is kept.
    pub(super) fn from_inner(set: MlDsa, inner: &[u8]) -> Result<Self, KeyError> {
        let (seed, expanded) = match SeedChoice::read(inner)? {
            SeedChoice::Seed(seed) => return Self::from_seed(set, seed),
            SeedChoice::Expanded(expanded) => return Self::from_expanded(set, expanded),
            SeedChoice::Both { seed, expanded } => (seed, expanded),
        };
        let mut key = Self::from_seed(set, seed)?;
        let derived = key.load()?.expanded_key().map_err(|_| KeyError::Refused)?;
        if aws_lc_rs::constant_time::verify_slices_are_equal(&derived, expanded).is_err() {
            return Err(KeyError::SeedMismatch { algorithm: "ML-DSA" });
        }
        key.form = KeyForm::Both;
        Ok(key)
    }

    fn from_expanded(set: MlDsa, expanded: &[u8]) -> Result<Self, KeyError> {
        let allowed = set.expanded_key_size();
        if expanded.len() != allowed {
            let found = expanded.len();
            return Err(KeyError::Length { part: "ML-DSA expandedKey", found, allowed });
        }
        Ok(Self { set, form: KeyForm::ExpandedKey, octets: SecretBytes::new(expanded) })
    }

    pub(super) fn form(&self) -> KeyForm {
        self.form
    }

    /// The seed, unless the key came expanded.
    pub(super) fn seed(&self) -> Option<&[u8]> {
        (self.form != KeyForm::ExpandedKey).then_some(&*self.octets)
    }

    /// ML-DSA-PrivateKey: the seed form whenever the seed is known.
    pub(super) fn to_inner(&self) -> Zeroizing<Vec<u8>> {
        seed_choice::write(self.form, &self.octets)
    }

    pub(super) fn load(&self) -> Result<MlDsaPrivate, KeyError> {
        MlDsaPrivate::load(self.set, &self.octets).map_err(|_| KeyError::Refused)
    }
}
