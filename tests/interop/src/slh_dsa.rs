//! Which algorithms are SLH-DSA's: few peers know them, and most of them take seconds to sign.

use ca_core::algorithm::{Algorithm, KeyKind, SlhDsa};

/// Whether it is a parameter set of SLH-DSA.
#[must_use]
pub fn is_slh_dsa(algorithm: &Algorithm) -> bool {
    matches!(algorithm.key(), KeyKind::SlhDsa(_))
}

/// Whether it is one that signs slowly. Chains are made of the others; tests/slh_dsa.rs has every set.
#[must_use]
pub fn takes_long(algorithm: &Algorithm) -> bool {
    match algorithm.key() {
        KeyKind::SlhDsa(set) => ![SlhDsa::Sha2_128f, SlhDsa::Shake128f].contains(&set),
        _ => false,
    }
}
