//! `espalier ready`: whether a server can do its work.

use std::time::Duration;

use client::Client;
use client::v1::Readiness;

use super::{CliError, Context};
use crate::data_folder::wait_for;
use crate::table;

/// How long to wait between two questions.
const PAUSE: Duration = Duration::from_secs(1);

/// Ask a server whether it can do its work
///
/// It needs no token. Exit code 0 when every check passes, and 3 when one does not or the server
/// can't be reached.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ready --server https://ca.example:8440 --server-ca ca.crt
  espalier ready --context prod --wait-seconds 60 --json")]
pub(super) struct Options {
    /// Ask again for so long while it is not
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=3600))]
    wait_seconds: u32,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let client = context.client()?.ok_or_else(|| {
        CliError::usage("ready: found no server, allowed is one by --server or --context")
    })?;
    let found = wait_for(ask(&client, options.wait_seconds))?;
    if options.json {
        context.print_json(&found)?;
    } else {
        let rows = found.checks.iter().map(|check| {
            let word = if check.passes { "passes" } else { "fails" };
            [check.name.clone(), word.to_owned(), check.found.clone(), check.allowed.clone()]
        });
        let header = ["check", "", "found", "allowed"];
        context.print(&table::render(context.terminal(), header, rows, &[]))?;
    }
    if found.ready {
        return Ok(());
    }
    let failing = found.checks.iter().filter(|check| !check.passes);
    let failing: Vec<&str> = failing.map(|check| check.name.as_str()).collect();
    Err(CliError::environment(format!("{}: not ready: {}", client.server(), failing.join(", "))))
}

/// The last answer when it is time.
async fn ask(client: &Client, wait_seconds: u32) -> Result<Readiness, CliError> {
    let end = tokio::time::Instant::now() + Duration::from_secs(wait_seconds.into());
    loop {
        let answer = client.readiness().await;
        let done = answer.as_ref().is_ok_and(|found| found.ready);
        if done || tokio::time::Instant::now() + PAUSE > end {
            return Ok(answer?);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
