//! `espalier profiles`: what may be asked for.

use client::v1::Profile;

use super::{CliError, Context};
use crate::data_folder::wait_for;
use crate::server::state::shipped_for_requesters;
use crate::table;
use crate::wire;

/// List the profiles of certificates: those that are shipped, or those that a server offers
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier profiles
  espalier profiles --context prod --json")]
pub(super) struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let profiles = match context.client()? {
        Some(client) => wait_for(async { Ok(client.profiles().await?.profiles) })?,
        None => shipped_for_requesters().map(wire::profile).collect(),
    };
    if options.json {
        return context.print_json(&profiles);
    }
    let days = |seconds: u64| (seconds / 86_400).to_string();
    let rows = profiles.into_iter().map(|profile: Profile| {
        let (usual, most) =
            (days(profile.default_validity_seconds), days(profile.max_validity_seconds));
        [profile.name, profile.name_kinds.join(" "), usual, most, profile.description]
    });
    let header = ["name", "names", "days", "at most", "for"];
    context.print(&table::render(context.terminal(), header, rows, &[2, 3]))
}
