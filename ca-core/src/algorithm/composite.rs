//! The 18 composites of draft-ietf-lamps-pq-composite-sigs-19, section 7.

use std::fmt;

use const_oid::ObjectIdentifier;

use super::{ClassicalKey, ClassicalScheme, Curve, Hash, MlDsa};

/// The hash that makes `PH(M)` in a composite (draft section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PreHash {
    /// SHA-256, 32 octets.
    Sha256,
    /// SHA-512, 64 octets.
    Sha512,
    /// SHAKE256 with 64 octets of output.
    Shake256,
}

impl fmt::Display for PreHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha512 => "SHA-512",
            Self::Shake256 => "SHAKE256",
        })
    }
}

/// One composite of ML-DSA and a classical signature.
///
/// Key, signature and private key are the plain concatenation of both halves, ML-DSA first.
#[derive(Clone, Copy)]
pub struct Composite(&'static Row);

struct Row {
    /// Last arc under 1.3.6.1.5.5.7.6.
    arc: u8,
    oid: ObjectIdentifier,
    name: &'static str,
    ml_dsa: MlDsa,
    key: ClassicalKey,
    scheme: ClassicalScheme,
    prehash: PreHash,
    /// Domain separator; also the context of the ML-DSA half.
    label: &'static str,
}

impl Composite {
    /// Every composite, by object identifier.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        ROWS.iter().map(Self)
    }

    /// The composite that `oid` names, if it is one.
    pub fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::all().find(|composite| composite.oid() == oid)
    }

    /// The composite with this last arc under 1.3.6.1.5.5.7.6, 37 to 54.
    pub fn from_arc(arc: u8) -> Option<Self> {
        Self::all().find(|composite| composite.0.arc == arc)
    }

    /// The last arc of the identifier under 1.3.6.1.5.5.7.6.
    pub fn arc(self) -> u8 {
        self.0.arc
    }

    /// The draft's name without `id-`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The identifier of key and signature; its parameters are always absent.
    pub fn oid(self) -> ObjectIdentifier {
        self.0.oid
    }

    /// The ML-DSA half.
    pub fn ml_dsa(self) -> MlDsa {
        self.0.ml_dsa
    }

    /// The kind of the classical half's key.
    pub fn classical_key(self) -> ClassicalKey {
        self.0.key
    }

    /// How the classical half signs.
    pub fn classical_scheme(self) -> ClassicalScheme {
        self.0.scheme
    }

    /// The hash over the message.
    pub fn prehash(self) -> PreHash {
        self.0.prehash
    }

    /// The domain separator, which is also the context of the ML-DSA half.
    pub fn label(self) -> &'static str {
        self.0.label
    }
}

impl PartialEq for Composite {
    fn eq(&self, other: &Self) -> bool {
        self.0.arc == other.0.arc
    }
}

impl Eq for Composite {}

impl std::hash::Hash for Composite {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.arc.hash(state);
    }
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Debug for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

const PREFIX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.6");

const fn row(
    arc: u8,
    name: &'static str,
    ml_dsa: MlDsa,
    key: ClassicalKey,
    scheme: ClassicalScheme,
    prehash: PreHash,
    label: &'static str,
) -> Row {
    let oid = match PREFIX.push_arc(arc as u32) {
        Ok(oid) => oid,
        // Only while this is compiled: nine arcs fit.
        Err(_) => panic!("an object identifier holds nine arcs"),
    };
    Row { arc, oid, name, ml_dsa, key, scheme, prehash, label }
}

const RSA2048: ClassicalKey = ClassicalKey::Rsa { bits: 2048 };
const RSA3072: ClassicalKey = ClassicalKey::Rsa { bits: 3072 };
const RSA4096: ClassicalKey = ClassicalKey::Rsa { bits: 4096 };
const ECDSA256: ClassicalScheme = ClassicalScheme::Ecdsa(Hash::Sha256);
const ECDSA384: ClassicalScheme = ClassicalScheme::Ecdsa(Hash::Sha384);
const ECDSA512: ClassicalScheme = ClassicalScheme::Ecdsa(Hash::Sha512);
const PSS256: ClassicalScheme = ClassicalScheme::RsaPss(Hash::Sha256);
const PSS384: ClassicalScheme = ClassicalScheme::RsaPss(Hash::Sha384);
const PKCS1_256: ClassicalScheme = ClassicalScheme::RsaPkcs1(Hash::Sha256);
const PKCS1_384: ClassicalScheme = ClassicalScheme::RsaPkcs1(Hash::Sha384);

use ClassicalKey::{Ec, Ed448, Ed25519};
use Curve::{BrainpoolP256r1, BrainpoolP384r1, P256, P384, P521};
use MlDsa::{MlDsa44, MlDsa65, MlDsa87};
use PreHash::{Sha256, Sha512, Shake256};

/// The draft's table, checked against its test vectors. Labels name brainpool "BP".
#[rustfmt::skip]
static ROWS: [Row; 18] = [
    row(37, "MLDSA44-RSA2048-PSS-SHA256", MlDsa44, RSA2048, PSS256, Sha256, "COMPSIG-MLDSA44-RSA2048-PSS-SHA256"),
    row(38, "MLDSA44-RSA2048-PKCS15-SHA256", MlDsa44, RSA2048, PKCS1_256, Sha256, "COMPSIG-MLDSA44-RSA2048-PKCS15-SHA256"),
    row(39, "MLDSA44-Ed25519-SHA512", MlDsa44, Ed25519, ClassicalScheme::Ed25519, Sha512, "COMPSIG-MLDSA44-Ed25519-SHA512"),
    row(40, "MLDSA44-ECDSA-P256-SHA256", MlDsa44, Ec(P256), ECDSA256, Sha256, "COMPSIG-MLDSA44-ECDSA-P256-SHA256"),
    row(41, "MLDSA65-RSA3072-PSS-SHA512", MlDsa65, RSA3072, PSS256, Sha512, "COMPSIG-MLDSA65-RSA3072-PSS-SHA512"),
    row(42, "MLDSA65-RSA3072-PKCS15-SHA512", MlDsa65, RSA3072, PKCS1_256, Sha512, "COMPSIG-MLDSA65-RSA3072-PKCS15-SHA512"),
    row(43, "MLDSA65-RSA4096-PSS-SHA512", MlDsa65, RSA4096, PSS384, Sha512, "COMPSIG-MLDSA65-RSA4096-PSS-SHA512"),
    row(44, "MLDSA65-RSA4096-PKCS15-SHA512", MlDsa65, RSA4096, PKCS1_384, Sha512, "COMPSIG-MLDSA65-RSA4096-PKCS15-SHA512"),
    row(45, "MLDSA65-ECDSA-P256-SHA512", MlDsa65, Ec(P256), ECDSA256, Sha512, "COMPSIG-MLDSA65-ECDSA-P256-SHA512"),
    row(46, "MLDSA65-ECDSA-P384-SHA512", MlDsa65, Ec(P384), ECDSA384, Sha512, "COMPSIG-MLDSA65-ECDSA-P384-SHA512"),
    row(47, "MLDSA65-ECDSA-brainpoolP256r1-SHA512", MlDsa65, Ec(BrainpoolP256r1), ECDSA256, Sha512, "COMPSIG-MLDSA65-ECDSA-BP256-SHA512"),
    row(48, "MLDSA65-Ed25519-SHA512", MlDsa65, Ed25519, ClassicalScheme::Ed25519, Sha512, "COMPSIG-MLDSA65-Ed25519-SHA512"),
    row(49, "MLDSA87-ECDSA-P384-SHA512", MlDsa87, Ec(P384), ECDSA384, Sha512, "COMPSIG-MLDSA87-ECDSA-P384-SHA512"),
    row(50, "MLDSA87-ECDSA-brainpoolP384r1-SHA512", MlDsa87, Ec(BrainpoolP384r1), ECDSA384, Sha512, "COMPSIG-MLDSA87-ECDSA-BP384-SHA512"),
    row(51, "MLDSA87-Ed448-SHAKE256", MlDsa87, Ed448, ClassicalScheme::Ed448, Shake256, "COMPSIG-MLDSA87-Ed448-SHAKE256"),
    row(52, "MLDSA87-RSA3072-PSS-SHA512", MlDsa87, RSA3072, PSS256, Sha512, "COMPSIG-MLDSA87-RSA3072-PSS-SHA512"),
    row(53, "MLDSA87-RSA4096-PSS-SHA512", MlDsa87, RSA4096, PSS384, Sha512, "COMPSIG-MLDSA87-RSA4096-PSS-SHA512"),
    row(54, "MLDSA87-ECDSA-P521-SHA512", MlDsa87, Ec(P521), ECDSA512, Sha512, "COMPSIG-MLDSA87-ECDSA-P521-SHA512"),
];
