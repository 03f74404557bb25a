//! `espalier ca show`.

use ca_core::certificate::Certificate;
use ca_core::inspect::{Inspected, inspect_certificate};
use ca_core::name;
use ca_core::pem::{self, Label, ReadError};
use client::Client;
use jiff::Timestamp;
use ledger::Ledger;
use serde::Serialize;

use super::find;
use super::list::Row;
use crate::authority::{chain, others};
use crate::cli::{CliError, Context, Exit};
use crate::data_folder::DataOptions;
use crate::output::{Content, OutputOptions, Target};
use crate::registry::Registry;

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

    /// Write the certificate itself, as --out and --der do as well
    #[arg(long)]
    pem: bool,

    #[command(flatten)]
    output: OutputOptions,

    /// Print JSON
    #[arg(long, conflicts_with_all = ["pem", "der", "out"])]
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

/// An authority, and its certificates.
struct Found {
    row: Row,
    /// Its own certificate first, each followed by its issuer's.
    chain: Vec<Certificate>,
    others: Vec<Certificate>,
}

impl Found {
    async fn here(name: &str, ledger: &Ledger) -> Result<Self, CliError> {
        let recorded = find(ledger, name).await?;
        let chain = chain(ledger, name).await?;
        let own = chain.first().ok_or_else(|| {
            let message = format!("authority {name}: it has no certificate yet");
            CliError::environment(message).with_hint(
                "it was cut off while it was made; run the same `espalier ca create` again",
            )
        })?;
        let others = others(&recorded, &chain)?;
        Ok(Self { row: Row::new(&recorded, Some(own)), others, chain })
    }

    async fn at(client: &Client, name: &str) -> Result<Self, CliError> {
        let shown = client.authority(name).await?;
        let failed = |error: ReadError| CliError::of(Exit::Environment, name, &error);
        let chain = pem::read_certificates(shown.chain.as_bytes()).map_err(failed)?;
        let others = shown.other_certificates.iter();
        let others = others.map(|pem| pem::read_one_certificate(pem.as_bytes()).map_err(failed));
        let others = others.collect::<Result<_, _>>()?;
        Ok(Self { row: Row::of_server(shown)?, chain, others })
    }
}

pub(super) async fn run(
    options: &Options,
    registry: &Registry,
    context: &mut Context,
) -> Result<(), CliError> {
    let Found { row, mut chain, others } = match registry {
        Registry::Here(here) => Found::here(&options.name, here.ledger()).await?,
        Registry::Server(client) => Found::at(client, &options.name).await?,
    };
    if !options.chain {
        chain.truncate(1);
    }
    let output = &options.output;
    if options.pem || output.der || output.out != Target::Stdout {
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
    let others: Vec<Other> = others.iter().map(Other::new).collect();
    if options.json {
        return context.print_json(&Shown { authority: row, certificates: inspected, others });
    }
    let mut text = row.text();
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
