//! The parameter sets of SLH-DSA.

use std::fmt;

use const_oid::ObjectIdentifier;

/// The parameter sets of SLH-DSA (FIPS 205), once called SPHINCS+. Those with `s` make small
/// signatures slowly, those with `f` large ones fast. Only the pure mode is known here, the one
/// that certificates use in practice; HashSLH-DSA has identifiers of its own (RFC 9909 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SlhDsa {
    /// SLH-DSA-SHA2-128s, NIST level 1.
    Sha2_128s,
    /// SLH-DSA-SHA2-128f, NIST level 1.
    Sha2_128f,
    /// SLH-DSA-SHA2-192s, NIST level 3.
    Sha2_192s,
    /// SLH-DSA-SHA2-192f, NIST level 3.
    Sha2_192f,
    /// SLH-DSA-SHA2-256s, NIST level 5.
    Sha2_256s,
    /// SLH-DSA-SHA2-256f, NIST level 5.
    Sha2_256f,
    /// SLH-DSA-SHAKE-128s, NIST level 1.
    Shake128s,
    /// SLH-DSA-SHAKE-128f, NIST level 1.
    Shake128f,
    /// SLH-DSA-SHAKE-192s, NIST level 3.
    Shake192s,
    /// SLH-DSA-SHAKE-192f, NIST level 3.
    Shake192f,
    /// SLH-DSA-SHAKE-256s, NIST level 5.
    Shake256s,
    /// SLH-DSA-SHAKE-256f, NIST level 5.
    Shake256f,
}

impl SlhDsa {
    /// Every parameter set, in the order of their identifiers.
    pub const ALL: [Self; 12] = [
        Self::Sha2_128s,
        Self::Sha2_128f,
        Self::Sha2_192s,
        Self::Sha2_192f,
        Self::Sha2_256s,
        Self::Sha2_256f,
        Self::Shake128s,
        Self::Shake128f,
        Self::Shake192s,
        Self::Shake192f,
        Self::Shake256s,
        Self::Shake256f,
    ];

    /// The identifier of key and signature (RFC 9909 section 3).
    pub fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha2_128s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.20") },
            Self::Sha2_128f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.21") },
            Self::Sha2_192s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.22") },
            Self::Sha2_192f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.23") },
            Self::Sha2_256s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.24") },
            Self::Sha2_256f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.25") },
            Self::Shake128s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.26") },
            Self::Shake128f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.27") },
            Self::Shake192s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.28") },
            Self::Shake192f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.29") },
            Self::Shake256s => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.30") },
            Self::Shake256f => const { ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.31") },
        }
    }

    /// The set that `oid` names.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.oid() == oid)
    }

    /// FIPS 205's n: octets of each of a key's two or four parts (table 2).
    pub fn part_size(self) -> usize {
        match self.nist_level() {
            1 => 16,
            3 => 24,
            _ => 32,
        }
    }

    /// Octets of a public key, `PK.seed || PK.root`.
    pub fn public_key_size(self) -> usize {
        2 * self.part_size()
    }

    /// Octets of a private key, `SK.seed || SK.prf || PK.seed || PK.root`.
    pub fn private_key_size(self) -> usize {
        4 * self.part_size()
    }

    /// Octets of a signature (FIPS 205 table 2).
    pub fn signature_size(self) -> usize {
        match self {
            Self::Sha2_128s | Self::Shake128s => 7856,
            Self::Sha2_128f | Self::Shake128f => 17088,
            Self::Sha2_192s | Self::Shake192s => 16224,
            Self::Sha2_192f | Self::Shake192f => 35664,
            Self::Sha2_256s | Self::Shake256s => 29792,
            Self::Sha2_256f | Self::Shake256f => 49856,
        }
    }

    /// NIST's security category.
    pub fn nist_level(self) -> u8 {
        match self {
            Self::Sha2_128s | Self::Sha2_128f | Self::Shake128s | Self::Shake128f => 1,
            Self::Sha2_192s | Self::Sha2_192f | Self::Shake192s | Self::Shake192f => 3,
            Self::Sha2_256s | Self::Sha2_256f | Self::Shake256s | Self::Shake256f => 5,
        }
    }

    /// The hash function and the size, as every name of the set has them.
    pub(super) fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Sha2_128s => ("SHA2", "128s"),
            Self::Sha2_128f => ("SHA2", "128f"),
            Self::Sha2_192s => ("SHA2", "192s"),
            Self::Sha2_192f => ("SHA2", "192f"),
            Self::Sha2_256s => ("SHA2", "256s"),
            Self::Sha2_256f => ("SHA2", "256f"),
            Self::Shake128s => ("SHAKE", "128s"),
            Self::Shake128f => ("SHAKE", "128f"),
            Self::Shake192s => ("SHAKE", "192s"),
            Self::Shake192f => ("SHAKE", "192f"),
            Self::Shake256s => ("SHAKE", "256s"),
            Self::Shake256f => ("SHAKE", "256f"),
        }
    }
}

impl fmt::Display for SlhDsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hash, size) = self.parts();
        write!(f, "SLH-DSA-{hash}-{size}")
    }
}
