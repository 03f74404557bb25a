//! `espalier key block`.

use ca_core::certificate::Certificate;
use ca_core::csr::CertificateRequest;
use ca_core::fingerprint::Fingerprint;
use ca_core::inspect::Kind;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Input};
use ca_core::public_key::PublicKey;
use jiff::Timestamp;
use ledger::{Filter, Ledger, NewKeyBlock, Page, RevocationReason, Status};
use serde::Serialize;

use crate::cli::revoking::ReasonOptions;
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataOptions, ledger_failed, wait_for};
use crate::input::Source;

/// Serial numbers that are named at most; the others are counted.
const NAMED: usize = 1000;

/// Block a key for ever, and revoke every certificate that has it
///
/// A composite key is blocked with both its halves; the halves alone are blocked by their digests.
/// Certificates with a key that has a blocked half are revoked as well, and none is issued for it
/// again. Without --reason it is keyCompromise.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier key block app.pem
  espalier key block leaked-public.pem --reason keyCompromise \\
      --invalidity-date 2026-11-20T08:00:00Z
  espalier key block 0f3a...64 digits --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// A file with a certificate, a request, or a public or unencrypted private key; or the SHA-256
    /// of a SubjectPublicKeyInfo, as `espalier inspect` shows it
    #[arg(value_name = "FILE|DIGEST")]
    key: String,

    #[command(flatten)]
    reason: ReasonOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    keys: Vec<Blocked>,
    revoked: u64,
    /// The first thousand of those revoked.
    serials: Vec<String>,
}

#[derive(Serialize)]
struct Blocked {
    sha256: String,
    reason: RevocationReason,
    blocked_at: Timestamp,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let digests = digests(&options.key, context)?;
    wait_for(async {
        let ledger = options.data.folder()?.open_ledger().await?;
        let result = block(options, digests, &ledger, context).await;
        let closed = ledger.close().await.map_err(ledger_failed);
        result.and(closed)
    })
}

async fn block(
    options: &Options,
    digests: Vec<Fingerprint>,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    check_no_authority(&digests, ledger).await?;
    let revocation = options.reason.revoking(RevocationReason::KEY_COMPROMISE, context);
    let revoked_at = revocation.revoked_at;
    let new = NewKeyBlock { digests, revocation };
    let done = ledger.block_keys(new).await.map_err(ledger_failed)?;
    let keys: Vec<Blocked> = done
        .keys
        .iter()
        .map(|key| Blocked {
            sha256: key.digest.to_string(),
            reason: key.reason,
            blocked_at: key.blocked_at,
        })
        .collect();
    let mut serials = Vec::new();
    for key in done.keys.iter().take_while(|_| done.revoked > 0) {
        revoked(key.digest, revoked_at, ledger, &mut serials).await?;
    }
    let report = Report { keys, revoked: done.revoked, serials };
    if options.json {
        return context.print_json(&report);
    }
    context.print(&report.text())
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for key in &self.keys {
            text += &format!("blocked {} since {}: {}\n", key.sha256, key.blocked_at, key.reason);
        }
        for serial in &self.serials {
            text += &format!("revoked {serial}\n");
        }
        text += &match self.revoked {
            1 => "1 certificate was revoked\n".to_owned(),
            count => format!("{count} certificates were revoked\n"),
        };
        text
    }
}

/// An authority's key has a command of its own, which asks first.
async fn check_no_authority(digests: &[Fingerprint], ledger: &Ledger) -> Result<(), CliError> {
    let authorities = ledger.authorities().await.map_err(ledger_failed)?;
    let has = |authority: &ledger::Authority| {
        let content = &authority.content;
        let mut keys = content.component_digests.iter().chain([&content.key_digest]);
        keys.any(|key| digests.contains(key))
    };
    let Some(found) = authorities.iter().find(|authority| has(authority)) else { return Ok(()) };
    let name = &found.content.name;
    Err(CliError::refused(format!("the key of authority {name:?}, or a part of it")).with_hint(
        format!("`espalier ca revoke {name}` blocks it, and revokes what the authority issued"),
    ))
}

/// Appends the serial numbers with this key that were revoked at that moment.
async fn revoked(
    key: Fingerprint,
    revoked_at: Timestamp,
    ledger: &Ledger,
    serials: &mut Vec<String>,
) -> Result<(), CliError> {
    let filter = Filter { key: Some(key), status: Some(Status::Revoked), ..Filter::default() };
    let mut page = Page::newest(Page::MAX_LIMIT);
    while serials.len() < NAMED {
        let found = ledger.search(filter.clone(), page).await.map_err(ledger_failed)?;
        for entry in &found.entries {
            let now = entry.revocation.as_ref().is_some_and(|it| it.revoked_at == revoked_at);
            let serial = entry.serial().to_string();
            if now && !serials.contains(&serial) && serials.len() < NAMED {
                serials.push(serial);
            }
        }
        match found.next {
            Some(next) => page = page.after(next),
            None => break,
        }
    }
    Ok(())
}

/// The digests of the key and of its parts.
fn digests(key: &str, context: &mut Context) -> Result<Vec<Fingerprint>, CliError> {
    if let Some(digest) = Fingerprint::from_hex(key) {
        return Ok(vec![digest]);
    }
    let source = Source::from(std::ffi::OsString::from(key));
    let octets = context.read(&source).map_err(|error| {
        CliError::new(error.exit(), error.message())
            .with_hint("name a file, or a SHA-256 of 64 hexadecimal digits")
    })?;
    let mut digests = Vec::new();
    for key in keys(&source, &octets)? {
        digests.push(key.fingerprint());
        digests.extend(key.component_fingerprints());
    }
    digests.sort();
    digests.dedup();
    Ok(digests)
}

/// The public key that a file holds, and the alternative one of a certificate.
fn keys(source: &Source, octets: &[u8]) -> Result<Vec<PublicKey>, CliError> {
    let fail = |error: &dyn std::error::Error| CliError::of(Exit::Usage, source, error);
    let input = pem::read(octets).map_err(|error| fail(&error))?;
    let der = match &input {
        Input::Der(der) => der.as_slice(),
        Input::Pem(blocks) => match blocks.as_slice() {
            [block] => block.der(),
            _ => {
                let message =
                    format!("{source}: found {} PEM blocks, allowed is one", blocks.len());
                return Err(CliError::usage(message).with_hint("name one key at a time"));
            }
        },
    };
    match Kind::of(der) {
        Some(Kind::Certificate) => {
            let certificate = Certificate::from_der(der).map_err(|error| fail(&error))?;
            let alternative = certificate.extensions().alt_public_key().cloned();
            Ok([certificate.public_key().clone()].into_iter().chain(alternative).collect())
        }
        Some(Kind::CertificateRequest) => {
            let request = CertificateRequest::from_der(der).map_err(|error| fail(&error))?;
            Ok(vec![request.public_key().clone()])
        }
        Some(Kind::PublicKey) => Ok(vec![PublicKey::from_spki(der).map_err(|error| fail(&error))?]),
        Some(Kind::Pkcs8PrivateKey | Kind::Sec1PrivateKey | Kind::Pkcs1PrivateKey) => {
            let key = PrivateKey::from_der(der).map_err(|error| fail(&error))?;
            Ok(vec![key.public_key().clone()])
        }
        found => {
            let found = found.map_or("something unknown".to_owned(), |kind| kind.to_string());
            let message = format!(
                "{source}: found {found}, allowed are a certificate, a request, or a public or unencrypted private key"
            );
            Err(CliError::usage(message))
        }
    }
}
