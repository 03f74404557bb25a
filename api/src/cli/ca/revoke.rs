//! `espalier ca revoke`.

use ledger::{Ledger, NewAuthorityRevocation, NewKeyBlock, RevocationReason};
use serde::Serialize;

use super::find;
use crate::authority::certificates;
use crate::cli::revoking::ReasonOptions;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataOptions, ledger_failed};

/// End an authority: block its key, and revoke it and everything that it issued
///
/// It issues nothing from then on, but still signs revocation lists and OCSP responses. Run it again
/// if it was cut off. An authority that ends in peace, whose certificates shall stay valid, is not
/// revoked: just use it no more.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  espalier ca revoke west --reason cACompromise --invalidity-date 2026-11-20T08:00:00Z
  espalier ca revoke west --reason cessationOfOperation --yes --json")]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) data: DataOptions,

    /// The authority
    #[arg(value_name = "NAME")]
    name: String,

    #[command(flatten)]
    reason: ReasonOptions,

    /// Do not ask
    #[arg(long)]
    yes: bool,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    authority: String,
    reason: RevocationReason,
    /// Certificates with the authority's key.
    own_revoked: u64,
    /// Certificates by the authority.
    issued_revoked: u64,
}

pub(super) async fn run(
    options: &Options,
    ledger: &Ledger,
    context: &mut Context,
) -> Result<(), CliError> {
    let authority = find(ledger, &options.name).await?;
    let question = format!(
        "This blocks the key of authority {:?} for ever, and revokes its certificates and every one that it issued.",
        options.name
    );
    context.confirm(&question, options.yes)?;
    let revocation = options.reason.revoking(RevocationReason::CA_COMPROMISE, context);
    let reason = revocation.reason;
    let mut digests = vec![authority.content.key_digest];
    digests.extend(&authority.content.component_digests);
    for certificate in certificates(&authority)? {
        digests.extend(certificate.public_key().component_fingerprints());
        let alternative = certificate.extensions().alt_public_key();
        digests.extend(alternative.iter().flat_map(|key| key.component_fingerprints()));
    }
    digests.sort();
    digests.dedup();
    // Its key first, so that nothing more is issued meanwhile.
    let block = NewKeyBlock { digests, revocation: revocation.clone() };
    let own = ledger.block_keys(block).await.map_err(ledger_failed)?;
    let new = NewAuthorityRevocation { authority: options.name.clone(), revocation };
    let issued = ledger.revoke_authority(new).await.map_err(ledger_failed)?;
    if options.json {
        let authority = options.name.clone();
        let (own_revoked, issued_revoked) = (own.revoked, issued);
        return context.print_json(&Report { authority, reason, own_revoked, issued_revoked });
    }
    context.print(&format!(
        "authority {}: its key is blocked; revoked {} of its own certificates and {issued} that it issued: {reason}\n",
        options.name, own.revoked
    ))
}
