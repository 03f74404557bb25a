//! Whether a command asks a server or this machine's data folder, and which.

use std::io::ErrorKind;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::CliError;
use super::contexts::file::{Contexts, Endpoint, place};

/// Which server is asked.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ServerOptions {
    /// Ask this server, not a data folder: https, or http on this machine
    #[arg(long, global = true, hide_short_help = true, help_heading = "Server")]
    #[arg(value_name = "URL", env = "ESPALIER_SERVER")]
    server: Option<String>,

    /// Ask the server of this saved context (`espalier context`)
    #[arg(long, global = true, hide_short_help = true, help_heading = "Server")]
    #[arg(value_name = "NAME", env = "ESPALIER_CONTEXT")]
    context: Option<String>,

    /// Show the server the token in this file
    #[arg(long, global = true, hide_short_help = true, help_heading = "Server")]
    #[arg(value_name = "FILE", env = "ESPALIER_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// Trust the certificates in this file to vouch for the server, and no others
    #[arg(long, global = true, hide_short_help = true, help_heading = "Server")]
    #[arg(value_name = "FILE", env = "ESPALIER_SERVER_CA")]
    server_ca: Option<PathBuf>,
}

/// The commands that can ask a server.
const CAN_ASK: [&str; 13] = [
    "issue",
    "cert list",
    "cert show",
    "cert renew",
    "cert revoke",
    "ca list",
    "ca show",
    "token create",
    "token list",
    "token revoke",
    "ledger export",
    "audit",
    "ready",
];
/// Those that ask one only where that is said: they need no data folder either.
const CAN_ASK_WHEN_TOLD: [&str; 2] = ["algorithms", "profiles"];

/// What stood on the command line and in the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    /// The command's words, such as `cert list`.
    command: String,
    server: Option<ValueSource>,
    context: Option<ValueSource>,
    /// `--data` or `--ledger`, where it is no default.
    folder: Option<ValueSource>,
}

impl Given {
    /// Looks at the arguments of the command itself.
    pub(super) fn of(matches: &ArgMatches) -> Self {
        let (mut words, mut leaf) = (Vec::new(), matches);
        while let Some((word, below)) = leaf.subcommand() {
            words.push(word);
            leaf = below;
        }
        let source = |id: &str| {
            let known = leaf.ids().any(|known| known == id);
            let source = known.then(|| leaf.value_source(id)).flatten();
            source.filter(|source| *source != ValueSource::DefaultValue)
        };
        Self {
            command: words.join(" "),
            server: source("server"),
            context: source("context"),
            folder: source("data").max(source("ledger")),
        }
    }
}

impl ServerOptions {
    /// The server that the command asks; none where it is for a data folder.
    ///
    /// # Errors
    /// `CliError` with exit code 2 where two places are named, or a server for a command that works
    /// on this machine alone.
    pub(super) fn choose(&self, given: &Given) -> Result<Option<Endpoint>, CliError> {
        const LINE: Option<ValueSource> = Some(ValueSource::CommandLine);
        let told = given.server == LINE || given.context == LINE;
        let command = given.command.as_str();
        // `context add` has options of these names of its own.
        if command.starts_with("context ") {
            return Ok(None);
        }
        let when_told = CAN_ASK_WHEN_TOLD.contains(&command);
        if !CAN_ASK.contains(&command) && !when_told {
            let named = if given.server == LINE { "--server" } else { "--context" };
            return match told {
                false => Ok(None),
                true => Err(CliError::usage(format!(
                    "{named}: found beside `espalier {command}`, which works on this machine alone; allowed beside {}",
                    [&CAN_ASK[..], &CAN_ASK_WHEN_TOLD[..]].concat().join(", ")
                ))),
            };
        }
        if told && given.folder == LINE {
            return Err(CliError::usage(
                "--data: found beside a server, allowed is one of the two",
            ));
        }
        // The command line counts before the environment, that before the context in use.
        if given.folder == LINE || (when_told && !told) {
            return Ok(None);
        }
        let named = |source| (given.server == source, given.context == source);
        let here = if told { LINE } else { Some(ValueSource::EnvVariable) };
        let chosen = match named(here) {
            (true, true) => {
                let message = "--context: found beside --server, allowed is one of the two";
                return Err(CliError::usage(message));
            }
            (true, false) => {
                let server = self.server.clone().unwrap_or_default();
                Some(Endpoint { server, ..Endpoint::default() })
            }
            (false, true) => {
                let name = self.context.as_deref().unwrap_or_default();
                Some(Contexts::read(&place()?)?.find(name)?.clone())
            }
            (false, false) if given.folder.is_some() => None,
            (false, false) => in_use()?,
        };
        Ok(chosen.map(|endpoint| Endpoint {
            ca_file: self.server_ca.clone().or(endpoint.ca_file),
            token_file: self.token_file.clone().or(endpoint.token_file),
            ..endpoint
        }))
    }
}

/// The context in use. A user without a home, and one who may not look into it, has none.
fn in_use() -> Result<Option<Endpoint>, CliError> {
    let Ok(path) = place() else { return Ok(None) };
    if std::fs::metadata(&path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) {
        return Ok(None);
    }
    let all = Contexts::read(&path)?;
    all.current.as_deref().map(|name| all.find(name).cloned()).transpose()
}
