//! `espalier cert`: what the ledger knows of certificates, and their renewal.

mod meant;
mod renew;
mod revoke;

use ca_core::inspect::{Inspected, inspect};
use ca_core::pem::{self, Label};
use client::v1::{self, Certificate, SearchCertificates};
use jiff::Timestamp;
use serde::Serialize;

use super::page_options::PageOptions;
use super::{CliError, Context, Exit};
use crate::data_folder::{DataOptions, wait_for};
use crate::output::{OutputOptions, Target};
use crate::registry::Registry;
use crate::table;

/// List, show, renew and revoke certificates of the ledger
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier cert list --name DNS:app.example
  espalier cert show 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203 --json
  espalier cert renew app.pem --out app-2.pem
  espalier cert revoke app.pem --reason superseded")]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(ListOptions),
    Show(ShowOptions),
    Revoke(revoke::Options),
    Renew(Box<renew::Options>),
}

/// List certificates, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier cert list
  espalier cert list --status orphan
  espalier cert list --authority issuing --expires-before 2027-01-01T00:00:00Z --json")]
struct ListOptions {
    #[command(flatten)]
    data: DataOptions,

    /// Only of this authority
    #[arg(long, value_name = "NAME")]
    authority: Option<String>,

    /// Only of this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Only with this name, whole and with its kind, such as `DNS:app.example`
    #[arg(long, value_name = "KIND:NAME")]
    name: Option<String>,

    /// Only with this status
    #[arg(long, value_enum)]
    status: Option<StatusName>,

    /// Only those that end before this time
    #[arg(long, value_name = "RFC3339")]
    expires_before: Option<Timestamp>,

    #[command(flatten)]
    page: PageOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum StatusName {
    /// Issued and not revoked
    Stored,
    /// Recorded, but never signed or stored: cut off by a crash, or under way
    Orphan,
    /// Revoked
    Revoked,
}

/// Show one certificate by its serial number or SHA-256 fingerprint
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier cert show 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203
  espalier cert show 5b:1f:8a:3c:0d:2e:4f:60:71:82:93:a4:b5:c6:d7:e8:f9:01:02:03 --pem --out app.pem")]
struct ShowOptions {
    #[command(flatten)]
    data: DataOptions,

    /// The serial number (40 hexadecimal digits) or the fingerprint (64)
    #[arg(value_name = "SERIAL|FINGERPRINT")]
    which: String,

    /// Write the certificate itself, as --out and --der do as well
    #[arg(long)]
    pem: bool,

    #[command(flatten)]
    output: OutputOptions,

    /// Print JSON
    #[arg(long, conflicts_with_all = ["pem", "der", "out"])]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    certificates: Vec<Row>,
    next: Option<String>,
}

/// A record as JSON.
#[derive(Serialize)]
struct Row {
    serial: String,
    status: v1::Status,
    authority: String,
    profile: String,
    requester: String,
    subject: String,
    names: Vec<String>,
    algorithm: String,
    not_before: Timestamp,
    not_after: Timestamp,
    recorded_at: Timestamp,
    fingerprint_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<RevocationRow>,
}

/// A revocation as JSON.
#[derive(Serialize)]
struct RevocationRow {
    revoked_at: Timestamp,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalidity_date: Option<Timestamp>,
    revoked_by: String,
}

impl Row {
    /// The status in words, with the reason and the time of a revocation.
    fn status_text(&self) -> String {
        match &self.revocation {
            Some(revocation) => format!("revoked {}: {}", revocation.revoked_at, revocation.reason),
            None => status_word(self.status).to_owned(),
        }
    }
}

impl From<Certificate> for Row {
    fn from(shown: Certificate) -> Self {
        Self {
            serial: shown.serial,
            status: shown.status,
            authority: shown.authority,
            profile: shown.profile,
            requester: shown.requester,
            subject: shown.subject,
            names: shown.names,
            algorithm: shown.algorithm,
            not_before: shown.not_before,
            not_after: shown.not_after,
            recorded_at: shown.recorded_at,
            fingerprint_sha256: shown.fingerprint_sha256,
            revocation: shown.revocation.map(|revocation| RevocationRow {
                revoked_at: revocation.revoked_at,
                reason: revocation.reason,
                invalidity_date: revocation.invalidity_date,
                revoked_by: revocation.revoked_by,
            }),
        }
    }
}

#[derive(Serialize)]
struct Shown {
    record: Row,
    certificate: Option<Inspected>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let data = match &options.command {
        Command::List(options) => &options.data,
        Command::Show(options) => &options.data,
        Command::Revoke(options) => &options.data,
        Command::Renew(options) => &options.data,
    };
    wait_for(async {
        let registry = Registry::open(data, context).await?;
        let result = match &options.command {
            Command::List(options) => list(options, &registry, context).await,
            Command::Show(options) => show(options, &registry, context).await,
            Command::Revoke(options) => revoke::run(options, &registry, context).await,
            Command::Renew(options) => renew::run(options, &registry, context).await,
        };
        registry.close(result).await
    })
}

async fn list(
    options: &ListOptions,
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    let search = SearchCertificates {
        authority: options.authority.clone(),
        profile: options.profile.clone(),
        name: options.name.clone(),
        status: options.status.map(|status| match status {
            StatusName::Stored => v1::Status::Stored,
            StatusName::Orphan => v1::Status::Orphan,
            StatusName::Revoked => v1::Status::Revoked,
        }),
        expires_before: options.expires_before,
        limit: Some(options.page.limit),
        cursor: options.page.cursor(),
        ..SearchCertificates::default()
    };
    let found = registry.certificates(search).await?;
    let rows: Vec<Row> = found.certificates.into_iter().map(Row::from).collect();
    let next = found.next;
    if options.page.json {
        return context.print_json(&Listed { certificates: rows, next });
    }
    let header = ["serial", "status", "names", "authority", "algorithm", "not after"];
    let rows = rows.into_iter().map(|row| {
        let status = row.status_text();
        let names = if row.names.is_empty() { row.subject } else { row.names.join(" ") };
        let end = row.not_after.to_string();
        [row.serial, status, names, row.authority, row.algorithm, end]
    });
    context.print(&table::render(context.terminal(), header, rows, &[]))?;
    PageOptions::tell_of_more(next, context);
    Ok(())
}

fn status_word(status: v1::Status) -> &'static str {
    match status {
        v1::Status::Stored => "stored",
        v1::Status::Orphan => "orphan",
        v1::Status::Revoked => "revoked",
    }
}

async fn show(
    options: &ShowOptions,
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    let found = registry.certificate(&options.which).await?;
    let wrong =
        |error: &dyn std::error::Error| CliError::of(Exit::Environment, &options.which, error);
    let der = match &found.certificate {
        Some(pem) => {
            let read = pem::read_one_certificate(pem.as_bytes());
            Some(read.map_err(|error| wrong(&error))?.der().to_vec())
        }
        None => None,
    };
    if options.pem || options.output.der || options.output.out != Target::Stdout {
        let der = der.ok_or_else(|| {
            CliError::refused(format!("{}: recorded, but it has no certificate", options.which))
        })?;
        return options.output.write_public(Label::Certificate, &der);
    }
    let inspected = der.as_deref().map(inspect).transpose();
    let inspected = inspected.map_err(|error| wrong(&error))?.and_then(|mut all| all.pop());
    let record = Row::from(found);
    if options.json {
        return context.print_json(&Shown { record, certificate: inspected });
    }
    let mut text = format!(
        "status     {}\nrecorded   {}\nrequester  {}\nauthority  {}\nprofile    {}\n",
        record.status_text(),
        record.recorded_at,
        record.requester,
        record.authority,
        record.profile
    );
    if let Some(revocation) = &record.revocation {
        text += &format!("revoked by {}\n", revocation.revoked_by);
        if let Some(date) = revocation.invalidity_date {
            text += &format!("invalid    since {date}\n");
        }
    }
    match inspected {
        Some(inspected) => text += &inspected.to_string(),
        None => text += &format!("serial     {}\nno certificate\n", record.serial),
    }
    context.print(&text)
}
