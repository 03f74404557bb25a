//! `espalier token`: API tokens of a server.

mod create;
mod list;
mod revoke;

use clap::Subcommand;

use super::{CliError, Context};

/// Make API tokens for the server on this data folder, list them, and take them back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:
  espalier token create --name ci --role requester --authority issuing \\
      --profile tls-server --allow 'DNS:*.example.com'
  espalier token list
  espalier token revoke t-0123456789abcdef",
    disable_help_subcommand = true
)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(create::Options),
    List(list::Options),
    Revoke(revoke::Options),
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Create(options) => create::run(options, context),
        Command::List(options) => list::run(options, context),
        Command::Revoke(options) => revoke::run(options, context),
    }
}
