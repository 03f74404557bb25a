//! `espalier pkcs12 extract`.

use ca_core::certificate::Certificate;
use ca_core::escape::quoted;
use ca_core::pem::{self, Label};
use ca_core::pkcs12::{Contents, KeyEntry};

use super::{open, password};
use crate::cli::{CliError, Context};
use crate::input::Source;
use crate::key_file;
use crate::output::{Content, Encoding, Staged, Target};
use crate::passphrase::NewPassphraseOptions;

/// Take the private key and the certificates out of a PKCS#12 file, as PEM
///
/// The key is written under a passphrase of its own, unless --no-passphrase is given. Its file has
/// mode 0600 and replaces nothing. The key's certificate comes first, the others behind it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier pkcs12 extract app.p12 --key-out key.pem --cert-out chain.pem
  espalier pkcs12 extract app.p12 --password-file pass.txt --cert-out -")]
pub(super) struct Options {
    /// The file; `-` is standard input
    file: Source,

    /// Write the private key to this file
    #[arg(long, value_name = "FILE", required_unless_present = "cert_out")]
    key_out: Option<Target>,

    /// Write the certificates to this file; `-` is standard output
    #[arg(long, value_name = "FILE")]
    cert_out: Option<Target>,

    /// Which private key, where there are several: its name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Replace a private key file that exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    password: password::PasswordOptions,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    if let Some(key_out) = &options.key_out {
        key_out.check(Content::Secret, options.force)?;
        if let Some(cert_out) = &options.cert_out {
            key_out.check_differs(cert_out)?;
        }
    }
    let (_, contents) = open(&options.file, &options.password, context)?;
    let key = choose(options, &contents)?;
    let staged_key = match (&options.key_out, key) {
        (Some(target), Some(entry)) => Some(stage_key(options, target, entry, context)?),
        (Some(_), None) => {
            return Err(CliError::refused(format!("{}: found no private key", options.file))
                .with_hint("give --cert-out alone for the certificates"));
        }
        (None, _) => None,
    };
    let staged_certificates = match &options.cert_out {
        Some(target) => {
            let text = certificates(options, &contents, key)?;
            Some(target.stage(Content::Public, text.as_bytes(), options.force)?)
        }
        None => None,
    };
    staged_key.map_or(Ok(()), Staged::publish)?;
    staged_certificates.map_or(Ok(()), Staged::publish)
}

/// The key that is meant: the only one, or the one of this name. For certificates alone none need be.
fn choose<'a>(options: &Options, contents: &'a Contents) -> Result<Option<&'a KeyEntry>, CliError> {
    let keys = &contents.keys;
    let meant: Vec<&KeyEntry> = match &options.name {
        Some(name) => keys.iter().filter(|it| it.name.as_ref() == Some(name)).collect(),
        None => keys.iter().collect(),
    };
    match (meant.as_slice(), &options.name) {
        ([only], _) => Ok(Some(only)),
        ([], None) => Ok(None),
        (_, None) if options.key_out.is_none() => Ok(None),
        (found, _) => {
            let names = keys.iter().filter_map(|key| key.name.as_ref());
            let names: Vec<String> = names.map(quoted).collect();
            let message =
                format!("{}: found {} private keys, allowed is one", options.file, found.len());
            let hint = match names.as_slice() {
                [] => "none of them has a name; give --cert-out alone for the certificates".into(),
                names => format!("give --name with one of these: {}", names.join(", ")),
            };
            Err(CliError::usage(message).with_hint(hint))
        }
    }
}

fn stage_key(
    options: &Options,
    target: &Target,
    entry: &KeyEntry,
    context: &mut Context,
) -> Result<Staged, CliError> {
    let passphrase = options.passphrase.read("the key's new file", context)?;
    let kdf = options.passphrase.key_derivation();
    let passphrase = passphrase.as_ref();
    let octets = key_file::encode(&entry.key, passphrase, kdf, Encoding::Pem, context.rng())?;
    target.stage(Content::Secret, &octets, options.force)
}

/// PEM of the certificates, that of the key first.
fn certificates(
    options: &Options,
    contents: &Contents,
    key: Option<&KeyEntry>,
) -> Result<String, CliError> {
    let own = key.and_then(|entry| contents.certificate_of(&entry.key)).map(|it| &it.certificate);
    let others = contents.certificates.iter().map(|entry| &entry.certificate);
    let all: Vec<&Certificate> =
        own.into_iter().chain(others.filter(|other| Some(*other) != own)).collect();
    if all.is_empty() {
        return Err(CliError::refused(format!("{}: found no certificate", options.file)));
    }
    Ok(all.iter().map(|it| pem::encode(Label::Certificate, it.der())).collect())
}
