//! The command line. Every command is a file below, with its `Options` and its `run`.

mod algorithms;
mod api;
mod audit;
mod bootstrap;
mod ca;
mod cert;
mod completions;
mod config;
mod context;
mod contexts;
mod crl;
mod csr;
mod csr_create;
mod csr_stated;
mod error;
mod exit_code;
mod init;
mod inspect;
mod issue;
mod issue_failed;
mod issued;
mod key;
mod ledger;
mod ledger_grants;
mod ledger_migrate;
mod ledger_transfer;
mod lint;
mod name_options;
mod ocsp;
mod ordering;
mod page_options;
mod pkcs12;
mod pkcs7;
mod profiles;
mod quickstart;
mod ready;
mod related;
mod requested;
mod revoking;
mod serve;
mod server_choice;
mod server_failed;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

pub use context::{Context, Rng, Terminal};
pub use error::{CliError, Exit};
use server_choice::{Given, ServerOptions};

use crate::logging::{self, LoggingOptions};
use crate::process::{self, Hardened};
use crate::server::telemetry::Traces;

const EXAMPLES: &str = "Examples:
  espalier quickstart
  espalier algorithms
  espalier key generate --algorithm hybrid --out key.pem
  espalier inspect cert.pem";

/// Espalier: a certificate authority for classical, post-quantum and hybrid certificates.
#[derive(Debug, Parser)]
#[command(
    name = "espalier",
    version,
    disable_help_subcommand = true,
    after_help = format!("{EXAMPLES}\n\n{}", Exit::HELP)
)]
pub struct Options {
    #[command(flatten)]
    logging: LoggingOptions,

    #[command(flatten)]
    server: ServerOptions,

    #[arg(skip)]
    given: Given,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Quickstart(quickstart::Options),
    Init(init::Options),
    Bootstrap(Box<bootstrap::Options>),
    Issue(Box<issue::Options>),
    Cert(cert::Options),
    Ca(ca::Options),
    Ledger(ledger::Options),
    Key(key::Options),
    Token(token::Options),
    Csr(csr::Options),
    Pkcs12(pkcs12::Options),
    Pkcs7(pkcs7::Options),
    Crl(crl::Options),
    Ocsp(ocsp::Options),
    Verify(verify::Options),
    Lint(lint::Options),
    Inspect(inspect::Options),
    Algorithms(algorithms::Options),
    Profiles(profiles::Options),
    Audit(audit::Options),
    Context(contexts::Options),
    Serve(serve::Options),
    Ready(ready::Options),
    Config(config::Options),
    Api(api::Options),
    Completions(completions::Options),
}

impl Options {
    /// Reads the process's arguments.
    ///
    /// # Errors
    /// The exit code, after the help, the version or what is wrong was printed.
    pub fn read() -> Result<Self, ExitCode> {
        let parsed = Self::command().try_get_matches().and_then(|matches| {
            let options = Self::from_arg_matches(&matches)?;
            Ok(Self { given: Given::of(&matches), ..options })
        });
        parsed.map_err(|error| {
            // Help that can't be printed has no other place to go.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS }
        })
    }

    /// How to log: a server tells what it does, a command only what goes wrong.
    pub fn logging(&self) -> LoggingOptions {
        match self.command {
            Command::Serve(_) => self.logging.clone().for_a_server(),
            _ => self.logging.clone(),
        }
    }
}

/// How a command begins once the process is hardened: lines of the log go somewhere.
struct Beginning {
    logging: LoggingOptions,
    hardened: Hardened,
}

impl Beginning {
    /// From here on there is a log; its first line is what the system refused before.
    fn log(&self, traces: Option<&Traces>, context: &Context) {
        logging::start(&self.logging, context.terminal(), traces);
        self.hardened.log();
    }
}

/// Runs the command, and shows on standard error why it failed.
pub fn run(options: Options, context: &mut Context) -> ExitCode {
    // Before anything is read that may be a secret, and before there are threads.
    let beginning = Beginning { hardened: process::harden(), logging: options.logging() };
    // A server's configuration says where its traces go: its log begins when it has read it.
    if !matches!(options.command, Command::Serve(_)) {
        beginning.log(None, context);
    }
    let chosen = options.server.choose(&options.given);
    let result = chosen.and_then(|endpoint| {
        context.ask(endpoint);
        carry_out(options.command, &beginning, context)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            context.report(&error);
            error.exit().into()
        }
    }
}

fn carry_out(
    command: Command,
    beginning: &Beginning,
    context: &mut Context,
) -> Result<(), CliError> {
    match command {
        Command::Quickstart(options) => quickstart::run(&options, context),
        Command::Init(options) => init::run(&options, context),
        Command::Bootstrap(options) => bootstrap::run(&options, context),
        Command::Issue(options) => issue::run(&options, context),
        Command::Cert(options) => cert::run(&options, context),
        Command::Ca(options) => ca::run(&options, context),
        Command::Ledger(options) => ledger::run(&options, context),
        Command::Key(options) => key::run(&options, context),
        Command::Token(options) => token::run(&options, context),
        Command::Csr(options) => csr::run(&options, context),
        Command::Pkcs12(options) => pkcs12::run(&options, context),
        Command::Pkcs7(options) => pkcs7::run(&options, context),
        Command::Crl(options) => crl::run(&options, context),
        Command::Ocsp(options) => ocsp::run(&options, context),
        Command::Verify(options) => verify::run(&options, context),
        Command::Lint(options) => lint::run(&options, context),
        Command::Inspect(options) => inspect::run(&options, context),
        Command::Algorithms(options) => algorithms::run(&options, context),
        Command::Profiles(options) => profiles::run(&options, context),
        Command::Audit(options) => audit::run(&options, context),
        Command::Context(options) => contexts::run(&options, context),
        Command::Serve(options) => serve::run(&options, beginning, context),
        Command::Ready(options) => ready::run(&options, context),
        Command::Config(options) => config::run(&options, context),
        Command::Api(options) => api::run(&options, context),
        Command::Completions(options) => completions::run(&options, context),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_fit_together() {
        Options::command().debug_assert();
    }
}
