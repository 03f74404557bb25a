//! A certificate that a server issues.

use ca_core::algorithm::{Algorithm, KeyAlgorithm};
use ca_core::csr::CertificateRequest;
use ca_core::key::PrivateKey;
use ca_core::pem::{self, Label};
use client::Client;
use client::v1::IssueCertificate;

use super::{Options, key_lost, stage_key};
use crate::cli::issued::HandedOut;
use crate::cli::ordering::{idempotency_key, only_here};
use crate::cli::requested::read_request;
use crate::cli::{CliError, Context, Exit, exit_code};
use crate::issuance::subject_of;
use crate::key_making::make_key;

/// Asks the server, by the request that is given or one for a new key.
pub(super) async fn issue(
    options: &Options,
    client: &Client,
    context: &mut Context,
) -> Result<HandedOut, CliError> {
    only_here(&[
        ("--profile-file", options.profile.is_file()),
        ("--passphrase-file or --passphrase-env", options.issuing.has_passphrase()),
        ("--related or --related-trust", options.related.is_used()),
    ])?;
    options.vouchers.check_unused("a server")?;
    let (csr, staged) = match (&options.csr, &options.key_out) {
        (Some(source), _) => {
            let csr = read_request(source, context)?.csr().clone();
            (csr, None)
        }
        (None, Some(target)) => {
            let algorithm = match options.algorithm {
                Some(algorithm) => algorithm,
                None => usual(options, client).await?,
            };
            let key = make_key(algorithm, context)?;
            let csr = request(options, algorithm, &key)?;
            let force = options.issuing.issued.output.force;
            (csr, Some(stage_key(&key, target, force, context)?))
        }
        (None, None) => return Err(CliError::usage("request: found neither --csr nor --key-out")),
    };
    let order = IssueCertificate {
        csr: pem::encode(Label::CertificateRequest, csr.der()),
        authority: options.authority.clone(),
        profile: Some(options.profile.name().to_owned()),
        validity_days: options.issuing.days(),
        validity_seconds: None,
    };
    let key = idempotency_key(options.idempotency_key.as_deref(), context)?;
    let issued = client.issue(&order, &key).await?;
    let server = client.server().as_str();
    let issued = HandedOut::of_server(issued, Some(csr.public_key()), server)?;
    // The key first: a certificate is of no use without it, and can be had again.
    if let Some(staged) = staged {
        staged.publish().map_err(|error| key_lost(&issued.serial, &error))?;
    }
    Ok(issued)
}

/// The algorithm of the authority that will sign.
async fn usual(options: &Options, client: &Client) -> Result<KeyAlgorithm, CliError> {
    let all = client.authorities().await?;
    let mut fitting = all.iter().filter(|one| match &options.authority {
        Some(name) => one.name == *name,
        None => one.signs,
    });
    let found = fitting.next().filter(|_| fitting.next().is_none()).ok_or_else(|| {
        let signing: Vec<&str> =
            all.iter().filter(|one| one.signs).map(|one| one.name.as_str()).collect();
        let found = options.authority.as_deref().unwrap_or("none");
        CliError::usage(format!("--authority: found {found}, allowed: {}", signing.join(", ")))
    })?;
    KeyAlgorithm::named(&found.algorithm)
        .map_err(|error| CliError::of(Exit::Environment, "algorithm of the authority", &error))
}

/// A request for a new key, which signs it.
fn request(
    options: &Options,
    algorithm: KeyAlgorithm,
    key: &PrivateKey,
) -> Result<CertificateRequest, CliError> {
    let names = options.names.all();
    let subject = options.subject.clone().unwrap_or_else(|| subject_of(&names));
    let signing = match algorithm {
        KeyAlgorithm::Signing(algorithm) => Some(algorithm),
        _ => Algorithm::of_key(key.public_key().kind(), false),
    };
    let signing = signing.ok_or_else(|| {
        CliError::usage(format!("--algorithm: found {algorithm}, which can't sign the request"))
            .with_hint("make the request by `espalier csr create`, and give it by --csr")
    })?;
    let signer = key
        .signer(signing.scheme())
        .map_err(|error| CliError::of(Exit::Fault, "private key", &error))?;
    CertificateRequest::build_related(&subject, &names, &[], None, &signer)
        .map_err(|error| CliError::new(exit_code::of_request(&error), error.to_string()))
}
