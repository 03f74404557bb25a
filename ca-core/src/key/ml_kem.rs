//! ML-KEM private keys (RFC 9935 section 6).

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::private::{KeyError, KeyForm};
use super::seed_choice::{self, SeedChoice};
use crate::algorithm::MlKem;
use crate::aws_lc::MlKemPrivate;
use crate::secret::SecretBytes;

/// An ML-KEM private key: its seed, or the expanded key where that is all there is.
pub(super) struct MlKemSecret {
    set: MlKem,
    form: KeyForm,
    octets: SecretBytes,
}

impl MlKemSecret {
    /// The seed is `d || z` of FIPS 203 algorithm 19, drawn from `rng`.
    pub(super) fn generate(set: MlKem, rng: &mut dyn CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; MlKem::SEED_SIZE]);
        rng.fill_bytes(&mut *seed);
        Self { set, form: KeyForm::Seed, octets: SecretBytes::new(&*seed) }
    }

    /// Reads ML-KEM-PrivateKey, the CHOICE of seed, expandedKey and both. In `both` the seed must
    /// expand to the key; then the seed alone is kept.
    pub(super) fn from_inner(set: MlKem, inner: &[u8]) -> Result<Self, KeyError> {
        let (seed, beside) = match SeedChoice::read(inner)? {
            SeedChoice::Expanded(expanded) => {
                check_length("ML-KEM expandedKey", expanded, set.expanded_key_size())?;
                let octets = SecretBytes::new(expanded);
                return Ok(Self { set, form: KeyForm::ExpandedKey, octets });
            }
            SeedChoice::Seed(seed) => (seed, None),
            SeedChoice::Both { seed, expanded } => (seed, Some(expanded)),
        };
        check_length("ML-KEM seed", seed, MlKem::SEED_SIZE)?;
        let mut key = Self { set, form: KeyForm::Seed, octets: SecretBytes::new(seed) };
        if let Some(expanded) = beside {
            let derived = key.load()?.expanded_key().map_err(|_| KeyError::Refused)?;
            if aws_lc_rs::constant_time::verify_slices_are_equal(&derived, expanded).is_err() {
                return Err(KeyError::SeedMismatch { algorithm: "ML-KEM" });
            }
            key.form = KeyForm::Both;
        }
        Ok(key)
    }

    pub(super) fn form(&self) -> KeyForm {
        self.form
    }

    /// ML-KEM-PrivateKey: the seed form whenever the seed is known.
    pub(super) fn to_inner(&self) -> Zeroizing<Vec<u8>> {
        seed_choice::write(self.form, &self.octets)
    }

    /// Loads the key, which checks that its halves belong together.
    pub(super) fn load(&self) -> Result<MlKemPrivate, KeyError> {
        let loaded = match self.form {
            KeyForm::ExpandedKey => MlKemPrivate::from_expanded(self.set, &self.octets),
            KeyForm::Seed | KeyForm::Both => MlKemPrivate::from_seed(self.set, &self.octets),
        };
        loaded.map_err(|_| KeyError::Refused)
    }
}

fn check_length(part: &'static str, octets: &[u8], allowed: usize) -> Result<(), KeyError> {
    let found = octets.len();
    if found == allowed { Ok(()) } else { Err(KeyError::Length { part, found, allowed }) }
}

#[cfg(test)]
mod tests;
