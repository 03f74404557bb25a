//! `espalier lint`: holds certificates, requests and lists against the rules of docs/lints.md.

use ca_core::certificate::Certificate;
use ca_core::escape::escaped;
use ca_core::inspect::Kind;
use ca_core::lint::{
    self, Finding, Lint, LintOverrides, Severity, lint_certificates, lint_list, lint_request,
};
use ca_core::pem::{self, Input};
use serde::Serialize;

use super::{CliError, Context, Exit};
use crate::input::Source;
use crate::profiles;
use crate::table;

/// Hold certificates, requests and revocation lists against the lints that our own pass before
/// they are signed
///
/// A file may hold several certificates, such as a chain: each is then linted beside the one that
/// issued it. Nothing is trusted by this; see `espalier verify`. Exit code 0: nothing was found
/// that is as severe as --fail-on. 1: something was. 2: usage, or a file is no PEM or DER.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier lint cert.pem
  espalier lint chain.pem --issuer root.pem --fail-on warning
  espalier lint app.csr ca.crl --json
  espalier lint --list")]
pub(super) struct Options {
    /// What to lint, in PEM or DER; `-` is standard input
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    files: Vec<Source>,

    /// The certificate of the issuer, for the lints that need it
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    issuer: Option<Source>,

    /// Use the severities that a profile of your own gives to lints
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    profile_file: Option<Source>,

    /// The severity from which on the exit code is 1
    #[arg(long, value_name = "SEVERITY", default_value = "error", value_parser = severity, conflicts_with = "list")]
    fail_on: Severity,

    /// List every lint instead
    #[arg(long)]
    list: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::named(text).ok_or_else(|| "allowed are notice, warning and error".to_owned())
}

/// What was found in one object.
#[derive(Serialize)]
struct Linted {
    file: String,
    /// The line of the PEM block's BEGIN; none for DER.
    line: Option<usize>,
    object: String,
    findings: Vec<Finding>,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    if options.list {
        return list(options.json, context);
    }
    let issuer = options.issuer.as_ref().map(|source| read_issuer(source, context)).transpose()?;
    let overrides = match &options.profile_file {
        Some(source) => profiles::choose("", Some(source), context)?.profile.lints().clone(),
        None => LintOverrides::default(),
    };
    let mut all = Vec::new();
    for source in &options.files {
        all.extend(lint_file(source, issuer.as_ref(), &overrides, context)?);
    }
    if options.json {
        context.print_json(&all)?;
    } else {
        context.print(&shown(&all, context))?;
    }
    let findings = || all.iter().flat_map(|linted| &linted.findings);
    let severe = findings().filter(|finding| finding.severity >= options.fail_on).count();
    if severe == 0 {
        return Ok(());
    }
    let count = if severe == 1 { "1 finding".to_owned() } else { format!("{severe} findings") };
    Err(CliError::refused(format!("lint: {count} of severity {} or more", options.fail_on)))
}

fn read_issuer(source: &Source, context: &mut Context) -> Result<Certificate, CliError> {
    let octets = context.read(source)?;
    pem::read_one_certificate(&octets).map_err(|error| CliError::of(Exit::Usage, source, &error))
}

/// Lints every object of a file; the certificates together, in their order.
fn lint_file(
    source: &Source,
    issuer: Option<&Certificate>,
    overrides: &LintOverrides,
    context: &mut Context,
) -> Result<Vec<Linted>, CliError> {
    let octets = context.read_large(source)?;
    let input = pem::read(&octets).map_err(|error| CliError::of(Exit::Usage, source, &error))?;
    let objects: Vec<(Option<usize>, Option<Kind>, &[u8])> = match &input {
        // What a certificate's outermost tags do not show to be something else is linted as one.
        Input::Der(der) => vec![(None, Kind::of(der), der)],
        Input::Pem(blocks) => blocks
            .iter()
            .map(|block| (Some(block.line()), Some(Kind::promised_by(block.label())), block.der()))
            .collect(),
    };
    let is_certificate = |kind: Option<Kind>| matches!(kind, None | Some(Kind::Certificate));
    let certificates: Vec<&[u8]> = objects
        .iter()
        .filter(|(_, kind, _)| is_certificate(*kind))
        .map(|object| object.2)
        .collect();
    let mut of_certificates = lint_certificates(&certificates, issuer, overrides).into_iter();
    objects
        .iter()
        .map(|(line, kind, der)| {
            let (object, findings) = match kind {
                None | Some(Kind::Certificate) => {
                    ("certificate", of_certificates.next().unwrap_or_default())
                }
                Some(Kind::CertificateRequest) => ("request", lint_request(der, overrides)),
                Some(Kind::RevocationList) => ("list", lint_list(der, issuer, overrides)),
                Some(other) => return Err(not_linted(source, *line, *other)),
            };
            let (file, object) = (source.to_string(), object.to_owned());
            Ok(Linted { file, line: *line, object, findings })
        })
        .collect()
}

fn not_linted(source: &Source, line: Option<usize>, found: Kind) -> CliError {
    let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
    CliError::usage(format!(
        "{source}: {line}found {found}, allowed are certificates, certificate requests and revocation lists"
    ))
}

fn shown(all: &[Linted], context: &Context) -> String {
    let count: usize = all.iter().map(|linted| linted.findings.len()).sum();
    let objects = if all.len() == 1 { "1 object".into() } else { format!("{} objects", all.len()) };
    if count == 0 {
        return format!("{objects}: no findings\n");
    }
    let rows = all.iter().flat_map(|linted| {
        let place = match linted.line {
            Some(line) => format!("{}:{line}", linted.file),
            None => linted.file.clone(),
        };
        linted.findings.iter().map(move |finding| {
            let mut detail = finding.detail.clone();
            if let Some(changed) = &finding.changed {
                let (from, reason) = (changed.from, &changed.reason);
                detail += &format!(" [{from} by itself, changed by the profile: {reason}]");
            }
            let id = finding.id.to_owned();
            [place.clone(), finding.severity.to_string(), id, escaped(&detail)]
        })
    });
    table::render(context.terminal(), ["Place", "Severity", "Lint", "Finding"], rows, &[])
}

/// A lint as JSON.
#[derive(Serialize)]
struct Row {
    id: &'static str,
    severity: Severity,
    /// Whether no profile may lower it.
    fixed: bool,
    objects: &'static [lint::Object],
    needs_issuer: bool,
    /// Whether it only compares what is issued here with its plan.
    needs_plan: bool,
    source: &'static str,
    about: &'static str,
}

fn list(json: bool, context: &Context) -> Result<(), CliError> {
    let row = |lint: &Lint| Row {
        id: lint.id,
        severity: lint.severity,
        fixed: lint.fixed,
        objects: lint.objects(),
        needs_issuer: lint.needs_issuer(),
        needs_plan: lint.needs_plan(),
        source: lint.source,
        about: lint.about,
    };
    let rows = lint::all().map(row);
    if json {
        return context.print_json(&rows.collect::<Vec<_>>());
    }
    let cells = rows.map(|row| {
        let severity = format!("{}{}", row.severity, if row.fixed { ", fixed" } else { "" });
        [row.id.to_owned(), severity, row.source.to_owned(), row.about.to_owned()]
    });
    let header = ["Lint", "Severity", "Source", "What it checks"];
    context.print(&table::render(context.terminal(), header, cells, &[]))
}
