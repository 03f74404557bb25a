//! `espalier ocsp presign`.

use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use ca_core::crl::EntrySerial;
use ca_core::ocsp::{CertIdHash, PreSigner};
use ledger::{Ledger, SerialStatus};
use serde::Serialize;

use super::responder::{ResponderOptions, cert_status, refused};
use crate::cli::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::output::failed;
use crate::progress::Progress;

/// Rows that are read at once.
const PAGE: u32 = 1000;

/// Sign a response for every unexpired certificate of an authority, before anybody asks
///
/// Each is a file `SERIAL.ocsp` in DER, without a nonce (RFC 5019), which any web server can hand
/// out. Sign anew before --hours are over, and after a revocation: until then clients get the old
/// answer.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ocsp presign --authority issuing --out-dir ocsp/
  espalier ocsp presign --authority issuing --out-dir ocsp/ --hours 12 --hash sha256 --json")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    #[command(flatten)]
    responder: ResponderOptions,

    /// The folder to write to; files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out_dir: PathBuf,

    /// By which hash function issuer and certificate are named: sha1, as clients of RFC 5019 have it,
    /// or sha256
    #[arg(long, value_name = "HASH", default_value = "sha1", value_parser = hash)]
    hash: CertIdHash,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Default, Serialize)]
struct Report {
    good: u64,
    revoked: u64,
}

pub(super) fn hash(text: &str) -> Result<CertIdHash, String> {
    CertIdHash::named(text)
        .ok_or_else(|| format!("found {text:?}, allowed are sha1, sha256, sha384 and sha512"))
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let place = &options.out_dir;
    std::fs::create_dir_all(place).map_err(|error| failed(place.display(), &error))?;
    let loaded = options.responder.load(folder, ledger, context).await?;
    let responder = loaded.responder()?;
    let now = context.now();
    let signer = PreSigner::new(&responder, &options.responder.window(now)?, options.hash);
    let signer = signer.map_err(refused)?;
    let name = &options.responder.authority;
    let shown = Progress::start(context.terminal(), "signing responses", None);
    let mut report = Report::default();
    let mut after = 0;
    loop {
        let rows = ledger.unexpired(name, now, after, PAGE).await.map_err(ledger_failed)?;
        for row in &rows {
            after = row.position;
            let der = signer.sign(&EntrySerial::from(&row.serial), cert_status(&row.status));
            let file = place.join(format!("{}.ocsp", row.serial));
            write(place, &file, &der.map_err(refused)?)
                .map_err(|error| failed(file.display(), &error))?;
            match row.status {
                SerialStatus::Revoked { .. } => report.revoked += 1,
                _ => report.good += 1,
            }
            shown.set(report.good + report.revoked);
        }
        if rows.len() < PAGE as usize {
            break;
        }
    }
    drop(shown);
    if options.json {
        return context.print_json(&report);
    }
    context.print(&format!(
        "{} responses in {}: {} good, {} revoked\n",
        report.good + report.revoked,
        place.display(),
        report.good,
        report.revoked
    ))
}

/// Writes a file whole, or leaves the old one. It is not synced: who loses it makes it again.
fn write(folder: &Path, file: &Path, der: &[u8]) -> io::Result<()> {
    let mut temporary = tempfile::Builder::new().prefix(".espalier-").tempfile_in(folder)?;
    temporary.as_file_mut().write_all(der)?;
    temporary.as_file().set_permissions(Permissions::from_mode(0o644))?;
    temporary.persist(file).map(drop).map_err(|error| error.error)
}
