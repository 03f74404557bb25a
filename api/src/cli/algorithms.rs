//! `espalier algorithms`: the registry as a table.

use ca_core::algorithm::{Algorithm, Family, MlKem};
use clap::ValueEnum;
use serde::Serialize;

use super::{CliError, Context};
use crate::table;

/// List the algorithms that keys can be made for, with their names, sizes and strength
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier algorithms
  espalier algorithms --family composite --json
  espalier algorithms --family key-establishment

Alternative: whether it can sign a second time in a classical certificate (X.509 clause 9.8).
ML-KEM keys establish keys and can't sign; they stand in a table of their own.")]
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
    /// ML-KEM, which can't sign
    KeyEstablishment,
}

impl From<FamilyName> for Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Classical => Self::Classical,
            FamilyName::PostQuantum => Self::PostQuantum,
            FamilyName::Composite => Self::Composite,
            FamilyName::KeyEstablishment => Self::Kem,
        }
    }
}

/// A row as JSON; sizes in octets. What establishes keys has a ciphertext and no signature.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    oid: String,
    family: String,
    nist_level: Option<u8>,
    can_be_alternative: bool,
    public_key_bytes: usize,
    signature_bytes: Option<usize>,
    ciphertext_bytes: Option<usize>,
    aliases: Vec<&'a str>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let family = options.family.map(Family::from);
    let wanted = |found: Family| family.is_none_or(|family| family == found);
    let signing = Algorithm::all().iter().filter(|row| wanted(row.family())).map(row);
    let kem = MlKem::ALL.into_iter().filter(|_| wanted(Family::Kem)).map(kem_row);
    if options.json {
        return context.print_json(&signing.chain(kem).collect::<Vec<_>>());
    }
    let tables = [signing_table(signing.collect(), context), kem_table(kem.collect(), context)];
    let text: Vec<String> = tables.into_iter().flatten().collect();
    context.print(&text.join("\n"))
}

fn signing_table(rows: Vec<Row<'_>>, context: &Context) -> Option<String> {
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
    let cells = rows.iter().map(|row| {
        [
            row.name.to_owned(),
            row.oid.clone(),
            row.family.clone(),
            number(row.nist_level),
            if row.can_be_alternative { "yes" } else { "-" }.to_owned(),
            row.public_key_bytes.to_string(),
            number(row.signature_bytes),
            row.aliases.join(", "),
        ]
    });
    (!rows.is_empty()).then(|| table::render(context.terminal(), header, cells, &[3, 5, 6]))
}

fn kem_table(rows: Vec<Row<'_>>, context: &Context) -> Option<String> {
    let header = [
        "Key establishment",
        "OID",
        "Family",
        "NIST level",
        "Public key",
        "Ciphertext",
        "Also called",
    ];
    let cells = rows.iter().map(|row| {
        [
            row.name.to_owned(),
            row.oid.clone(),
            row.family.clone(),
            number(row.nist_level),
            row.public_key_bytes.to_string(),
            number(row.ciphertext_bytes),
            row.aliases.join(", "),
        ]
    });
    (!rows.is_empty()).then(|| table::render(context.terminal(), header, cells, &[3, 4, 5]))
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
        signature_bytes: Some(algorithm.signature_size()),
        ciphertext_bytes: None,
        aliases: aliases.filter(|alias| *alias != oid).collect(),
        oid,
    }
}

fn kem_row(set: MlKem) -> Row<'static> {
    Row {
        name: set.name(),
        oid: set.oid().to_string(),
        family: Family::Kem.to_string(),
        nist_level: Some(set.nist_level()),
        can_be_alternative: false,
        public_key_bytes: set.public_key_size(),
        signature_bytes: None,
        ciphertext_bytes: Some(set.ciphertext_size()),
        aliases: set.aliases().to_vec(),
    }
}

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
