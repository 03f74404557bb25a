//! `espalier ocsp`: the Online Certificate Status Protocol by files.

mod presign;
mod request;
mod respond;
mod responder;
mod show;

use super::{CliError, Context};
use crate::data_folder::{ledger_failed, wait_for};

/// Make OCSP requests, answer them from the ledger, and show both
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ocsp request --issuer issuing.pem app.pem --out app.req
  espalier ocsp respond --authority issuing --request app.req --out app.resp
  espalier ocsp presign --authority issuing --out-dir ocsp/
  espalier ocsp show app.resp")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Respond(Box<respond::Options>),
    Presign(Box<presign::Options>),
    Request(request::Options),
    Show(show::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let data = match &options.command {
        Command::Respond(options) => &options.data,
        Command::Presign(options) => &options.data,
        Command::Request(options) => return request::run(options, context),
        Command::Show(options) => return show::run(options, context),
    };
    wait_for(async {
        let folder = data.folder()?;
        let ledger = folder.open_ledger().await?;
        let result = match &options.command {
            Command::Respond(options) => respond::run(options, &folder, &ledger, context).await,
            Command::Presign(options) => presign::run(options, &folder, &ledger, context).await,
            // Done above.
            Command::Request(_) | Command::Show(_) => Ok(()),
        };
        let closed = ledger.close().await.map_err(ledger_failed);
        result.and(closed)
    })
}
