//! `espalier ledger`: the ledger itself.

use std::fmt::Write as _;

use ledger::Ledger;
use serde::Serialize;

use super::ledger_grants::GrantsOptions;
use super::ledger_migrate::MigrateOptions;
use super::ledger_transfer::{ExportOptions, ImportOptions};
use super::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed, wait_for};
use crate::ledger_check::{self, Report};
use crate::progress::Progress;

/// Check the ledger, bring an older one up to date, or move it to another store
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger check
  espalier ledger check --json | jq .found
  espalier ledger migrate
  espalier ledger export --out ledger.ndjson")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(CheckOptions),
    Migrate(MigrateOptions),
    Grants(GrantsOptions),
    Export(ExportOptions),
    Import(ImportOptions),
}

/// Check every row, every signature, and that every certificate says what was recorded
///
/// Exit code 0: sound; orphans and unfinished authorities, which a crash leaves, are told and are
/// no failure. 1: something is wrong. 3: the ledger can't be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ledger check
  espalier ledger check --data /srv/ca --json | jq '.findings[] | .kind'")]
struct CheckOptions {
    #[command(flatten)]
    data: DataOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    sound: bool,
    #[serde(flatten)]
    report: &'a Report,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Check(options) => run_check(options, context),
        Command::Migrate(options) => super::ledger_migrate::run(options, context),
        Command::Grants(options) => super::ledger_grants::run(options, context),
        Command::Export(options) => super::ledger_transfer::run_export(options, context),
        Command::Import(options) => super::ledger_transfer::run_import(options, context),
    }
}

fn run_check(options: &CheckOptions, context: &mut Context) -> Result<(), CliError> {
    let folder = options.data.folder()?;
    let report = wait_for(async {
        let ledger = folder.open_ledger().await?;
        let report = check(&ledger, context).await;
        let closed = ledger.close().await.map_err(ledger_failed);
        report.and_then(|report| closed.map(|()| report))
    })?;
    if options.json {
        context.print_json(&Checked { sound: report.is_sound(), report: &report })?;
    } else {
        context.print(&text(&folder, &report))?;
    }
    if report.is_sound() {
        return Ok(());
    }
    let wrong: Vec<String> =
        report.wrong().map(|(kind, count)| format!("{count} {kind}")).collect();
    let message = format!("ledger {}: {}", folder.ledger(), wrong.join(", "));
    Err(CliError::refused(message).with_hint(
        "stop every espalier that uses it, keep a copy of the folder as it is, and compare it with the last backup",
    ))
}

async fn check(ledger: &Ledger, context: &Context) -> Result<Report, CliError> {
    let counts = ledger.counts().await.map_err(ledger_failed)?;
    let shown = Progress::start(context.terminal(), "checking", Some(2 * counts.records));
    let report = ledger_check::check(ledger, &mut |seen| shown.set(seen)).await;
    report.map_err(ledger_failed)
}

fn text(folder: &DataFolder, report: &Report) -> String {
    let counts = &report.checked;
    let mut text = format!(
        "ledger        {}\nauthorities   {}\nrecords       {}\ncertificates  {}\nrevocations   {}\norphans       {}\nsignatures    {} verified\n",
        folder.ledger(),
        counts.authorities,
        counts.records,
        counts.certificates,
        counts.revocations,
        counts.orphans,
        report.signatures,
    );
    if report.issued_elsewhere > 0 {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "not verified  {} certificates of authorities, whose issuer is not in this ledger",
            report.issued_elsewhere
        );
    }
    for finding in &report.findings {
        let authority = finding.authority.as_deref().unwrap_or("-");
        let serial = finding.serial.as_deref().unwrap_or("-");
        let _ = write!(text, "\n{}  {authority}  {serial}\n  {}\n", finding.kind, finding.message);
    }
    let unlisted = report.found.values().sum::<u64>() - report.findings.len() as u64;
    if unlisted > 0 {
        let _ = writeln!(text, "\nand {unlisted} more findings");
    }
    text +=
        if report.is_sound() { "\nThe ledger is sound.\n" } else { "\nThe ledger is NOT sound.\n" };
    text
}
