//! Signatures of OpenSSH (its PROTOCOL.sshsig), by Ed25519 keys.

use ca_core::algorithm::{ClassicalKey, ClassicalScheme, KeyKind, SignatureScheme};
use ca_core::public_key::PublicKey;
use ca_core::signature;
use ssh_key::public::KeyData;
use ssh_key::{LineEnding, SshSig};

use super::{MAX_FILE, NAMESPACE, WitnessError};
use crate::digest::Digest;

/// How a file begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN SSH SIGNATURE-----";

/// The key of a line as `ssh-keygen` writes it, Ed25519 only; what it is otherwise.
pub(super) fn public_key(line: &str) -> Result<PublicKey, String> {
    let read = ssh_key::PublicKey::from_openssh(line.trim()).map_err(|error| error.to_string())?;
    ed25519(read.key_data())
}

fn ed25519(key: &KeyData) -> Result<PublicKey, String> {
    // What a security key signs has a counter in it that nobody here would look at.
    let raw = key.ed25519().ok_or_else(|| key.algorithm().to_string())?;
    PublicKey::from_raw(KeyKind::Classical(ClassicalKey::Ed25519), &raw.0)
        .map_err(|error| error.to_string())
}

/// Checks a file.
pub(super) fn check(file: &[u8], head: Digest, key: &PublicKey) -> Result<(), WitnessError> {
    let wrong = |found: String| {
        WitnessError::new("signature", found, "one that `ssh-keygen -Y sign` wrote")
    };
    if file.len() > MAX_FILE {
        return Err(wrong(format!("{} octets", file.len())));
    }
    let read = SshSig::from_pem(file).map_err(|error| wrong(error.to_string()))?;
    // The reader passes over lengths that it does not need; no changed octet of a file is accepted here.
    let written = read.to_pem(LineEnding::LF).map_err(|error| wrong(error.to_string()))?;
    if file != format!("{}\n", written.trim_end()).as_bytes() {
        return Err(wrong("another form of it".into()));
    }
    if read.namespace() != NAMESPACE {
        let allowed = format!("`{NAMESPACE}`, by -n");
        return Err(WitnessError::new("namespace", read.namespace(), allowed));
    }
    let signer = ed25519(read.public_key()).map_err(wrong)?;
    if signer != *key {
        let allowed = format!("that of the definition, {}", Digest::of(key.spki_der()));
        let found = Digest::of(signer.spki_der()).to_string();
        return Err(WitnessError::new("key", found, allowed));
    }
    if !read.reserved().is_empty() {
        return Err(wrong("a reserved field with something in it".into()));
    }
    let message = format!("{head}\n");
    let signed = SshSig::signed_data(NAMESPACE, read.hash_alg(), message.as_bytes())
        .map_err(|error| wrong(error.to_string()))?;
    let scheme = SignatureScheme::Classical(ClassicalScheme::Ed25519);
    signature::verify(key, scheme, &signed, read.signature_bytes()).map_err(|error| {
        WitnessError::new("signature", error.to_string(), format!("one over the head {head}"))
    })
}
