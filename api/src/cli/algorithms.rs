//! `espalier algorithms`: the registry as a table.

use ca_core::algorithm::{Algorithm, Family};
use clap::ValueEnum;
use serde::Serialize;

use super::{CliError, Context};
use crate::table;

/// List the algorithms that keys can be made for, with their names, sizes and strength
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier algorithms
  espalier algorithms --family composite --json

Alternative: whether it can sign a second time in a classical certificate (X.509 clause 9.8).")]
pub(super) struct Options {
    /// Only this family
    #[arg(long, value_enum)]
    family: Option<FamilyName>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FamilyName {
    /// ECDSA, Ed25519 and RSA
    Classical,
    /// ML-DSA or SLH-DSA alone
    PostQuantum,
    /// ML-DSA and a classical signature in one
    Composite,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Classical => Self::Classical,
            FamilyName::PostQuantum => Self::PostQuantum,
            FamilyName::Composite => Self::Composite,
        }
    }
}

/// A row as JSON; sizes in octets.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    oid: String,
    family: String,
    nist_level: Option<u8>,
    can_be_alternative: bool,
    public_key_bytes: usize,
    signature_bytes: usize,
    aliases: Vec<&'a str>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let family = options.family.map(Family::from);
    let rows = Algorithm::all().iter().filter(|row| family.is_none_or(|it| row.family() == it));
    let rows: Vec<Row<'_>> = rows.map(row).collect();
    if options.json {
        return context.print_json(&rows);
    }
    let header = [
        "Name",
        "OID",
        "Family",
        "NIST level",
        "Alternative",
        "Public key",
        "Signature",
        "Also called",
    ];
    let text = table::render(context.terminal(), header, rows.iter().map(cells), &[3, 5, 6]);
    context.print(&text)
}

fn row(algorithm: &Algorithm) -> Row<'_> {
    let oid = algorithm.oid().to_string();
    let aliases = algorithm.aliases().iter().map(String::as_str);
    Row {
        name: algorithm.name(),
        family: algorithm.family().to_string(),
        nist_level: algorithm.nist_level(),
        can_be_alternative: algorithm.can_be_alternative(),
        public_key_bytes: algorithm.public_key_size(),
        signature_bytes: algorithm.signature_size(),
        aliases: aliases.filter(|alias| *alias != oid).collect(),
        oid,
    }
}

fn cells(row: &Row<'_>) -> [String; 8] {
    [
        row.name.to_owned(),
        row.oid.clone(),
        row.family.clone(),
        row.nist_level.map_or_else(|| "-".to_owned(), |level| level.to_string()),
        if row.can_be_alternative { "yes" } else { "-" }.to_owned(),
        row.public_key_bytes.to_string(),
        row.signature_bytes.to_string(),
        row.aliases.join(", "),
    ]
}
