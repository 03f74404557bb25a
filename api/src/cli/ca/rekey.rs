//! `espalier ca rekey`.

use std::ffi::OsString;
use std::path::PathBuf;

use ca_core::algorithm::Algorithm;
use ca_core::name::DistinguishedName;
use ca_core::pem::{self, Label};
use ca_core::plan::Request;
use ledger::Ledger;
use serde::Serialize;

use super::find;
use crate::authority::{Authority, Founding, Mode, Protection, certificates, found, link};
use crate::cli::issue::SECONDS_OF_DAY;
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::input::Source;
use crate::issuance::{self, Asker};
use crate::output::{Content, Target};
use crate::passphrase::{NewPassphraseOptions, Passphrase, PassphraseOptions};
use crate::profiles::{choose, shipped};

/// Give a root a new key: a new root of the same name, and link certificates between both; cut
/// off, the same command goes on
///
/// The link certificates (RFC 4210 section 4.4) are the new key signed by the old one and the old key
/// signed by the new one. Chains that are issued from now on carry the one for their own root, so that
/// who trusts either root can verify them. The old root keeps its key, and signs the revocation lists
/// of what it issued (`espalier crl make ROOT`) until the last of it has ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca rekey root --name root-2
  espalier ca rekey root --name root-pq --algorithm ML-DSA-87 --days 3650
  espalier ca create --name west --parent root-2 --subject 'CN=West CA,O=Example'")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The root whose key is replaced
    #[arg(value_name = "ROOT")]
    root: String,

    /// The name of the new root in the ledger: a-z, 0-9, `-`, `_` and `.`
    #[arg(long, value_name = "NAME")]
    name: String,

    /// How the new root signs; as the old one by default
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    algorithm: Option<&'static Algorithm>,

    /// Sign a second time by this post-quantum algorithm; for a classical algorithm only
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    alt_algorithm: Option<&'static Algorithm>,

    /// The profile of the new root's certificate, where it is one of your own
    #[arg(long, value_name = "FILE")]
    profile_file: Option<Source>,

    /// How many days the new root shall be valid; the profile's default otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,

    /// Read the passphrase of the old root's key from this file, where it is another
    #[arg(long, value_name = "FILE", conflicts_with = "old_passphrase_env")]
    old_passphrase_file: Option<Source>,

    /// Read the passphrase of the old root's key from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    old_passphrase_env: Option<OsString>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Made<'a> {
    name: &'a str,
    algorithm: &'a str,
    mode: Option<Mode>,
    certificate: PathBuf,
    new_with_old: PathBuf,
    old_with_new: PathBuf,
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let recorded = find(ledger, &options.root).await?;
    if let Some(parent) = &recorded.content.parent {
        let message = format!(
            "authority {}: found one below {parent}, allowed is a root; only a root needs link certificates",
            options.root
        );
        return Err(CliError::usage(message).with_hint(format!(
            "make an authority with a new key beside it: `espalier ca create --parent {parent}`"
        )));
    }
    let passphrase = folder.new_passphrase(&options.passphrase, context)?;
    let named = options.old_passphrase();
    let mut ask =
        |context: &mut Context| folder.passphrase_beside_new(&named, passphrase.as_ref(), context);
    let old = Authority::load(folder, ledger, &options.root, &mut ask, context).await?;
    let new = options.new_root(&old, folder, ledger, passphrase.as_ref(), context).await?;
    let place = folder.authority(new.name());
    let printed = Made {
        name: new.name(),
        algorithm: new.algorithm().name(),
        mode: new.certificate().map(Mode::of),
        certificate: place.join("certificate.pem"),
        new_with_old: place.join("new-with-old.pem"),
        old_with_new: place.join("old-with-new.pem"),
    };
    let new_with_old = linked(ledger, &new, &old, context).await?;
    let old_with_new = linked(ledger, &old, &new, context).await?;
    for (path, der) in
        [(&printed.new_with_old, new_with_old), (&printed.old_with_new, old_with_new)]
    {
        let text = pem::encode(Label::Certificate, &der);
        // What an earlier attempt wrote is the same.
        Target::File(path.clone()).write(Content::Public, text.as_bytes(), true)?;
    }
    if options.json {
        return context.print_json(&printed);
    }
    context.print(&format!(
        "authority     {}\nalgorithm     {}\ncertificate   {}\nnew with old  {}\nold with new  {}\n",
        printed.name,
        printed.algorithm,
        printed.certificate.display(),
        printed.new_with_old.display(),
        printed.old_with_new.display(),
    ))
}

/// The link certificate for the name and key of `subject`, signed by `issuer`; it is issued, unless
/// the ledger has it already.
async fn linked(
    ledger: &Ledger,
    subject: &Authority,
    issuer: &Authority,
    context: &mut Context,
) -> Result<Vec<u8>, CliError> {
    let recorded = find(ledger, subject.name()).await?;
    let existing = certificates(&recorded)?;
    let mut links = existing.iter().filter(|certificate| {
        link::joins(certificate, subject.signer().public_key(), issuer.signer().public_key())
    });
    if let Some(link) = links.next_back() {
        return Ok(link.der().to_vec());
    }
    let own = subject.certificate().ok_or_else(|| {
        CliError::environment(format!("authority {}: it has no certificate", subject.name()))
    })?;
    let request =
        Request::cross(own).map_err(|error| CliError::of(Exit::Refused, subject.name(), &error))?;
    let (profile, asker) = (shipped("cross-ca")?, Asker::local(None));
    let issued = issuance::issue(ledger, issuer, &profile, request, asker, context).await?;
    let der = issued.der().to_vec();
    let added = ledger.add_authority_certificate(subject.name(), der.clone(), context.now()).await;
    added.map_err(ledger_failed)?;
    Ok(der)
}

impl Options {
    /// The new root: it is founded, unless that was done before.
    async fn new_root(
        &self,
        old: &Authority,
        folder: &DataFolder,
        ledger: &Ledger,
        passphrase: Option<&Passphrase>,
        context: &mut Context,
    ) -> Result<Authority, CliError> {
        let known = ledger.authority(&self.name).await.map_err(ledger_failed)?;
        let certificate = old.certificate().ok_or_else(|| {
            CliError::environment(format!("authority {}: it has no certificate", self.root))
        })?;
        if let Some(known) = known.filter(|known| !known.certificates.is_empty()) {
            let named = self.old_passphrase();
            let mut ask =
                |context: &mut Context| folder.passphrase_beside_new(&named, passphrase, context);
            let new = Authority::load(folder, ledger, &self.name, &mut ask, context).await?;
            let same_name =
                new.certificate().is_some_and(|new| new.subject() == certificate.subject());
            if same_name && known.content.parent.is_none() && new.name() != old.name() {
                return Ok(new);
            }
            return Err(CliError::usage(format!(
                "authority {:?}: there is one of this name already, allowed is a new name, or the root that an earlier rekey of {} began",
                self.name, self.root
            )));
        }
        let subject = DistinguishedName::from_name(certificate.subject().clone())
            .map_err(|error| CliError::of(Exit::Refused, &self.root, &error))?;
        let founding = Founding {
            name: self.name.clone(),
            algorithm: self.algorithm.unwrap_or(old.algorithm()),
            alt_algorithm: self.alt_algorithm,
            subject,
            profile: choose("root", self.profile_file.as_ref(), context)?.profile,
            validity_seconds: self.days.map(|days| days * SECONDS_OF_DAY),
        };
        let derivation = self.passphrase.key_derivation();
        let protection = Protection { passphrase, derivation };
        found(folder, ledger, founding, None, protection, context).await
    }

    /// Where the passphrase of the old root's key comes from, when it is another.
    fn old_passphrase(&self) -> PassphraseOptions {
        PassphraseOptions {
            passphrase_file: self.old_passphrase_file.clone(),
            passphrase_env: self.old_passphrase_env.clone(),
        }
    }
}
