//! Handing out a certificate that was issued.

use ca_core::fingerprint::Fingerprint;
use ca_core::pem::{self, Label};
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
    serial: String,
    fingerprint_sha256: String,
    authority: &'a str,
    profile: &'a str,
    certificate: String,
    chain: String,
    notes: &'a [String],
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
    pub(super) fn write(
        &self,
        authority: &Authority,
        profile: &str,
        issued: &Issued,
        folder: &DataFolder,
        context: &Context,
    ) -> Result<(), CliError> {
        for note in issued.notes() {
            context.note(&format!("note: {note}"));
        }
        self.hand_out(authority, profile, issued, context).map_err(|error| {
            let message = format!(
                "certificate {}: issued and in the ledger, but not written: {}",
                issued.serial(),
                error.message()
            );
            CliError::new(error.exit(), message).with_hint(format!(
                "do not issue it again; get it by `espalier cert show {} --pem --data {}`",
                issued.serial(),
                folder.path().display()
            ))
        })
    }

    fn hand_out(
        &self,
        authority: &Authority,
        profile: &str,
        issued: &Issued,
        context: &Context,
    ) -> Result<(), CliError> {
        if self.json {
            return context.print_json(&Printed {
                serial: issued.serial().to_string(),
                fingerprint_sha256: Fingerprint::of(issued.der()).to_string(),
                authority: authority.name(),
                profile,
                certificate: pem::encode(Label::Certificate, issued.der()),
                chain: authority.chain_pem(issued.der()),
                notes: issued.notes(),
            });
        }
        if !self.chain {
            return self.output.write_public(Label::Certificate, issued.der());
        }
        let chain = authority.chain_pem(issued.der());
        self.output.out.write(Content::Public, chain.as_bytes(), self.output.force)
    }
}
