//! `espalier issue`: a certificate from a request, or with a key made here.

use ca_core::algorithm::Algorithm;
use ca_core::csr::CertificateRequest;
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AltName;
use ca_core::key::{KeyDerivation, PrivateKey};
use ca_core::name::{AttributeType, DistinguishedName};
use ca_core::pem::{self, Label};
use ca_core::plan::Request;
use ledger::{Idempotency, Ledger};
use serde::Serialize;

use super::name_options::NameOptions;
use super::{CliError, Context, Exit};
use crate::authority::Authority;
use crate::data_folder::{DataFolder, DataOptions, ledger_failed, wait_for};
use crate::input::Source;
use crate::issuance::{self, Asker, Issued};
use crate::key_file;
use crate::output::{Content, Encoding, OutputOptions, Staged, Target};
use crate::passphrase::PassphraseOptions;
use crate::profiles::ProfileOptions;

/// Issue a certificate from a CSR, or make the key as well
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier issue --csr app.csr --out app.pem
  espalier issue --dns app.example --key-out app.key --out app.pem --chain
  espalier issue --dns db.example --algorithm p256 --key-out db.key --days 30 --json")]
pub(super) struct Options {
    #[command(flatten)]
    data: DataOptions,

    /// The request; its key, names and extensions are taken as far as the profile allows
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key_out", "algorithm", "subject", "dns", "ip", "email", "uri", "upn"])]
    csr: Option<Source>,

    /// Make a key and write it here
    #[arg(long, value_name = "FILE", required_unless_present = "csr")]
    key_out: Option<Target>,

    /// The algorithm of the key that is made; the authority's by default
    #[arg(long, value_name = "NAME", value_parser = Algorithm::named)]
    algorithm: Option<&'static Algorithm>,

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

    /// Add the chain up to the root, as TLS servers want it
    #[arg(long, conflicts_with = "der")]
    chain: bool,

    /// Answer a repeated request with the certificate of the first time; for --csr
    #[arg(long, value_name = "KEY", requires = "csr")]
    idempotency_key: Option<String>,

    #[command(flatten)]
    passphrase: PassphraseOptions,

    #[command(flatten)]
    output: OutputOptions,

    /// Print JSON with the certificate and what it holds
    #[arg(long, conflicts_with_all = ["der", "out"])]
    json: bool,
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
    let profile = options.profile.read(context)?;
    let idempotency = |body: &[u8]| {
        options
            .idempotency_key
            .clone()
            .map(|key| Idempotency { key, body_digest: body_digest(options, body) })
    };
    let (mut request, asker, key) = match &options.csr {
        Some(source) => {
            let csr = read_request(source, context)?;
            (Request::from_csr(&csr), Asker::local(idempotency(csr.der())), None)
        }
        None => {
            let algorithm = match options.algorithm {
                Some(algorithm) => algorithm,
                None => authority_algorithm(ledger, &options.authority).await?,
            };
            let key = PrivateKey::generate(algorithm, context.rng())
                .map_err(|error| CliError::of(Exit::Fault, "key", &error))?;
            let public_key = key.public_key().clone();
            let names = options.names.all();
            let subject = options.subject.clone().unwrap_or_else(|| default_subject(&names));
            let key = Some(stage_key(options, &key, context)?);
            (Request::new(subject, names, public_key), Asker::local(None), key)
        }
    };
    request.validity_seconds = options.days.map(|days| days * 86_400);
    let mut ask = |context: &mut Context| folder.passphrase(&options.passphrase, context);
    let authority = Authority::load(folder, ledger, &options.authority, &mut ask, context).await?;
    let issued = issuance::issue(ledger, &authority, &profile, request, asker, context).await?;
    if let Some(key) = key {
        key.publish()?;
    }
    for note in &issued.notes {
        context.note(&format!("note: {note}"));
    }
    write(options, &authority, profile.name(), &issued, context)
}

/// The digest of everything that decides on the certificate, so that the same idempotency key
/// with another request is a conflict.
fn body_digest(options: &Options, csr: &[u8]) -> Fingerprint {
    let rest = format!("{} {:?} {:?}", options.authority, options.profile, options.days);
    Fingerprint::of(&[Fingerprint::of(csr).as_bytes(), rest.as_bytes()].concat())
}

/// Reads a CSR and checks that whoever made it has the private key.
fn read_request(source: &Source, context: &mut Context) -> Result<CertificateRequest, CliError> {
    let octets = context.read(source)?;
    let csr = CertificateRequest::from_pem_or_der(&octets)
        .map_err(|error| CliError::of(Exit::Usage, source, &error))?;
    csr.verify_possession().map_err(|error| CliError::of(Exit::Refused, source, &error))?;
    Ok(csr)
}

async fn authority_algorithm(ledger: &Ledger, name: &str) -> Result<&'static Algorithm, CliError> {
    let authority = ledger.authority(name).await.map_err(ledger_failed)?;
    let algorithm = authority.map(|authority| authority.content.algorithm);
    let algorithm = algorithm.and_then(|name| Algorithm::named(&name).ok());
    algorithm.ok_or_else(|| crate::authority::unknown(name))
}

/// The first name as common name, for people who read lists of subjects; nothing where it can't
/// be one.
fn default_subject(names: &[AltName]) -> DistinguishedName {
    let first = names.first().map(AltName::value).unwrap_or_default();
    let common_name = AttributeType::named("CN");
    let subject = common_name.and_then(|name| DistinguishedName::of(&[(name, &first)]));
    subject.unwrap_or_default()
}

/// Writes the key to a temporary file: it gets its name when there is a certificate for it.
fn stage_key(
    options: &Options,
    key: &PrivateKey,
    context: &mut Context,
) -> Result<Staged, CliError> {
    let Some(target) = &options.key_out else {
        return Err(CliError::fault("no place for the key"));
    };
    let derivation = KeyDerivation::default();
    let pem = key_file::encode(key, None, derivation, Encoding::Pem, context.rng())?;
    target.stage(Content::Secret, &pem, options.output.force)
}

fn write(
    options: &Options,
    authority: &Authority,
    profile: &str,
    issued: &Issued,
    context: &mut Context,
) -> Result<(), CliError> {
    if options.json {
        return context.print_json(&Printed {
            serial: issued.serial.to_string(),
            fingerprint_sha256: Fingerprint::of(&issued.der).to_string(),
            authority: authority.name(),
            profile,
            certificate: pem::encode(Label::Certificate, &issued.der),
            chain: authority.chain_pem(&issued.der),
            notes: &issued.notes,
        });
    }
    if !options.chain {
        return options.output.write_public(Label::Certificate, &issued.der);
    }
    let chain = authority.chain_pem(&issued.der);
    options.output.out.write(Content::Public, chain.as_bytes(), options.output.force)
}
