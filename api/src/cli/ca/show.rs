//! `espalier ca show`.

use ca_core::certificate::Certificate;
use ca_core::inspect::{Inspected, inspect_certificate};
use ca_core::name;
use ca_core::pem::{self, Label};
use jiff::Timestamp;
use ledger::Ledger;
use serde::Serialize;

use super::find;
use super::list::Row;
use crate::authority::{Mode, certificates, chain};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::DataOptions;
use crate::output::{Content, OutputOptions};

/// Show one authority, or write its certificate
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca show issuing
  espalier ca show root --pem --out root.pem
  espalier ca show issuing --pem --chain --out chain.pem")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The authority
    #[arg(value_name = "NAME")]
    name: String,

    /// Show or write the certificates above it as well, up to the root
    #[arg(long)]
    chain: bool,

    /// Write the certificate itself
    #[arg(long, conflicts_with = "json")]
    pem: bool,

    #[command(flatten)]
    output: OutputOptions,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown {
    authority: Row,
    /// Its own certificate, then with `--chain` those above it.
    certificates: Vec<Inspected>,
    /// Its other certificates: cross certificates, and those that were renewed.
    others: Vec<Other>,
}

#[derive(Serialize)]
struct Other {
    issuer: String,
    serial: String,
    not_after: Timestamp,
    fingerprint_sha256: String,
    certificate: String,
}

pub(super) async fn run(
    options: &Options,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let recorded = find(ledger, &options.name).await?;
    let mut chain = chain(ledger, &options.name).await?;
    let own = chain.first().cloned().ok_or_else(|| {
        let message = format!("authority {}: it has no certificate yet", options.name);
        CliError::environment(message)
            .with_hint("it was cut off while it was made; run the same `espalier ca create` again")
    })?;
    if !options.chain {
        chain.truncate(1);
    }
    let output = &options.output;
    if options.pem || output.der {
        return match &chain[..] {
            [own] => output.write_public(Label::Certificate, own.der()),
            _ if output.der => Err(CliError::usage("--der: found beside --chain")
                .with_hint("DER holds one certificate; leave one of the two out")),
            _ => output.out.write(Content::Public, chain_pem(&chain).as_bytes(), output.force),
        };
    }
    let inspected: Result<Vec<Inspected>, _> = chain.iter().map(inspect_certificate).collect();
    let inspected =
        inspected.map_err(|error| CliError::of(Exit::Environment, &options.name, &error))?;
    let others = certificates(&recorded)?.into_iter().filter(|other| *other != own);
    let others: Vec<Other> = others.map(|other| Other::new(&other)).collect();
    if options.json {
        let authority = Row::new(&recorded, Some(&own));
        return context.print_json(&Shown { authority, certificates: inspected, others });
    }
    let mut text = format!(
        "name       {}\nalgorithm  {}\nmode       {}\nparent     {}\ncreated    {}\n",
        options.name,
        recorded.content.algorithm,
        Mode::of(&own).name(),
        recorded.content.parent.as_deref().unwrap_or("-"),
        recorded.content.created_at,
    );
    for other in &others {
        text += &format!(
            "also       {} by {}, until {}\n",
            other.serial, other.issuer, other.not_after
        );
    }
    let certificates: Vec<String> =
        inspected.iter().map(|shown| shown.to_string().trim_end().to_owned()).collect();
    context.print(&format!("{text}\n{}\n", certificates.join("\n\n")))
}

fn chain_pem(chain: &[Certificate]) -> String {
    chain.iter().map(|certificate| pem::encode(Label::Certificate, certificate.der())).collect()
}

impl Other {
    fn new(certificate: &Certificate) -> Self {
        let serial = certificate.serial_octets();
        Self {
            issuer: name::to_text(certificate.issuer()),
            serial: serial.iter().map(|octet| format!("{octet:02x}")).collect(),
            not_after: certificate.validity().not_after(),
            fingerprint_sha256: certificate.fingerprint().to_string(),
            certificate: pem::encode(Label::Certificate, certificate.der()),
        }
    }
}
