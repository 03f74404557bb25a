//! The parameter sets of ML-KEM (FIPS 203, RFC 9935), which establish keys and can't sign.

use std::fmt;

use const_oid::ObjectIdentifier;

/// The parameter sets of ML-KEM (FIPS 203), once called Kyber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MlKem {
    /// ML-KEM-512, NIST level 1.
    MlKem512,
    /// ML-KEM-768, NIST level 3.
    MlKem768,
    /// ML-KEM-1024, NIST level 5.
    MlKem1024,
}

impl MlKem {
    /// Every parameter set.
    pub const ALL: [Self; 3] = [Self::MlKem512, Self::MlKem768, Self::MlKem1024];
    /// Octets of a private seed, `d || z`, the same for every set (FIPS 203 algorithm 19).
    pub const SEED_SIZE: usize = 64;

    /// The identifier of the key (RFC 9935 section 3); its parameters are always absent.
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlKem512 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.1") },
            Self::MlKem768 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.2") },
            Self::MlKem1024 => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.3") },
        }
    }

    /// The set that `oid` names.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.oid() == oid)
    }

    /// The name that is printed, FIPS 203's.
    pub fn name(self) -> &'static str {
        match self {
            Self::MlKem512 => "ML-KEM-512",
            Self::MlKem768 => "ML-KEM-768",
            Self::MlKem1024 => "ML-KEM-1024",
        }
    }

    /// Other names that are understood, beside the object identifier.
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::MlKem512 => &["mlkem512", "id-alg-ml-kem-512", "kyber512"],
            Self::MlKem768 => &["mlkem768", "id-alg-ml-kem-768", "kyber768", "kyber"],
            Self::MlKem1024 => &["mlkem1024", "id-alg-ml-kem-1024", "kyber1024"],
        }
    }

    /// The set that a person names: its name, an alias or its object identifier, in any case.
    pub fn named(text: &str) -> Option<Self> {
        let wanted = text.trim();
        Self::ALL.into_iter().find(|set| {
            wanted.eq_ignore_ascii_case(set.name())
                || set.aliases().iter().any(|alias| wanted.eq_ignore_ascii_case(alias))
                || wanted == set.oid().to_string()
        })
    }

    /// FIPS 203's `k`, the rank of the module.
    fn rank(self) -> usize {
        match self {
            Self::MlKem512 => 2,
            Self::MlKem768 => 3,
            Self::MlKem1024 => 4,
        }
    }

    /// Octets of an encapsulation key, which is the public key (FIPS 203 table 3).
    pub fn public_key_size(self) -> usize {
        384 * self.rank() + 32
    }

    /// Octets of an expanded decapsulation key (FIPS 203 table 3).
    pub fn expanded_key_size(self) -> usize {
        768 * self.rank() + 96
    }

    /// Where the encapsulation key stands in an expanded decapsulation key (FIPS 203 algorithm
    /// 16).
    pub(crate) fn public_key_in_expanded(self) -> std::ops::Range<usize> {
        let start = 384 * self.rank();
        start..start + self.public_key_size()
    }

    /// Octets of a ciphertext (FIPS 203 table 3).
    pub fn ciphertext_size(self) -> usize {
        match self {
            Self::MlKem512 => 768,
            Self::MlKem768 => 1088,
            Self::MlKem1024 => 1568,
        }
    }

    /// NIST's security category.
    pub fn nist_level(self) -> u8 {
        match self {
            Self::MlKem512 => 1,
            Self::MlKem768 => 3,
            Self::MlKem1024 => 5,
        }
    }
}

impl fmt::Display for MlKem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
