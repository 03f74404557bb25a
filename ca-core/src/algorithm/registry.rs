//! The table of algorithms that a person can name.

use std::fmt;
use std::sync::LazyLock;

use const_oid::ObjectIdentifier;

use super::{
    ClassicalKey, ClassicalScheme, Composite, Curve, Hash, KeyKind, MlDsa, MlKem, SignatureScheme,
    SlhDsa,
};
use crate::escape::quoted;

/// Families of algorithms, by what protects the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// ECDSA, Ed25519, RSA: broken by a large quantum computer.
    Classical,
    /// ML-DSA or SLH-DSA alone.
    PostQuantum,
    /// ML-DSA and a classical signature in one, both must hold.
    Composite,
    /// ML-KEM, which establishes keys and can't sign; no row of the registry is of it.
    Kem,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Classical => "classical",
            Self::PostQuantum => "post-quantum",
            Self::Composite => "composite",
            Self::Kem => "key-establishment",
        })
    }
}

/// A row of the registry: a kind of key and how it signs.
#[derive(Debug, PartialEq, Eq)]
pub struct Algorithm {
    name: String,
    aliases: Vec<String>,
    key: KeyKind,
    scheme: SignatureScheme,
}

impl Algorithm {
    /// Every algorithm that a key of ours can sign with: classical, then ML-DSA,
    /// then SLH-DSA, then composite.
    pub fn all() -> &'static [Self] {
        static ALL: LazyLock<Vec<Algorithm>> = LazyLock::new(|| rows().collect());
        &ALL
    }

    /// The default for a new hybrid authority, which the draft recommends:
    /// MLDSA65-ECDSA-P256-SHA512.
    pub fn hybrid() -> &'static Self {
        let arc_45 = Composite::from_arc(45).map(SignatureScheme::Composite);
        let row = Self::all().iter().find(|row| Some(row.scheme) == arc_45);
        row.expect("the registry holds every composite")
    }

    /// The algorithm that a person names: its name, an alias or its object identifier, in any
    /// case.
    ///
    /// # Errors
    /// `AlgorithmError::Unknown` with the text, `AlgorithmError::CannotSign` for ML-KEM.
    pub fn named(text: &str) -> Result<&'static Self, AlgorithmError> {
        let wanted = text.trim();
        let found = Self::all().iter().find(|row| {
            wanted.eq_ignore_ascii_case(&row.name)
                || row.aliases.iter().any(|alias| wanted.eq_ignore_ascii_case(alias))
        });
        found.ok_or_else(|| match MlKem::named(wanted) {
            Some(found) => AlgorithmError::CannotSign { found },
            None => AlgorithmError::Unknown { found: wanted.chars().take(80).collect() },
        })
    }

    /// The algorithm of a key that was loaded: RSA keys sign by PKCS#1 v1.5 unless `prefer_pss`.
    pub fn of_key(key: KeyKind, prefer_pss: bool) -> Option<&'static Self> {
        let is_pss = |row: &Self| {
            matches!(row.scheme, SignatureScheme::Classical(ClassicalScheme::RsaPss(_)))
        };
        let mut rows = Self::all().iter().filter(|row| row.key == key);
        let first = rows.next()?;
        match rows.next() {
            Some(second) if is_pss(second) == prefer_pss => Some(second),
            _ => Some(first),
        }
    }

    /// The name that is printed, FIPS's or the draft's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Other names that are understood.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// The kind of key.
    pub fn key(&self) -> KeyKind {
        self.key
    }

    /// How the key signs.
    pub fn scheme(&self) -> SignatureScheme {
        self.scheme
    }

    /// The object identifier that stands in a certificate's signatureAlgorithm.
    pub fn oid(&self) -> ObjectIdentifier {
        self.scheme.oid()
    }

    /// The family.
    pub fn family(&self) -> Family {
        match self.key {
            KeyKind::MlDsa(_) | KeyKind::SlhDsa(_) => Family::PostQuantum,
            KeyKind::Composite(_) => Family::Composite,
            KeyKind::MlKem(_) => Family::Kem,
            KeyKind::Classical(_) | KeyKind::Other(_) => Family::Classical,
        }
    }

    /// NIST's post-quantum security category; none for classical algorithms.
    pub fn nist_level(&self) -> Option<u8> {
        self.scheme.nist_level()
    }

    /// Whether it can make the alternative signature (X.509 (10/2019) clause 9.8) beside a classical
    /// one: ML-DSA, SLH-DSA and composites can.
    pub fn can_be_alternative(&self) -> bool {
        self.scheme.is_post_quantum()
    }

    /// Octets of the public key in the BIT STRING of SubjectPublicKeyInfo (for RSA with the
    /// exponent 65537).
    pub fn public_key_size(&self) -> usize {
        match self.key {
            KeyKind::Classical(key) => classical_key_size(key),
            KeyKind::MlDsa(set) => set.public_key_size(),
            KeyKind::SlhDsa(set) => set.public_key_size(),
            KeyKind::Composite(composite) => {
                composite.ml_dsa().public_key_size() + classical_key_size(composite.classical_key())
            }
            KeyKind::MlKem(set) => set.public_key_size(),
            KeyKind::Other(_) => 0,
        }
    }

    /// Octets of a signature; the most it can be where it varies (ECDSA).
    pub fn signature_size(&self) -> usize {
        match self.key {
            KeyKind::Classical(key) => classical_signature_size(key),
            KeyKind::MlDsa(set) => set.signature_size(),
            KeyKind::SlhDsa(set) => set.signature_size(),
            KeyKind::Composite(composite) => {
                composite.ml_dsa().signature_size()
                    + classical_signature_size(composite.classical_key())
            }
            KeyKind::MlKem(_) | KeyKind::Other(_) => 0,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The text names no algorithm that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AlgorithmError {
    /// No algorithm has this name.
    #[error("algorithm: found {found}, allowed are the names that `espalier algorithms` lists", found = quoted(.found))]
    Unknown {
        /// What was found, cut after 80 characters.
        found: String,
    },
    /// A key-establishment key where one that signs is needed.
    #[error(
        "algorithm: found {found}, which establishes keys and can't sign; allowed here are those that sign, in the first table of `espalier algorithms`"
    )]
    CannotSign {
        /// What was found.
        found: MlKem,
    },
}

impl AlgorithmError {
    /// What was found.
    pub fn found(&self) -> &str {
        match self {
            Self::Unknown { found } => found,
            Self::CannotSign { found } => found.name(),
        }
    }
}

fn algorithm(
    name: impl Into<String>,
    aliases: &[&str],
    key: KeyKind,
    scheme: SignatureScheme,
) -> Algorithm {
    let mut aliases: Vec<String> = aliases.iter().map(ToString::to_string).collect();
    aliases.push(scheme.oid().to_string());
    Algorithm { name: name.into(), aliases, key, scheme }
}

fn rows() -> impl Iterator<Item = Algorithm> {
    classical().chain(ml_dsa()).chain(slh_dsa()).chain(composites())
}

fn classical() -> impl Iterator<Item = Algorithm> {
    let ec = |name: &str, aliases: &[&str], curve: Curve| {
        let scheme = SignatureScheme::Classical(ClassicalScheme::Ecdsa(curve.hash()));
        algorithm(name, aliases, KeyKind::Classical(ClassicalKey::Ec(curve)), scheme)
    };
    let elliptic = [
        ec("ECDSA-P256", &["p256", "p-256", "prime256v1", "secp256r1", "es256"], Curve::P256),
        ec("ECDSA-P384", &["p384", "p-384", "secp384r1", "es384"], Curve::P384),
        ec("ECDSA-P521", &["p521", "p-521", "secp521r1", "es512"], Curve::P521),
        algorithm(
            "Ed25519",
            &["eddsa"],
            KeyKind::Classical(ClassicalKey::Ed25519),
            SignatureScheme::Classical(ClassicalScheme::Ed25519),
        ),
    ];
    let rsa = [(2048, Hash::Sha256), (3072, Hash::Sha256), (4096, Hash::Sha384)];
    elliptic.into_iter().chain(rsa.into_iter().flat_map(|(bits, hash)| rsa_rows(bits, hash)))
}

/// Both rows of an RSA size. Their signature identifiers are shared between sizes, so RSA rows
/// have no identifier among their aliases.
fn rsa_rows(bits: u32, hash: Hash) -> [Algorithm; 2] {
    let key = KeyKind::Classical(ClassicalKey::Rsa { bits });
    let row = |name: String, alias: String, scheme| Algorithm {
        name,
        aliases: vec![alias],
        key,
        scheme: SignatureScheme::Classical(scheme),
    };
    [
        row(format!("RSA-{bits}"), format!("rsa{bits}"), ClassicalScheme::RsaPkcs1(hash)),
        row(format!("RSA-{bits}-PSS"), format!("rsa{bits}-pss"), ClassicalScheme::RsaPss(hash)),
    ]
}

fn ml_dsa() -> impl Iterator<Item = Algorithm> {
    MlDsa::ALL.into_iter().map(|set| {
        let aliases: &[&str] = match set {
            MlDsa::MlDsa44 => &["mldsa44", "id-ml-dsa-44", "dilithium2"],
            MlDsa::MlDsa65 => &["mldsa65", "id-ml-dsa-65", "dilithium3", "dilithium", "pure"],
            MlDsa::MlDsa87 => &["mldsa87", "id-ml-dsa-87", "dilithium5"],
        };
        algorithm(set.to_string(), aliases, KeyKind::MlDsa(set), SignatureScheme::MlDsa(set))
    })
}

/// The aliases are RFC 9909's, and those of SPHINCS+ in its round 3 submission and in liboqs.
fn slh_dsa() -> impl Iterator<Item = Algorithm> {
    SlhDsa::ALL.into_iter().map(|set| {
        let (hash, size) = set.parts();
        let hash = hash.to_ascii_lowercase();
        let aliases = [
            format!("slhdsa{hash}{size}"),
            format!("id-slh-dsa-{hash}-{size}"),
            format!("sphincs+-{hash}-{size}"),
            format!("sphincs+-{hash}-{size}-simple"),
            format!("sphincs{hash}{size}simple"),
        ];
        let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
        algorithm(set.to_string(), &aliases, KeyKind::SlhDsa(set), SignatureScheme::SlhDsa(set))
    })
}

fn composites() -> impl Iterator<Item = Algorithm> {
    Composite::all().map(|composite| {
        let id_name = format!("id-{composite}");
        let mut aliases = vec![id_name.as_str()];
        if composite.arc() == 45 {
            aliases.extend(["hybrid", "composite"]);
        }
        let scheme = SignatureScheme::Composite(composite);
        algorithm(composite.name(), &aliases, KeyKind::Composite(composite), scheme)
    })
}

/// Octets of the key itself: an uncompressed point, an EdDSA key, an RSAPublicKey with 65537.
fn classical_key_size(key: ClassicalKey) -> usize {
    match key {
        ClassicalKey::Ec(curve) => 1 + 2 * curve.field_size(),
        ClassicalKey::Ed25519 => 32,
        ClassicalKey::Ed448 => 57,
        // SEQUENCE header 4, modulus INTEGER header 4 and sign octet 1, exponent 5.
        ClassicalKey::Rsa { bits } => 14 + bits as usize / 8,
    }
}

fn classical_signature_size(key: ClassicalKey) -> usize {
    match key {
        // Two INTEGERs with sign octets; past 127 octets the SEQUENCE's length takes two.
        ClassicalKey::Ec(Curve::P521) => 139,
        ClassicalKey::Ec(curve) => 2 + 2 * (3 + curve.field_size()),
        ClassicalKey::Ed25519 => 64,
        ClassicalKey::Ed448 => 114,
        ClassicalKey::Rsa { bits } => bits as usize / 8,
    }
}
