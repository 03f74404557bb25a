//! Diagnostics on standard error, as text or as JSON.

use std::io;

use clap::ValueEnum;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::cli::Terminal;
use crate::server::telemetry::Traces;

/// How much is logged, and in which form.
#[derive(Clone, Debug, clap::Args)]
pub struct LoggingOptions {
    /// What to log on standard error: error, warn, info, debug or trace, also by part of the
    /// program, such as `warn,ca_core=debug`; warn by default, info for `serve`
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        help_heading = "Logging",
        value_name = "LEVEL",
        env = "ESPALIER_LOG",
        hide_env_values = true,
        value_parser = checked_filter
    )]
    log_level: Option<String>,

    /// How to log; text by default, JSON for `serve` unless standard error is a terminal
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        help_heading = "Logging",
        value_name = "FORMAT",
        value_enum
    )]
    log_format: Option<LogFormat>,

    #[arg(skip)]
    server: bool,
}

/// What a command logs; the level of the ledger's own retries is theirs to tell.
const QUIET: &str = "warn,ledger::sqlite::transaction=error";
/// What a server logs. What becomes of a message to a collector is told where it is sent, once; the
/// exporter would say with each that it failed, and its queue says the same again.
const SERVER: &str = "info,ledger::sqlite::transaction=error,opentelemetry-otlp=off";
/// What the queue of spans says of a message that was not taken.
const TOLD_ELSEWHERE: &str = "BatchSpanProcessor.ExportError";

impl LoggingOptions {
    /// The same, where nothing else was asked for as a server logs: more, and JSON unless a person
    /// looks on.
    #[must_use]
    pub fn for_a_server(self) -> Self {
        Self { server: true, ..self }
    }
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

/// Sends events to standard error, and spans to where traces go, from here on. A subscriber that is there already stays.
pub fn start(options: &LoggingOptions, terminal: Terminal, traces: Option<&Traces>) {
    let level = options.log_level.as_deref();
    let level = level.unwrap_or(if options.server { SERVER } else { QUIET });
    let as_json = options.server && !terminal.stderr();
    let format = options.log_format;
    let format = format.unwrap_or(if as_json { LogFormat::Json } else { LogFormat::Text });
    let lines =
        tracing_subscriber::fmt::layer().with_ansi(terminal.colour()).with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let told = filter_fn(|metadata| metadata.name() != TOLD_ELSEWHERE);
    let lines = lines.with_filter(EnvFilter::new(level).and(told));
    let subscriber = tracing_subscriber::registry().with(lines);
    // It fails only when a test or an embedding program has set its own subscriber.
    let _ = match traces {
        Some(traces) => subscriber.with(traces.layer()).try_init(),
        None => subscriber.try_init(),
    };
}
