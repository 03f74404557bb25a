//! How a command fails when nothing is issued.

use super::{CliError, Exit};
use crate::data_folder::ledger_failed;
use crate::issuance::IssueError;

impl From<IssueError> for CliError {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Ledger(error) => ledger_failed(error),
            IssueError::NotStored { serial, source } => ledger_failed(source).with_hint(format!(
                "the certificate was dropped; the record {serial} stays without one, as \
                 `espalier ledger check` tells. Mend the ledger and ask again"
            )),
            IssueError::Plan(_) | IssueError::Lint(_) | IssueError::NotRepeatable { .. } => {
                Self::of(Exit::Refused, "certificate refused", &error)
            }
            IssueError::Sign { .. }
            | IssueError::Lost { .. }
            | IssueError::Assemble(_)
            | IssueError::PlannedForAnother { .. }
            | IssueError::OtherAuthority { .. } => Self::of(Exit::Fault, "certificate", &error),
        }
    }
}
