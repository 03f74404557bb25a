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

use ca_core::algorithm::{Algorithm, SignatureScheme};
use ca_core::key::PrivateKey;
use ca_core::pem;
use ca_core::public_key::PublicKey;
use ca_core::sign::SignError;
use ca_core::signature::{Implementation, verify_in_context};

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
    /// Its fingerprint as OpenSSH tells it, where it signs by OpenSSH.
    ssh: Option<String>,
}

impl WitnessKey {
    /// Reads a line of OpenSSH, Ed25519 only, or PEM of any family.
    ///
    /// # Errors
    /// `WitnessError::Field` for anything else, and for a key by which no signature is accepted.
    pub fn read(text: &str) -> Result<Self, WitnessError> {
        let wrong = |found: String| WitnessError::new("key", found, ALLOWED);
        let is_ssh = ["ssh-", "sk-", "ecdsa-"].iter().any(|start| text.starts_with(start));
        let (key, ssh) = if is_ssh {
            let (key, fingerprint) = ssh::public_key(text).map_err(wrong)?;
            (key, Some(fingerprint))
        } else {
            (pem_key(text).map_err(wrong)?, None)
        };
        key.check_strength().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { key, ssh })
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    pub fn digest(&self) -> Digest {
        Digest::of(self.key.spki_der())
    }

    /// Its fingerprint for people: as `ssh-keygen -l` prints it for a key of OpenSSH, else [`Self::digest`].
    pub fn fingerprint(&self) -> String {
        self.ssh.clone().unwrap_or_else(|| self.digest().to_string())
    }

    /// Where its signature over a head lies, from the folder of the ceremony.
    pub(crate) fn place(&self, head: Digest) -> String {
        let ending = if self.ssh.is_some() { "sig" } else { "json" };
        // Two keys of one ceremony that share 64 bits are looked for in vain.
        format!("{FOLDER}/{head}-{}.{ending}", &self.digest().to_string()[..16])
    }

    /// Checks a file with its signature over a head.
    ///
    /// # Errors
    /// `WitnessError` says what is wrong.
    pub(crate) fn check(&self, file: &[u8], head: Digest) -> Result<(), WitnessError> {
        match self.ssh {
            Some(_) => ssh::Signature::read(file)?.check(head, &self.key),
            None => Signature::from_json(file)?.check(head, &self.key),
        }
    }
}

/// The one key of PEM, which can sign; what it is otherwise.
fn pem_key(text: &str) -> Result<PublicKey, String> {
    let key = pem::read_one_public_key(text.as_bytes()).map_err(|error| error.to_string())?;
    match Algorithm::of_key(key.kind(), false) {
        Some(_) => Ok(key),
        None => Err(key.kind().to_string()),
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

/// Verifies what was signed over a head, by both implementations.
fn verified(
    key: &PublicKey,
    scheme: SignatureScheme,
    (signed, signature): (&[u8], &[u8]),
    head: Digest,
) -> Result<(), WitnessError> {
    [Implementation::First, Implementation::Second].into_iter().try_for_each(|by| {
        verify_in_context(by, key, scheme, signed, b"", signature).map_err(|error| {
            WitnessError::new("signature", error.to_string(), format!("one over the head {head}"))
        })
    })
}

/// The witness who made this signature, and over which of these heads.
///
/// # Errors
/// `WitnessError` for a file that is no signature; `WitnessError::Nobody` where its key is none of theirs, or
/// it is over none of these heads.
pub(crate) fn whose<'a>(
    file: &[u8],
    witnesses: &'a [Witness],
    heads: &[Digest],
) -> Result<(&'a Witness, Digest), WitnessError> {
    let nobody = || WitnessError::Nobody {
        names: witnesses.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", "),
    };
    if file.starts_with(ssh::BEGIN) {
        let read = ssh::Signature::read(file)?;
        let mut theirs = witnesses.iter().filter(|one| one.key.ssh.is_some());
        let witness = theirs.find(|one| one.key.key == *read.key()).ok_or_else(nobody)?;
        let signed = |head: &&Digest| read.check(**head, &witness.key.key).is_ok();
        let head = heads.iter().rev().find(signed).ok_or_else(nobody)?;
        return Ok((witness, *head));
    }
    let read = Signature::from_json(file)?;
    let mut theirs = witnesses.iter().filter(|one| one.key.ssh.is_none());
    let witness = theirs.find(|one| one.key.digest() == read.key()).ok_or_else(nobody)?;
    let head = heads.iter().find(|head| **head == read.head()).ok_or_else(nobody)?;
    read.check(*head, &witness.key.key)?;
    Ok((witness, *head))
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
        "signature: found one by another key or over something else, allowed is one over the head at the end of a sitting, by the key of {}",
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
