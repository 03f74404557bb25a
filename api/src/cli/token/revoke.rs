//! `espalier token revoke`.

use jiff::Timestamp;
use ledger::NewTokenRevocation;
use serde::Serialize;

use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed, wait_for};
use crate::issuance::Asker;

/// Take an API token back: from now on, and for ever, it is refused
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier token revoke t-0123456789abcdef
  espalier token revoke t-0123456789abcdef --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Its id, as `espalier token list` shows it
    #[arg(value_name = "ID")]
    id: String,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Revoked {
    id: String,
    name: String,
    revoked_at: Timestamp,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let now = context.now();
    // The ledger keeps microseconds.
    let revoked_at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    let revoked_by = Asker::local(None).requester;
    let new = NewTokenRevocation { id: options.id.clone(), revoked_at, revoked_by };
    let token = wait_for(async {
        let ledger = options.data.folder()?.open_ledger().await?;
        let revoked = ledger.revoke_token(new).await.map_err(ledger_failed);
        let closed = ledger.close().await.map_err(ledger_failed);
        revoked.and_then(|token| closed.map(|()| token))
    })?;
    let (id, name) = (token.content.id, token.content.name);
    if options.json {
        return context.print_json(&Revoked { id, name, revoked_at });
    }
    context.print(&format!("revoked {id} ({name}) at {revoked_at}\n"))
}
