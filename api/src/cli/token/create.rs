//! `espalier token create`.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::auth::{ApiToken, GrantConfig, Role, SubjectRule, TokenOrder};
use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed, wait_for};
use crate::issuance::Asker;

/// Make an API token, and show it once
///
/// The ledger keeps its SHA-256, never the token itself. What it may is said here and never
/// changes; see docs/access.md for roles and patterns of names.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier token create --name ci --role requester --authority issuing \\
      --profile tls-server --allow 'DNS:*.example.com' --days 30
  espalier token create --name ops --role revoker --role auditor --authority '*' --profile '*'
  espalier token create --name root --role admin --authority '*' --profile '*' --allow '*' --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// Whom it is for; tokens of one name are one requester
    #[arg(long)]
    name: String,

    /// What it may do: requester, revoker, auditor or admin; may be given more than once
    #[arg(long, value_enum, required = true)]
    role: Vec<Role>,

    /// An authority that it reaches, or `*`; may be given more than once
    #[arg(long, value_name = "NAME")]
    authority: Vec<String>,

    /// A profile that it reaches, or `*`; may be given more than once
    #[arg(long, value_name = "NAME")]
    profile: Vec<String>,

    /// Names that it may ask for, such as `DNS:*.example.com`; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    allow: Vec<String>,

    /// It may ask for wildcard names too
    #[arg(long)]
    wildcards: bool,

    /// It may ask for any subject that the profile allows, not only for one of the names
    #[arg(long)]
    any_subject: bool,

    /// It takes over from the tokens that have this name, and from what they asked for
    #[arg(long)]
    take_over: bool,

    /// How many days it is good, at most 366
    #[arg(long, default_value_t = 90)]
    days: u16,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Made<'a> {
    token: &'a str,
    id: &'a str,
    name: &'a str,
    expires_at: Timestamp,
    grant: &'a GrantConfig,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let grant = GrantConfig {
        roles: options.role.clone(),
        authorities: options.authority.clone(),
        profiles: options.profile.clone(),
        names: options.allow.clone(),
        wildcards: options.wildcards,
        subject: if options.any_subject { SubjectRule::Any } else { SubjectRule::Names },
    };
    let now = context.now();
    let life = Duration::from_secs(u64::from(options.days) * 86_400);
    let order = TokenOrder {
        name: options.name.clone(),
        grant: grant.clone(),
        expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
        created_by: Asker::local(None).requester,
    };
    let drawn = order.draw(now, context.rng());
    let (token, kept) = drawn.map_err(|error| CliError::usage(error.to_string()))?;
    let kept = wait_for(async {
        let ledger = options.data.folder()?.open_ledger().await?;
        let earlier = ledger.tokens_named(kept.name.clone()).await.map_err(ledger_failed)?;
        if let Some(last) = earlier.last().filter(|_| !options.take_over) {
            let id = &last.content.id;
            let message =
                format!("name: found that of token {id}, allowed is one that no token has");
            return Err(CliError::refused(message)
                .with_hint("choose another name, or be the same requester by --take-over"));
        }
        let added = ledger.add_token(kept).await.map_err(ledger_failed);
        let closed = ledger.close().await.map_err(ledger_failed);
        added.and_then(|added| closed.map(|()| added.content))
    })?;
    show(options, &token, &kept, &grant, context)
}

fn show(
    options: &Options,
    token: &ApiToken,
    kept: &ledger::NewToken,
    grant: &GrantConfig,
    context: &Context,
) -> Result<(), CliError> {
    let ledger::NewToken { id, name, expires_at, .. } = kept;
    if options.json {
        let token = token.expose();
        return context.print_json(&Made { token, id, name, expires_at: *expires_at, grant });
    }
    context.note("note: this is the only time that the token is shown");
    let text = format!(
        "token    {}\nid       {id}\nname     {name}\nexpires  {expires_at}\n",
        token.expose()
    );
    context.print(&text)
}
