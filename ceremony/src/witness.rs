//! Witnesses, who vouch for a transcript by keys of their own.
//!
//! The definition names them with their public keys. After a sitting each of them signs the head that
//! stands on their paper, on a machine of their own: the key never comes near the ceremony. Whoever
//! keeps the folder adds the signature to it, as `signatures/HEAD-KEY.sig` (OpenSSH) or `.json` (ADR 0148).
//!
//! OpenSSH signs the digits of the head and a line feed, in the namespace [`NAMESPACE`]:
//!
//! ```text
//! echo HEAD | ssh-keygen -Y sign -n espalier-ceremony -f KEY
//! ```

mod signature;
mod ssh;

use ca_core::algorithm::Algorithm;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use ca_core::public_key::PublicKey;
use ca_core::sign::SignError;

use crate::digest::Digest;
use signature::Signature;

/// The namespace of OpenSSH signatures over the head of a transcript.
pub const NAMESPACE: &str = "espalier-ceremony";
/// The largest file of a signature, in octets: that of SLH-DSA has 50 kB.
pub const MAX_FILE: usize = 128 * 1024;
/// The folder of signatures.
pub(crate) const FOLDER: &str = "signatures";
/// What keys of witnesses may be.
const ALLOWED: &str = "one line `ssh-ed25519 …`, or PEM of one PUBLIC KEY that can sign";

/// Somebody who signs the transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Who.
    pub name: String,
    /// By which key.
    pub key: WitnessKey,
}

/// The public key of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey {
    key: PublicKey,
    /// Whether it signs by OpenSSH.
    over_ssh: bool,
}

impl WitnessKey {
    /// Reads a line of OpenSSH, Ed25519 only, or PEM of any family.
    ///
    /// # Errors
    /// `WitnessError::Field` for anything else.
    pub fn read(text: &str) -> Result<Self, WitnessError> {
        let wrong = |found: String| WitnessError::new("key", found, ALLOWED);
        if text.starts_with("ssh-") || text.starts_with("sk-") || text.starts_with("ecdsa-") {
            let key = ssh::public_key(text).map_err(wrong)?;
            return Ok(Self { key, over_ssh: true });
        }
        let read = pem::read(text.as_bytes()).map_err(|error| wrong(error.to_string()))?;
        let pem::Input::Pem(blocks) = read else { return Err(wrong("no PEM".into())) };
        let [block] = &blocks[..] else {
            return Err(wrong(format!("{} blocks", blocks.len())));
        };
        if block.label() != Label::PublicKey {
            return Err(wrong(block.label().to_string()));
        }
        let key = PublicKey::from_spki(block.der()).map_err(|error| wrong(error.to_string()))?;
        if Algorithm::of_key(key.kind(), false).is_none() {
            return Err(wrong(key.kind().to_string()));
        }
        Ok(Self { key, over_ssh: false })
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fn digest(&self) -> Digest {
        Digest::of(self.key.spki_der())
    }

    /// Where its signature over a head lies, from the folder of the ceremony.
    pub(crate) fn place(&self, head: Digest) -> String {
        let ending = if self.over_ssh { "sig" } else { "json" };
        // Two keys of one ceremony that share 64 bits are looked for in vain.
        format!("{FOLDER}/{head}-{}.{ending}", &self.digest().to_string()[..16])
    }

    /// Checks a file with its signature over a head.
    ///
    /// # Errors
    /// `WitnessError` says what is wrong.
    pub(crate) fn check(&self, file: &[u8], head: Digest) -> Result<(), WitnessError> {
        if self.over_ssh {
            return ssh::check(file, head, &self.key);
        }
        Signature::from_json(file)?.check(head, &self.key)
    }
}

/// Signs a head by a key of any family: the file that is added to the ceremony's folder.
///
/// # Errors
/// `WitnessError` when the key can't sign.
pub fn sign(head: Digest, key: &PrivateKey) -> Result<Vec<u8>, WitnessError> {
    let kind = key.public_key().kind();
    let algorithm = Algorithm::of_key(kind, false)
        .ok_or_else(|| WitnessError::new("key", kind.to_string(), "one that can sign"))?;
    Ok(Signature::make(head, key, algorithm)?.to_json())
}

/// The witness who made this signature, and over which of these heads.
///
/// # Errors
/// `WitnessError::Nobody` where it is none of theirs over any of these; `WitnessError` for a file that
/// is no signature.
pub(crate) fn whose<'a>(
    file: &[u8],
    witnesses: &'a [Witness],
    heads: &[Digest],
) -> Result<(&'a Witness, Digest), WitnessError> {
    let over_ssh = file.starts_with(ssh::BEGIN);
    if !over_ssh {
        Signature::from_json(file)?;
    }
    let theirs = witnesses.iter().filter(|witness| witness.key.over_ssh == over_ssh);
    let mut pairs = theirs.flat_map(|one| heads.iter().rev().map(move |head| (one, *head)));
    pairs.find(|(witness, head)| witness.key.check(file, *head).is_ok()).ok_or_else(|| {
        WitnessError::Nobody {
            names: witnesses.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "),
        }
    })
}

/// A key or signature of a witness that is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// A field that is not as it must be.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
    /// Of nobody whom the definition names, or over something else.
    #[error(
        "signature: found one that does not verify, allowed is one over the head at the end of a sitting, by a key of {}",
        if names.is_empty() { "a witness; the definition names none" } else { names }
    )]
    Nobody {
        /// Whose it could be.
        names: String,
    },
    /// No signature can be made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key can't be used.
    #[error(transparent)]
    Key(#[from] ca_core::key::KeyError),
}

impl WitnessError {
    fn new(field: &'static str, found: impl AsRef<str>, allowed: impl Into<String>) -> Self {
        let found: String = found.as_ref().chars().take(120).collect();
        Self::Field { field, found: ca_core::escape::quoted(&found), allowed: allowed.into() }
    }
}

#[cfg(test)]
mod tests;
