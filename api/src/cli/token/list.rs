//! `espalier token list`.

use client::v1::Token;
use jiff::Timestamp;
use serde::Serialize;

use crate::auth::GrantConfig;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, wait_for};
use crate::registry::Registry;
use crate::table;
use crate::wire;

/// List API tokens: names, roles and ends, never the tokens themselves
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier token list
  espalier token list --json | jq '.tokens[] | select(.status == \"valid\")'")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    tokens: Vec<Row>,
}

/// A token as JSON.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    status: &'static str,
    /// None when it can't be read; the token is refused then.
    grant: Option<GrantConfig>,
    created_at: Timestamp,
    created_by: String,
    expires_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
}

impl Row {
    fn new(token: Token, now: Timestamp) -> Self {
        Self {
            status: match token.revoked_at {
                Some(_) => "revoked",
                None if now < token.expires_at => "valid",
                None => "expired",
            },
            grant: wire::grant(&token.grant).ok().filter(|grant| !grant.roles.is_empty()),
            id: token.id,
            name: token.name,
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            revoked_at: token.revoked_at,
            revoked_by: token.revoked_by,
        }
    }

    fn cells(self) -> [String; 6] {
        let joined = |texts: &[String]| texts.join(", ");
        let roles = self.grant.as_ref().map(|grant| {
            grant.roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        });
        let names = self.grant.as_ref().map(|grant| joined(&grant.names));
        [
            self.id,
            self.name,
            self.status.to_owned(),
            roles.unwrap_or_else(|| "can't be read".into()),
            names.unwrap_or_default(),
            self.expires_at.to_string(),
        ]
    }
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let now = context.now();
    let tokens = wait_for(async {
        let registry = Registry::open(&options.data, context).await?;
        let tokens = registry.tokens().await;
        registry.close(tokens).await
    })?;
    let mut tokens = tokens;
    // A server lists the newest first.
    tokens.sort_by_key(|token| token.created_at);
    let tokens: Vec<Row> = tokens.into_iter().map(|token| Row::new(token, now)).collect();
    if options.json {
        return context.print_json(&Listed { tokens });
    }
    let header = ["id", "name", "status", "roles", "names", "expires"];
    let rows = tokens.into_iter().map(Row::cells);
    context.print(&table::render(context.terminal(), header, rows, &[]))
}
