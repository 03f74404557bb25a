//! `espalier pkcs12`: a private key and its certificates in one file under a password.

mod create;
mod extract;
mod password;
mod show;

use ca_core::pkcs12::{Contents, Password, Pkcs12Error, Sealed};
use clap::Subcommand;

use super::{CliError, Context, exit_code};
use crate::input::Source;

/// Make, show and open PKCS#12 files (.p12, .pfx)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  espalier pkcs12 create --key key.pem --cert chain.pem --out app.p12",
    disable_help_subcommand = true
)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Options),
    Show(show::Options),
    Extract(extract::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Create(options) => create::run(options, context),
        Command::Show(options) => show::run(options, context),
        Command::Extract(options) => extract::run(options, context),
    }
}

/// Reads a file and opens it. What can be refused without the password is refused before a person
/// types one.
fn open(
    file: &Source,
    password: &password::PasswordOptions,
    context: &mut Context,
) -> Result<(Sealed, Contents), CliError> {
    let octets = context.read(file)?;
    let failed = |error: Pkcs12Error| refused(&file.to_string(), &error);
    let sealed = Sealed::from_der(&octets).map_err(failed)?;
    let given = password.read(&file.to_string(), context)?;
    let password = Password::new(given.as_bytes()).map_err(failed)?;
    let contents = sealed.open(password).map_err(failed)?;
    Ok((sealed, contents))
}

fn refused(subject: &str, error: &Pkcs12Error) -> CliError {
    let failure = CliError::of(exit_code::of_pkcs12(error), subject, error);
    match error {
        Pkcs12Error::Password => failure.with_hint("check the password and its keyboard layout"),
        Pkcs12Error::KeyMismatch { .. } => {
            failure.with_hint("give the certificate of the key first, and its chain behind it")
        }
        error if error.is_outdated() => failure.with_hint(
            "make it anew: `openssl pkcs12 -legacy -in old.p12 -out clear.pem -noenc`, then \
             `openssl pkcs12 -export -in clear.pem -out new.p12`, and remove clear.pem",
        ),
        _ => failure,
    }
}
