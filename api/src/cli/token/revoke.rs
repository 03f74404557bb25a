//! `espalier token revoke`.

use client::v1::Token;
use jiff::Timestamp;
use serde::Serialize;

use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, wait_for};
use crate::registry::Registry;

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
    let token = wait_for(async {
        let registry = Registry::open(&options.data, context).await?;
        let revoked = registry.revoke_token(&options.id, now).await;
        registry.close(revoked).await
    })?;
    let Token { id, name, revoked_at, .. } = token;
    let revoked_at = revoked_at.unwrap_or(now);
    if options.json {
        return context.print_json(&Revoked { id, name, revoked_at });
    }
    context.print(&format!("revoked {id} ({name}) at {revoked_at}\n"))
}
