//! `espalier key`: private keys.

mod block;

use ca_core::algorithm::KeyAlgorithm;
use ca_core::pem::Label;
use clap::Subcommand;

use super::{CliError, Context};
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, OutputOptions, Target};
use crate::passphrase::NewPassphraseOptions;

/// Make private keys, and block keys that leaked
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  espalier key generate --algorithm hybrid --out key.pem
  espalier key block app.pem --reason keyCompromise",
    disable_help_subcommand = true
)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(GenerateOptions),
    Block(block::Options),
}

/// Make a private key
///
/// It is written as PKCS#8, encrypted unless --no-passphrase is given. Its file has mode 0600 and
/// replaces nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier key generate --algorithm hybrid --out key.pem
  espalier key generate --algorithm ml-dsa-65 --passphrase-file pass.txt --out key.pem
  espalier key generate --algorithm ml-kem-768 --out kem.pem
  espalier key generate --algorithm p256 --no-passphrase --out key.pem --public-out public.pem")]
struct GenerateOptions {
    /// A name or alias of `espalier algorithms`
    #[arg(long, short, value_name = "NAME", value_parser = KeyAlgorithm::named)]
    algorithm: KeyAlgorithm,

    #[command(flatten)]
    output: OutputOptions,

    /// Write the public key to this file as well
    #[arg(long, value_name = "FILE")]
    public_out: Option<Target>,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Generate(options) => generate(options, context),
        Command::Block(options) => block::run(options, context),
    }
}

fn generate(options: &GenerateOptions, context: &mut Context) -> Result<(), CliError> {
    let output = &options.output;
    if let Some(public) = &options.public_out {
        output.out.check_differs(public)?;
    }
    // A person should not type a passphrase for a file that can't be written.
    output.out.check(Content::Secret, output.force)?;
    let passphrase = options.passphrase.read("the new key", context)?;
    let key = make_key(options.algorithm, context)?;
    let kdf = options.passphrase.key_derivation();
    let encoding = output.encoding();
    let private = key_file::encode(&key, passphrase.as_ref(), kdf, encoding, context.rng())?;
    let private = output.out.stage(Content::Secret, &private, output.force)?;
    let public = match &options.public_out {
        Some(target) => {
            let octets = encoding.encode(Label::PublicKey, key.public_key().spki_der());
            Some(target.stage(Content::Public, &octets, output.force)?)
        }
        None => None,
    };
    private.publish()?;
    public.map_or(Ok(()), |public| public.publish())
}
