//! `espalier csr`: certificate requests.

use ca_core::algorithm::KeyKind;
use ca_core::csr::{CertificateRequest, CsrError, Possession, ProvenRequest};
use ca_core::pem;
use clap::Subcommand;

use super::csr_create::{self, CreateOptions};
use super::{CliError, Context, exit_code};
use crate::input::Source;
use crate::possession::{PossessionOptions, Voucherage, read_certificates};

/// Make and check certificate requests (PKCS#10)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  espalier csr create --key key.pem --dns demo.localhost --out demo.csr",
    disable_help_subcommand = true
)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Box<CreateOptions>),
    Verify(VerifyOptions),
}

/// Check a request's structure, bounds, key strength and proof of possession
///
/// Exit code 0: it is valid. 1: it is not, with the reason on standard error. 2: usage, or it
/// can't be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier csr verify demo.csr
  openssl req -new -key key.pem -subj /CN=demo | espalier csr verify -
  espalier csr verify kem.csr --trust root.pem --intermediate issuing.pem")]
struct VerifyOptions {
    /// The request in PEM or DER; `-` is standard input
    file: Source,

    /// For an ML-KEM key: trust the certificate that vouches (RFC 9883) when it was issued below one
    /// of these, whose revocation is not looked at; may be given more than once
    #[arg(long, value_name = "FILE")]
    trust: Vec<Source>,

    /// Certificates that may stand between; may be given more than once
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<Source>,

    #[command(flatten)]
    possession: PossessionOptions,

    /// Print JSON: what the request asks for, as `espalier inspect` shows it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Create(options) => csr_create::run(options, context),
        Command::Verify(options) => verify(options, context),
    }
}

fn verify(options: &VerifyOptions, context: &mut Context) -> Result<(), CliError> {
    let octets = context.read(&options.file)?;
    let request = pem::read_one_request(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), &options.file, &error))?;
    let kind = request.public_key().kind();
    if !matches!(kind, KeyKind::MlKem(_)) {
        let shown = format!("{}: its {kind} key signs for itself", options.file);
        options.possession.check_unused(&[], &shown)?;
    }
    let refused =
        |error: CsrError| CliError::of(exit_code::of_request(&error), &options.file, &error);
    let voucherage = options.voucherage(context)?;
    let standing = |certificate: &_| voucherage.standing(certificate);
    let proven = match voucherage.anchors.is_empty() {
        true => request.verify_possession(),
        false => request.verify_statement(&voucherage.vouching(context.now(), &standing)),
    };
    let proven = proven.map_err(|error| match error {
        CsrError::StatementNotJudged { .. } => {
            refused(error).with_hint("name whom to trust for its signature certificate by --trust")
        }
        error => refused(error),
    })?;
    if options.json {
        let shown = ca_core::inspect::inspect(request.der())
            .map_err(|error| CliError::of(exit_code::of_inspect(&error), &options.file, &error))?;
        return context.print_json(&shown);
    }
    context.print(&summary(&request, &proven))
}

impl VerifyOptions {
    fn voucherage(&self, context: &mut Context) -> Result<Voucherage, CliError> {
        let (presented, mut intermediates) = self.possession.read(context)?;
        for source in &self.intermediate {
            intermediates.extend(read_certificates(source, context)?);
        }
        let mut anchors = Vec::new();
        for source in &self.trust {
            anchors.extend(read_certificates(source, context)?);
        }
        Ok(Voucherage { presented, anchors, intermediates, ..Voucherage::default() })
    }
}

fn summary(request: &CertificateRequest, proven: &ProvenRequest<'_>) -> String {
    let names: Vec<String> = request.names().iter().map(ToString::to_string).collect();
    let or_none = |text: String| if text.is_empty() { "none".to_owned() } else { text };
    let signed_with = match proven.possession() {
        Possession::OwnSignature => "the key in it".to_owned(),
        Possession::Vouched(voucher) => format!(
            "the key of certificate {} of {}, which vouches for the key in it",
            voucher.serial, voucher.issuer
        ),
    };
    format!(
        "valid: signed by {} with {signed_with}\nsubject  {}\nnames    {}\nkey      {}, sha256 {}\n",
        request.scheme(),
        or_none(request.subject().to_string()),
        or_none(names.join(", ")),
        request.public_key().kind(),
        request.public_key().fingerprint(),
    )
}
