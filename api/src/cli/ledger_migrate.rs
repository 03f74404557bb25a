//! `espalier ledger migrate`: a ledger of an older release.

use ledger::Location;
use serde::Serialize;

use super::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed, wait_for};

/// Bring the ledger of an older release up to date
///
/// In one transaction: afterwards it is up to date, or as it was. Nothing that is in it is lost.
/// Make a backup first: older releases can't read it any more. In an empty PostgreSQL database it
/// makes the ledger; connect as the role that is going to own it, and name the servers' role by
/// --grant-to, or run what `espalier ledger grants` prints.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger migrate
  espalier ledger migrate --data /srv/ca --json
  espalier ledger migrate --ledger postgres://owner@db.example.org/ledger --ledger-password-file owner.password --grant-to espalier")]
pub(super) struct MigrateOptions {
    #[command(flatten)]
    data: DataOptions,

    /// Let this role serve, and nothing else, as `espalier ledger grants` does; only in PostgreSQL
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints: the version of the schema.
#[derive(Serialize)]
struct Migrated {
    before: i64,
    after: i64,
}

pub(super) fn run(options: &MigrateOptions, context: &mut Context) -> Result<(), CliError> {
    let location = options.data.folder()?.ledger();
    let migrated = wait_for(async {
        let Some(role) = &options.grant_to else {
            return ledger::migrate(&location).await.map_err(ledger_failed);
        };
        let Location::Postgres(database) = &location else {
            let message = format!(
                "--grant-to: found beside {location}, allowed is it only with a postgres:// URL"
            );
            return Err(CliError::usage(message));
        };
        // A name that no role has is refused before anything is changed.
        ledger::postgres::grants(role).map_err(ledger_failed)?;
        let migrated = ledger::migrate(&location).await.map_err(ledger_failed)?;
        ledger::postgres::PostgresStore::grant(database, role).await.map_err(ledger_failed)?;
        Ok(migrated)
    });
    let (before, after) = migrated?;
    if options.json {
        return context.print_json(&Migrated { before, after });
    }
    let schema = match before == after {
        true => format!("{after}, which is up to date"),
        false => format!("{before} -> {after}"),
    };
    context.print(&format!("ledger  {}\nschema  {schema}\n", location))
}
