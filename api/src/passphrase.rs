//! Passphrases of private keys: from a file, an environment variable or a person, never from the
//! command line, which every user of the machine can read.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt as _;

use ca_core::key::KeyDerivation;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::cli::{CliError, Context, Exit};
use crate::input::Source;

/// The longest passphrase in octets; OpenSSL cuts longer ones off.
pub const MAX_PASSPHRASE_SIZE: usize = 1023;

/// Where a passphrase comes from; a prompt where nothing is named.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PassphraseOptions {
    /// Read the key's passphrase from this file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_env")]
    pub passphrase_file: Option<Source>,

    /// Read the key's passphrase from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    pub passphrase_env: Option<OsString>,
}

/// Where the passphrase of a new key comes from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NewPassphraseOptions {
    /// Where from.
    #[command(flatten)]
    pub source: PassphraseOptions,

    /// Write the private key without encryption
    #[arg(long, conflicts_with_all = ["passphrase_file", "passphrase_env"])]
    pub no_passphrase: bool,

    /// How the passphrase becomes the key of AES-256
    #[arg(long, value_enum, default_value = "scrypt", conflicts_with = "no_passphrase")]
    pub kdf: Kdf,
}

/// Key derivations that new keys may have; OpenSSL reads both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Kdf {
    /// scrypt: costs an attacker memory as well as time
    #[default]
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256: for readers that know nothing else
    Pbkdf2,
}

/// A passphrase that is not empty. It wipes itself and shows nothing.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes the octets, without the line end that an editor or `echo` left.
    ///
    /// # Errors
    /// `PassphraseError` when nothing is left, when there are several lines or too many octets.
    pub fn new(octets: &[u8]) -> Result<Self, PassphraseError> {
        let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
        if octets.is_empty() {
            return Err(PassphraseError::Empty);
        }
        if octets.len() > MAX_PASSPHRASE_SIZE {
            return Err(PassphraseError::TooLong { found: octets.len() });
        }
        if octets.contains(&b'\n') {
            return Err(PassphraseError::Lines);
        }
        Ok(Self(Zeroizing::new(octets.to_vec())))
    }

    /// A new one of 160 random bits: 32 letters and digits in groups of four, none of which is
    /// easily taken for another.
    pub fn random(rng: &mut dyn CryptoRng) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let mut random = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *random);
        let mut text = Zeroizing::new(Vec::with_capacity(39));
        for (index, octet) in random.iter().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(b'-');
            }
            text.push(ALPHABET[usize::from(octet % 32)]);
        }
        Self(text)
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// A passphrase that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PassphraseError {
    /// Nothing there.
    #[error("passphrase: empty, allowed are 1 to {MAX_PASSPHRASE_SIZE} octets")]
    Empty,
    /// Past the bound.
    #[error("passphrase: {found} octets, allowed are 1 to {MAX_PASSPHRASE_SIZE}")]
    TooLong {
        /// Octets found.
        found: usize,
    },
    /// Programs differ on whether they take the first line or all of them.
    #[error("passphrase: several lines, allowed is one")]
    Lines,
}

impl PassphraseOptions {
    /// The passphrase of a key that exists. `subject` says whose, such as the name of its file.
    ///
    /// # Errors
    /// `CliError` with exit code 2 when there is none: the file can't be read, the variable is
    /// not set, or nobody can be asked.
    pub fn read(&self, subject: &str, context: &mut Context) -> Result<Passphrase, CliError> {
        match self.given(context)? {
            Some(passphrase) => Ok(passphrase),
            None => prompt(&format!("Passphrase of {subject}: "), context),
        }
    }

    fn given(&self, context: &mut Context) -> Result<Option<Passphrase>, CliError> {
        if let Some(source) = &self.passphrase_file {
            let octets = context.read(source)?;
            return taken(source, &octets).map(Some);
        }
        let Some(name) = &self.passphrase_env else { return Ok(None) };
        let subject = format!("environment variable {}", name.display());
        let value = std::env::var_os(name).ok_or_else(|| {
            CliError::usage(format!("{subject}: not set"))
                .with_hint("--passphrase-env takes the variable's name, not the passphrase")
        })?;
        taken(subject, &Zeroizing::new(value.into_vec())).map(Some)
    }
}

impl NewPassphraseOptions {
    /// How to encrypt.
    pub fn key_derivation(&self) -> KeyDerivation {
        match self.kdf {
            Kdf::Scrypt => KeyDerivation::Scrypt,
            Kdf::Pbkdf2 => KeyDerivation::Pbkdf2,
        }
    }

    /// The passphrase of a key that is being made; none with `--no-passphrase`.
    ///
    /// # Errors
    /// As [`PassphraseOptions::read`]; also when a person types two different ones.
    pub fn read(
        &self,
        subject: &str,
        context: &mut Context,
    ) -> Result<Option<Passphrase>, CliError> {
        if self.no_passphrase {
            return Ok(None);
        }
        if let Some(passphrase) = self.source.given(context)? {
            return Ok(Some(passphrase));
        }
        let first = prompt(&format!("Passphrase for {subject}: "), context)?;
        let second = prompt("The same again: ", context)?;
        if first.as_bytes() != second.as_bytes() {
            return Err(CliError::usage("passphrase: the two differ").with_hint("try again"));
        }
        Ok(Some(first))
    }
}

/// What to do where nobody can be asked.
pub(crate) const WAYS: &str =
    "give --passphrase-file or --passphrase-env; a new key may have --no-passphrase";

fn taken(subject: impl fmt::Display, octets: &[u8]) -> Result<Passphrase, CliError> {
    Passphrase::new(octets).map_err(|error| {
        let failure = CliError::of(Exit::Usage, subject, &error);
        match error {
            PassphraseError::Empty => failure.with_hint(WAYS),
            _ => failure,
        }
    })
}

fn prompt(text: &str, context: &Context) -> Result<Passphrase, CliError> {
    if !context.terminal().can_prompt() {
        let message = "passphrase: none given, and there is no terminal to ask on";
        return Err(CliError::usage(message).with_hint(WAYS));
    }
    let typed = rpassword::prompt_password(text).map(Zeroizing::new);
    let typed = typed.map_err(|error| CliError::of(Exit::Usage, "passphrase", &error))?;
    taken("terminal", typed.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn one_line_end_is_cut_and_nothing_else() {
        for given in ["a b ", "a b \n", "a b \r\n"] {
            assert_eq!(Passphrase::new(given.as_bytes()).unwrap().as_bytes(), b"a b ");
        }
    }

    #[test]
    fn empty_long_and_many_lines_are_refused() {
        let long = vec![b'x'; MAX_PASSPHRASE_SIZE + 1];
        for (given, error) in [
            (&b""[..], PassphraseError::Empty),
            (b"\r\n", PassphraseError::Empty),
            (b"one\ntwo\n", PassphraseError::Lines),
            (&long, PassphraseError::TooLong { found: 1024 }),
        ] {
            assert_eq!(Passphrase::new(given).unwrap_err(), error);
        }
        assert!(Passphrase::new(&long[1..]).is_ok());
    }

    #[test]
    fn random_ones_differ_and_show_nothing() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let (one, other) = (Passphrase::random(&mut rng), Passphrase::random(&mut rng));
        assert_ne!(one.as_bytes(), other.as_bytes());
        assert_eq!(one.as_bytes().len(), 39);
        assert_eq!(format!("{one:?}"), "Passphrase(..)");
        assert_eq!(Passphrase::new(one.as_bytes()).unwrap().as_bytes(), one.as_bytes());
    }
}
