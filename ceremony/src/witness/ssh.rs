//! Signatures of OpenSSH (its PROTOCOL.sshsig), by Ed25519 keys.

use ca_core::algorithm::{ClassicalKey, ClassicalScheme, KeyKind, SignatureScheme};
use ca_core::public_key::PublicKey;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, LineEnding, SshSig};

use super::{MAX_FILE, NAMESPACE, WitnessError, verified};
use crate::digest::Digest;

/// How a file begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// The key of a line as `ssh-keygen` writes it, Ed25519 only, and its fingerprint; what it is otherwise.
pub(super) fn public_key(line: &str) -> Result<(PublicKey, String), String> {
    if line.trim().lines().count() != 1 {
        return Err("several lines".into());
    }
    let read = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|error| error.to_string())?;
    let fingerprint = read.fingerprint(HashAlg::Sha256).to_string();
    Ok((ed25519(read.key_data())?, fingerprint))
}

fn ed25519(key: &KeyData) -> Result<PublicKey, String> {
    // What a security key signs has a counter in it that nobody here would look at.
    let raw = key.ed25519().ok_or_else(|| key.algorithm().to_string())?;
    PublicKey::from_raw(KeyKind::Classical(ClassicalKey::Ed25519), &raw.0)
        .map_err(|error| error.to_string())
}

/// A signature over something, in our namespace.
pub(super) struct Signature {
    read: SshSig,
    key: PublicKey,
}

impl Signature {
    /// Reads a file, which is as `ssh-keygen` writes it, to the octet.
    pub(super) fn read(file: &[u8]) -> Result<Self, WitnessError> {
        let wrong = |found: String| {
            let allowed = "one of Ed25519 that `ssh-keygen -Y sign` wrote";
            WitnessError::new("signature", found, allowed)
        };
        if file.len() > MAX_FILE {
            return Err(wrong(format!("{} octets", file.len())));
        }
        let read = SshSig::from_pem(file).map_err(|error| wrong(error.to_string()))?;
        // The reader passes over what it does not need: other lengths, versions, names.
        let written = read.to_pem(LineEnding::LF).map_err(|error| wrong(error.to_string()))?;
        if file != format!("{}\n", written.trim_end()).as_bytes() {
            return Err(wrong("another form of it".into()));
        }
        if read.version() != SshSig::VERSION || !read.reserved().is_empty() {
            return Err(wrong(format!("version {}, or a reserved field", read.version())));
        }
        if read.namespace() != NAMESPACE {
            let allowed = format!("`{NAMESPACE}`, by -n");
            return Err(WitnessError::new("namespace", read.namespace(), allowed));
        }
        let key = ed25519(read.public_key()).map_err(wrong)?;
        if read.algorithm() != Algorithm::Ed25519 {
            return Err(wrong(read.algorithm().to_string()));
        }
        Ok(Self { read, key })
    }

    /// Whose it says it is.
    pub(super) fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(super) fn check(&self, head: Digest, key: &PublicKey) -> Result<(), WitnessError> {
        if self.key != *key {
            let allowed = format!("that of the definition, {}", Digest::of(key.spki_der()));
            let found = Digest::of(self.key.spki_der()).to_string();
            return Err(WitnessError::new("key", found, allowed));
        }
        let message = format!("{head}\n");
        // It fails for an empty namespace alone.
        let signed = SshSig::signed_data(NAMESPACE, self.read.hash_alg(), message.as_bytes())
            .map_err(|error| WitnessError::new("signature", error.to_string(), NAMESPACE))?;
        let scheme = SignatureScheme::Classical(ClassicalScheme::Ed25519);
        verified(key, scheme, (&signed, self.read.signature_bytes()), head)
    }
}
