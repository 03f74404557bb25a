//! `espalier issue`: a certificate from a request, or with a key made here.

mod ordered;

use ca_core::algorithm::KeyAlgorithm;
use ca_core::fingerprint::Fingerprint;
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::name::DistinguishedName;
use ca_core::plan::Request;
use ca_core::public_key::PublicKey;
use ledger::Ledger;

use super::issued::{HandedOut, IssuingOptions};
use super::name_options::NameOptions;
use super::related::RelatedOptions;
use super::requested::{Asked, VoucherOptions, read_request};
use super::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions, wait_for};
use crate::input::Source;
use crate::issuance::{self, Asker, subject_of};
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, Encoding, Staged, Target};
use crate::profiles::{ChosenProfile, ProfileOptions};
use crate::registry::Registry;

/// Seconds of a day.
pub(super) const SECONDS_OF_DAY: u64 = 86_400;

/// Issue a certificate from a CSR, or make the key as well
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("subject_key").args(["csr", "key_out"]).required(true))]
#[command(after_help = "Examples:
  espalier issue --csr app.csr --out app.pem
  espalier issue --dns app.example --key-out app.key --out app.pem --chain
  espalier issue --dns db.example --algorithm p256 --key-out db.key --days 30 --json
  espalier issue --server https://ca.example:8440 --token-file token --csr app.csr --out app.pem
  espalier issue --csr kem.csr --profile kem-recipient --out kem.pem

A classical certificate and a post-quantum one, bound to each other (RFC 9763):
  espalier issue --dns app.example --algorithm p256 --key-out app.key --out app.pem
  espalier csr create --algorithm ml-dsa-65 --key-out pq.key --no-passphrase --dns app.example \\
      --subject CN=app.example --related app.pem --related-key app.key --out pq.csr
  espalier issue --csr pq.csr --out pq.pem
  espalier verify --trust root.pem --related app.pem pq.pem")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// The request; its key, names and extensions are taken as far as the profile allows
    #[arg(long, value_name = "FILE", conflicts_with_all = ["algorithm", "subject", "dns", "ip", "email", "uri", "upn"])]
    csr: Option<Source>,

    /// Make a key and write it here, not encrypted, mode 0600
    #[arg(long, value_name = "FILE")]
    key_out: Option<Target>,

    /// The algorithm of the key that is made; the authority's by default
    #[arg(long, value_name = "NAME", value_parser = KeyAlgorithm::named)]
    algorithm: Option<KeyAlgorithm>,

    /// Whom the certificate names, such as `CN=app,O=Example`
    #[arg(long, value_name = "NAME", value_parser = DistinguishedName::parse)]
    subject: Option<DistinguishedName>,

    #[command(flatten)]
    names: NameOptions,

    /// The authority that signs; `issuing` by default, or the only one of a server
    #[arg(long, value_name = "NAME")]
    authority: Option<String>,

    #[command(flatten)]
    profile: ProfileOptions,

    /// Answer a repeated request with the certificate of the first time; for --csr
    #[arg(long, value_name = "KEY", conflicts_with = "key_out")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    related: RelatedOptions,

    #[command(flatten)]
    vouchers: VoucherOptions,

    #[command(flatten)]
    issuing: IssuingOptions,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    options.check_outputs()?;
    wait_for(async {
        let registry = Registry::open(&options.data, context).await?;
        let issued = match &registry {
            Registry::Here(here) => issue(options, here.folder(), here.ledger(), context).await,
            Registry::Server(client) => ordered::issue(options, client, context).await,
        };
        let written = issued.and_then(|issued| options.issuing.issued.write(&issued, context));
        registry.close(written).await
    })
}

async fn issue(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<HandedOut, CliError> {
    let chosen = options.profile.read(context)?;
    let asked = match &options.csr {
        Some(source) => {
            let found = read_request(source, context)?;
            Some(found.asked(&options.vouchers, ledger, context).await?)
        }
        None => None,
    };
    let asker = options.asker(asked.as_ref(), &chosen, context)?;
    // Before anything is judged: what had an end may have ended since the first time.
    let earlier = issuance::answered(ledger, &asker).await?;
    let csr = match &asked {
        Some(asked) if earlier.is_none() => Some(asked.proven(context.now())?),
        _ => None,
    };
    let authority = options.issuing.authority(options.authority(), folder, ledger, context).await?;
    let profile = &chosen.profile;
    if let Some(issued) = earlier {
        return Ok(HandedOut::here(&authority, profile.name(), &issued, folder));
    }
    let (mut request, key) = match (csr, &options.key_out) {
        (Some(csr), _) => {
            let related = options.related.prove(csr.clone(), profile, ledger, context).await?;
            let mut request = Request::from_csr(csr);
            request.related = related;
            (request, None)
        }
        (None, Some(target)) => {
            options.vouchers.check_unused("--key-out: the key is made here")?;
            let algorithm = options.algorithm.unwrap_or(authority.algorithm().into());
            let key = make_key(algorithm, context)?;
            let staged = stage_key(&key, target, options.issuing.issued.output.force, context)?;
            (options.request(key.public_key().clone()), Some(staged))
        }
        (None, None) => return Err(CliError::usage("request: found neither --csr nor --key-out")),
    };
    request.validity_seconds = options.issuing.validity_seconds();
    let issued = issuance::issue(ledger, &authority, profile, request, asker, context).await?;
    // The key first: a certificate is of no use without it, and can be had again.
    if let Some(key) = key {
        key.publish().map_err(|error| key_lost(&issued.serial().to_string(), &error))?;
    }
    Ok(HandedOut::here(&authority, profile.name(), &issued, folder))
}

impl Options {
    /// The authority of a data folder that signs.
    fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or("issuing")
    }

    fn check_outputs(&self) -> Result<(), CliError> {
        self.issuing.issued.check()?;
        let Some(key_out) = &self.key_out else { return Ok(()) };
        key_out.check(Content::Secret, self.issuing.issued.output.force)?;
        key_out.check_differs(&self.issuing.issued.output.out)?;
        if *key_out == Target::Stdout
            && (self.issuing.issued.json || self.issuing.issued.output.der)
        {
            return Err(CliError::usage("--key-out: found standard output beside --json or --der")
                .with_hint("name a file, so that key and certificate do not run together"));
        }
        Ok(())
    }

    fn request(&self, public_key: PublicKey) -> Request {
        let names = self.names.all();
        let subject = self.subject.clone().unwrap_or_else(|| subject_of(&names));
        Request::new(subject, names, public_key)
    }

    /// Who asks, and by which idempotency key.
    fn asker(
        &self,
        asked: Option<&Asked<'_>>,
        chosen: &ChosenProfile,
        context: &Context,
    ) -> Result<Asker, CliError> {
        match asked {
            None => Ok(Asker::local(None)),
            Some(asked) => {
                let parts = [
                    Fingerprint::of(asked.csr().der()),
                    chosen.digest,
                    Fingerprint::of(self.authority().as_bytes()),
                    self.issuing.validity_digest(),
                ];
                let key = issuance::idempotency(self.idempotency_key.as_ref(), &parts);
                asked.asker(Asker::local(key), context.now())
            }
        }
    }
}

/// Writes the key to a temporary file: it gets its name when there is a certificate for it.
fn stage_key(
    key: &PrivateKey,
    target: &Target,
    force: bool,
    context: &mut Context,
) -> Result<Staged, CliError> {
    let derivation = KeyDerivation::default();
    let pem = key_file::encode(key, None, derivation, Encoding::Pem, context.rng())?;
    target.stage(Content::Secret, &pem, force)
}

/// The key did not get its name, and is gone: its certificate is in the ledger, and of no use.
fn key_lost(serial: &str, error: &CliError) -> CliError {
    let message = format!(
        "certificate {serial}: issued and in the ledger, but its private key could not be written and is gone: {}",
        error.message()
    );
    CliError::new(error.exit(), message)
        .with_hint("nobody can use this certificate; mend the place of the key, and issue another")
}
