//! `espalier issue`: a certificate from a request, or with a key made here.

use ca_core::algorithm::{KeyAlgorithm, KeyKind};
use ca_core::csr::{CertificateRequest, CsrError, ProvenRequest};
use ca_core::fingerprint::Fingerprint;
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::name::DistinguishedName;
use ca_core::pem;
use ca_core::plan::Request;
use ca_core::public_key::PublicKey;
use ledger::{Idempotency, Ledger};

use super::issued::IssuedOptions;
use super::name_options::NameOptions;
use super::related::RelatedOptions;
use super::{CliError, Context, Exit, exit_code};
use crate::authority::Authority;
use crate::data_folder::{DataFolder, DataOptions, ledger_failed, wait_for};
use crate::input::Source;
use crate::issuance::{self, Asker, Issued, subject_of};
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, Encoding, Staged, Target};
use crate::passphrase::PassphraseOptions;
use crate::possession::{PossessionOptions, Voucherage};
use crate::profiles::{ChosenProfile, ProfileOptions};

/// Seconds of a day.
pub(super) const SECONDS_OF_DAY: u64 = 86_400;

/// Issue a certificate from a CSR, or make the key as well
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("subject_key").args(["csr", "key_out"]).required(true))]
#[command(after_help = "Examples:
  espalier issue --csr app.csr --out app.pem
  espalier issue --dns app.example --key-out app.key --out app.pem --chain
  espalier issue --dns db.example --algorithm p256 --key-out db.key --days 30 --json
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

    /// The authority that signs
    #[arg(long, value_name = "NAME", default_value = "issuing")]
    authority: String,

    #[command(flatten)]
    profile: ProfileOptions,

    /// How many days it shall be valid; the profile's default otherwise
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,

    /// Answer a repeated request with the certificate of the first time; for --csr
    #[arg(long, value_name = "KEY", conflicts_with = "key_out")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    related: RelatedOptions,

    #[command(flatten)]
    possession: PossessionOptions,

    /// For an ML-KEM key: trust the certificate that vouches (RFC 9883) also when it was issued
    /// below one of these, beside the roots of this ledger; may be given more than once
    #[arg(long, value_name = "FILE")]
    possession_trust: Vec<Source>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    issued: IssuedOptions,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    wait_for(async {
        let folder = DataFolder::new(&options.data.data);
        let ledger = folder.open_ledger().await?;
        let result = issue(options, &folder, &ledger, context).await;
        let closed = ledger.close().await.map_err(ledger_failed);
        result.and(closed)
    })
}

async fn issue(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    options.check_outputs()?;
    let chosen = options.profile.read(context)?;
    let csr = options.csr.as_ref().map(|source| read_request(source, context)).transpose()?;
    let csr = match &csr {
        Some(found) => Some(found.proven(options, ledger, context).await?),
        None => None,
    };
    let mut ask = |context: &mut Context| folder.passphrase(&options.passphrase, context);
    let authority = Authority::load(folder, ledger, &options.authority, &mut ask, context).await?;
    let (mut request, asker, key) = match (csr, &options.key_out) {
        (Some(csr), _) => {
            let asker = Asker::local(options.idempotency(csr.request(), &chosen));
            let asker = asker.vouched(csr.possession());
            if let Some(issued) = issuance::answered(ledger, &asker).await? {
                let name = chosen.profile.name();
                return options.issued.write(&authority, name, &issued, folder, context);
            }
            let related =
                options.related.prove(csr.clone(), &chosen.profile, ledger, context).await?;
            let mut request = Request::from_csr(csr.clone());
            request.related = related;
            (request, asker, None)
        }
        (None, Some(target)) => {
            let (shown, trust) = (&options.possession, &options.possession_trust);
            shown.check_unused(trust, "--key-out: the key is made here")?;
            let algorithm = options.algorithm.unwrap_or(authority.algorithm().into());
            let key = make_key(algorithm, context)?;
            let staged = stage_key(&key, target, options.issued.output.force, context)?;
            (options.request(key.public_key().clone()), Asker::local(None), Some(staged))
        }
        (None, None) => return Err(CliError::usage("request: found neither --csr nor --key-out")),
    };
    request.validity_seconds = options.days.map(|days| days * SECONDS_OF_DAY);
    let profile = &chosen.profile;
    let issued = issuance::issue(ledger, &authority, profile, request, asker, context).await?;
    // The key first: a certificate is of no use without it, and can be had again.
    if let Some(key) = key {
        key.publish().map_err(|error| key_lost(&issued, &error))?;
    }
    options.issued.write(&authority, profile.name(), &issued, folder, context)
}

impl Options {
    fn check_outputs(&self) -> Result<(), CliError> {
        self.issued.check()?;
        let Some(key_out) = &self.key_out else { return Ok(()) };
        key_out.check(Content::Secret, self.issued.output.force)?;
        key_out.check_differs(&self.issued.output.out)?;
        if *key_out == Target::Stdout && (self.issued.json || self.issued.output.der) {
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

    /// The idempotency key with the digest of everything that decides on the certificate, so that
    /// the same key with another request is a conflict.
    fn idempotency(&self, csr: &CertificateRequest, chosen: &ChosenProfile) -> Option<Idempotency> {
        let key = self.idempotency_key.clone()?;
        let days = self.days.map_or("default".to_owned(), |days| days.to_string());
        let parts = [
            Fingerprint::of(csr.der()),
            chosen.digest,
            Fingerprint::of(self.authority.as_bytes()),
            Fingerprint::of(days.as_bytes()),
        ];
        let parts: Vec<u8> = parts.iter().flat_map(|part| *part.as_bytes()).collect();
        Some(Idempotency { key, body_digest: Fingerprint::of(&parts) })
    }
}

/// A CSR and where it was read.
pub(super) struct Found<'a> {
    source: &'a Source,
    csr: CertificateRequest,
}

impl Found<'_> {
    /// Checks that the key in the CSR signed it.
    pub(super) fn signed(&self) -> Result<ProvenRequest<'_>, CliError> {
        let signed = self.csr.verify_possession();
        signed.map_err(|error| CliError::of(Exit::Refused, self.source, &error))
    }

    /// Checks that whoever made the CSR has the private key: by its signature, or by what the
    /// holder of a signature certificate states (RFC 9883).
    async fn proven(
        &self,
        options: &Options,
        ledger: &Ledger,
        context: &mut Context,
    ) -> Result<ProvenRequest<'_>, CliError> {
        let refused = |error: CsrError| CliError::of(Exit::Refused, self.source, &error);
        let (shown, trust) = (&options.possession, &options.possession_trust);
        let kind = self.csr.public_key().kind();
        let KeyKind::MlKem(_) = kind else {
            shown.check_unused(
                trust,
                &format!("{}: its {kind} key signs for itself", self.source),
            )?;
            return self.signed();
        };
        let voucherage = Voucherage::of_ledger(ledger, &self.csr, shown, trust, context).await?;
        let standing = |certificate: &_| voucherage.standing(certificate);
        let vouching = voucherage.vouching(context.now(), &standing);
        self.csr.verify_statement(&vouching).map_err(refused)
    }
}

pub(super) fn read_request<'a>(
    source: &'a Source,
    context: &mut Context,
) -> Result<Found<'a>, CliError> {
    let octets = context.read(source)?;
    let csr = pem::read_one_request(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?;
    Ok(Found { source, csr })
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
fn key_lost(issued: &Issued, error: &CliError) -> CliError {
    let message = format!(
        "certificate {}: issued and in the ledger, but its private key could not be written and is gone: {}",
        issued.serial(),
        error.message()
    );
    CliError::new(error.exit(), message)
        .with_hint("nobody can use this certificate; mend the place of the key, and issue another")
}
