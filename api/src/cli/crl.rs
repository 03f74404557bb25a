//! `espalier crl`: certificate revocation lists.

mod show;

use super::{CliError, Context};

/// Show certificate revocation lists
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier crl show issuing.crl
  espalier crl show issuing.crl --serial 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Show(show::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Show(options) => show::run(options, context),
    }
}
