//! `espalier quickstart`: from nothing to a checked certificate.

use std::path::Path;

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::general_name::{AltName, AltNameError, NameKind};
use ca_core::path::SecurityPolicy;
use serde::Serialize;

use super::init::HierarchyOptions;
use super::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions, wait_for};
use crate::quickstart::{Demonstration, promised_policy, quickstart, size_with_p256};
use crate::table;

/// Make a hybrid CA in a folder, issue a certificate and check it; run again, it reuses what is there
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier quickstart
  espalier quickstart --data ./lab --algorithm ML-DSA-65 --dns app.localhost --dns www.app.localhost")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    #[command(flatten)]
    hierarchy: HierarchyOptions,

    /// A host name of the certificate; may be given more than once
    #[arg(long, value_name = "NAME", default_value = "demo.localhost", value_parser = dns)]
    dns: Vec<AltName>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn dns(text: &str) -> Result<AltName, AltNameError> {
    AltName::of_kind(NameKind::Dns, text)
}

/// What `--json` prints; sizes in octets.
#[derive(Serialize)]
struct Printed<'a> {
    data: &'a Path,
    algorithm: String,
    policy: SecurityPolicy,
    valid: bool,
    reused: bool,
    names: Vec<String>,
    fingerprint_sha256: String,
    certificate: String,
    chain: String,
    key: String,
    root: String,
    certificate_bytes: usize,
    certificate_bytes_with_p256: usize,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let folder = options.data.folder()?;
    if options.data.ledger.is_some() {
        return Err(CliError::usage(
            "--ledger: quickstart makes a ledger of its own, in the data folder",
        )
        .with_hint("leave it out, or use `espalier init --ledger URL`"));
    }
    let is_new = !folder.has_ledger()?;
    let hierarchy = options.hierarchy.hierarchy()?;
    let is_named = options.hierarchy.names_algorithms();
    let made = wait_for(quickstart(&folder, hierarchy, is_named, &options.dns, context))?;
    if let Some(error) = &made.outcome.error {
        return Err(CliError::refused(format!("the certificate fails its own check: {error}")));
    }
    let p256 = size_with_p256(&options.dns, context)?;
    if options.json {
        return context.print_json(&printed(options, &folder, &made, p256));
    }
    context.print(&text(options, &folder, &made, p256, is_new, context))
}

fn algorithm_of(certificate: &Certificate) -> String {
    let kind = certificate.public_key().kind();
    Algorithm::of_key(kind, false).map_or_else(|| kind.to_string(), ToString::to_string)
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn printed<'a>(
    options: &Options,
    folder: &'a DataFolder,
    made: &Demonstration,
    p256: usize,
) -> Printed<'a> {
    Printed {
        data: folder.path(),
        algorithm: algorithm_of(&made.certificate),
        policy: promised_policy(&made.issuing),
        valid: made.outcome.valid,
        reused: made.reused,
        names: options.dns.iter().map(ToString::to_string).collect(),
        fingerprint_sha256: made.certificate.fingerprint().to_string(),
        certificate: file(&made.folder, "certificate.pem"),
        chain: file(&made.folder, "chain.pem"),
        key: file(&made.folder, "key.pem"),
        root: file(&folder.authority("root"), "certificate.pem"),
        certificate_bytes: made.certificate.der().len(),
        certificate_bytes_with_p256: p256,
    }
}

fn text(
    options: &Options,
    folder: &DataFolder,
    made: &Demonstration,
    p256: usize,
    is_new: bool,
    context: &Context,
) -> String {
    let title = if made.reused {
        "The certificate of an earlier run is still valid."
    } else {
        "A certificate was issued and recorded in the ledger."
    };
    let rows = rows(options, folder, made, p256);
    let table = table::render(context.terminal(), ["", ""], rows, &[]);
    let passphrase = folder.passphrase_path();
    let care = if is_new && passphrase.exists() {
        format!(
            "\nThe CA keys are encrypted; their passphrase was made at random and stands beside them,\nin {}. Fine to try things out; for a real CA use `espalier init`.\n",
            passphrase.display()
        )
    } else {
        String::new()
    };
    format!("{title}\n{table}{care}\n{}", next_commands(folder, made))
}

fn rows(
    options: &Options,
    folder: &DataFolder,
    made: &Demonstration,
    p256: usize,
) -> Vec<[String; 2]> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let names: Vec<String> = options.dns.iter().map(ToString::to_string).collect();
    let first = names.first().map_or("", String::as_str);
    let (size, policy) = (made.certificate.der().len(), promised_policy(&made.issuing));
    let times = size as f64 / p256 as f64;
    let end = made.certificate.validity().not_after();
    let key = file(&made.folder, "key.pem");
    vec![
        row("names", names.join(", ")),
        row("algorithm", algorithm_of(&made.certificate)),
        row("size", format!("{size} octets, {times:.1} times the {p256} of ECDSA P-256")),
        row("chain", format!("{first} <- {} <- {}", made.issuing.subject(), made.root.subject())),
        row("checked", format!("valid until {end}, policy {policy}")),
        row("certificate", file(&made.folder, "certificate.pem")),
        row("with chain", file(&made.folder, "chain.pem")),
        row("private key", format!("{key} (not encrypted, as servers want it)")),
        row("root", file(&folder.authority("root"), "certificate.pem")),
        row("ledger", folder.ledger().to_string()),
    ]
}

fn next_commands(folder: &DataFolder, made: &Demonstration) -> String {
    let certificate = file(&made.folder, "certificate.pem");
    let chain = file(&made.folder, "chain.pem");
    let root = file(&folder.authority("root"), "certificate.pem");
    let (policy, data) = (promised_policy(&made.issuing), folder.path().display());
    format!(
        "Try next:\n  espalier inspect {certificate}\n  espalier verify --trust {root} --policy {policy} {chain}\n  espalier issue --data {data} --dns app.localhost --key-out app.key --out app.pem\n"
    )
}
