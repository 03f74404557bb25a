//! `espalier pkcs12 create`.

use ca_core::certificate::Certificate;
use ca_core::pem;
use ca_core::pkcs12::{Bundle, MacDerivation, Password, Pkcs12Error, Protection, seal};

use super::{password, refused};
use crate::cli::{CliError, Context, exit_code};
use crate::input::Source;
use crate::key_file;
use crate::output::{Content, Target};
use crate::passphrase::PassphraseOptions;

/// Put a private key, its certificate and its chain into a PKCS#12 file
///
/// Key and certificates are encrypted by AES-256 under PBKDF2, and HMAC-SHA-256 guards the whole:
/// OpenSSL 3, Java 17, .NET and Bouncy Castle read it. Without --key it is a trust store. The file
/// has mode 0600 and replaces nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier pkcs12 create --key key.pem --cert chain.pem --name app --out app.p12
  espalier pkcs12 create --key key.pem --cert cert.pem --cert issuing.pem \\
      --passphrase-file key-pass.txt --password-file pass.txt --out app.p12
  espalier pkcs12 create --cert root.pem --name root --password-env STORE --out trust.p12")]
pub(super) struct Options {
    /// The private key; `-` is standard input. Without it the file is a trust store
    #[arg(long, value_name = "FILE")]
    key: Option<Source>,

    /// Certificates, the key's own first; a file may hold several, and this may be given more than
    /// once
    #[arg(long, value_name = "FILE", required = true)]
    cert: Vec<Source>,

    /// What programs show for the key and its certificate, also called alias
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// How the password becomes the key of the MAC
    #[arg(long, value_enum, default_value = "rfc7292")]
    mac: Mac,

    /// Iterations for MAC, key and certificates, each
    #[arg(long, value_name = "N", default_value_t = Protection::DEFAULT_ITERATIONS)]
    iterations: u32,

    /// Where to write; `-` is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "-")]
    out: Target,

    /// Replace a file that exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    password: password::PasswordOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mac {
    /// RFC 7292: what everybody reads
    Rfc7292,
    /// PBMAC1 (RFC 9579): needs OpenSSL 3.4, Java 26 or Bouncy Castle 1.81
    Pbmac1,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let mac = match options.mac {
        Mac::Rfc7292 => MacDerivation::Rfc7292,
        Mac::Pbmac1 => MacDerivation::Pbmac1,
    };
    let protection = Protection::new(mac, options.iterations)
        .map_err(|error| CliError::usage(error.to_string()))?;
    options.out.check(Content::Secret, options.force)?;
    let key = match &options.key {
        Some(source) => Some(key_file::load(source, &options.passphrase, context)?),
        None => None,
    };
    let mut certificates = Vec::new();
    for source in &options.cert {
        certificates.extend(read(source, context)?);
    }
    let failed = |error: Pkcs12Error| refused(&options.out.to_string(), &error);
    let bundle =
        Bundle::new(key.as_ref(), &certificates, options.name.as_deref()).map_err(failed)?;
    let password = options.password.read_new(context)?;
    if !password.as_bytes().is_ascii() {
        context.note("note: the password is not ASCII; Java opens no such file");
    }
    let password = Password::new(password.as_bytes()).map_err(failed)?;
    let file = seal(&bundle, password, protection, context.rng()).map_err(failed)?;
    options.out.write(Content::Secret, &file, options.force)
}

fn read(source: &Source, context: &mut Context) -> Result<Vec<Certificate>, CliError> {
    let octets = context.read(source)?;
    pem::read_certificates(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))
}
