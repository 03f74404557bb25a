//! `espalier ocsp respond`.

use std::collections::HashMap;

use ca_core::crl::EntrySerial;
use ca_core::ocsp::{CertStatus, OcspResponse};
use ca_core::pem;
use ca_core::serial::SerialNumber;
use ledger::Ledger;

use super::responder::{ResponderOptions, cert_status, refused};
use crate::cli::{CliError, Context, Exit, exit_code};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::input::Source;
use crate::output::{Content, Target};

/// Answer one OCSP request from the ledger
///
/// The answer is what the ledger says now: a certificate that was revoked a moment ago is revoked.
/// Serial numbers that the authority has not issued are unknown. A nonce is repeated. The response
/// is DER.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ocsp respond --authority issuing --request app.req --out app.resp
  espalier ocsp respond --authority issuing --request app.req --out app.resp --hours 1 \\
      --responder-cert ocsp.pem --responder-key ocsp.key")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    #[command(flatten)]
    responder: ResponderOptions,

    /// The request, in DER or PEM; `-` is standard input
    #[arg(long, value_name = "FILE")]
    request: Source,

    /// Where to write the response; `-` is standard output
    #[arg(long, short = 'o', value_name = "FILE", default_value = "-")]
    out: Target,
}

pub(super) async fn run(
    options: &Options,
    folder: &DataFolder,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    options.out.check(Content::Public, false)?;
    let octets = context.read(&options.request)?;
    let request = pem::read_one_ocsp_request(&octets)
        .map_err(|error| CliError::of(exit_code::of_read(&error), &options.request, &error))?;
    let loaded = options.responder.load(folder, ledger, context).await?;
    let responder = loaded.responder()?;
    // Before the ledger is read: what is revoked after this instant may be missing from the answer.
    let window = options.responder.window(context.now())?;
    let ours: HashMap<EntrySerial, SerialNumber> = request
        .serials_of(loaded.issuer())
        .into_iter()
        .filter_map(|serial| Some((serial, SerialNumber::from_bytes(serial.as_bytes()).ok()?)))
        .collect();
    let mut known: HashMap<EntrySerial, CertStatus> = HashMap::new();
    if !ours.is_empty() {
        let name = &options.responder.authority;
        let asked: Vec<SerialNumber> = ours.values().copied().collect();
        let found = ledger.statuses(name, asked).await.map_err(ledger_failed)?;
        known.extend(ours.keys().copied().zip(found.iter().map(cert_status)));
    }
    let status_of = |serial: &EntrySerial| *known.get(serial).unwrap_or(&CertStatus::Unknown);
    let response = responder.respond(&request, &window, status_of).map_err(refused)?;
    match OcspResponse::from_der(response.as_slice()) {
        Ok(OcspResponse::Basic(_)) => options.out.write(Content::Public, &response, false),
        Ok(OcspResponse::Error(status)) => {
            let message = format!("{}: the answer would be {status}", options.request);
            Err(CliError::refused(message).with_hint(
                "unauthorized: no certificate of this authority is asked about; malformedRequest: the request's signature is wrong",
            ))
        }
        Err(error) => Err(CliError::of(Exit::Fault, "OCSP response", &error)),
    }
}
