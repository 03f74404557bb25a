//! Private keys in the clear: what is read is written in one form, and signs.

use ca_core::algorithm::{Algorithm, ClassicalKey, KeyKind};
use ca_core::inspect::inspect;
use ca_core::key::{KeyForm, PrivateKey};

use super::{harmless, refused};

/// Reads a private key.
///
/// # Panics
/// When a property breaks.
pub fn check(octets: &[u8]) -> bool {
    // What is shown is not always what can be read: keys of other families are shown as well.
    if let Ok(shown) = inspect(octets) {
        shown.iter().for_each(|shown| harmless(&shown.to_string()));
    }
    match PrivateKey::from_der(octets) {
        Ok(key) => {
            holds(&key);
            true
        }
        Err(error) => refused(&error),
    }
}

/// What every key that was read must be.
pub(super) fn holds(key: &PrivateKey) {
    let written = key.to_pkcs8_der().expect("what was read can be written");
    let again = PrivateKey::from_der(&written).expect("what was written can be read");
    assert_eq!(again.public_key(), key.public_key());
    let twice = again.to_pkcs8_der().expect("what was read can be written");
    assert_eq!(*written, *twice, "one form of each key is written");
    assert!(inspect(&written).is_ok(), "what was written can be shown");
    signs(key);
}

/// A key that was read signs, and the second implementation agrees. RSA keys take too long.
fn signs(key: &PrivateKey) {
    let kind = key.public_key().kind();
    if matches!(kind, KeyKind::Classical(ClassicalKey::Rsa { .. })) || is_with_rsa(kind) {
        return;
    }
    // The halves of an expanded key may not belong together, which only a signature shows.
    if key.form() == Some(KeyForm::ExpandedKey) {
        return;
    }
    let algorithm = Algorithm::all().iter().find(|algorithm| algorithm.key() == kind);
    let Some(algorithm) = algorithm else { return };
    let signer = key.signer(algorithm.scheme()).expect("the scheme fits the key");
    signer.sign(b"fuzz").expect("a key that was read signs");
}

fn is_with_rsa(kind: KeyKind) -> bool {
    let KeyKind::Composite(composite) = kind else { return false };
    matches!(composite.classical_key(), ClassicalKey::Rsa { .. })
}
