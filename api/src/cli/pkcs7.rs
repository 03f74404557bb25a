//! `espalier pkcs7`: bags of certificates.

use ca_core::certificate::Certificate;
use ca_core::inspect::inspect;
use ca_core::pem::{self, Label};
use ca_core::pkcs7::{CertificateBag, Pkcs7Error};
use clap::Subcommand;

use super::{CliError, Context, exit_code};
use crate::input::Source;
use crate::output::{Content, OutputOptions};

/// Make, show and open PKCS#7 bags of certificates (.p7b, .p7c)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  espalier pkcs7 create chain.pem --out chain.p7b",
    disable_help_subcommand = true
)]
pub(super) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(CreateOptions),
    Show(ShowOptions),
    Extract(ExtractOptions),
}

/// Put certificates and revocation lists into a PKCS#7 bag
///
/// The order is kept. A bag is neither encrypted nor signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier pkcs7 create chain.pem --out chain.p7b
  espalier pkcs7 create cert.pem issuing.pem --crl issuing-crl.pem --der --out chain.p7c")]
struct CreateOptions {
    /// Certificates; a file may hold several, `-` is standard input
    #[arg(value_name = "FILE", required_unless_present = "crl")]
    files: Vec<Source>,

    /// Revocation lists in PEM or DER; may be given more than once
    #[arg(long, value_name = "FILE")]
    crl: Vec<Source>,

    #[command(flatten)]
    output: OutputOptions,
}

/// Show what a PKCS#7 bag holds
///
/// Nothing is verified.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier pkcs7 show chain.p7b
  espalier pkcs7 show chain.p7b --json")]
struct ShowOptions {
    /// The bag in PEM, DER or BER; `-` is standard input
    file: Source,

    /// Print JSON, as `espalier inspect` does
    #[arg(long)]
    json: bool,
}

/// Take the certificates out of a PKCS#7 bag, as PEM
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  espalier pkcs7 extract chain.p7b --out chain.pem")]
struct ExtractOptions {
    /// The bag in PEM, DER or BER; `-` is standard input
    file: Source,

    #[command(flatten)]
    output: ExtractOutput,
}

#[derive(Debug, clap::Args)]
struct ExtractOutput {
    /// Where to write; `-` is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "-")]
    out: crate::output::Target,

    /// Replace a private key file that exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    match &options.command {
        Command::Create(options) => create(options, context),
        Command::Show(options) => show(options, context),
        Command::Extract(options) => extract(options, context),
    }
}

fn create(options: &CreateOptions, context: &mut Context) -> Result<(), CliError> {
    let (mut certificates, mut lists) = (Vec::new(), Vec::new());
    for source in &options.files {
        let octets = context.read(source)?;
        let read = pem::read_certificates(&octets);
        certificates.extend(
            read.map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?,
        );
    }
    for source in &options.crl {
        let octets = context.read(source)?;
        let read = pem::read_crls(&octets);
        lists.extend(
            read.map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?,
        );
    }
    let bag = CertificateBag::new(certificates, lists).and_then(|bag| bag.to_der());
    let bag = bag.map_err(|error| CliError::of(exit_code::of_pkcs7(&error), "bag", &error))?;
    options.output.write_public(Label::Pkcs7, &bag)
}

fn read(source: &Source, context: &mut Context) -> Result<CertificateBag, CliError> {
    let octets = context.read(source)?;
    pem::read_one_bag(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))
}

fn show(options: &ShowOptions, context: &mut Context) -> Result<(), CliError> {
    let file = &options.file;
    let failed = |error: Pkcs7Error| CliError::of(exit_code::of_pkcs7(&error), file, &error);
    let der = read(file, context)?.to_der().map_err(failed)?;
    let shown =
        inspect(&der).map_err(|error| CliError::of(exit_code::of_inspect(&error), file, &error))?;
    if options.json {
        return context.print_json(&shown);
    }
    context.print(&shown.iter().map(ToString::to_string).collect::<String>())
}

fn extract(options: &ExtractOptions, context: &mut Context) -> Result<(), CliError> {
    let bag = read(&options.file, context)?;
    let pem = |certificate: &Certificate| pem::encode(Label::Certificate, certificate.der());
    let text: String = bag.certificates().iter().map(pem).collect();
    if text.is_empty() {
        return Err(CliError::refused(format!("{}: found no certificate", options.file)));
    }
    options.output.out.write(Content::Public, text.as_bytes(), options.output.force)
}
