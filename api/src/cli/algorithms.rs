//! `espalier algorithms`: the registry as a table.

use ca_core::algorithm::Family;
use clap::ValueEnum;
use client::v1::Algorithm;

use super::{CliError, Context};
use crate::data_folder::wait_for;
use crate::table;
use crate::wire;

/// List the algorithms that keys can be made for, with their names, sizes and strength
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier algorithms
  espalier algorithms --family composite --json
  espalier algorithms --family key-establishment
  espalier algorithms --context prod

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

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let all = match context.client()? {
        Some(client) => wait_for(async { Ok(client.algorithms().await?.algorithms) })?,
        None => wire::algorithms(),
    };
    let family = options.family.map(|name| Family::from(name).to_string());
    let wanted = |row: &Algorithm| family.as_ref().is_none_or(|family| *family == row.family);
    let (signing, kem): (Vec<_>, Vec<_>) =
        all.into_iter().filter(wanted).partition(|row| row.signature_bytes.is_some());
    if options.json {
        return context.print_json(&[signing, kem].concat());
    }
    let tables = [signing_table(&signing, context), kem_table(&kem, context)];
    let text: Vec<String> = tables.into_iter().flatten().collect();
    context.print(&text.join("\n"))
}

fn signing_table(rows: &[Algorithm], context: &Context) -> Option<String> {
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

fn kem_table(rows: &[Algorithm], context: &Context) -> Option<String> {
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

fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
