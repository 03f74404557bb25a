//! `espalier ca list`.

use ca_core::certificate::Certificate;
use ca_core::{name, pem};
use client::v1::Authority;
use jiff::Timestamp;
use ledger::Ledger;
use serde::Serialize;

use crate::authority::{Mode, chain};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataOptions, ledger_failed};
use crate::registry::Registry;
use crate::table;

/// List authorities, in the order in which they were made
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca list
  espalier ca list --json | jq '.authorities[] | select(.not_after < \"2030\")'")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// An authority as JSON. What its certificate says is missing while it has none.
#[derive(Serialize)]
pub(super) struct Row {
    name: String,
    algorithm: String,
    parent: Option<String>,
    mode: Option<Mode>,
    subject: Option<String>,
    not_after: Option<Timestamp>,
    fingerprint_sha256: Option<String>,
    created_at: Timestamp,
}

#[derive(Serialize)]
struct Listed {
    authorities: Vec<Row>,
}

impl Row {
    pub(super) fn new(recorded: &ledger::Authority, own: Option<&Certificate>) -> Self {
        let content = &recorded.content;
        Self {
            name: content.name.clone(),
            algorithm: content.algorithm.clone(),
            parent: content.parent.clone(),
            mode: own.map(Mode::of),
            subject: own.map(|own| name::to_text(own.subject())),
            not_after: own.map(|own| own.validity().not_after()),
            fingerprint_sha256: own.map(|own| own.fingerprint().to_string()),
            created_at: content.created_at,
        }
    }

    /// What a server says of an authority, and its certificate.
    pub(super) fn of_server(shown: Authority) -> Result<Self, CliError> {
        let own = pem::read_one_certificate(shown.certificate.as_bytes())
            .map_err(|error| CliError::of(Exit::Environment, &shown.name, &error))?;
        Ok(Self {
            mode: Some(Mode::of(&own)),
            name: shown.name,
            algorithm: shown.algorithm,
            parent: shown.parent,
            subject: Some(shown.subject),
            not_after: Some(shown.not_after),
            fingerprint_sha256: Some(shown.fingerprint_sha256),
            created_at: shown.created_at,
        })
    }

    /// For people, one thing a line.
    pub(super) fn text(&self) -> String {
        format!(
            "name       {}\nalgorithm  {}\nmode       {}\nparent     {}\ncreated    {}\n",
            self.name,
            self.algorithm,
            self.mode.map_or("-", Mode::name),
            self.parent.as_deref().unwrap_or("-"),
            self.created_at,
        )
    }

    /// The cells of the table.
    fn cells(self) -> [String; 6] {
        let none = || "-".to_owned();
        [
            self.name,
            self.algorithm,
            self.mode.map_or_else(none, |mode| mode.name().to_owned()),
            self.parent.unwrap_or_else(none),
            self.subject.unwrap_or_else(|| "no certificate".to_owned()),
            self.not_after.map_or_else(none, |end| end.to_string()),
        ]
    }
}

pub(super) async fn run(
    options: &Options,
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    let mut authorities = match registry {
        Registry::Here(here) => recorded(here.ledger(), context).await?,
        Registry::Server(client) => {
            let all = client.authorities().await?;
            all.into_iter().map(Row::of_server).collect::<Result<_, _>>()?
        }
    };
    // A server lists them by name.
    authorities.sort_by_key(|one| one.created_at);
    if options.json {
        return context.print_json(&Listed { authorities });
    }
    let header = ["name", "algorithm", "mode", "parent", "subject", "not after"];
    let rows = authorities.into_iter().map(Row::cells);
    context.print(&table::render(context.terminal(), header, rows, &[]))
}

/// The authorities of a ledger, in the order in which they were made.
async fn recorded(ledger: &Ledger, context: &Context) -> Result<Vec<Row>, CliError> {
    let mut authorities = Vec::new();
    for recorded in ledger.authorities().await.map_err(ledger_failed)? {
        let name = &recorded.content.name;
        // One that is damaged hides no other.
        let chain = chain(ledger, name).await.unwrap_or_else(|error| {
            context.note(&format!("note: {}", error.message()));
            Vec::new()
        });
        authorities.push(Row::new(&recorded, chain.first()));
    }
    Ok(authorities)
}
