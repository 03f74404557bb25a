//! Files of private keys, sealed under the key-encryption key that the custodians share.
//!
//! AES-256-GCM (SP 800-38D) under a key of the file's own: HKDF-SHA-256 (RFC 5869) of the
//! key-encryption key, a random salt, and the name of ceremony and key. Such a key seals one file, so
//! the nonce is zeros. What stands beside it in the file is authenticated, the public key included.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64ct::{Base64, Encoding as _};
use ca_core::escape::{escaped, quoted};
use ca_core::key::{KeyError, MAX_KEY_SIZE, PrivateKey};
use ca_core::public_key::{PublicKey, PublicKeyError};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::canonical;
use crate::ceremony_id::CeremonyId;
use crate::digest::Digest;
use crate::share_set::KeyEncryptionKey;

/// The largest file of a key, in octets.
pub const MAX_FILE_SIZE: usize = 2 * MAX_KEY_SIZE + 16 * 1024;

/// A private key that takes the custodians to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    header: Header,
    public_key: PublicKey,
    sealed: Vec<u8>,
}

/// What is authenticated, and readable by all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u8,
    ceremony: CeremonyId,
    rehearsal: bool,
    name: String,
    /// DER of SubjectPublicKeyInfo.
    public_key: String,
    salt: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    header: Header,
    sealed: String,
}

impl SealedKey {
    /// Seals `key` for the holders of a share set's shares.
    ///
    /// # Errors
    /// `SealError::Key` when AWS-LC fails to write it.
    pub fn seal(
        key: &PrivateKey,
        name: &str,
        (ceremony, rehearsal): (CeremonyId, bool),
        under: &KeyEncryptionKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, SealError> {
        let mut salt = [0; Digest::SIZE];
        rng.fill_bytes(&mut salt);
        let public_key = key.public_key().clone();
        let header = Header {
            version: 1,
            ceremony,
            rehearsal,
            name: name.to_owned(),
            public_key: Base64::encode_string(public_key.spki_der()),
            salt: salt.into(),
        };
        let (plain, beside) = (key.to_pkcs8_der()?, canonical::of(&header));
        let payload = Payload { msg: &plain, aad: &beside };
        // It fails for messages of gigabytes only.
        let sealed = cipher(&header, under).encrypt(&Nonce::default(), payload);
        let sealed = sealed.map_err(|_| SealError::NotSealed { name: name.to_owned() })?;
        Ok(Self { header, public_key, sealed })
    }

    /// Opens it.
    ///
    /// # Errors
    /// `SealError::NotOpened` when the key-encryption key is another or the file was changed,
    /// `SealError::OtherKey` when what is inside does not belong to the public key.
    pub fn open(&self, under: &KeyEncryptionKey) -> Result<PrivateKey, SealError> {
        let name = self.header.name.clone();
        let beside = canonical::of(&self.header);
        let payload = Payload { msg: &self.sealed, aad: &beside };
        let opened = cipher(&self.header, under).decrypt(&Nonce::default(), payload);
        let Ok(plain) = opened.map(Zeroizing::new) else {
            return Err(SealError::NotOpened { name });
        };
        let key = PrivateKey::from_der(&plain)?;
        if *key.public_key() == self.public_key {
            Ok(key)
        } else {
            Err(SealError::OtherKey { name })
        }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// The ceremony whose shares open it.
    pub fn ceremony(&self) -> CeremonyId {
        self.header.ceremony
    }

    /// Whether it is of a rehearsal.
    pub fn is_rehearsal(&self) -> bool {
        self.header.rehearsal
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The file.
    pub fn to_json(&self) -> Vec<u8> {
        let sealed = Base64::encode_string(&self.sealed);
        canonical::of(&File { header: self.header.clone(), sealed })
    }

    /// Reads the file.
    ///
    /// # Errors
    /// `SealError` says which field is wrong.
    pub fn from_json(octets: &[u8]) -> Result<Self, SealError> {
        if octets.len() > MAX_FILE_SIZE {
            return Err(SealError::TooLarge { found: octets.len() });
        }
        let File { header, sealed } = serde_json::from_slice(octets)
            .map_err(|error| SealError::Malformed { found: escaped(&error.to_string()) })?;
        if header.version != 1 {
            return Err(SealError::Version { found: header.version });
        }
        let decode = |field, text: &str| {
            Base64::decode_vec(text)
                .map_err(|_| SealError::Base64 { field, found: quoted(start_of(text)) })
        };
        let public_key = PublicKey::from_spki(&decode("public_key", &header.public_key)?)?;
        let sealed = decode("sealed", &sealed)?;
        Ok(Self { header, public_key, sealed })
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(20).collect()
}

fn cipher(header: &Header, under: &KeyEncryptionKey) -> Aes256Gcm {
    let hkdf = Hkdf::<Sha256>::new(Some(header.salt.as_bytes()), under.as_bytes());
    let purpose = Digest::of_parts(
        "espalier-ceremony key file v1",
        &[header.ceremony.as_bytes(), header.name.as_bytes()],
    );
    let mut key = Zeroizing::new([0; 32]);
    // HKDF-SHA-256 gives up to 8160 octets.
    hkdf.expand(purpose.as_bytes(), &mut key[..]).expect("32 octets are few enough");
    // It is as long as a key of AES-256. By reference: no copy stays on the stack.
    Aes256Gcm::new_from_slice(&key[..]).expect("32 octets")
}

/// A key file that is not accepted. No message holds key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Past the bound.
    #[error("key file: {found} octets, allowed are at most {MAX_FILE_SIZE}")]
    TooLarge {
        /// Octets found.
        found: usize,
    },
    /// Not the JSON of a key file.
    #[error("key file: {found}")]
    Malformed {
        /// What the reader says, with line and column.
        found: String,
    },
    /// Another version.
    #[error("key file: version: found {found}, allowed is 1")]
    Version {
        /// The version.
        found: u8,
    },
    /// A field that is not Base64.
    #[error("key file: {field}: found {found}, allowed is Base64 (RFC 4648 section 4)")]
    Base64 {
        /// Which field.
        field: &'static str,
        /// Its start.
        found: String,
    },
    /// AES-GCM refuses; only messages of gigabytes are too long.
    #[error("key {name}: it can't be sealed; allowed are keys of at most {MAX_KEY_SIZE} octets")]
    NotSealed {
        /// The key's name.
        name: String,
    },
    /// Not the right key-encryption key, or not the file that was written.
    #[error(
        "key {name}: it does not open; allowed are the shares of its own ceremony and the file as it was written"
    )]
    NotOpened {
        /// The key's name.
        name: String,
    },
    /// Another key than the header says.
    #[error(
        "key {name}: the private key does not belong to the public key beside it; allowed is the file as it was written"
    )]
    OtherKey {
        /// The key's name.
        name: String,
    },
    /// Its public key is wrong.
    #[error("key file: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// Its private key is wrong.
    #[error("key file: {0}")]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::algorithm::Algorithm;
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn it_opens_under_its_key_and_no_changed_byte_does() {
        let rng = &mut UnwrapErr(getrandom::SysRng);
        let (under, other) = (KeyEncryptionKey::generate(rng), KeyEncryptionKey::generate(rng));
        let key = PrivateKey::generate(Algorithm::named("mldsa44-ed25519-sha512").unwrap(), rng);
        let (key, id) = (key.unwrap(), CeremonyId::generate(rng));
        let sealed = SealedKey::seal(&key, "root", (id, false), &under, rng).unwrap();
        assert_eq!(sealed.open(&under).unwrap().public_key(), key.public_key());
        let error = sealed.open(&other).unwrap_err();
        assert!(error.to_string().starts_with("key root: it does not open"), "{error}");

        let file = sealed.to_json();
        assert_eq!(SealedKey::from_json(&file).unwrap(), sealed);
        // Each byte of the file matters: what is still read does not open.
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let opened = SealedKey::from_json(&changed).and_then(|changed| changed.open(&under));
            assert!(opened.is_err(), "octet {at}");
        }
        let plain = key.to_pkcs8_der().unwrap();
        assert!(!file.windows(32).any(|part| part == &plain[plain.len() - 32..]));
    }
}
