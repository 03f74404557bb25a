//! Commands by which witnesses sign a transcript.

use std::error::Error;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ca_core::key::{self, PrivateKey};
use ca_core::pem::{self, PrivateKeyDer};
use clap::Subcommand;
use zeroize::Zeroizing;

use super::FolderOptions;
use super::exit::CliError;
use super::files::{read, say, write_new};
use super::terminal::Terminal;
use crate::audit::add_signature;
use crate::digest::Digest;
use crate::folder::Folder;
use crate::witness::{self, MAX_FILE};

#[derive(Debug, Subcommand)]
pub(super) enum WitnessCommand {
    /// Sign the head of a transcript by a key of your own, of any family, on a machine of your own
    #[command(after_help = "Examples:
  espalier-ceremony witness sign --key wanda.key --head \"$HEAD\" --out wanda.json

A key of OpenSSH (Ed25519) signs by its own program, and wim.sig is added in the same way:
  echo \"$HEAD\" | ssh-keygen -Y sign -n espalier-ceremony -f ~/.ssh/id_ed25519 > wim.sig")]
    Sign(SignOptions),
    /// Add signatures of witnesses to the folder of a ceremony
    #[command(
        after_help = "Example:\n  espalier-ceremony witness add root-2026 wanda.json wim.sig"
    )]
    Add(AddOptions),
}

#[derive(Debug, clap::Args)]
pub(super) struct SignOptions {
    /// The private key, in PEM or DER; its passphrase is asked for where it has one
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// The head of the transcript from paper: 64 hexadecimal digits, or its 24 words
    #[arg(long, value_name = "DIGEST")]
    head: String,

    /// Where to write the signature, where nothing may be yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct AddOptions {
    #[command(flatten)]
    at: FolderOptions,

    /// Signatures that witnesses made
    #[arg(value_name = "SIGNATURE", required = true)]
    signatures: Vec<PathBuf>,
}

impl WitnessCommand {
    pub(super) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Sign(options) => options.run(),
            Self::Add(options) => options.run(),
        }
    }
}

impl SignOptions {
    fn run(self) -> Result<(), CliError> {
        let head = Digest::from_paper(&self.head).ok_or_else(|| CliError::no_head(&self.head))?;
        let key = private_key(&self.key)?;
        let signature = witness::sign(head, &key)?;
        match self.out {
            Some(path) => write_new(&path, |file| file.write_all(&signature)),
            None => io::stdout()
                .lock()
                .write_all(&signature)
                .map_err(|error| CliError::environment(&error)),
        }
    }
}

/// The one private key of a file; its passphrase is asked for where it has one.
fn private_key(path: &Path) -> Result<PrivateKey, CliError> {
    let octets = Zeroizing::new(read(path, pem::MAX_FILE_SIZE)?);
    let refused = |error: &dyn Error| CliError::input(path, error);
    let read = pem::read_one_private_key_der(&octets).map_err(|error| refused(&error))?;
    let key = match read {
        PrivateKeyDer::Clear(der) => PrivateKey::from_der(&der),
        PrivateKeyDer::Encrypted(der) => {
            // Says what is wrong with the encryption before a person types a passphrase.
            key::check_encryption(&der).map_err(|error| refused(&error))?;
            let question = format!("Passphrase of {}", path.display());
            let passphrase = Terminal::open()?.ask_hidden(&question)?;
            let plain = key::decrypt(&der, passphrase.as_bytes());
            plain.and_then(|der| PrivateKey::from_der(&der))
        }
    };
    key.map_err(|error| refused(&error))
}

impl AddOptions {
    fn run(self) -> Result<(), CliError> {
        let folder = Folder::new(self.at.folder);
        for path in &self.signatures {
            let file = read(path, MAX_FILE)?;
            let added =
                add_signature(&folder, &file).map_err(|error| CliError::adding(path, &error))?;
            let (line, path) = (added.line.unwrap_or_default(), path.display());
            say(&format!("{path}: signed by {}, to line {line}, by {}\n", added.name, added.key))?;
        }
        Ok(())
    }
}
