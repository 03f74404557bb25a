//! `espalier inspect`: shows what a file holds.

use ca_core::inspect;

use super::{CliError, Context, exit_code};
use crate::input::Source;

/// Show what a file holds: certificates, requests, revocation lists, OCSP messages, keys, PKCS#12
/// files and PKCS#7 bags, in PEM or DER
///
/// Nothing is verified, and nothing of a private key is shown but its public key. A PKCS#12 file
/// stays closed; `espalier pkcs12 show` opens it. Exit code 1 says that an object breaks a rule, 2
/// that it can't be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier inspect cert.pem
  openssl s_client -connect example.com:443 -showcerts </dev/null | espalier inspect -
  espalier inspect chain.pem --json | jq '.[].subject'")]
pub(super) struct Options {
    /// The file; `-` is standard input
    file: Source,

    /// Print JSON: a list with one element for each object of the file
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let octets = context.read_large(&options.file)?;
    let objects = inspect::inspect(&octets)
        .map_err(|error| CliError::of(exit_code::of_inspect(&error), &options.file, &error))?;
    if options.json {
        return context.print_json(&objects);
    }
    let texts: Vec<String> = objects.iter().map(|it| it.to_string().trim_end().into()).collect();
    context.print(&(texts.join("\n\n") + "\n"))
}
