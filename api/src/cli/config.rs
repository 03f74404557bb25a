//! `espalier config`.

use super::{CliError, Context, Exit};
use crate::input::Source;
use crate::server::config::ServerConfig;
use crate::server::run;

/// Check the configuration of the server
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier config check /etc/espalier/espalier.yaml")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(CheckOptions),
}

/// Read a configuration and the profiles that it names, as `espalier serve` would
///
/// Nothing is opened or started. Exit code 2 says what is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier config check docs/reference/espalier.yaml")]
struct CheckOptions {
    /// The file
    #[arg(value_name = "FILE")]
    file: Source,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let Command::Check(options) = &options.command;
    let config = read(&options.file, context)?;
    let profiles = run::profiles(&config.profiles, context)?;
    let names: Vec<&str> = profiles.keys().map(String::as_str).collect();
    context.print(&format!(
        "{}: right. It serves {} at {}, with the profiles {}\n",
        options.file,
        config.data.display(),
        config.listen,
        names.join(", ")
    ))
}

/// Reads a configuration.
///
/// # Errors
/// `CliError` with exit code 2 that names the file and what is wrong in it.
pub(super) fn read(source: &Source, context: &mut Context) -> Result<ServerConfig, CliError> {
    let octets = context.read(source)?;
    let text =
        std::str::from_utf8(&octets).map_err(|error| CliError::of(Exit::Usage, source, &error))?;
    ServerConfig::from_yaml(text).map_err(|error| {
        CliError::of(Exit::Usage, source, &error)
            .with_hint("docs/reference/espalier.yaml is a sample with every key")
    })
}
