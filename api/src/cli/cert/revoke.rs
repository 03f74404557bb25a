//! `espalier cert revoke`.

use std::ffi::OsString;

use client::v1::Certificate;
use jiff::Timestamp;
use serde::Serialize;

use super::meant::Meant;
use crate::cli::revoking::ReasonOptions;
use crate::cli::{CliError, Context};
use crate::data_folder::DataOptions;
use crate::input::Source;
use crate::registry::{Registry, Revoked as Outcome};

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

    /// Serial numbers (40 hexadecimal digits), fingerprints (64), or files with a certificate each,
    /// and those above it or not
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
    reason: String,
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
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    // All of them are looked up before the first is revoked, so that a slip revokes nothing.
    let mut found: Vec<Certificate> = Vec::new();
    for which in &options.which {
        let one = look_up(which, registry, context).await?;
        if found.iter().all(|known| known.serial != one.serial) {
            found.push(one);
        }
    }
    let why = options.reason.why();
    let mut report = Report::default();
    for one in &found {
        match registry.revoke(&one.serial, &why, context.now()).await {
            Ok(Outcome::Now(done)) => {
                let Certificate { serial, authority, revocation, .. } = *done;
                report.revoked.extend(revocation.map(|done| Revoked {
                    serial,
                    authority,
                    reason: done.reason,
                    revoked_at: done.revoked_at,
                    invalidity_date: done.invalidity_date,
                }));
            }
            Ok(Outcome::Before(revoked_at)) => {
                report.revoked_before.push(Before { serial: one.serial.clone(), revoked_at });
            }
            Err(error) => {
                report.print(options.json, context)?;
                return Err(error);
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

/// The certificate that is meant.
async fn look_up(
    which: &str,
    registry: &Registry,
    context: &mut Context,
) -> Result<Certificate, CliError> {
    let source = Source::from(OsString::from(which));
    match Meant::read(&source, context)? {
        Meant::Number(number) => registry.certificate(&number).await,
        Meant::File(fingerprint) => registry.certificate(&fingerprint).await.map_err(|error| {
            CliError::new(error.exit(), format!("{source}: certificate {}", error.message()))
        }),
    }
}
