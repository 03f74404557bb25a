//! Signatures by keys of any family, in canonical JSON.

use base64ct::{Base64, Encoding as _};
use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;
use ca_core::public_key::PublicKey;
use serde::{Deserialize, Serialize};

use super::{MAX_FILE, WitnessError, verified};
use crate::canonical;
use crate::digest::Digest;

/// What a signature covers before the head, so that it is good for nothing else.
const PURPOSE: &[u8] = b"espalier-ceremony witness v1\0";

/// A signature in its file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signature {
    version: u8,
    /// Over which head.
    head: Digest,
    /// SHA-256 of the SubjectPublicKeyInfo of the key that signed.
    key: Digest,
    /// How.
    algorithm: String,
    signature: String,
}

fn signed(head: Digest) -> Vec<u8> {
    [PURPOSE, head.as_bytes()].concat()
}

impl Signature {
    pub(super) fn make(
        head: Digest,
        key: &PrivateKey,
        algorithm: &Algorithm,
    ) -> Result<Self, WitnessError> {
        let signature = key.signer(algorithm.scheme())?.sign(&signed(head))?;
        Ok(Self {
            version: 1,
            head,
            key: Digest::of(key.public_key().spki_der()),
            algorithm: algorithm.name().to_owned(),
            signature: Base64::encode_string(&signature),
        })
    }

    /// The digest of the key that it says signed.
    pub(super) fn key(&self) -> Digest {
        self.key
    }

    /// What it says was signed.
    pub(super) fn head(&self) -> Digest {
        self.head
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut file = canonical::of(self);
        file.push(b'\n');
        file
    }

    /// Reads the file, which is as [`Self::to_json`] writes it, to the octet.
    pub(super) fn from_json(file: &[u8]) -> Result<Self, WitnessError> {
        let wrong = |found: String| {
            WitnessError::new("signature", found, "a file that `witness sign` wrote")
        };
        if file.len() > MAX_FILE {
            return Err(wrong(format!("{} octets", file.len())));
        }
        let read: Self = serde_json::from_slice(file).map_err(|error| wrong(error.to_string()))?;
        if read.version != 1 {
            return Err(WitnessError::new("version", read.version.to_string(), "1"));
        }
        if read.to_json() != file {
            return Err(wrong("another form of the same JSON".into()));
        }
        Ok(read)
    }

    pub(super) fn check(&self, head: Digest, key: &PublicKey) -> Result<(), WitnessError> {
        if self.head != head {
            return Err(WitnessError::new("head", self.head.to_string(), head.to_string()));
        }
        let allowed = Digest::of(key.spki_der());
        if self.key != allowed {
            let allowed = format!("that of the definition, {allowed}");
            return Err(WitnessError::new("key", self.key.to_string(), allowed));
        }
        let algorithm = Algorithm::named(&self.algorithm)
            .ok()
            .filter(|algorithm| algorithm.key() == key.kind() && algorithm.name() == self.algorithm)
            .ok_or_else(|| {
                let allowed = format!("one by which a key of {} signs", key.kind());
                WitnessError::new("algorithm", &self.algorithm, allowed)
            })?;
        let octets = Base64::decode_vec(&self.signature).map_err(|_| {
            WitnessError::new("signature", "what is no Base64", "Base64 (RFC 4648 section 4)")
        })?;
        verified(key, algorithm.scheme(), (&signed(head), &octets), head)
    }
}
