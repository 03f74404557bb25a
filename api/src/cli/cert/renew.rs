//! `espalier cert renew`.

use ca_core::fingerprint::Fingerprint;
use ca_core::pem;
use ca_core::plan::Request;
use ca_core::serial::SerialNumber;
use client::Client;
use client::v1::RenewCertificate;
use jiff::SignedDuration;
use ledger::{Entry, Ledger};

use super::meant::Meant;
use crate::cli::issued::{HandedOut, IssuingOptions};
use crate::cli::ordering::{idempotency_key, only_here};
use crate::cli::requested::{Asked, VoucherOptions, read_request};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::input::Source;
use crate::issuance::{self, Asker};
use crate::profiles::{ChosenProfile, choose};
use crate::registry::Registry;
use crate::renewal::{BINDING_DROPPED, RenewalError, renewable, with_new_key};

/// Issue a certificate of the ledger once more, for the same key or a new one
///
/// Its subject, names and usages are checked again, by its profile as it is today. That the same key
/// may have another certificate is shown by the record of the first one, and allowed by the
/// profile's key_reuse; a new key comes with a CSR that it signed, or, for ML-KEM, that the holder of
/// a signature certificate of the same names signed. What was revoked, has ended, or
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

    /// Answer a repeated request with the certificate of the first time
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    vouchers: VoucherOptions,

    #[command(flatten)]
    issuing: IssuingOptions,
}

pub(super) async fn run(
    options: &Options,
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    options.issuing.issued.check()?;
    let issued = match registry {
        Registry::Here(here) => renew(options, here.folder(), here.ledger(), context).await?,
        Registry::Server(client) => order(options, client, context).await?,
    };
    options.issuing.issued.write(&issued, context)
}

/// Asks a server for it.
async fn order(
    options: &Options,
    client: &Client,
    context: &mut Context,
) -> Result<HandedOut, CliError> {
    only_here(&[
        ("--profile-file", options.profile_file.is_some()),
        ("--grace-days", options.grace_days > 0),
        ("--passphrase-file or --passphrase-env", options.issuing.has_passphrase()),
    ])?;
    options.vouchers.check_unused("a server")?;
    let which = Meant::read(&options.which, context)?.into_number();
    let (mut new_key, mut csr) = (None, None);
    if let Some(source) = &options.csr {
        let found = read_request(source, context)?;
        new_key = Some(found.csr().public_key().clone());
        csr = Some(pem::encode(pem::Label::CertificateRequest, found.csr().der()));
    }
    let asked =
        RenewCertificate { csr, validity_days: options.issuing.days(), ..Default::default() };
    let key = idempotency_key(options.idempotency_key.as_deref(), context)?;
    let issued = client.renew(&which, &asked, &key).await?;
    HandedOut::of_server(issued, new_key.as_ref(), client.server().as_str())
}

async fn renew(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<HandedOut, CliError> {
    let entry = find(ledger, &options.which, context).await?;
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
    let asked = options.asked(ledger, context).await?;
    let asker = options.asker(asked.as_ref(), &entry, &chosen, context)?;
    // Before anything is judged: what had an end may have ended since the first time.
    let earlier = issuance::answered(ledger, &asker).await?;
    let (profile, name) = (&chosen.profile, &recorded.authority);
    if let Some(issued) = earlier {
        let authority = options.issuing.authority(name, folder, ledger, context).await?;
        return Ok(HandedOut::here(&authority, profile.name(), &issued, folder));
    }
    let request = options.request(asked.as_ref(), &entry, context)?;
    let authority = options.issuing.authority(name, folder, ledger, context).await?;
    let issued = issuance::issue(ledger, &authority, profile, request, asker, context).await?;
    Ok(HandedOut::here(&authority, profile.name(), &issued, folder))
}

/// The entry of the certificate that a person means.
async fn find(ledger: &Ledger, which: &Source, context: &mut Context) -> Result<Entry, CliError> {
    let number = Meant::read(which, context)?.into_number();
    let found = match SerialNumber::from_hex(&number) {
        Ok(serial) => ledger.get_by_serial(serial).await,
        Err(_) => match Fingerprint::from_hex(&number) {
            Some(fingerprint) => ledger.get_by_fingerprint(fingerprint).await,
            None => Ok(None),
        },
    };
    found.map_err(ledger_failed)?.ok_or_else(|| {
        CliError::refused(format!("{which}: not in this ledger, which alone shows who has its key"))
            .with_hint("ask for a certificate by a CSR: `espalier issue --csr`")
    })
}

impl Options {
    /// The CSR with the new key, if there is one.
    async fn asked(
        &self,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Option<Asked<'_>>, CliError> {
        let Some(source) = &self.csr else {
            self.vouchers.check_unused("no --csr: the key stays the same")?;
            return Ok(None);
        };
        let found = read_request(source, context)?;
        found.asked(&self.vouchers, ledger, context).await.map(Some)
    }

    /// Who asks, and by which idempotency key.
    fn asker(
        &self,
        asked: Option<&Asked<'_>>,
        entry: &Entry,
        chosen: &ChosenProfile,
        context: &Context,
    ) -> Result<Asker, CliError> {
        let parts = [
            Fingerprint::of(format!("renewal of {}", entry.serial()).as_bytes()),
            Fingerprint::of(asked.map_or(&[][..], |asked| asked.csr().der())),
            chosen.digest,
            self.issuing.validity_digest(),
        ];
        let key = issuance::idempotency(self.idempotency_key.as_ref(), &parts);
        match asked {
            None => Ok(Asker::local(key)),
            Some(asked) => asked.asker(Asker::local(key), context.now()),
        }
    }

    /// What is asked for: what the certificate has, for its key or a new one.
    fn request(
        &self,
        asked: Option<&Asked<'_>>,
        entry: &Entry,
        context: &Context,
    ) -> Result<Request, CliError> {
        let grace = SignedDuration::from_hours(24 * i64::from(self.grace_days));
        let certificate = renewable(entry, grace, context.now()).map_err(failed)?;
        let mut request = Request::renewal(&certificate)
            .map_err(|error| CliError::of(Exit::Refused, entry.serial(), &error))?;
        if certificate.extensions().related().is_some() {
            context.note(&format!("note: {BINDING_DROPPED}"));
        }
        if let Some(asked) = asked {
            let csr = asked.proven(context.now())?;
            let (changed, note) = with_new_key(request, &csr).map_err(|error| {
                let failed = failed(error);
                let message = format!("{}: {}", asked.source(), failed.message());
                let hint = failed.hint().unwrap_or_default();
                CliError::new(failed.exit(), message).with_hint(hint)
            })?;
            request = changed;
            if let Some(note) = note {
                context.note(&format!("note: {note}"));
            }
        }
        request.validity_seconds = self.issuing.validity_seconds();
        Ok(request)
    }
}

/// How the command fails, with what to do.
fn failed(error: RenewalError) -> CliError {
    let text = error.to_string();
    match error {
        RenewalError::Revoked { .. } => {
            CliError::refused(text).with_hint("make a new key, and ask by `espalier issue --csr`")
        }
        RenewalError::NoCertificate { .. } => CliError::refused(text),
        RenewalError::Ended { .. } => CliError::refused(text).with_hint(
            "say by --grace-days how long after its end it may be renewed, or issue a new one",
        ),
        RenewalError::Unreadable { .. } => CliError::environment(text),
        RenewalError::Differs { .. } => {
            CliError::refused(text).with_hint("for other names ask by `espalier issue --csr`")
        }
    }
}
