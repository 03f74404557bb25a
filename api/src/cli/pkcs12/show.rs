//! `espalier pkcs12 show`.

use std::fmt::Write as _;

use ca_core::escape::quoted;
use ca_core::inspect::{Inspected, inspect, inspect_certificate};
use ca_core::pkcs12::{CertificateEntry, KeyEntry, Pkcs12Report};
use serde::Serialize;

use super::{open, password};
use crate::cli::{CliError, Context, Exit};
use crate::input::Source;

/// Show what a PKCS#12 file holds; of a private key only its public key
///
/// Nothing is verified but the MAC: whoever knows the password can make such a file. Exit code 2
/// says that the password is wrong or the file damaged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier pkcs12 show app.p12
  espalier pkcs12 show app.p12 --password-file pass.txt --json")]
pub(super) struct Options {
    /// The file; `-` is standard input
    file: Source,

    /// Print JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    password: password::PasswordOptions,
}

#[derive(Serialize)]
struct Shown {
    protection: Pkcs12Report,
    keys: Vec<Key>,
    certificates: Vec<Certificate>,
    skipped: Vec<String>,
}

#[derive(Serialize)]
struct Key {
    name: Option<String>,
    local_key_id: Option<String>,
    /// Whether a certificate of this key is there.
    has_certificate: bool,
    public_key: Inspected,
}

#[derive(Serialize)]
struct Certificate {
    name: Option<String>,
    local_key_id: Option<String>,
    is_trusted: bool,
    certificate: Inspected,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let (sealed, contents) = open(&options.file, &options.password, context)?;
    let keys: Result<_, _> = contents
        .keys
        .iter()
        .map(|entry| shown_key(options, entry, contents.certificate_of(&entry.key).is_some()))
        .collect();
    let certificates: Result<_, _> =
        contents.certificates.iter().map(|entry| shown_certificate(options, entry)).collect();
    let shown = Shown {
        protection: sealed.report(),
        keys: keys?,
        certificates: certificates?,
        skipped: contents.skipped,
    };
    if options.json { context.print_json(&shown) } else { context.print(&text(&shown)) }
}

fn shown_key(options: &Options, entry: &KeyEntry, has_certificate: bool) -> Result<Key, CliError> {
    // The public key is described as a file of its own would be.
    let all = inspect(entry.key.public_key().spki_der());
    let all = all.map_err(|error| CliError::of(Exit::Fault, &options.file, &error))?;
    let public_key = all.into_iter().next();
    Ok(Key {
        name: entry.name.clone(),
        local_key_id: entry.local_key_id.as_deref().map(hex),
        has_certificate,
        public_key: public_key.ok_or_else(|| CliError::fault("public key: not shown"))?,
    })
}

fn shown_certificate(options: &Options, entry: &CertificateEntry) -> Result<Certificate, CliError> {
    let certificate = inspect_certificate(&entry.certificate)
        .map_err(|error| CliError::of(Exit::Refused, &options.file, &error))?;
    Ok(Certificate {
        name: entry.name.clone(),
        local_key_id: entry.local_key_id.as_deref().map(hex),
        is_trusted: entry.is_trusted,
        certificate,
    })
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// What is shown to people; names are quoted.
fn text(shown: &Shown) -> String {
    let mut text = format!(
        "The password fits. MAC: {}, {} iterations\n",
        shown.protection.mac, shown.protection.mac_iterations
    );
    let named = |name: &Option<String>| match name {
        Some(name) => format!(" {}", quoted(name)),
        None => String::new(),
    };
    // Writing to a String can't fail.
    for key in &shown.keys {
        let lone = if key.has_certificate { "" } else { ", without its certificate" };
        let _ = write!(text, "\nPrivate key{}{lone}\n{}", named(&key.name), key.public_key);
    }
    for entry in &shown.certificates {
        let trusted = if entry.is_trusted { ", trusted by Java" } else { "" };
        let _ = write!(text, "\nEntry{}{trusted}\n{}", named(&entry.name), entry.certificate);
    }
    for skipped in &shown.skipped {
        let _ = writeln!(text, "\nNot shown: {skipped}");
    }
    text
}
