//! Handing out a certificate that was issued.

use ca_core::fingerprint::Fingerprint;
use ca_core::pem::{self, Label};
use ca_core::public_key::PublicKey;
use ledger::Ledger;
use serde::Serialize;

use super::issue::SECONDS_OF_DAY;
use super::{CliError, Context};
use crate::authority::Authority;
use crate::data_folder::DataFolder;
use crate::issuance::Issued;
use crate::output::{Content, OutputOptions};
use crate::passphrase::PassphraseOptions;

/// Where an issued certificate goes, and in which form.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct IssuedOptions {
    /// Add the chain up to, but without, the root, as TLS servers want it
    #[arg(long, conflicts_with = "der")]
    chain: bool,

    #[command(flatten)]
    pub(super) output: OutputOptions,

    /// Print JSON with the certificate and what it holds
    #[arg(long, conflicts_with_all = ["der", "out", "chain"])]
    pub(super) json: bool,
}

/// For how long a certificate is issued, by which key, and where it goes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct IssuingOptions {
    /// How many days it shall be valid; the profile's default otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    pub(super) issued: IssuedOptions,
}

impl IssuingOptions {
    /// How long it shall be valid, where that was said.
    pub(super) fn validity_seconds(&self) -> Option<u64> {
        self.days.map(|days| days * SECONDS_OF_DAY)
    }

    /// [`Self::validity_seconds`] as part of what an idempotency key stands for.
    pub(super) fn validity_digest(&self) -> Fingerprint {
        let days = self.days.map_or("default".to_owned(), |days| days.to_string());
        Fingerprint::of(days.as_bytes())
    }

    /// How many days it shall be valid, where that was said.
    pub(super) fn days(&self) -> Option<u64> {
        self.days
    }

    /// Whether a passphrase is named, which only a key in a data folder has.
    pub(super) fn has_passphrase(&self) -> bool {
        self.passphrase.passphrase_file.is_some() || self.passphrase.passphrase_env.is_some()
    }

    /// The authority that signs, with its key.
    ///
    /// # Errors
    /// As [`Authority::load`].
    pub(super) async fn authority(
        &self,
        name: &str,
        folder: &DataFolder,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Authority, CliError> {
        let mut ask = |context: &mut Context| folder.passphrase(&self.passphrase, context);
        Authority::load(folder, ledger, name, &mut ask, context).await
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    serial: &'a str,
    fingerprint_sha256: String,
    authority: &'a str,
    profile: &'a str,
    certificate: String,
    chain: &'a str,
    notes: &'a [String],
}

/// A certificate that was issued, wherever that was.
pub(super) struct HandedOut {
    pub(super) serial: String,
    pub(super) der: Vec<u8>,
    pub(super) authority: String,
    pub(super) profile: String,
    /// It, and those above it up to, but without, the root, in PEM.
    pub(super) chain: String,
    pub(super) notes: Vec<String>,
    /// The option that names where it can be had again.
    pub(super) place: String,
}

impl HandedOut {
    /// One that was issued here.
    pub(super) fn here(
        authority: &Authority,
        profile: &str,
        issued: &Issued,
        folder: &DataFolder,
    ) -> Self {
        Self {
            serial: issued.serial().to_string(),
            der: issued.der().to_vec(),
            authority: authority.name().to_owned(),
            profile: profile.to_owned(),
            chain: authority.chain_pem(issued.der()),
            notes: issued.notes().to_vec(),
            place: format!("--data {}", folder.path().display()),
        }
    }

    /// One that a server issued, for this key where that is known.
    pub(super) fn of_server(
        issued: client::Issued,
        key: Option<&PublicKey>,
        server: &str,
    ) -> Result<Self, CliError> {
        let shown = issued.certificate;
        let place = format!("--server {server}");
        let wrong = |what: String| {
            CliError::fault(format!("certificate {}: the server's answer: {what}", shown.serial))
                .with_hint(format!("see it by `espalier cert show {} {place}`", shown.serial))
        };
        let pem = shown.certificate.as_deref().unwrap_or_default();
        let read = pem::read_one_certificate(pem.as_bytes());
        let certificate = read.map_err(|error| wrong(error.to_string()))?;
        if key.is_some_and(|key| key != certificate.public_key()) {
            return Err(wrong("found another key, allowed is the one that was asked for".into()));
        }
        let mut notes = shown.notes;
        if issued.replayed {
            notes.push("the same request was answered before, with this certificate".into());
        }
        Ok(Self {
            der: certificate.der().to_vec(),
            chain: shown.chain.unwrap_or_else(|| pem.to_owned()),
            serial: shown.serial,
            authority: shown.authority,
            profile: shown.profile,
            notes,
            place,
        })
    }
}

impl IssuedOptions {
    /// Finds out before anything is issued whether there is a place to write to.
    ///
    /// # Errors
    /// As [`crate::output::Target::write`].
    pub(super) fn check(&self) -> Result<(), CliError> {
        // Written beside the target and dropped again.
        self.output.out.stage(Content::Public, b"", self.output.force).map(drop)
    }

    /// Writes the certificate. It is in the ledger already, so a failure tells how to get it from
    /// there.
    ///
    /// # Errors
    /// As [`crate::output::Target::write`].
    pub(super) fn write(&self, issued: &HandedOut, context: &Context) -> Result<(), CliError> {
        for note in &issued.notes {
            context.note(&format!("note: {note}"));
        }
        self.hand_out(issued, context).map_err(|error| {
            let HandedOut { serial, place, .. } = issued;
            let message = format!(
                "certificate {serial}: issued and in the ledger, but not written: {}",
                error.message()
            );
            CliError::new(error.exit(), message).with_hint(format!(
                "do not issue it again; get it by `espalier cert show {serial} --pem {place}`"
            ))
        })
    }

    fn hand_out(&self, issued: &HandedOut, context: &Context) -> Result<(), CliError> {
        if self.json {
            return context.print_json(&Printed {
                serial: &issued.serial,
                fingerprint_sha256: Fingerprint::of(&issued.der).to_string(),
                authority: &issued.authority,
                profile: &issued.profile,
                certificate: pem::encode(Label::Certificate, &issued.der),
                chain: &issued.chain,
                notes: &issued.notes,
            });
        }
        if !self.chain {
            return self.output.write_public(Label::Certificate, &issued.der);
        }
        self.output.out.write(Content::Public, issued.chain.as_bytes(), self.output.force)
    }
}
