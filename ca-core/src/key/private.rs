//! Private keys of every family, and their files' DER.

use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::referenced::OwnedToRef;
use der::{Decode, Encode, Reader, SliceReader, Tag};
use pkcs8::PrivateKeyInfoRef;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::backend::LocalKey;
use super::classical::ClassicalSecret;
use super::ml_dsa::MlDsaSecret;
use super::ml_kem::MlKemSecret;
use super::slh_dsa::SlhDsaSecret;
use crate::algorithm::{
    Algorithm, ClassicalKey, Composite, Curve, KeyAlgorithm, KeyKind, MlDsa, MlKem,
    SignatureScheme, SlhDsa,
};
use crate::public_key::{PublicKey, PublicKeyError, RSA_MAX_BITS, RSA_MIN_BITS, key_identifier};
use crate::sign::Signer;
use crate::signature::{SignatureError, check_fit};

/// The largest private key that is read, in octets: RSA-8192 in PKCS#8 has 4,700, ML-DSA-87 in
/// the both form 5,000, a composite less than 10,000.
pub const MAX_KEY_SIZE: usize = 16 * 1024;

/// A private key and its public key. The secret octets lie in protected memory and are wiped on
/// drop; nothing shows them but [`PrivateKey::to_pkcs8_der`].
pub struct PrivateKey {
    public_key: PublicKey,
    secret: Secret,
}

/// The secret octets, by family.
enum Secret {
    Classical(ClassicalSecret),
    MlDsa(MlDsaSecret),
    SlhDsa(SlhDsaSecret),
    Composite(MlDsaSecret, ClassicalSecret),
    MlKem(MlKemSecret),
}

impl Secret {
    /// The public key's octets as they stand in the BIT STRING.
    fn public_key(&self) -> Result<Vec<u8>, KeyError> {
        let ml_dsa_key =
            |secret: &MlDsaSecret| secret.load()?.public_key().map_err(|_| KeyError::Refused);
        match self {
            Self::Classical(secret) => Ok(secret.load()?.public_key()),
            Self::MlDsa(secret) => ml_dsa_key(secret),
            Self::SlhDsa(secret) => Ok(secret.public_key().to_vec()),
            Self::Composite(ml_dsa, classical) => {
                Ok([ml_dsa_key(ml_dsa)?, classical.load()?.public_key()].concat())
            }
            // Loading checks that its halves belong together.
            Self::MlKem(secret) => secret.load()?.public_key().map_err(|_| KeyError::Refused),
        }
    }

    /// Loads the key for signing.
    fn load(&self) -> Result<LocalKey, KeyError> {
        Ok(match self {
            Self::Classical(secret) => LocalKey::Classical(secret.load()?),
            Self::MlDsa(secret) => LocalKey::MlDsa(secret.load()?),
            Self::SlhDsa(secret) => LocalKey::SlhDsa(secret.load()?),
            Self::Composite(ml_dsa, classical) => {
                LocalKey::Composite(ml_dsa.load()?, classical.load()?)
            }
            // It can't sign, and no scheme fits it.
            Self::MlKem(_) => return Err(KeyError::Refused),
        })
    }
}

/// In which form an ML-DSA or ML-KEM private key was found (RFC 9881 section 6, RFC 9935
/// section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The seed, of 32 octets for ML-DSA and 64 for ML-KEM; the form that is written.
    Seed,
    /// The expanded key; its seed can't be found again, so it is written as it came.
    ExpandedKey,
    /// Both; the seed was found to expand to the key, and only the seed is kept.
    Both,
}

impl PrivateKey {
    /// Makes a new key. Everything random comes from `rng`, but for RSA primes, which AWS-LC
    /// draws from its own generator.
    ///
    /// # Errors
    /// `KeyError::Randomness` when `rng` gives nothing usable, `KeyError::Refused` when AWS-LC
    /// fails.
    pub fn generate(algorithm: &Algorithm, rng: &mut dyn CryptoRng) -> Result<Self, KeyError> {
        let secret = match algorithm.key() {
            KeyKind::Classical(kind) => Secret::Classical(ClassicalSecret::generate(kind, rng)?),
            KeyKind::MlDsa(set) => Secret::MlDsa(MlDsaSecret::generate(set, rng)),
            KeyKind::SlhDsa(set) => Secret::SlhDsa(SlhDsaSecret::generate(set, rng)?),
            KeyKind::Composite(composite) => {
                let ml_dsa = MlDsaSecret::generate(composite.ml_dsa(), rng);
                let classical = ClassicalSecret::generate(composite.classical_key(), rng)?;
                Secret::Composite(ml_dsa, classical)
            }
            // No row of the registry is of these kinds: they can't sign.
            KeyKind::MlKem(set) => return Err(KeyError::UnknownAlgorithm { oid: set.oid() }),
            KeyKind::Other(oid) => return Err(KeyError::UnknownAlgorithm { oid }),
        };
        Self::new(algorithm.key(), secret)
    }

    /// Makes a new key that signs, or one that establishes keys.
    ///
    /// # Errors
    /// As [`Self::generate`].
    pub fn generate_for(
        algorithm: KeyAlgorithm,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyError> {
        match algorithm {
            KeyAlgorithm::Signing(algorithm) => Self::generate(algorithm, rng),
            KeyAlgorithm::Kem(set) => {
                let secret = MlKemSecret::generate(set, rng);
                Self::new(KeyKind::MlKem(set), Secret::MlKem(secret))
            }
        }
    }

    /// Derives the public key, and with it checks that the private one is sound.
    fn new(kind: KeyKind, secret: Secret) -> Result<Self, KeyError> {
        let key = secret.public_key()?;
        let public_key = PublicKey::from_raw(kind, &key).map_err(KeyError::PublicKey)?;
        public_key.check_strength().map_err(KeyError::PublicKey)?;
        Ok(Self { public_key, secret })
    }

    /// Reads DER: PKCS#8 (RFC 5958; ML-DSA and ML-KEM in the forms seed, expandedKey and both;
    /// SLH-DSA per RFC 9909; composites per draft -19), SEC1 (RFC 5915) or PKCS#1 (RFC 8017).
    ///
    /// # Errors
    /// `KeyError` says what is wrong; an encrypted key is [`KeyError::Encrypted`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        if der.len() > MAX_KEY_SIZE {
            return Err(KeyError::TooLarge { found: der.len() });
        }
        match second_tag(der)? {
            None => Err(KeyError::Encrypted),
            Some(Tag::Integer) => Self::rsa(der),
            Some(Tag::OctetString) => Self::from_sec1(der),
            Some(_) => Self::from_pkcs8(der),
        }
    }

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let parameters = sec1::EcPrivateKey::from_der(der)?.parameters;
        let oid = parameters.and_then(|parameters| parameters.named_curve());
        let oid = oid.ok_or(KeyError::NoCurve)?;
        Self::ec(Curve::from_oid(oid).ok_or(KeyError::UnknownAlgorithm { oid })?, der)
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let info = PrivateKeyInfoRef::from_der(der)?;
        let (oid, inner) = (info.algorithm.oid, info.private_key.as_bytes());
        let key = match oid {
            rfc5912::ID_EC_PUBLIC_KEY => {
                let curve: ObjectIdentifier =
                    info.algorithm.parameters.ok_or(KeyError::NoCurve)?.decode_as()?;
                let unknown = KeyError::UnknownAlgorithm { oid: curve };
                Self::ec(Curve::from_oid(curve).ok_or(unknown)?, inner)?
            }
            rfc5912::RSA_ENCRYPTION => {
                check_parameters(oid, info.algorithm.parameters, Some(AnyRef::NULL))?;
                Self::rsa(inner)?
            }
            rfc8410::ID_ED_25519 => {
                check_parameters(oid, info.algorithm.parameters, None)?;
                let secret = ClassicalSecret::from_inner(ClassicalKey::Ed25519, inner)?;
                Self::new(KeyKind::Classical(ClassicalKey::Ed25519), Secret::Classical(secret))?
            }
            oid => {
                check_parameters(oid, info.algorithm.parameters, None)?;
                Self::post_quantum(oid, inner)?
            }
        };
        let given = info.public_key.map(|bits| bits.as_bytes());
        if given.is_some_and(|given| given != Some(key.public_key.key_bytes())) {
            return Err(KeyError::PublicKeyMismatch);
        }
        Ok(key)
    }

    fn post_quantum(oid: ObjectIdentifier, inner: &[u8]) -> Result<Self, KeyError> {
        if let Some(set) = MlDsa::from_oid(oid) {
            let secret = MlDsaSecret::from_inner(set, inner)?;
            return Self::new(KeyKind::MlDsa(set), Secret::MlDsa(secret));
        }
        if let Some(set) = SlhDsa::from_oid(oid) {
            let secret = SlhDsaSecret::from_inner(set, inner)?;
            return Self::new(KeyKind::SlhDsa(set), Secret::SlhDsa(secret));
        }
        if let Some(set) = MlKem::from_oid(oid) {
            let secret = MlKemSecret::from_inner(set, inner)?;
            return Self::new(KeyKind::MlKem(set), Secret::MlKem(secret));
        }
        let composite = Composite::from_oid(oid).ok_or(KeyError::UnknownAlgorithm { oid })?;
        let found = inner.len();
        let halves = inner.split_at_checked(MlDsa::SEED_SIZE).ok_or(KeyError::Length {
            part: "composite private key",
            found,
            allowed: MlDsa::SEED_SIZE + 32,
        })?;
        let ml_dsa = MlDsaSecret::from_seed(composite.ml_dsa(), halves.0)?;
        let classical = ClassicalSecret::from_raw(composite.classical_key(), halves.1)?;
        Self::new(KeyKind::Composite(composite), Secret::Composite(ml_dsa, classical))
    }

    fn ec(curve: Curve, der: &[u8]) -> Result<Self, KeyError> {
        let kind = ClassicalKey::Ec(curve);
        let secret = ClassicalSecret::from_inner(kind, der)?;
        Self::new(KeyKind::Classical(kind), Secret::Classical(secret))
    }

    /// The modulus tells the size, so the public key is derived before the kind is known.
    fn rsa(der: &[u8]) -> Result<Self, KeyError> {
        check_rsa_size(der)?;
        let unknown_size = ClassicalKey::Rsa { bits: 0 };
        let secret = ClassicalSecret::from_inner(unknown_size, der)?;
        Self::new(KeyKind::Classical(unknown_size), Secret::Classical(secret))
    }

    /// Writes DER PKCS#8 version 1: the seed form for ML-DSA and ML-KEM, the raw octets for SLH-DSA
    /// (RFC 9909), the draft's concatenation for composites, OpenSSL's choices for the
    /// others. The octets wipe themselves.
    ///
    /// # Errors
    /// `KeyError` when AWS-LC fails to derive an EC point.
    pub fn to_pkcs8_der(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let inner = match &self.secret {
            Secret::Classical(classical) => classical.to_inner()?,
            Secret::MlDsa(ml_dsa) => ml_dsa.to_inner(),
            Secret::SlhDsa(slh_dsa) => slh_dsa.to_inner(),
            Secret::MlKem(ml_kem) => ml_kem.to_inner(),
            Secret::Composite(ml_dsa, classical) => {
                let raw = classical.to_raw()?;
                let mut inner = Zeroizing::new(Vec::with_capacity(MlDsa::SEED_SIZE + raw.len()));
                // A composite is only ever made from a seed.
                inner.extend_from_slice(ml_dsa.seed().ok_or(KeyError::Refused)?);
                inner.extend_from_slice(&raw);
                inner
            }
        };
        let identifier = key_identifier(self.public_key.kind());
        let info = PrivateKeyInfoRef::new(identifier.owned_to_ref(), OctetStringRef::new(&inner)?);
        Ok(Zeroizing::new(info.to_der()?))
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// In which form the ML-DSA part, or the ML-KEM key, came; none for other keys.
    pub fn form(&self) -> Option<KeyForm> {
        match &self.secret {
            Secret::MlDsa(ml_dsa) | Secret::Composite(ml_dsa, _) => Some(ml_dsa.form()),
            Secret::MlKem(ml_kem) => Some(ml_kem.form()),
            Secret::Classical(_) | Secret::SlhDsa(_) => None,
        }
    }

    /// Loads the key for signing by `scheme`.
    ///
    /// # Errors
    /// `KeyError::Scheme` when the scheme does not fit the key.
    pub fn signer(&self, scheme: SignatureScheme) -> Result<Signer, KeyError> {
        check_fit(&self.public_key, scheme).map_err(KeyError::Scheme)?;
        let backend = Box::new(self.secret.load()?);
        Signer::new(self.public_key.clone(), scheme, backend).map_err(KeyError::Scheme)
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({}, {})", self.public_key.kind(), self.public_key.fingerprint())
    }
}

/// The tag of the second element, which tells the formats apart; none when the first element is
/// no INTEGER, as in EncryptedPrivateKeyInfo.
fn second_tag(der: &[u8]) -> Result<Option<Tag>, KeyError> {
    let mut reader = SliceReader::new(der)?;
    let tag = reader.sequence(|reader| {
        let first = Tag::peek(reader)?;
        reader.tlv_bytes()?;
        let second = Tag::peek(reader)?;
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, der::Error>((first == Tag::Integer).then_some(second))
    })?;
    reader.finish()?;
    Ok(tag)
}

/// Names the size of an RSA key that is too small or too large; AWS-LC would only refuse it.
fn check_rsa_size(der: &[u8]) -> Result<(), KeyError> {
    let mut reader = SliceReader::new(der)?;
    let octets = reader.sequence(|reader| {
        u8::decode(reader)?;
        let modulus = UintRef::decode(reader)?.as_bytes();
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, der::Error>(modulus)
    })?;
    reader.finish()?;
    let leading = octets.first().map_or(0, |octet| octet.leading_zeros());
    let bits = u32::try_from(octets.len() * 8).unwrap_or(u32::MAX).saturating_sub(leading);
    if (RSA_MIN_BITS..=RSA_MAX_BITS).contains(&bits) {
        return Ok(());
    }
    Err(KeyError::PublicKey(PublicKeyError::RsaBits { bits }))
}

fn check_parameters(
    oid: ObjectIdentifier,
    found: Option<AnyRef<'_>>,
    allowed: Option<AnyRef<'_>>,
) -> Result<(), KeyError> {
    if found == allowed {
        return Ok(());
    }
    let allowed = if allowed.is_some() { "NULL" } else { "none" };
    Err(KeyError::Parameters { oid, allowed })
}

/// A private key that is not accepted. No message holds key material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Past the bound.
    #[error("private key: {found} octets, allowed are at most 16384")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not DER of a known structure.
    #[error("private key: not DER of PKCS#8, SEC1 or PKCS#1 ({0})")]
    Malformed(#[from] der::Error),
    /// The key is encrypted.
    #[error("private key: it is encrypted; give its passphrase")]
    Encrypted,
    /// The algorithm is not in the registry.
    #[error(
        "private key: algorithm {oid} is not known; allowed are those of `espalier algorithms`"
    )]
    UnknownAlgorithm {
        /// What was found.
        oid: ObjectIdentifier,
    },
    /// The parameters are not those of the algorithm.
    #[error("private key: parameters of {oid} are not as allowed ({allowed})")]
    Parameters {
        /// Whose parameters.
        oid: ObjectIdentifier,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A part has another length than its algorithm says.
    #[error("private key: {part} has {found} octets, allowed are {allowed}")]
    Length {
        /// Which part.
        part: &'static str,
        /// Octets found.
        found: usize,
        /// Octets allowed.
        allowed: usize,
    },
    /// An EC key names another curve inside than outside.
    #[error("private key: it names another curve than {allowed}")]
    Curve {
        /// The curve that the algorithm names.
        allowed: Curve,
    },
    /// An EC key without a curve.
    #[error("private key: an EC key must name its curve")]
    NoCurve,
    /// The `both` form of ML-DSA or ML-KEM whose halves do not belong together.
    #[error("private key: the {algorithm} seed does not expand to the expandedKey beside it")]
    SeedMismatch {
        /// ML-DSA or ML-KEM.
        algorithm: &'static str,
    },
    /// The public key in the file is not the private key's.
    #[error("private key: the public key beside it belongs to another private key")]
    PublicKeyMismatch,
    /// An RSA size that is not made.
    #[error("private key: RSA with {bits} bits, allowed are 2048, 3072 and 4096")]
    RsaBits {
        /// Bits asked for.
        bits: u32,
    },
    /// AWS-LC refuses the numbers: out of range, inconsistent, or not a key at all.
    #[error("private key: its numbers are out of range or do not belong together")]
    Refused,
    /// The derived public key is not acceptable.
    #[error("private key: {0}")]
    PublicKey(PublicKeyError),
    /// The scheme does not fit the key.
    #[error("private key: {0}")]
    Scheme(SignatureError),
    /// The generator gives the same or only unusable numbers.
    #[error("private key: the random generator gave 128 unusable numbers in a row; it is broken")]
    Randomness,
    /// The encryption is not one that is read.
    #[error(
        "encrypted private key: {found}; allowed are PBES2 with scrypt or PBKDF2-HMAC-SHA-2, and AES-CBC"
    )]
    Encryption {
        /// What was found.
        found: String,
    },
    /// The encryption's cost goes past the bound.
    #[error("encrypted private key: {found}; allowed is at most {allowed}")]
    EncryptionCost {
        /// What was found.
        found: String,
        /// The bound.
        allowed: &'static str,
    },
    /// Parameters with which no key can be derived, whatever the passphrase.
    #[error("encrypted private key: {found}; allowed is {allowed}")]
    EncryptionParameters {
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The passphrase does not open it.
    #[error("encrypted private key: the passphrase is wrong, or the file is damaged")]
    Passphrase,
}

#[cfg(test)]
mod tests;
