//! `espalier token list`.

use jiff::Timestamp;
use ledger::{Ledger, Page, Token};
use serde::Serialize;

use crate::auth::GrantConfig;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed, wait_for};
use crate::table;

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
        let valid = token.is_valid_at(now);
        let Token { content, revocation } = token;
        Self {
            status: match (&revocation, valid) {
                (Some(_), _) => "revoked",
                (None, true) => "valid",
                (None, false) => "expired",
            },
            grant: serde_json::from_str(&content.scope).ok(),
            id: content.id,
            name: content.name,
            created_at: content.created_at,
            created_by: content.created_by,
            expires_at: content.expires_at,
            revoked_at: revocation.as_ref().map(|it| it.revoked_at),
            revoked_by: revocation.map(|it| it.revoked_by),
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
        let ledger = options.data.folder()?.open_ledger().await?;
        let tokens = all(&ledger).await;
        let closed = ledger.close().await.map_err(ledger_failed);
        tokens.and_then(|tokens| closed.map(|()| tokens))
    })?;
    let tokens: Vec<Row> = tokens.into_iter().map(|token| Row::new(token, now)).collect();
    if options.json {
        return context.print_json(&Listed { tokens });
    }
    let header = ["id", "name", "status", "roles", "names", "expires"];
    let rows = tokens.into_iter().map(Row::cells);
    context.print(&table::render(context.terminal(), header, rows, &[]))
}

async fn all(ledger: &Ledger) -> Result<Vec<Token>, CliError> {
    let mut page = Page::first(Page::MAX_LIMIT);
    let mut tokens = Vec::new();
    loop {
        let found = ledger.tokens(page).await.map_err(ledger_failed)?;
        tokens.extend(found.tokens);
        let Some(next) = found.next else { return Ok(tokens) };
        page = page.after(next);
    }
}
