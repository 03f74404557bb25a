//! `espalier ocsp request`.

use ca_core::ocsp::{CertId, CertIdHash, Nonce, OcspRequest};
use ca_core::pem;

use super::presign::hash;
use crate::cli::{CliError, Context, Exit, exit_code};
use crate::input::Source;
use crate::output::{Content, Target};

/// Make an OCSP request about certificates of one issuer
///
/// It has a nonce, so that nobody can answer with an old response. The request is DER; send it by
/// POST as application/ocsp-request.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ocsp request --issuer issuing.pem app.pem --out app.req
  espalier ocsp request --issuer issuing.pem --hash sha256 --no-nonce app.pem db.pem --out both.req")]
pub(super) struct Options {
    /// The certificates to ask about; of a chain the first
    #[arg(value_name = "FILE", required = true)]
    files: Vec<Source>,

    /// The certificate of their issuer
    #[arg(long, value_name = "FILE")]
    issuer: Source,

    /// By which hash function the issuer is named; every responder knows sha1, which is an identifier
    /// here and protects nothing
    #[arg(long, value_name = "HASH", default_value = "sha1", value_parser = hash)]
    hash: CertIdHash,

    /// Leave the nonce out, as caches and signed-ahead responses want it
    #[arg(long)]
    no_nonce: bool,

    /// Where to write; `-` is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "-")]
    out: Target,
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let issuer = first(&options.issuer, context)?;
    let mut ids = Vec::new();
    for source in &options.files {
        let certificate = first(source, context)?;
        if certificate.issuer() != issuer.subject() {
            let message = format!(
                "{source}: its issuer is {}, not the subject of {}, {}",
                ca_core::name::to_text(certificate.issuer()),
                options.issuer,
                ca_core::name::to_text(issuer.subject())
            );
            return Err(CliError::refused(message).with_hint("name its issuer by --issuer"));
        }
        let id = CertId::of(&certificate, &issuer, options.hash);
        ids.push(id.map_err(|error| CliError::of(Exit::Refused, source, &error))?);
    }
    let nonce = (!options.no_nonce).then(|| Nonce::generate(context.rng()));
    let request = OcspRequest::build(&ids, nonce.as_ref())
        .map_err(|error| CliError::of(Exit::Usage, "OCSP request", &error))?;
    options.out.write(Content::Public, request.der(), false)
}

fn first(
    source: &Source,
    context: &mut Context,
) -> Result<ca_core::certificate::Certificate, CliError> {
    let octets = context.read(source)?;
    let mut all = pem::read_certificates(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), source, &error))?;
    // The reader gives one certificate at least, or an error.
    Ok(all.remove(0))
}
