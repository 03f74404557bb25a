//! What the commands that revoke have in common.

use client::v1::RevokeCertificate;
use jiff::Timestamp;
use ledger::{RevocationReason, Revoking};

use super::Context;
use crate::issuance::Asker;

/// Why something is revoked, and since when it was wrong.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReasonOptions {
    /// Why: unspecified, keyCompromise, cACompromise, affiliationChanged, superseded,
    /// cessationOfOperation, privilegeWithdrawn or aACompromise; hyphens and any case are allowed
    #[arg(long, value_name = "REASON")]
    reason: Option<RevocationReason>,

    /// Since when the key may have been known to others, or it was wrong in another way
    #[arg(long, value_name = "RFC3339")]
    invalidity_date: Option<Timestamp>,
}

impl ReasonOptions {
    /// What is said of a certificate, wherever it is revoked.
    pub(super) fn why(&self) -> RevokeCertificate {
        RevokeCertificate {
            reason: self.reason.map(|reason| reason.to_string()),
            invalidity_date: self.invalidity_date,
        }
    }

    /// What is said of everything that this command revokes, now, by the person at this machine.
    pub(super) fn revoking(&self, otherwise: RevocationReason, context: &Context) -> Revoking {
        let now = context.now();
        Revoking {
            reason: self.reason.unwrap_or(otherwise),
            invalidity_date: self.invalidity_date,
            // The ledger keeps microseconds.
            revoked_at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
            revoked_by: Asker::local(None).requester,
        }
    }
}
