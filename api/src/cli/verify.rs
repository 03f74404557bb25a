//! `espalier verify`: is a certificate valid, and why not.

use std::fmt;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::path::{
    self, Extent, Options as Demands, Outcome, PathError, RevocationDemands, SecurityPolicy,
    ServerName, Usage,
};
use ca_core::pem;
use ca_core::related::check_binding;
use ca_core::revocation::RevocationSources;
use jiff::Timestamp;
use serde::Serialize;

use super::{CliError, Context, Exit, exit_code};
use crate::input::Source;

/// Verify a certificate against trusted ones (RFC 5280), and say why step by step
///
/// With --crl or --ocsp it looks whether the certificate, and those between it and the trusted one, are
/// revoked: good, revoked, or unknown where no list or response that is the issuer's, current and of
/// the right scope is among those given. Revoked and unknown are both not valid.
///
/// Exit code 0: it is valid. 1: it is not, with the first reason on standard error. 2: usage, or a
/// file can't be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier verify --trust root.pem chain.pem
  espalier verify --trust root.pem --intermediate issuing.pem --policy hybrid \\
      --hostname demo.localhost --usage server-auth cert.pem
  espalier verify --trust root.pem --related classical.pem post-quantum.pem
  espalier verify --trust root.pem --crl root.crl --crl issuing.crl chain.pem
  espalier verify --trust root.pem --ocsp app.resp --revocation-of leaf chain.pem")]
pub(super) struct Options {
    /// The certificate; others behind it in the same file serve as intermediates. `-` is standard
    /// input
    file: Source,

    /// Certificates to trust; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    trust: Vec<Source>,

    /// Certificates that may stand between; may be given more than once
    #[arg(long, value_name = "FILE")]
    intermediate: Vec<Source>,

    /// The instant to verify for, such as 2031-01-31T12:00:00Z [default: now]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    at: Option<Timestamp>,

    /// What every link's signature must be made of: any (RFC 5280 alone), hybrid (classical and
    /// post-quantum together) or post-quantum (with or without a classical one)
    #[arg(long, default_value_t = SecurityPolicy::Any, hide_default_value = true)]
    policy: SecurityPolicy,

    /// The host name, address, mailbox or URI that it must be for
    #[arg(long, value_name = "NAME")]
    hostname: Option<ServerName>,

    /// What it must be good for: server-auth, client-auth, code-signing, email-protection,
    /// time-stamping or ocsp-signing
    #[arg(long)]
    usage: Option<Usage>,

    /// Revocation lists to look the certificates up in, in PEM or DER; may be given more than once
    #[arg(long, value_name = "FILE")]
    crl: Vec<Source>,

    /// OCSP responses about the certificates, in DER or PEM; may be given more than once
    #[arg(long, value_name = "FILE")]
    ocsp: Vec<Source>,

    /// What to do where nobody can tell whether a certificate is revoked [default: require, where
    /// --crl or --ocsp is given]
    #[arg(long, value_enum, value_name = "RULE")]
    revocation: Option<Rule>,

    /// Which certificates are looked up: chain (all but the trusted one) or leaf [default: chain]
    #[arg(long, value_name = "EXTENT", default_value_t = Extent::Chain, hide_default_value = true)]
    revocation_of: Extent,

    /// A certificate that it must be bound to (RFC 9763), with its chain: one of both holds the
    /// digest of the other, names and usages agree, and both are valid. --policy is not asked of it
    #[arg(long, value_name = "FILE")]
    related: Option<Source>,

    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Rule {
    /// It must be known that none is revoked
    Require,
    /// None may be revoked as far as it is known
    AllowUnknown,
}

impl Options {
    /// What must be known of revocation; none when nobody asks.
    fn demands(&self, context: &mut Context) -> Result<Option<RevocationDemands>, CliError> {
        if self.crl.is_empty() && self.ocsp.is_empty() && self.revocation.is_none() {
            return Ok(None);
        }
        let mut lists = Vec::new();
        for source in &self.crl {
            let octets = context.read_large(source)?;
            let read = pem::read_crls(&octets);
            lists.extend(read.map_err(|error| CliError::of(Exit::Usage, source, &error))?);
        }
        let mut responses = Vec::new();
        for source in &self.ocsp {
            let octets = context.read(source)?;
            let read = pem::read_ocsp_responses(&octets);
            responses.extend(read.map_err(|error| CliError::of(Exit::Usage, source, &error))?);
        }
        Ok(Some(RevocationDemands {
            sources: Arc::new(RevocationSources::new(lists, responses)),
            extent: self.revocation_of,
            allow_unknown: self.revocation == Some(Rule::AllowUnknown),
        }))
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|error| {
        format!("{error}; allowed is an instant with its offset, such as 2031-01-31T12:00:00Z")
    })
}

pub(super) fn run(options: &Options, context: &mut Context) -> Result<(), CliError> {
    let mut anchors = Vec::new();
    for source in &options.trust {
        anchors.extend(certificates(source, |_| Exit::Usage, context)?);
    }
    let mut intermediates = Vec::new();
    for source in &options.intermediate {
        intermediates.extend(certificates(source, |_| Exit::Usage, context)?);
    }
    let mut chain = certificates(&options.file, exit_code::of_read, context)?;
    // The reader gives one certificate at least, or an error.
    let leaf = chain.remove(0);
    intermediates.append(&mut chain);

    let demands = Demands {
        policy: options.policy,
        name: options.hostname.clone(),
        usage: options.usage,
        revocation: options.demands(context)?,
        ..Demands::at(options.at.unwrap_or_else(|| context.now()))
    };
    let outcome = path::verify_path(&leaf, &intermediates, &anchors, &demands);
    let Some(source) = &options.related else {
        if options.json {
            context.print_json(&outcome)?;
        } else {
            context.print(&outcome.to_string())?;
        }
        return refusal(&options.file, outcome.error.as_ref());
    };
    let mut related = certificates(source, exit_code::of_read, context)?;
    let other = related.remove(0);
    intermediates.append(&mut related);
    // A policy on signatures is about the one certificate; a classical half can't satisfy it.
    let demands = Demands { policy: SecurityPolicy::Any, ..demands };
    let pair = PairOutcome {
        certificate: outcome,
        related: path::verify_path(&other, &intermediates, &anchors, &demands),
        binding_error: check_binding(&leaf, &other).err().map(|error| error.to_string()),
    };
    if options.json {
        context.print_json(&pair)?;
    } else {
        context.print(&pair.to_string())?;
    }
    refusal(&options.file, pair.certificate.error.as_ref())?;
    refusal(source, pair.related.error.as_ref())?;
    match pair.binding_error {
        Some(error) => Err(CliError::refused(format!("{} and {source}: {error}", options.file))),
        None => Ok(()),
    }
}

fn refusal(source: &Source, error: Option<&PathError>) -> Result<(), CliError> {
    error.map_or(Ok(()), |error| Err(CliError::of(Exit::Refused, source, error)))
}

/// Two certificates that should be bound to each other (RFC 9763).
#[derive(Serialize)]
struct PairOutcome {
    certificate: Outcome,
    related: Outcome,
    /// Why they are not bound; none when they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_error: Option<String>,
}

impl fmt::Display for PairOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}related certificate: {}", self.certificate, self.related)?;
        match &self.binding_error {
            None => writeln!(f, "bound: the same names, two keys, and the digest fits"),
            Some(error) => writeln!(f, "NOT bound: {error}"),
        }
    }
}

fn certificates(
    source: &Source,
    exit: impl Fn(&pem::ReadError) -> Exit,
    context: &mut Context,
) -> Result<Vec<Certificate>, CliError> {
    let octets = context.read(source)?;
    pem::read_certificates(&octets).map_err(|error| CliError::of(exit(&error), source, &error))
}
