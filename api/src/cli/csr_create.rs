//! `espalier csr create`: makes a request, and the key where there is none.

use std::ffi::OsString;

use ca_core::algorithm::{Algorithm, KeyAlgorithm, KeyKind};
use ca_core::csr::CertificateRequest;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::pem::Label;
use ca_core::related::RelatedRequest;

use super::csr_stated::StatementOptions;
use super::name_options::NameOptions;
use super::{CliError, Context, Exit, exit_code, related};
use crate::input::Source;
use crate::key_file;
use crate::key_making::make_key;
use crate::output::{Content, OutputOptions, Staged, Target};
use crate::passphrase::{NewPassphraseOptions, PassphraseOptions};

/// Make a request with a key that is there, or with a new one
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier csr create --key key.pem --dns demo.localhost --out demo.csr
  espalier csr create --key pq.key --subject CN=demo --dns demo.localhost \\
      --related demo.pem --related-key demo.key --out pq.csr
  espalier csr create --algorithm hybrid --key-out key.pem --subject CN=demo,O=Example \\
      --dns demo.localhost --ip 127.0.0.1 --out demo.csr
  espalier csr create --key kem.pem --subject CN=Alice --email alice@example.com \\
      --possession-certificate alice.pem --possession-key alice.key --out kem.csr")]
pub(super) struct CreateOptions {
    /// The private key to sign with, or an ML-KEM key to certify; `-` is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "key_out")]
    key: Option<Source>,

    /// Make a new key and write it to this file
    #[arg(long, value_name = "FILE", conflicts_with = "key", requires = "algorithm")]
    key_out: Option<Target>,

    /// The new key's algorithm; with --key, how to sign, such as rsa3072-pss
    #[arg(long, short, value_name = "NAME", value_parser = KeyAlgorithm::named)]
    algorithm: Option<KeyAlgorithm>,

    /// The subject: CN=demo,O=Example or /O=Example/CN=demo
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    #[arg(value_parser = DistinguishedName::parse)]
    subject: DistinguishedName,

    #[command(flatten)]
    names: NameOptions,

    #[command(flatten)]
    related: RelatedOptions,

    #[command(flatten)]
    statement: StatementOptions,

    #[command(flatten)]
    output: OutputOptions,

    #[command(flatten)]
    passphrase: NewPassphraseOptions,
}

/// The wish to be bound to another certificate (RFC 9763).
#[derive(Debug, clap::Args)]
struct RelatedOptions {
    /// Ask to be bound to this certificate, which must have the same names (RFC 9763)
    #[arg(long, value_name = "FILE", requires = "related_key")]
    related: Option<Source>,

    /// The private key of that certificate
    #[arg(long, value_name = "FILE", requires = "related")]
    related_key: Option<Source>,

    /// Where that certificate can be had; the request holds the certificate itself otherwise
    #[arg(long, value_name = "URL", requires = "related")]
    related_url: Vec<String>,

    /// Read the passphrase of --related-key from this file
    #[arg(long, value_name = "FILE", conflicts_with = "related_passphrase_env")]
    related_passphrase_file: Option<Source>,

    /// Read the passphrase of --related-key from the environment variable of this name
    #[arg(long, value_name = "NAME")]
    related_passphrase_env: Option<OsString>,
}

impl RelatedOptions {
    fn ask(&self, context: &mut Context) -> Result<Option<RelatedRequest>, CliError> {
        let (Some(source), Some(key)) = (&self.related, &self.related_key) else {
            return Ok(None);
        };
        // The first is meant; the reader gives one at least, or an error.
        let certificate = related::read(source, context)?.remove(0);
        let passphrase = PassphraseOptions {
            passphrase_file: self.related_passphrase_file.clone(),
            passphrase_env: self.related_passphrase_env.clone(),
        };
        let private = key_file::load(key, &passphrase, context)?;
        let kind = private.public_key().kind();
        let algorithm = Algorithm::of_key(kind, false)
            .ok_or_else(|| CliError::refused(format!("{key}: {kind} can't sign alone")))?;
        let signer = private
            .signer(algorithm.scheme())
            .map_err(|error| CliError::of(Exit::Fault, key, &error))?;
        RelatedRequest::sign(&certificate, &signer, context.now(), &self.related_url)
            .map(Some)
            .map_err(|error| CliError::of(Exit::Refused, source, &error))
    }
}

pub(super) fn run(options: &CreateOptions, context: &mut Context) -> Result<(), CliError> {
    let names = options.names.all();
    if options.subject.is_empty() && names.is_empty() {
        return Err(CliError::usage("request: found neither a subject nor a name")
            .with_hint("give --subject, or one of --dns, --ip, --email, --uri, --upn"));
    }
    let output = &options.output;
    // Before a new key is made, so that a wrong passphrase costs nothing.
    let asked = options.related.ask(context)?;
    let (key, staged_key) = match (&options.key, &options.key_out) {
        (Some(_), _) if options.passphrase.no_passphrase => {
            return Err(CliError::usage("--no-passphrase is for a new key, found --key")
                .with_hint("give --key-out to make one"));
        }
        (Some(source), _) => {
            let key = key_file::load(source, &options.passphrase.source, context)?;
            (key, None)
        }
        (None, Some(target)) => {
            target.check_differs(&output.out)?;
            let (key, staged) = new_key(options, target, context)?;
            (key, Some(staged))
        }
        (None, None) => return Err(CliError::usage("request: found neither --key nor --key-out")),
    };

    let request = match key.public_key().kind() {
        KeyKind::MlKem(_) => {
            options.statement.build(&options.subject, &names, key.public_key(), context)?
        }
        _ => build(options, &names, asked.as_ref(), &key)?,
    };
    let octets = output.encoding().encode(Label::CertificateRequest, request.der());
    let staged_request = output.out.stage(Content::Public, &octets, output.force)?;
    staged_key.map_or(Ok(()), Staged::publish)?;
    staged_request.publish()
}

fn new_key(
    options: &CreateOptions,
    target: &Target,
    context: &mut Context,
) -> Result<(PrivateKey, Staged), CliError> {
    let output = &options.output;
    target.check(Content::Secret, output.force)?;
    // clap asks for --algorithm beside --key-out.
    let algorithm = options.algorithm.unwrap_or(KeyAlgorithm::Signing(Algorithm::hybrid()));
    let passphrase = options.passphrase.read("the new key", context)?;
    let key = make_key(algorithm, context)?;
    let kdf = options.passphrase.key_derivation();
    let encoding = output.encoding();
    let octets = key_file::encode(&key, passphrase.as_ref(), kdf, encoding, context.rng())?;
    Ok((key, target.stage(Content::Secret, &octets, output.force)?))
}

fn build(
    options: &CreateOptions,
    names: &[AltName],
    related: Option<&RelatedRequest>,
    key: &PrivateKey,
) -> Result<CertificateRequest, CliError> {
    let kind = key.public_key().kind();
    if options.statement.possession_certificate.is_some() {
        let found = format!("--possession-certificate: found beside a key of {kind}");
        return Err(CliError::usage(format!("{found}, which signs for itself"))
            .with_hint("leave it out; it is for ML-KEM keys, which can't sign"));
    }
    let algorithm = match options.algorithm {
        Some(algorithm) if algorithm.key() != kind => {
            return Err(CliError::usage(format!(
                "algorithm: {algorithm} does not fit the key, which is {kind}"
            )));
        }
        Some(KeyAlgorithm::Signing(algorithm)) => algorithm,
        _ => Algorithm::of_key(kind, false).ok_or_else(|| {
            CliError::refused(format!("private key: {kind} is not an algorithm to sign with"))
                .with_hint("`espalier algorithms` lists those that are")
        })?,
    };
    let signer = key
        .signer(algorithm.scheme())
        .map_err(|error| CliError::of(Exit::Fault, "private key", &error))?;
    let request = CertificateRequest::build_related(&options.subject, names, &[], related, &signer);
    let checked = request.and_then(|request| {
        request.verify_possession()?;
        Ok(request)
    });
    checked.map_err(|error| CliError::new(exit_code::of_request(&error), error.to_string()))
}
