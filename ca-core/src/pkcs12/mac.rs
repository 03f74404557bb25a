//! The MAC over a file: by the key derivation of RFC 7292 appendix B, or PBMAC1 (RFC 9579).

use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA384, PBKDF2_HMAC_SHA512};
use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode};
use pkcs5::pbes2::{Kdf, PBKDF2_OID, Pbkdf2Params, Pbkdf2Prf};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::error::named;
use super::structure::{DigestInfo, MacData, Pbmac1Parameters};
use super::{MAX_COST, Password, Pkcs12Error};
use crate::algorithm::Hash;
use crate::aws_lc::{Refused, hash_rounds, hmac};

/// id-PBMAC1 (RFC 8018 appendix A.5).
const PBMAC1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.14");
/// The names of HMAC (RFC 8018 appendix B.1.2).
const HMACS: [(Hash, ObjectIdentifier); 3] = [
    (Hash::Sha256, ObjectIdentifier::new_unwrap("1.2.840.113549.2.9")),
    (Hash::Sha384, ObjectIdentifier::new_unwrap("1.2.840.113549.2.10")),
    (Hash::Sha512, ObjectIdentifier::new_unwrap("1.2.840.113549.2.11")),
];
/// What stands in fields that PBMAC1 does not use (RFC 9579 section 4).
const UNUSED: &[u8] = b"NOT USED";
const PART: &str = "mac";

/// How the password becomes the key of the MAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MacDerivation {
    /// RFC 7292 appendix B with SHA-256: what every reader of the last years knows.
    #[default]
    Rfc7292,
    /// PBMAC1 with PBKDF2-HMAC-SHA-256 (RFC 9579): OpenSSL 3.4, Java 26, Bouncy Castle 1.81.
    Pbmac1,
}

/// How a MAC is made.
#[derive(Clone, Debug)]
pub(super) struct Mac {
    /// Of the HMAC.
    pub(super) hash: Hash,
    pub(super) derivation: Derivation,
    pub(super) salt: Vec<u8>,
    /// At least 1.
    pub(super) iterations: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Derivation {
    Rfc7292,
    Pbkdf2 { prf: Hash, key_size: usize },
}

impl Mac {
    /// A new one, with HMAC-SHA-256.
    pub(super) fn new(derivation: MacDerivation, salt: [u8; 16], iterations: u32) -> Self {
        let hash = Hash::Sha256;
        let derivation = match derivation {
            MacDerivation::Rfc7292 => Derivation::Rfc7292,
            MacDerivation::Pbmac1 => Derivation::Pbkdf2 { prf: hash, key_size: hash.size() },
        };
        Self { hash, derivation, salt: salt.to_vec(), iterations }
    }

    pub(super) fn read(data: &MacData<'_>) -> Result<Self, Pkcs12Error> {
        let algorithm = data.mac.algorithm;
        let mac = if algorithm.oid == PBMAC1 {
            Self::read_pbmac1(algorithm)?
        } else {
            let hash = Hash::ALL.into_iter().find(|hash| hash.oid() == algorithm.oid);
            let hash = hash.ok_or_else(|| unknown("digest", algorithm.oid))?;
            if algorithm.parameters.is_some_and(|found| found != AnyRef::NULL) {
                let found = "parameters of the digest".into();
                return Err(Pkcs12Error::Field { field: PART, found, allowed: "none or NULL" });
            }
            let salt = data.salt.as_bytes().to_vec();
            let iterations = data.iterations;
            Self { hash, derivation: Derivation::Rfc7292, salt, iterations }
        };
        let found = mac.work();
        if !(1..=MAX_COST).contains(&found) {
            return Err(Pkcs12Error::Cost { part: PART, found });
        }
        let (found, allowed) = (data.mac.digest.as_bytes().len(), mac.hash.size());
        if found != allowed {
            let found = format!("{found} octets for {}", mac.hash);
            let allowed = "as many as the hash has";
            return Err(Pkcs12Error::Field { field: "mac digest", found, allowed });
        }
        Ok(mac)
    }

    /// The work of its key in iterations: PBKDF2 starts anew for each block of its PRF that a
    /// longer key takes (RFC 8018 section 5.2).
    pub(super) fn work(&self) -> u64 {
        let blocks = match self.derivation {
            Derivation::Rfc7292 => 1,
            Derivation::Pbkdf2 { prf, key_size } => key_size.div_ceil(prf.size()),
        };
        u64::from(self.iterations).saturating_mul(blocks as u64)
    }

    fn read_pbmac1(algorithm: AlgorithmIdentifierRef<'_>) -> Result<Self, Pkcs12Error> {
        let malformed = Pkcs12Error::malformed("PBMAC1 parameters");
        let parameters = algorithm.parameters.unwrap_or(AnyRef::NULL);
        let parameters: Pbmac1Parameters<'_> = parameters.decode_as().map_err(&malformed)?;
        if parameters.derivation.oid != PBKDF2_OID {
            return Err(unknown("key derivation", parameters.derivation.oid));
        }
        let Kdf::Pbkdf2(kdf) = Kdf::try_from(parameters.derivation).map_err(&malformed)? else {
            return Err(unknown("key derivation", parameters.derivation.oid));
        };
        let prf = match kdf.prf {
            Pbkdf2Prf::HmacWithSha256 => Hash::Sha256,
            Pbkdf2Prf::HmacWithSha384 => Hash::Sha384,
            Pbkdf2Prf::HmacWithSha512 => Hash::Sha512,
            weak => {
                return Err(Pkcs12Error::MacAlgorithm { found: format!("PBKDF2 with {weak:?}") });
            }
        };
        if parameters.scheme.parameters.is_some_and(|found| found != AnyRef::NULL) {
            let found = "parameters of the HMAC".into();
            return Err(Pkcs12Error::Field { field: PART, found, allowed: "none or NULL" });
        }
        let hash = HMACS.into_iter().find(|(_, oid)| *oid == parameters.scheme.oid);
        let (hash, _) = hash.ok_or_else(|| unknown("scheme", parameters.scheme.oid))?;
        let key_size = usize::from(kdf.key_length.unwrap_or_default());
        if !(20..=64).contains(&key_size) {
            let found = format!("{key_size} octets");
            let allowed = "20 to 64 octets (RFC 9579 section 9)";
            return Err(Pkcs12Error::Field { field: "PBMAC1 keyLength", found, allowed });
        }
        let salt = kdf.salt.as_ref().to_vec();
        let derivation = Derivation::Pbkdf2 { prf, key_size };
        Ok(Self { hash, derivation, salt, iterations: kdf.iteration_count })
    }

    /// The MAC over `content`.
    fn compute(&self, password: Password<'_>, content: &[u8]) -> Result<Vec<u8>, Refused> {
        let key = match self.derivation {
            Derivation::Rfc7292 => {
                derive_rfc7292(self.hash, password, &self.salt, self.iterations)?
            }
            Derivation::Pbkdf2 { prf, key_size } => {
                let algorithm = match prf {
                    Hash::Sha256 => PBKDF2_HMAC_SHA256,
                    Hash::Sha384 => PBKDF2_HMAC_SHA384,
                    Hash::Sha512 => PBKDF2_HMAC_SHA512,
                };
                let iterations = NonZeroU32::new(self.iterations).ok_or(Refused)?;
                let mut key = Zeroizing::new(vec![0; key_size]);
                pbkdf2::derive(algorithm, iterations, &self.salt, password.0.as_bytes(), &mut key);
                key
            }
        };
        let mut mac = vec![0; self.hash.size()];
        hmac(self.hash, &key, content, &mut mac)?;
        Ok(mac)
    }

    pub(super) fn verify(
        &self,
        password: Password<'_>,
        content: &[u8],
        digest: &[u8],
    ) -> Result<(), Pkcs12Error> {
        let computed = self.compute(password, content).map_err(|_| Pkcs12Error::Refused)?;
        verify_slices_are_equal(&computed, digest).map_err(|_| Pkcs12Error::Password)
    }

    /// DER of MacData over `content`.
    pub(super) fn to_der(
        &self,
        password: Password<'_>,
        content: &[u8],
    ) -> Result<Vec<u8>, Pkcs12Error> {
        let digest = self.compute(password, content).map_err(|_| Pkcs12Error::Refused)?;
        self.encode(&digest).map_err(Pkcs12Error::malformed(PART))
    }

    fn encode(&self, digest: &[u8]) -> der::Result<Vec<u8>> {
        let digest = OctetStringRef::new(digest)?;
        let Derivation::Pbkdf2 { prf: _, key_size } = self.derivation else {
            let parameters = Some(AnyRef::NULL);
            let algorithm = AlgorithmIdentifierRef { oid: self.hash.oid(), parameters };
            let salt = OctetStringRef::new(&self.salt)?;
            let mac = DigestInfo { algorithm, digest };
            return MacData { mac, salt, iterations: self.iterations }.to_der();
        };
        let mut kdf = Pbkdf2Params::hmac_sha256(self.iterations, &self.salt)
            .map_err(|_| der::ErrorKind::Failed)?;
        kdf.key_length = Some(u16::try_from(key_size).map_err(|_| der::ErrorKind::Overflow)?);
        let kdf = kdf.to_der()?;
        let derivation =
            AlgorithmIdentifierRef { oid: PBKDF2_OID, parameters: Some(AnyRef::from_der(&kdf)?) };
        let scheme = AlgorithmIdentifierRef { oid: HMACS[0].1, parameters: Some(AnyRef::NULL) };
        let parameters = Pbmac1Parameters { derivation, scheme }.to_der()?;
        let parameters = Some(AnyRef::from_der(&parameters)?);
        let algorithm = AlgorithmIdentifierRef { oid: PBMAC1, parameters };
        let mac = DigestInfo { algorithm, digest };
        MacData { mac, salt: OctetStringRef::new(UNUSED)?, iterations: 1 }.to_der()
    }
}

fn unknown(what: &str, oid: ObjectIdentifier) -> Pkcs12Error {
    Pkcs12Error::MacAlgorithm { found: named(format!("{what} {oid}")) }
}

/// The key of the MAC by RFC 7292 appendix B.2. It is as long as the hash, so the first block is
/// all of it, and step 6 C, which prepares the next block, has nothing to do.
fn derive_rfc7292(
    hash: Hash,
    password: Password<'_>,
    salt: &[u8],
    iterations: u32,
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    /// The diversifier of keys for a MAC (appendix B.3).
    const ID: u8 = 3;
    let block = if hash == Hash::Sha256 { 64 } else { 128 };
    // BMPString with its end (appendix B.1). Characters past the basic plane become two units, as
    // OpenSSL and Java write them.
    let mut text = Zeroizing::new(Vec::with_capacity(2 * password.0.len() + 2));
    password.0.encode_utf16().for_each(|unit| text.extend_from_slice(&unit.to_be_bytes()));
    text.extend_from_slice(&[0, 0]);
    let diversifier = vec![ID; block];
    let salt = repeated(salt, block);
    let text = repeated(&text, block);
    let mut key = Zeroizing::new(vec![0; hash.size()]);
    hash_rounds(hash, [&diversifier, &salt, &text], iterations, &mut key)?;
    Ok(key)
}

/// Copies of `octets` up to the next multiple of `block`.
fn repeated(octets: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let length = octets.len().next_multiple_of(block);
    let mut all = Zeroizing::new(Vec::with_capacity(length));
    all.extend(octets.iter().cycle().take(if octets.is_empty() { 0 } else { length }));
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn a_key_of_two_blocks_costs_twice() {
        let work = |prf, key_size| {
            let (salt, iterations) = (vec![0; 16], 6_000_000);
            let derivation = Derivation::Pbkdf2 { prf, key_size };
            Mac { hash: Hash::Sha256, derivation, salt, iterations }.work()
        };
        assert_eq!(work(Hash::Sha256, 32), 6_000_000);
        assert_eq!(work(Hash::Sha256, 33), 12_000_000);
        assert_eq!(work(Hash::Sha512, 64), 6_000_000);
        assert!(work(Hash::Sha256, 64) > MAX_COST);
    }

    /// Each key was made by `openssl kdf … PKCS12KDF` of OpenSSL 3.0 with id 3.
    #[test]
    fn the_derivation_gives_the_keys_that_openssl_gives() {
        let salt = [1, 2, 3, 4, 5, 6, 7, 8];
        let long = "pass\u{1f511}word".repeat(12);
        for (hash, password, iterations, key) in [
            (
                Hash::Sha256,
                "ge@äheim",
                100,
                "136355ed9434516682534f46d63956db5ff06b844702c2c1f3b46321e2524a4d",
            ),
            (
                Hash::Sha384,
                "ge@äheim",
                1,
                "2417f52c606de7b3c8ef57ee3799d2b4f80fdf721ae1b6d78c84b8dec4a9d6d8b2ef6d0d0b71d2b5595d2644711d3ee3",
            ),
            (
                Hash::Sha512,
                "ge@äheim",
                1000,
                "21390ed4bfda0ee3255949932257a844b21fda653e46bf591d4c0d4253e919656b742f939eb14c1ceaafc30f8bc1552e7f7267143215fbcb5dde3bb386dfa147",
            ),
            (
                Hash::Sha256,
                long.as_str(),
                3,
                "9ff7696d20c9abaf859e7b4c139e41260c1aba3a3e152f188d40f84e81e3600e",
            ),
        ] {
            let password = Password::new(password.as_bytes()).unwrap();
            let derived = derive_rfc7292(hash, password, &salt, iterations).unwrap();
            let derived: String = derived.iter().map(|octet| format!("{octet:02x}")).collect();
            assert_eq!(derived, key, "{hash} {iterations}");
        }
    }
}
