//! `espalier cert revoke`.

use ca_core::fingerprint::Fingerprint;
use ca_core::pem;
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::{Entry, Ledger, LedgerError, NewRevocation, RevocationReason};
use serde::Serialize;

use super::find;
use crate::cli::revoking::ReasonOptions;
use crate::cli::{CliError, Context, exit_code};
use crate::data_folder::{DataOptions, ledger_failed};
use crate::input::Source;

/// Revoke certificates, for ever
///
/// From then on `espalier ocsp respond` says so, and the next `espalier crl make` lists them. A
/// record without a certificate, which a crash leaves, is revoked by its serial number. Exit code 1
/// says that one was revoked before; the others are revoked all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier cert revoke app.pem --reason superseded
  espalier cert revoke 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203 --reason keyCompromise \\
      --invalidity-date 2026-11-20T08:00:00Z")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// Serial numbers (40 hexadecimal digits), fingerprints (64), or files with a certificate each
    #[arg(value_name = "SERIAL|FINGERPRINT|FILE", required = true)]
    which: Vec<String>,

    #[command(flatten)]
    reason: ReasonOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Default, Serialize)]
struct Report {
    revoked: Vec<Revoked>,
    revoked_before: Vec<Before>,
}

#[derive(Serialize)]
struct Revoked {
    serial: String,
    authority: String,
    reason: RevocationReason,
    revoked_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalidity_date: Option<Timestamp>,
}

#[derive(Serialize)]
struct Before {
    serial: String,
    revoked_at: Timestamp,
}

pub(super) async fn run(
    options: &Options,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    // All of them are looked up before the first is revoked, so that a slip revokes nothing.
    let mut entries: Vec<Entry> = Vec::new();
    for which in &options.which {
        let entry = look_up(which, ledger, context).await?;
        if entries.iter().all(|known| known.serial() != entry.serial()) {
            entries.push(entry);
        }
    }
    let revocation = options.reason.revoking(RevocationReason::UNSPECIFIED, context);
    let mut report = Report::default();
    for entry in &entries {
        let serial = entry.serial();
        let new = NewRevocation { serial, revocation: revocation.clone() };
        match ledger.revoke(new).await {
            Ok(done) => report.revoked.push(Revoked {
                serial: serial.to_string(),
                authority: entry.record.content.authority.clone(),
                reason: done.reason,
                revoked_at: done.revoked_at,
                invalidity_date: done.invalidity_date,
            }),
            Err(LedgerError::AlreadyRevoked { revoked_at, .. }) => {
                report.revoked_before.push(Before { serial: serial.to_string(), revoked_at });
            }
            Err(error) => {
                report.print(options.json, context)?;
                return Err(ledger_failed(error));
            }
        }
    }
    report.print(options.json, context)?;
    report.outcome()
}

impl Report {
    fn print(&self, json: bool, context: &Context) -> Result<(), CliError> {
        if json {
            return context.print_json(self);
        }
        let line = |one: &Revoked| {
            format!("revoked {} at {}: {}\n", one.serial, one.revoked_at, one.reason)
        };
        context.print(&self.revoked.iter().map(line).collect::<String>())
    }

    fn outcome(&self) -> Result<(), CliError> {
        let before: Vec<String> = self
            .revoked_before
            .iter()
            .map(|one| format!("{} is revoked since {}", one.serial, one.revoked_at))
            .collect();
        if before.is_empty() {
            return Ok(());
        }
        Err(CliError::refused(format!("revoked before: {}", before.join("; ")))
            .with_hint("a revocation never changes; `espalier cert show SERIAL` shows it"))
    }
}

/// The entry that is meant.
async fn look_up(which: &str, ledger: &Ledger, context: &mut Context) -> Result<Entry, CliError> {
    if SerialNumber::from_hex(which).is_ok() || Fingerprint::from_hex(which).is_some() {
        return find(ledger, which).await;
    }
    let source = Source::from(std::ffi::OsString::from(which));
    let octets = context.read(&source).map_err(|error| {
        CliError::new(error.exit(), error.message()).with_hint(
            "name a serial number of 40 hexadecimal digits, a fingerprint of 64, or a file with a certificate",
        )
    })?;
    let certificate = pem::read_one_certificate(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), &source, &error))?;
    find(ledger, &certificate.fingerprint().to_string()).await.map_err(|error| {
        CliError::new(error.exit(), format!("{source}: certificate {}", error.message()))
    })
}
