//! `espalier api`: what the REST API is, as documents.

use serde::Serialize;

use super::{CliError, Context};
use crate::server::{openapi, problem};
use crate::table;

/// Describe the REST API: its OpenAPI document and its kinds of problems
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier api openapi > openapi.json
  espalier api problems")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Openapi(OpenapiOptions),
    Problems(ProblemsOptions),
}

/// Print the OpenAPI 3.1 document that `espalier serve` has at /openapi.json
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier api openapi > openapi.json")]
struct OpenapiOptions {}

/// List every kind of problem that the API answers with (RFC 9457)
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier api problems
  espalier api problems --json")]
struct ProblemsOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A kind of problem as JSON.
#[derive(Serialize)]
struct Row {
    slug: &'static str,
    r#type: String,
    status: u16,
    title: &'static str,
    about: &'static str,
    action: &'static str,
    retry_after_seconds: Option<u64>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Openapi(OpenapiOptions {}) => context.print(openapi::text()),
        Command::Problems(options) => problems(options.json, context),
    }
}

fn problems(json: bool, context: &Context) -> Result<(), CliError> {
    let rows = problem::KINDS.iter().map(|kind| Row {
        slug: kind.slug,
        r#type: kind.reference(),
        status: kind.status,
        title: kind.title,
        about: kind.about,
        action: kind.action,
        retry_after_seconds: kind.retry_after_seconds,
    });
    if json {
        return context.print_json(&rows.collect::<Vec<_>>());
    }
    let cells = rows.map(|row| {
        [row.status.to_string(), row.slug.to_owned(), row.title.to_owned(), row.action.to_owned()]
    });
    let header = ["Status", "Problem", "What", "What to do"];
    context.print(&table::render(context.terminal(), header, cells, &[0]))
}
