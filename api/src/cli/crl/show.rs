//! `espalier crl show`.

use ca_core::crl::{CertificateList, EntrySerial};
use ca_core::inspect::{ENTRIES_SHOWN, EntryReport, inspect_crl};
use ca_core::pem;
use serde::Serialize;

use crate::cli::{CliError, Context, Exit, exit_code};
use crate::input::Source;

/// Show a revocation list: whose it is, its number, dates and scope, and its entries
///
/// Its signature is not checked, nor whether it is current: `espalier verify --crl` does that. With
/// --serial, exit code 0 says that the list has an entry for it, 1 that it has none.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier crl show issuing.crl
  espalier crl show issuing.crl --serial 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203
  espalier crl show issuing.crl --entries 0 --json | jq .entry_count")]
pub(super) struct Options {
    /// The list, in PEM or DER; `-` is standard input
    file: Source,

    /// Show only the entry of this serial number, in hexadecimal
    #[arg(long, value_name = "SERIAL", value_parser = EntrySerial::from_hex)]
    serial: Option<EntrySerial>,

    /// How many entries to show, 0 to 10000; the others are counted
    #[arg(long, value_name = "N", default_value_t = ENTRIES_SHOWN as u64, conflicts_with = "serial",
        value_parser = clap::value_parser!(u64).range(0..=10_000))]
    entries: u64,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints for one serial number.
#[derive(Serialize)]
struct LookedUp {
    serial: String,
    listed: bool,
    entry: Option<EntryReport>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let octets = context.read_large(&options.file)?;
    let list = pem::read_one_crl(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), &options.file, &error))?;
    drop(octets);
    if let Some(serial) = &options.serial {
        return look_up(serial, &list, options, context);
    }
    // Bounded above far below the largest `usize`.
    let shown = usize::try_from(options.entries).unwrap_or(ENTRIES_SHOWN);
    let inspected = inspect_crl(&list, shown)
        .map_err(|error| CliError::of(Exit::Refused, &options.file, &error))?;
    if options.json {
        context.print_json(&inspected)
    } else {
        context.print(&inspected.to_string())
    }
}

fn look_up(
    serial: &EntrySerial,
    list: &CertificateList,
    options: &Options,
    context: &Context,
) -> Result<(), CliError> {
    let entry = list.find(serial).map(|entry| EntryReport::new(&entry));
    if options.json {
        let (serial, listed) = (serial.to_string(), entry.is_some());
        context.print_json(&LookedUp { serial, listed, entry: entry.clone() })?;
    }
    match entry {
        Some(_) if options.json => Ok(()),
        Some(entry) => context.print(&format!("{entry}\n")),
        None => {
            let message = format!("{}: no entry for the serial number {serial}", options.file);
            Err(CliError::refused(message).with_hint(
                "that alone makes no certificate good; `espalier verify --crl` says whether the list speaks of it",
            ))
        }
    }
}
