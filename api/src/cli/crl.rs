//! `espalier crl`: certificate revocation lists.

mod list;
mod make;
mod show;

use super::{CliError, Context};
use crate::data_folder::{ledger_failed, wait_for};

/// Make, list and show certificate revocation lists
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier crl make issuing --der --out issuing.crl
  espalier crl list issuing
  espalier crl show issuing.crl --serial 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Make(Box<make::Options>),
    List(list::Options),
    Show(show::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let data = match &options.command {
        Command::Make(options) => &options.data,
        Command::List(options) => &options.data,
        Command::Show(options) => return show::run(options, context),
    };
    wait_for(async {
        let folder = data.folder()?;
        let ledger = folder.open_ledger().await?;
        let result = match &options.command {
            Command::Make(options) => make::run(options, &folder, &ledger, context).await,
            Command::List(options) => list::run(options, &ledger, context).await,
            // Done above.
            Command::Show(_) => Ok(()),
        };
        let closed = ledger.close().await.map_err(ledger_failed);
        result.and(closed)
    })
}
