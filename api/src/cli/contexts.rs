//! `espalier context`: servers that are asked by name.

pub(super) mod file;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::file::{Contexts, Endpoint, NAMES, is_name, place};
use super::{CliError, Context, Exit};
use crate::table;

/// Save servers by name, and choose the one that commands ask
///
/// They are kept in espalier/contexts.yaml of the user's configuration folder, which names files with
/// tokens and keys and has none itself. A command that can ask a server asks, in this order: --server
/// or --context, the data folder that --data or --ledger names, ESPALIER_SERVER or ESPALIER_CONTEXT,
/// the folder of ESPALIER_DATA or ESPALIER_LEDGER, the context in use, the data folder of the place
/// where it runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier context add prod --server https://ca.example:8440 --server-ca root.pem --token-file token
  espalier context use prod
  espalier cert list
  espalier cert list --data ./espalier-data")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(AddOptions),
    Use(NameOptions),
    List(ListOptions),
    Show(ShowOptions),
    Remove(RemoveOptions),
}

/// Save a server by name, or change one; the first one is in use from then on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier context add prod --server https://ca.example:8440 --server-ca root.pem --token-file token
  espalier context add prod --server https://ca.example:8440 --client-certificate me.pem --client-key me.key")]
struct AddOptions {
    /// What to call it
    #[arg(value_name = "NAME")]
    name: String,

    /// Its URL; https, or http on this machine
    #[arg(long, value_name = "URL")]
    server: String,

    /// The file with the certificates that its own must lead to; those of the system otherwise
    #[arg(long, value_name = "FILE")]
    server_ca: Option<PathBuf>,

    /// The file with the token that is shown; it is read with every command
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// The file with the client certificate that is shown, and those above it
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,

    /// The file with its key, not encrypted
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
}

/// Choose the context that commands use
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  espalier context use prod")]
struct NameOptions {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

/// List contexts; a star marks the one in use
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  espalier context list")]
struct ListOptions {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Show a context, the one in use by default
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  espalier context show\n  espalier context show prod --json")]
struct ShowOptions {
    /// Its name
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Forget a context; the files that it names stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  espalier context remove prod")]
struct RemoveOptions {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

/// A context as JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    current: bool,
    #[serde(flatten)]
    endpoint: &'a Endpoint,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let path = place()?;
    let mut all = Contexts::read(&path)?;
    match &options.command {
        Command::Add(options) => add(options, &mut all)?,
        Command::Use(NameOptions { name }) => {
            all.find(name)?;
            all.current = Some(name.clone());
        }
        Command::Remove(RemoveOptions { name }) => {
            all.find(name)?;
            all.contexts.remove(name);
            all.current = all.current.filter(|current| current != name);
        }
        Command::List(options) => return list(options, &all, context),
        Command::Show(options) => return show(options, &all, context),
    }
    all.write(&path)
}

fn add(options: &AddOptions, all: &mut Contexts) -> Result<(), CliError> {
    let name = &options.name;
    if !is_name(name) {
        return Err(CliError::usage(format!("NAME: found {name:?}, allowed: {NAMES}")));
    }
    let whole = |path: &Option<PathBuf>| path.as_deref().map(absolute).transpose();
    let endpoint = Endpoint {
        server: options.server.clone(),
        ca_file: whole(&options.server_ca)?,
        token_file: whole(&options.token_file)?,
        client_certificate_file: whole(&options.client_certificate)?,
        client_key_file: whole(&options.client_key)?,
    };
    // What can't be used is not saved.
    endpoint.client()?;
    if all.contexts.is_empty() {
        all.current = Some(name.clone());
    }
    all.contexts.insert(name.clone(), endpoint);
    Ok(())
}

/// A context is used from any folder.
fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| CliError::of(Exit::Usage, path.display(), &error))
}

fn list(options: &ListOptions, all: &Contexts, context: &Context) -> Result<(), CliError> {
    let rows = all.contexts.iter().map(|(name, endpoint)| {
        let current = all.current.as_ref() == Some(name);
        Row { name, current, endpoint }
    });
    if options.json {
        return context.print_json(&rows.collect::<Vec<_>>());
    }
    let cells = rows.map(|row| {
        let shown = match (&row.endpoint.token_file, &row.endpoint.client_certificate_file) {
            (Some(_), Some(_)) => "token and certificate",
            (Some(_), None) => "token",
            (None, Some(_)) => "certificate",
            (None, None) => "nothing",
        };
        let star = if row.current { "*" } else { "" };
        [star.to_owned(), row.name.to_owned(), row.endpoint.server.clone(), shown.to_owned()]
    });
    context.print(&table::render(context.terminal(), ["", "name", "server", "shows"], cells, &[]))
}

fn show(options: &ShowOptions, all: &Contexts, context: &Context) -> Result<(), CliError> {
    let name = options.name.as_ref().or(all.current.as_ref()).ok_or_else(|| {
        CliError::usage("context: found none in use, allowed: NAME, or one in use")
            .with_hint("`espalier context use NAME` chooses one")
    })?;
    let endpoint = all.find(name)?;
    let current = all.current.as_ref() == Some(name);
    if options.json {
        return context.print_json(&Row { name, current, endpoint });
    }
    let mut text = format!("name                {name}\nserver              {}\n", endpoint.server);
    for (label, path) in [
        ("CA file             ", &endpoint.ca_file),
        ("token file          ", &endpoint.token_file),
        ("client certificate  ", &endpoint.client_certificate_file),
        ("client key          ", &endpoint.client_key_file),
    ] {
        if let Some(path) = path {
            text += &format!("{label}{}\n", path.display());
        }
    }
    context.print(&text)
}
