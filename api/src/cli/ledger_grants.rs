//! `espalier ledger grants`: what the database role of a server may do.

use super::{CliError, Context};
use crate::data_folder::ledger_failed;

/// Print the SQL that lets a database role serve, and nothing else
///
/// The role may read and add rows, and change those that say whose turn it is and who has which
/// lease. Run the SQL in the ledger's database as its owner, after each `espalier ledger migrate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger grants --role espalier | psql postgres://owner@db.example.org/ledger")]
pub(super) struct GrantsOptions {
    /// The role that servers connect as; it must exist
    #[arg(long, value_name = "NAME")]
    role: String,
}

pub(super) fn run(options: &GrantsOptions, context: &mut Context) -> Result<(), CliError> {
    let sql = ledger::postgres::grants(&options.role).map_err(ledger_failed)?;
    context.print(&sql)
}
