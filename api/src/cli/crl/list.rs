//! `espalier crl list`.

use ca_core::crl::{Scope, Subjects};
use jiff::Timestamp;
use ledger::{Crl, CrlFilter, Ledger};
use serde::Serialize;

use crate::authority::unknown;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed};
use crate::table;

/// List the revocation lists that an authority made, the newest first
///
/// The lists themselves are where `espalier crl make` wrote them. One that is not stored was cut off;
/// its number is spent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier crl list issuing
  espalier crl list issuing --limit 1 --json")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The authority
    #[arg(value_name = "AUTHORITY")]
    authority: String,

    /// Only numbers below this one
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,

    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    number: u64,
    base_number: Option<u64>,
    certificates: &'static str,
    places: Vec<String>,
    this_update: Timestamp,
    next_update: Timestamp,
    stored: bool,
    entries: Option<u64>,
    octets: Option<u64>,
    sha256: Option<String>,
}

impl From<&Crl> for Row {
    fn from(crl: &Crl) -> Self {
        let content = &crl.content;
        let list = crl.list.as_ref();
        Self {
            number: crl.number,
            base_number: content.base,
            certificates: subjects(&content.scope),
            places: content.scope.places().map(str::to_owned).collect(),
            this_update: content.this_update,
            next_update: content.next_update,
            stored: list.is_some(),
            entries: list.map(|list| list.entries),
            octets: list.map(|list| list.octets),
            sha256: list.map(|list| list.fingerprint.to_string()),
        }
    }
}

fn subjects(scope: &Scope) -> &'static str {
    match scope.subjects() {
        Subjects::All => "all",
        Subjects::EndEntities => "end-entities",
        Subjects::Authorities => "authorities",
        Subjects::AttributeCertificates => "attribute-certificates",
    }
}

pub(super) async fn run(
    options: &Options,
    ledger: &Ledger,
    context: &Context,
) -> Result<(), CliError> {
    let name = &options.authority;
    ledger.authority(name).await.map_err(ledger_failed)?.ok_or_else(|| unknown(name))?;
    let filter = CrlFilter { before: options.before, ..CrlFilter::of(name) };
    let found = ledger.crls(filter, options.limit).await.map_err(ledger_failed)?;
    let rows: Vec<Row> = found.iter().map(Row::from).collect();
    if options.json {
        return context.print_json(&rows);
    }
    let header = ["number", "kind", "certificates", "this update", "next update", "entries"];
    let rows = rows.into_iter().map(|row| {
        let kind = row.base_number.map_or("full".to_owned(), |base| format!("delta to {base}"));
        let entries = row.entries.map_or("not stored".to_owned(), |count| count.to_string());
        let certificates = [vec![row.certificates.to_owned()], row.places].concat().join(" ");
        let (from, until) = (row.this_update.to_string(), row.next_update.to_string());
        [row.number.to_string(), kind, certificates, from, until, entries]
    });
    context.print(&table::render(context.terminal(), header, rows, &[0, 5]))
}
