//! `espalier token create`.

use client::v1::{CreateToken, Secret, Token, TokenGrant};
use jiff::Timestamp;
use serde::Serialize;

use crate::auth::{GrantConfig, Role};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataOptions, wait_for};
use crate::registry::Registry;
use crate::wire;

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
    grant: GrantConfig,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let order = CreateToken {
        name: options.name.clone(),
        expires_in_days: u32::from(options.days),
        take_over: options.take_over,
        grant: TokenGrant {
            roles: options.role.iter().map(ToString::to_string).collect(),
            authorities: options.authority.clone(),
            profiles: options.profile.clone(),
            names: options.allow.clone(),
            wildcards: options.wildcards,
            subject: Some(if options.any_subject { "any" } else { "names" }.to_owned()),
        },
    };
    let made = wait_for(async {
        let registry = Registry::open(&options.data, context).await?;
        let made = registry.create_token(&order, context).await;
        registry.close(made).await
    })?;
    show(options, &made, context)
}

fn show(options: &Options, made: &Token, context: &Context) -> Result<(), CliError> {
    let Token { id, name, expires_at, .. } = made;
    let token = made.secret.as_ref().map(Secret::expose).ok_or_else(|| {
        CliError::fault(format!("token {id}: it was made, but its secret was not told"))
            .with_hint(format!("take it back by `espalier token revoke {id}`"))
    })?;
    if options.json {
        let grant = wire::grant(&made.grant)
            .map_err(|error| CliError::of(Exit::Environment, "grant", &error))?;
        return context.print_json(&Made { token, id, name, expires_at: *expires_at, grant });
    }
    context.note("note: this is the only time that the token is shown");
    let text = format!("token    {token}\nid       {id}\nname     {name}\nexpires  {expires_at}\n");
    context.print(&text)
}
