//! `espalier ocsp show`.

use ca_core::inspect::{Report, inspect};

use crate::cli::{CliError, Context, exit_code};
use crate::input::Source;

/// Show an OCSP request or response
///
/// Nothing is verified: `espalier verify --ocsp` does that.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ocsp show app.req
  espalier ocsp show app.resp --json | jq '.certificates[].status'")]
pub(super) struct Options {
    /// The request or response, in DER or PEM; `-` is standard input
    file: Source,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let octets = context.read(&options.file)?;
    let mut objects = inspect(&octets)
        .map_err(|error| CliError::of(exit_code::of_inspect(&error), &options.file, &error))?;
    let shown = objects.pop().filter(|one| {
        objects.is_empty() && matches!(one.report, Report::OcspRequest(_) | Report::OcspResponse(_))
    });
    let Some(shown) = shown else {
        let message = format!("{}: allowed is an OCSP request or response", options.file);
        return Err(CliError::usage(message).with_hint("`espalier inspect` shows other files"));
    };
    if options.json { context.print_json(&shown) } else { context.print(&shown.to_string()) }
}
