//! What a key can be made for: to sign, or to establish keys.

use std::fmt;

use super::{Algorithm, AlgorithmError, Family, KeyKind, MlKem};

/// An algorithm that a person can name for a key. Those that sign stand in the registry with
/// their signature scheme; ML-KEM has no scheme, so that nothing can be signed by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// A key that signs.
    Signing(&'static Algorithm),
    /// A key that others encapsulate to (RFC 9935).
    Kem(MlKem),
}

impl KeyAlgorithm {
    /// The algorithm that a person names: its name, an alias or its object identifier, in any
    /// case.
    ///
    /// # Errors
    /// `AlgorithmError::Unknown` with the text.
    pub fn named(text: &str) -> Result<Self, AlgorithmError> {
        match MlKem::named(text) {
            Some(set) => Ok(Self::Kem(set)),
            None => Algorithm::named(text).map(Self::Signing),
        }
    }

    /// The algorithm of a key that was loaded; none for a key that is not known here.
    pub fn of_key(key: KeyKind) -> Option<Self> {
        match key {
            KeyKind::MlKem(set) => Some(Self::Kem(set)),
            key => Algorithm::of_key(key, false).map(Self::Signing),
        }
    }

    /// The name that is printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signing(algorithm) => algorithm.name(),
            Self::Kem(set) => set.name(),
        }
    }

    /// The kind of key.
    pub fn key(self) -> KeyKind {
        match self {
            Self::Signing(algorithm) => algorithm.key(),
            Self::Kem(set) => KeyKind::MlKem(set),
        }
    }

    /// The family.
    pub fn family(self) -> Family {
        match self {
            Self::Signing(algorithm) => algorithm.family(),
            Self::Kem(_) => Family::Kem,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<&'static Algorithm> for KeyAlgorithm {
    fn from(algorithm: &'static Algorithm) -> Self {
        Self::Signing(algorithm)
    }
}

impl From<MlKem> for KeyAlgorithm {
    fn from(set: MlKem) -> Self {
        Self::Kem(set)
    }
}
