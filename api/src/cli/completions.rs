//! `espalier completions`: scripts that complete commands and options in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{CliError, Context};

/// Print a script that completes espalier's commands and options in a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  espalier completions bash > ~/.local/share/bash-completion/completions/espalier"
)]
pub(super) struct Options {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let mut script = Vec::new();
    let mut command = super::Options::command();
    clap_complete::generate(options.shell, &mut command, "espalier", &mut script);
    context.print_as_it_is(&String::from_utf8_lossy(&script))
}
