//! `espalier ca`: the authorities of a data folder.

mod create;
mod cross_sign;
mod import;
mod list;
mod rekey;
mod revoke;
mod show;

use ledger::{Authority as Recorded, Ledger};

use super::{CliError, Context};
use crate::authority::unknown;
use crate::data_folder::{DataOptions, ledger_failed, wait_for};
use crate::registry::Registry;

/// List, show, create, import, rekey, cross-sign and revoke authorities
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca list
  espalier ca create --name west --parent root --subject 'CN=West CA,O=Example'
  espalier ca cross-sign --authority root --certificate other-root.pem --out cross.pem")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(list::Options),
    Show(show::Options),
    Create(Box<create::Options>),
    Import(Box<import::Options>),
    Rekey(Box<rekey::Options>),
    CrossSign(cross_sign::Options),
    Revoke(revoke::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let data = match &options.command {
        Command::List(options) => &options.data,
        Command::Show(options) => &options.data,
        Command::Create(options) => &options.data,
        Command::Import(options) => &options.data,
        Command::Rekey(options) => &options.data,
        Command::CrossSign(options) => &options.data,
        Command::Revoke(options) => &options.data,
    };
    if matches!(options.command, Command::List(_) | Command::Show(_)) {
        return look(options, data, context);
    }
    wait_for(async {
        let folder = data.folder()?;
        let ledger = match &options.command {
            Command::Import(options) => options.ledger(&folder).await?,
            _ => folder.open_ledger().await?,
        };
        let result = match &options.command {
            Command::List(_) | Command::Show(_) => Ok(()),
            Command::Create(options) => create::run(options, &folder, &ledger, context).await,
            Command::Import(options) => import::run(options, &folder, &ledger, context).await,
            Command::Rekey(options) => rekey::run(options, &folder, &ledger, context).await,
            Command::CrossSign(options) => {
                cross_sign::run(options, &folder, &ledger, context).await
            }
            Command::Revoke(options) => revoke::run(options, &ledger, context).await,
        };
        let closed = ledger.close().await.map_err(ledger_failed);
        result.and(closed)
    })
}

/// What only looks can ask a server as well.
fn look(options: &Options, data: &DataOptions, context: &mut Context) -> Result<(), CliError> {
    wait_for(async {
        let registry = Registry::open(data, context).await?;
        let result = match &options.command {
            Command::List(options) => list::run(options, &registry, context).await,
            Command::Show(options) => show::run(options, &registry, context).await,
            _ => Ok(()),
        };
        registry.close(result).await
    })
}

/// The authority of this name, as the ledger has it.
pub(super) async fn find(ledger: &Ledger, name: &str) -> Result<Recorded, CliError> {
    let found = ledger.authority(name).await.map_err(ledger_failed)?;
    found.ok_or_else(|| unknown(name))
}
