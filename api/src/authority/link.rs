//! Link certificates (RFC 4210 section 4.4): the name and key of a root, signed by another
//! generation of it.

use ca_core::certificate::Certificate;
use ca_core::public_key::PublicKey;
use jiff::Timestamp;
use ledger::Ledger;

use super::{certificates, unknown, verify_signature};
use crate::cli::CliError;
use crate::data_folder::ledger_failed;

/// Whether it is the link certificate for the key `subject`, signed by the key `issuer` of the same
/// name.
pub fn joins(certificate: &Certificate, subject: &PublicKey, issuer: &PublicKey) -> bool {
    subject != issuer
        && certificate.is_self_issued()
        && certificate.public_key() == subject
        && verify_signature(certificate, issuer).is_ok()
}

/// The link certificates for a root that are valid now: with them, who trusts another generation
/// of it verifies what stands below this one.
///
/// # Errors
/// `CliError` with exit code 3 when ledger or certificate can't be read.
pub(super) async fn links(
    ledger: &Ledger,
    root: &Certificate,
    chain_of: &str,
    now: Timestamp,
) -> Result<Vec<Certificate>, CliError> {
    let mut name = chain_of.to_owned();
    let recorded = loop {
        let found = ledger.authority(&name).await.map_err(ledger_failed)?;
        let found = found.ok_or_else(|| unknown(&name))?;
        match &found.content.parent {
            Some(parent) => name.clone_from(parent),
            None => break found,
        }
    };
    let links = certificates(&recorded)?.into_iter().filter(|certificate| {
        certificate.is_self_issued()
            && certificate.public_key() == root.public_key()
            && certificate.validity().contains(now)
            && verify_signature(certificate, root.public_key()).is_err()
    });
    Ok(links.collect())
}
