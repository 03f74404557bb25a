//! `espalier ca cross-sign`.

use ca_core::certificate::Certificate;
use ca_core::name;
use ca_core::pem;
use ca_core::plan::Request;
use ledger::Ledger;

use super::find;
use crate::authority::{chain, verify_signature};
use crate::cli::issued::{HandedOut, IssuingOptions};
use crate::cli::requested::read_request;
use crate::cli::{CliError, Context, Exit, exit_code};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::input::Source;
use crate::issuance::{self, Asker};
use crate::profiles::choose;

/// Sign the name and key of an authority that has a certificate already, so that who trusts this
/// one also trusts that one
///
/// With --target the new certificate is kept with that authority (`espalier ca show`), but does not
/// take the place of its own: what it issues comes with the same chain as before.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("crossed").args(["certificate", "target"]).required(true))]
#[command(after_help = "Examples:
  espalier ca cross-sign --authority root --target root-2027 --out cross.pem
  espalier ca cross-sign --authority root --certificate other-root.pem --days 365 --out cross.pem
  espalier ca cross-sign --authority root --certificate other-issuing.pem --csr other.csr --out cross.pem")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The authority that signs
    #[arg(long, value_name = "ISSUER")]
    authority: String,

    /// The certificate of an authority elsewhere; compare its fingerprint with its owner before
    #[arg(long, value_name = "FILE")]
    certificate: Option<Source>,

    /// A request that the key in --certificate signed, which shows that its owner has it; a root
    /// shows it by signing itself
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "unproven"])]
    csr: Option<Source>,

    /// I know the owner of --certificate, and take its key without proof
    #[arg(long, conflicts_with = "target")]
    unproven: bool,

    /// An authority of this data folder
    #[arg(long, value_name = "NAME")]
    target: Option<String>,

    /// A profile of kind cross of your own; the shipped cross-ca by default
    #[arg(long, value_name = "FILE")]
    profile_file: Option<Source>,

    #[command(flatten)]
    issuing: IssuingOptions,
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    options.issuing.issued.check()?;
    let chosen = choose("cross-ca", options.profile_file.as_ref(), context)?;
    let crossed = options.crossed(ledger, context).await?;
    let subject = name::to_text(crossed.subject());
    let mut request =
        Request::cross(&crossed).map_err(|error| CliError::of(Exit::Refused, &subject, &error))?;
    request.validity_seconds = options.issuing.validity_seconds();
    let authority = options.issuing.authority(&options.authority, folder, ledger, context).await?;
    let profile = &chosen.profile;
    let asker = Asker::local(None);
    let issued = issuance::issue(ledger, &authority, profile, request, asker, context).await?;
    if let Some(target) = &options.target {
        let der = issued.der().to_vec();
        let added = ledger.add_authority_certificate(target, der, context.now()).await;
        added.map_err(ledger_failed)?;
    }
    let issued = HandedOut::here(&authority, profile.name(), &issued, folder);
    options.issuing.issued.write(&issued, context)
}

impl Options {
    /// The certificate of the authority that is crossed.
    async fn crossed(
        &self,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<Certificate, CliError> {
        match (&self.target, &self.certificate) {
            (Some(target), _) => self.target(ledger, target).await,
            (None, Some(source)) => self.foreign(source, context),
            (None, None) => {
                Err(CliError::usage("authority: found neither --certificate nor --target"))
            }
        }
    }

    async fn target(&self, ledger: &Ledger, target: &str) -> Result<Certificate, CliError> {
        let recorded = find(ledger, target).await?;
        if recorded.content.parent.as_ref() == Some(&self.authority) {
            let message = format!(
                "authority {target}: {} signed its own certificate; allowed is any other authority",
                self.authority
            );
            return Err(CliError::usage(message));
        }
        let chain = chain(ledger, target).await?;
        chain.into_iter().next().ok_or_else(|| {
            CliError::environment(format!("authority {target}: it has no certificate yet"))
        })
    }

    /// Reads the certificate of an authority elsewhere, and refuses what its own CA would not
    /// stand by any more.
    fn foreign(&self, source: &Source, context: &mut Context) -> Result<Certificate, CliError> {
        let certificate = valid(source, context)?;
        self.check_possession(&certificate, source, context)?;
        context.note(&format!(
            "note: crossing {}, SHA-256 fingerprint {}",
            name::to_text(certificate.subject()),
            certificate.fingerprint()
        ));
        Ok(certificate)
    }

    /// Whoever is crossed has the key: a root signed itself, a CSR was signed, or the operator
    /// answers for it.
    fn check_possession(
        &self,
        certificate: &Certificate,
        source: &Source,
        context: &mut Context,
    ) -> Result<(), CliError> {
        if certificate.is_self_issued() {
            verify_signature(certificate, certificate.public_key())
                .map_err(|error| CliError::of(Exit::Refused, source, &error))?;
        }
        if let Some(csr) = &self.csr {
            let request = read_request(csr, context)?;
            let found = request.signed()?.request().public_key();
            if found == certificate.public_key() {
                return Ok(());
            }
            return Err(CliError::refused(format!(
                "{csr}: public key: found {}, allowed is {}, the key in {source}",
                found.fingerprint(),
                certificate.public_key().fingerprint()
            )));
        }
        if certificate.is_self_issued() || self.unproven {
            return Ok(());
        }
        Err(CliError::refused(format!(
            "{source}: possession: found a certificate that another authority signed, allowed is one with --csr, which its key signed"
        ))
        .with_hint("ask its owner for a CSR by that key; or answer for the owner by --unproven"))
    }
}

/// Reads a certificate that is valid now.
fn valid(source: &Source, context: &mut Context) -> Result<Certificate, CliError> {
    let octets = context.read(source)?;
    let certificate = pem::read_one_certificate(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?;
    let (validity, now) = (certificate.validity(), context.now());
    if !validity.contains(now) {
        return Err(CliError::refused(format!(
            "{source}: validity: found {} to {}, allowed is one that contains now, {now}",
            validity.not_before(),
            validity.not_after()
        )));
    }
    Ok(certificate)
}
