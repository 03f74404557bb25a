//! Files of private keys: PEM or DER, plain or under a passphrase.

use ca_core::inspect::Kind;
use ca_core::key::{self, KeyDerivation, KeyError, PrivateKey};
use ca_core::pem::{self, Block, Label};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;
use crate::output::Encoding;
use crate::passphrase::{Passphrase, PassphraseOptions};

/// Loads the one private key of a file: PKCS#8 plain or encrypted, SEC1 or PKCS#1. A PEM file may
/// have certificates beside it. A passphrase is asked for only where the key needs one.
///
/// # Errors
/// `CliError` with exit code 2 when there is no such key, or its passphrase is wrong.
pub fn load(
    source: &Source,
    passphrase: &PassphraseOptions,
    context: &mut Context,
) -> Result<PrivateKey, CliError> {
    let octets = context.read(source)?;
    read(&source.to_string(), &octets, || passphrase.read(&source.to_string(), context))
}

/// Reads a private key from octets that were read before; `name` stands in messages. `ask` is
/// called for the passphrase of an encrypted key only.
///
/// # Errors
/// As [`load`].
pub fn read(
    name: &str,
    octets: &[u8],
    ask: impl FnOnce() -> Result<Passphrase, CliError>,
) -> Result<PrivateKey, CliError> {
    let found = match pem::read(octets) {
        Ok(pem::Input::Der(der)) => der,
        Ok(pem::Input::Pem(blocks)) => the_private_block(name, &blocks)?,
        Err(error) => return Err(CliError::of(Exit::Usage, name, &error)),
    };
    match PrivateKey::from_der(&found) {
        Err(KeyError::Encrypted) => {
            // Says what is wrong with the encryption before a person types a passphrase.
            key::check_encryption(&found).map_err(|error| refused(name, &error))?;
            let plain = key::decrypt(&found, ask()?.as_bytes());
            plain.and_then(|der| PrivateKey::from_der(&der)).map_err(|error| refused(name, &error))
        }
        result => result.map_err(|error| refused(name, &error)),
    }
}

fn the_private_block(name: &str, blocks: &[Block]) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let is_key =
        |block: &&Block| block.label().is_secret() || block.label() == Label::EncryptedPrivateKey;
    let keys: Vec<&Block> = blocks.iter().filter(is_key).collect();
    let [block] = keys.as_slice() else {
        let found = keys.len();
        let message = format!("{name}: found {found} private keys, allowed is exactly one");
        return Err(CliError::usage(message));
    };
    match Kind::of(block.der()) {
        Some(kind) if kind != Kind::promised_by(block.label()) => Err(CliError::usage(format!(
            "{name}: line {}: labelled {}, but found {kind}; allowed is what the label says",
            block.line(),
            block.label()
        ))),
        _ => Ok(Zeroizing::new(block.der().to_vec())),
    }
}

fn refused(name: &str, error: &KeyError) -> CliError {
    let failure = CliError::of(Exit::Usage, name, error);
    match error {
        KeyError::Passphrase => failure.with_hint("check the passphrase and its keyboard layout"),
        KeyError::Encryption { .. } => failure.with_hint(
            "encrypt it anew, such as by `openssl pkcs8 -topk8 -v2 aes-256-cbc -scrypt`",
        ),
        _ => failure,
    }
}

/// Encodes a private key as PKCS#8, encrypted where there is a passphrase. The octets wipe
/// themselves; write them as [`Content::Secret`](crate::output::Content::Secret).
///
/// # Errors
/// `CliError` with exit code 4 when the library fails.
pub fn encode(
    key: &PrivateKey,
    passphrase: Option<&Passphrase>,
    derivation: KeyDerivation,
    encoding: Encoding,
    rng: &mut dyn CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, CliError> {
    let failed = |error: KeyError| CliError::of(Exit::Fault, "private key", &error);
    let plain = key.to_pkcs8_der().map_err(failed)?;
    let Some(passphrase) = passphrase else {
        return Ok(encoding.encode(Label::PrivateKey, &plain));
    };
    let encrypted = key::encrypt(&plain, passphrase.as_bytes(), derivation, rng).map_err(failed)?;
    Ok(encoding.encode(Label::EncryptedPrivateKey, &encrypted))
}
