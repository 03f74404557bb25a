//! Diagnostics on standard error, as text or as JSON.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::cli::Terminal;

/// How much is logged, and in which form.
#[derive(Clone, Debug, clap::Args)]
pub struct LoggingOptions {
    /// What to log on standard error: error, warn, info, debug or trace, also by part of the
    /// program, such as `warn,ca_core=debug`
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        help_heading = "Logging",
        value_name = "LEVEL",
        env = "ESPALIER_LOG",
        hide_env_values = true,
        default_value = "warn",
        value_parser = checked_filter
    )]
    log_level: String,

    /// How to log
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        help_heading = "Logging",
        value_name = "FORMAT",
        value_enum,
        default_value = "text"
    )]
    log_format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

fn checked_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Sends events to standard error from here on. A subscriber that is there already stays.
pub fn start(options: &LoggingOptions, terminal: Terminal) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&options.log_level))
        .with_ansi(terminal.colour())
        .with_writer(io::stderr);
    // It fails only when a test or an embedding program has set its own subscriber.
    let _ = match options.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
