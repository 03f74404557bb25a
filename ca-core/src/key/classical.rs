//! The classical part of a private key.

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use rand_core::CryptoRng;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::backend::ClassicalPrivate;
use super::private::KeyError;
use crate::algorithm::{ClassicalKey, Curve};
use crate::aws_lc::BrainpoolPrivate;
use crate::secret::SecretBytes;

/// A classical private key: an EC scalar, an EdDSA seed or a DER RSAPrivateKey.
pub(super) struct ClassicalSecret {
    kind: ClassicalKey,
    octets: SecretBytes,
}

impl ClassicalSecret {
    /// Makes a key from `rng`; RSA primes come from AWS-LC's own generator.
    pub(super) fn generate(kind: ClassicalKey, rng: &mut dyn CryptoRng) -> Result<Self, KeyError> {
        let size = match kind {
            ClassicalKey::Ec(curve) => return Self::generate_ec(curve, rng),
            ClassicalKey::Rsa { bits } => return Self::generate_rsa(bits),
            ClassicalKey::Ed25519 => 32,
            ClassicalKey::Ed448 => 57,
        };
        let mut seed = Zeroizing::new(vec![0; size]);
        rng.fill_bytes(&mut seed);
        Ok(Self { kind, octets: SecretBytes::new(&seed) })
    }

    /// Draws scalars until one is below the order (FIPS 186-5 appendix A.2.2). AWS-LC decides
    /// what is in range; a draw fails with a chance of at most a half (brainpool).
    fn generate_ec(curve: Curve, rng: &mut dyn CryptoRng) -> Result<Self, KeyError> {
        const DRAWS: usize = 128;
        let kind = ClassicalKey::Ec(curve);
        let mut scalar = Zeroizing::new(vec![0; curve.field_size()]);
        for _ in 0..DRAWS {
            rng.fill_bytes(&mut scalar);
            if curve == Curve::P521 {
                scalar[0] &= 1;
            }
            if ec_point(curve, &scalar).is_ok() {
                return Ok(Self { kind, octets: SecretBytes::new(&scalar) });
            }
        }
        Err(KeyError::Randomness)
    }

    fn generate_rsa(bits: u32) -> Result<Self, KeyError> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            bits => return Err(KeyError::RsaBits { bits }),
        };
        let pair = RsaKeyPair::generate(size).map_err(|_| KeyError::Refused)?;
        let pkcs8 = pair.as_der().map_err(|_| KeyError::Refused)?;
        let info =
            pkcs8::PrivateKeyInfoRef::try_from(pkcs8.as_ref()).map_err(|_| KeyError::Refused)?;
        let octets = SecretBytes::new(info.private_key.as_bytes());
        Ok(Self { kind: ClassicalKey::Rsa { bits }, octets })
    }

    /// Reads the privateKey field of PKCS#8 for a key of this kind.
    pub(super) fn from_inner(kind: ClassicalKey, inner: &[u8]) -> Result<Self, KeyError> {
        match kind {
            ClassicalKey::Ed25519 | ClassicalKey::Ed448 => {
                Self::from_raw(kind, <&OctetStringRef>::from_der(inner)?.as_bytes())
            }
            ClassicalKey::Ec(_) | ClassicalKey::Rsa { .. } => Self::from_raw(kind, inner),
        }
    }

    /// Reads the key as a composite holds it: ECPrivateKey, RSAPrivateKey, or EdDSA octets.
    pub(super) fn from_raw(kind: ClassicalKey, raw: &[u8]) -> Result<Self, KeyError> {
        let length = |part, allowed| {
            let found = raw.len();
            if found == allowed { Ok(()) } else { Err(KeyError::Length { part, found, allowed }) }
        };
        match kind {
            ClassicalKey::Ec(curve) => return Self::from_ec(curve, raw),
            ClassicalKey::Ed25519 => length("Ed25519 private key", 32)?,
            ClassicalKey::Ed448 => length("Ed448 private key", 57)?,
            ClassicalKey::Rsa { .. } => {}
        }
        Ok(Self { kind, octets: SecretBytes::new(raw) })
    }

    /// Reads a SEC1 ECPrivateKey (RFC 5915); a curve or public key in it must be the right one.
    fn from_ec(curve: Curve, der: &[u8]) -> Result<Self, KeyError> {
        let key = EcPrivateKey::from_der(der)?;
        let named = key.parameters.and_then(|parameters| parameters.named_curve());
        if named.is_some_and(|oid| oid != curve.oid()) {
            return Err(KeyError::Curve { allowed: curve });
        }
        let (found, allowed) = (key.private_key.len(), curve.field_size());
        if found != allowed {
            return Err(KeyError::Length { part: "EC private key", found, allowed });
        }
        let point = ec_point(curve, key.private_key)?;
        if key.public_key.is_some_and(|given| given != point) {
            return Err(KeyError::PublicKeyMismatch);
        }
        Ok(Self { kind: ClassicalKey::Ec(curve), octets: SecretBytes::new(key.private_key) })
    }

    /// The privateKey field of PKCS#8, as OpenSSL writes it.
    pub(super) fn to_inner(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self.kind {
            ClassicalKey::Ec(curve) => {
                let point = ec_point(curve, &self.octets)?;
                self.to_ec(None, Some(&point))
            }
            ClassicalKey::Ed25519 | ClassicalKey::Ed448 => {
                Ok(Zeroizing::new(OctetStringRef::new(&self.octets)?.to_der()?))
            }
            ClassicalKey::Rsa { .. } => Ok(Zeroizing::new(self.octets.to_vec())),
        }
    }

    /// The key as a composite holds it (draft -19 section 5.2).
    pub(super) fn to_raw(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        match self.kind {
            ClassicalKey::Ec(curve) => {
                self.to_ec(Some(EcParameters::NamedCurve(curve.oid())), None)
            }
            _ => Ok(Zeroizing::new(self.octets.to_vec())),
        }
    }

    fn to_ec(
        &self,
        parameters: Option<EcParameters>,
        public_key: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = EcPrivateKey { private_key: &self.octets, parameters, public_key };
        Ok(Zeroizing::new(key.to_der()?))
    }

    pub(super) fn load(&self) -> Result<ClassicalPrivate, KeyError> {
        ClassicalPrivate::load(self.kind, &self.octets)
    }
}

/// The uncompressed public point of a scalar; fails when the scalar is zero or not below the
/// order.
pub(super) fn ec_point(curve: Curve, scalar: &[u8]) -> Result<Vec<u8>, KeyError> {
    let algorithm = match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
        Curve::P521 => &agreement::ECDH_P521,
        Curve::BrainpoolP256r1 | Curve::BrainpoolP384r1 => {
            let key = BrainpoolPrivate::load(curve, scalar).map_err(|_| KeyError::Refused)?;
            return Ok(key.public_point().to_vec());
        }
    };
    let key = agreement::PrivateKey::from_private_key(algorithm, scalar);
    let point = key.map_err(|_| KeyError::Refused)?.compute_public_key();
    Ok(point.map_err(|_| KeyError::Refused)?.as_ref().to_vec())
}
