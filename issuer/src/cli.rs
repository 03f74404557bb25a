//! The command line of `espalier-issuer`.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use clap_complete::Shell;
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};
use crate::context::Clock;
use crate::{kinds, run};
use client::with_causes;

/// The exit code for a wrong command line or configuration.
const USAGE: u8 = 2;
/// The exit code when the cluster, the socket or the output can't be had.
const ENVIRONMENT: u8 = 3;

/// Espalier's issuer for cert-manager: has certificates issued by an Espalier server.
#[derive(Debug, Parser)]
#[command(
    name = "espalier-issuer",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done; 2 the command line or the configuration is wrong; 3 the cluster, the\n\
                  socket or the output can't be had, or another replica took over"
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(RunOptions),
    /// Print the definitions of PQIssuer and PQClusterIssuer as YAML, for `kubectl apply -f -`
    Crds,
    Config(ConfigOptions),
    Completions(CompletionsOptions),
}

/// Run the controllers until SIGTERM
///
/// In a pod they use its service account; elsewhere the cluster of KUBECONFIG. They tell what they
/// do on standard error.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  espalier-issuer run --config /etc/espalier/issuer.yaml")]
struct RunOptions {
    /// The configuration; without it every key has its default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Check a configuration
#[derive(Debug, clap::Args)]
struct ConfigOptions {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, clap::Subcommand)]
enum ConfigCommand {
    /// Read a configuration as `run` would; exit code 2 says what is wrong
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Print a script that completes commands and options in a shell
#[derive(Debug, clap::Args)]
struct CompletionsOptions {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Options {
    /// Reads the process's arguments.
    ///
    /// # Errors
    /// The exit code, after the help, the version or what is wrong was printed.
    pub fn read() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| {
            // Help that can't be printed has no other place to go.
            let _ = error.print();
            if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
        })
    }
}

/// Why a command failed: its exit code, and what is said of it.
#[derive(Debug)]
struct Failed(u8, String);

impl Failed {
    fn usage(words: impl fmt::Display) -> Self {
        Self(USAGE, words.to_string())
    }

    fn environment(words: impl fmt::Display) -> Self {
        Self(ENVIRONMENT, words.to_string())
    }
}

/// Runs the command, and says on standard error why it failed.
#[must_use]
pub fn run(options: Options, clock: Clock) -> ExitCode {
    let done = match options.command {
        Command::Run(options) => controllers(options.config.as_deref(), clock),
        Command::Crds => definitions(),
        Command::Config(ConfigOptions { command: ConfigCommand::Check { file } }) => check(&file),
        Command::Completions(options) => completions(options.shell),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(code, words)) => {
            // Where even that can't be written, the exit code is all that is left.
            let _ = writeln!(io::stderr(), "espalier-issuer: {words}");
            ExitCode::from(code)
        }
    }
}

fn controllers(file: Option<&Path>, clock: Clock) -> Result<(), Failed> {
    let config = file.map_or_else(|| Ok(Config::default()), read)?;
    log(&config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed::environment(format!("threads: {error}")))?;
    let done = runtime.block_on(run::run(&config, clock));
    // What was told to end and did not is not waited for.
    runtime.shutdown_background();
    done.map_err(|error| {
        tracing::error!(error = with_causes(&error), "ended");
        Failed::environment(with_causes(&error))
    })
}

fn definitions() -> Result<(), Failed> {
    let made = kinds::definitions().map_err(Failed::environment)?;
    let texts: Vec<String> = made.into_iter().map(|(_, text)| format!("---\n{text}")).collect();
    print(&texts.concat())
}

fn check(file: &Path) -> Result<(), Failed> {
    let config = read(file)?;
    print(&format!("{}: right. It serves its health at {}\n", file.display(), config.listen))
}

fn completions(shell: Shell) -> Result<(), Failed> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "espalier-issuer", &mut script);
    print(&String::from_utf8_lossy(&script))
}

fn read(file: &Path) -> Result<Config, Failed> {
    let named = |error: &dyn fmt::Display| Failed::usage(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    Config::from_yaml(&text).map_err(|error| named(&error))
}

fn print(text: &str) -> Result<(), Failed> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failed::environment(format!("standard output: {error}")))
}

/// Lines of the log go to standard error from here on.
fn log(config: &Config) {
    // The level was parsed when the configuration was checked.
    let filter = EnvFilter::new(&config.log.level);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // It fails only where a test has set a subscriber of its own.
    let _ = match config.log.format {
        LogFormat::Json => lines.json().try_init(),
        LogFormat::Text => lines.with_ansi(false).try_init(),
    };
}
