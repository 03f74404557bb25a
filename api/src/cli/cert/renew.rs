//! `espalier cert renew`.

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::name;
use ca_core::pem;
use ca_core::plan::Request;
use ca_core::serial::SerialNumber;
use jiff::{SignedDuration, Timestamp};
use ledger::{Entry, Ledger, Status};

use crate::authority::Authority;
use crate::cli::issue::{SECONDS_OF_DAY, read_request};
use crate::cli::issued::IssuedOptions;
use crate::cli::{CliError, Context, Exit, exit_code};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::input::Source;
use crate::issuance::{self, Asker};
use crate::passphrase::PassphraseOptions;
use crate::profiles::choose;

/// Issue a certificate of the ledger once more, for the same key or a new one
///
/// Its subject, names and usages are checked again, by its profile as it is today. That the same key
/// may have another certificate is shown by the record of the first one, and allowed by the
/// profile's key_reuse; a new key comes with a CSR that it signed. What was revoked, has ended, or
/// has a blocked key is not renewed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier cert renew 5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203 --out app-2.pem --chain
  espalier cert renew app.pem --csr new-key.csr --days 30 --out app-2.pem")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// Its serial number (40 hexadecimal digits), its SHA-256 fingerprint (64), or its file
    #[arg(value_name = "SERIAL|FILE")]
    which: Source,

    /// A request with a new key; what it names must be what the certificate names
    #[arg(long, value_name = "FILE")]
    csr: Option<Source>,

    /// The certificate's profile, where it is one of your own
    #[arg(long, value_name = "FILE")]
    profile_file: Option<Source>,

    /// How many days after its end a certificate may still be renewed
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=365))]
    grace_days: u16,

    /// How many days it shall be valid; the profile's default otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    issued: IssuedOptions,
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    options.issued.check()?;
    let entry = find(ledger, &options.which, context).await?;
    let certificate = options.renewable(&entry, context.now())?;
    let recorded = &entry.record.content;
    let chosen = choose(&recorded.profile, options.profile_file.as_ref(), context)?;
    if chosen.profile.name() != recorded.profile {
        return Err(CliError::usage(format!(
            "profile: found {}, allowed is {}, by which {} was issued",
            chosen.profile.name(),
            recorded.profile,
            entry.serial()
        )));
    }
    let mut request = Request::renewal(&certificate)
        .map_err(|error| CliError::of(Exit::Refused, entry.serial(), &error))?;
    if certificate.extensions().related().is_some() {
        context.note(
            "note: the certificate is bound to another one (RFC 9763), the new one is not: \
             a binding takes a fresh request, `espalier csr create --related`",
        );
    }
    if let Some(source) = &options.csr {
        request = with_new_key(request, source, context)?;
    }
    request.validity_seconds = options.days.map(|days| days * SECONDS_OF_DAY);
    let mut ask = |context: &mut Context| folder.passphrase(&options.passphrase, context);
    let authority = Authority::load(folder, ledger, &recorded.authority, &mut ask, context).await?;
    let (profile, asker) = (&chosen.profile, Asker::local(None));
    let issued = issuance::issue(ledger, &authority, profile, request, asker, context).await?;
    options.issued.write(&authority, profile.name(), &issued, folder, context)
}

/// The entry of the certificate that a person means.
async fn find(ledger: &Ledger, which: &Source, context: &mut Context) -> Result<Entry, CliError> {
    let text = which.to_string();
    if SerialNumber::from_hex(&text).is_ok() || Fingerprint::from_hex(&text).is_some() {
        return super::find(ledger, &text).await;
    }
    let octets = context.read(which)?;
    let certificate = pem::read_one_certificate(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), which, &error))?;
    let found =
        ledger.get_by_fingerprint(certificate.fingerprint()).await.map_err(ledger_failed)?;
    found.ok_or_else(|| {
        CliError::refused(format!("{which}: not in this ledger, which alone shows who has its key"))
            .with_hint("ask for a certificate by a CSR: `espalier issue --csr`")
    })
}

impl Options {
    /// The certificate of an entry that may be renewed now.
    fn renewable(&self, entry: &Entry, now: Timestamp) -> Result<Certificate, CliError> {
        let serial = entry.serial();
        let der = match (entry.status(), &entry.certificate) {
            (Status::Stored, Some(certificate)) => &certificate.der,
            (Status::Revoked, _) => {
                return Err(CliError::refused(format!(
                    "certificate {serial}: found it revoked, allowed is one that is not"
                ))
                .with_hint("make a new key, and ask by `espalier issue --csr`"));
            }
            (_, None) | (Status::Orphan, _) => {
                return Err(CliError::refused(format!(
                    "certificate {serial}: recorded, but it has no certificate"
                )));
            }
        };
        let end = entry.record.content.validity.not_after();
        let grace = SignedDuration::from_hours(24 * i64::from(self.grace_days));
        if now.duration_since(end) > grace {
            return Err(CliError::refused(format!(
                "certificate {serial}: validity: it ended at {end}, allowed is an end at most {} days before now, {now}",
                self.grace_days
            ))
            .with_hint("say by --grace-days how long after its end it may be renewed, or issue a new one"));
        }
        Certificate::from_der(der).map_err(|error| {
            CliError::of(Exit::Environment, format!("certificate {serial}"), &error)
        })
    }
}

/// The same names for the key of a CSR, which must not ask for others.
fn with_new_key(
    mut renewal: Request,
    source: &Source,
    context: &mut Context,
) -> Result<Request, CliError> {
    let csr = read_request(source, context)?;
    let asked = Request::from_csr(csr.signed()?);
    let differs = |field: &str, found: String, allowed: String| {
        Err(CliError::refused(format!(
            "{source}: {field}: found {found}, allowed is what the certificate has, {allowed}, or none"
        ))
        .with_hint("for other names ask by `espalier issue --csr`"))
    };
    if !asked.subject.is_empty() && asked.subject != renewal.subject {
        let text = |request: &Request| name::to_text(request.subject.as_name());
        return differs("subject", text(&asked), text(&renewal));
    }
    let sorted = |names: &[AltName]| {
        let mut texts: Vec<String> = names.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    let (found, allowed) = (sorted(&asked.names), sorted(&renewal.names));
    if !found.is_empty() && found != allowed {
        return differs("names", found.join(" "), allowed.join(" "));
    }
    if renewal.alt_public_key.is_some() {
        context.note("note: a CSR has no alternative key, so the new certificate has none");
    }
    renewal.public_key = asked.public_key;
    renewal.alt_public_key = None;
    Ok(renewal)
}
