//! Why a sitting can't go on.

use crate::audit::AuditError;
use crate::ceremony_id::CeremonyId;
use crate::definition::DefinitionError;
use crate::digest::{CONFIRMING_WORDS, Digest};
use crate::folder::FolderError;
use crate::plan::PlanError;
use crate::planning::PlanningError;
use crate::sealed_key::SealError;
use crate::share::{PassphraseError, ShareError};
use crate::share_set::CustodyError;
use crate::signing::SigningError;
use crate::table::TableError;
use crate::transcript::WriteError;

/// A step that was not done.
#[derive(Debug, thiserror::Error)]
pub enum SittingError {
    /// A file.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The definition.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The shares.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The words of a share.
    #[error(transparent)]
    Share(#[from] ShareError),
    /// The passphrase of a share.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// A sealed key.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No plan.
    #[error(transparent)]
    Planning(#[from] PlanningError),
    /// Another plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No signature.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The transcript.
    #[error(transparent)]
    Transcript(#[from] WriteError),
    /// The people.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Steps in another order, or done already.
    #[error("{message}")]
    State {
        /// What was found, and what to do.
        message: String,
    },
    /// A key of other shares.
    #[error(
        "{path}: shares: found those of {}, allowed are those of {}", which(*.found), which(*.allowed)
    )]
    OtherShares {
        /// The file of the key.
        path: String,
        /// The ceremony whose shares open it, and whether that was a rehearsal.
        found: (CeremonyId, bool),
        /// The ceremony of the share set.
        allowed: (CeremonyId, bool),
    },
    /// A file that was changed since it was written down.
    #[error("{path}: SHA-256: found {found}, allowed is {allowed}, as the transcript has it")]
    Changed {
        /// Which file.
        path: String,
        /// Its digest now.
        found: Digest,
        /// Its digest in the transcript.
        allowed: Digest,
    },
    /// Another folder than the one that people left.
    #[error(
        "{what}: what was typed is not that of this folder, {found}; allowed is the folder of the paper, as it was left"
    )]
    OtherPaper {
        /// What was compared.
        what: &'static str,
        /// What the folder has.
        found: Digest,
    },
    /// A line that an audit would refuse.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Words that are not the digest's.
    #[error(
        "{what}: the words that {by} typed are not the first ones of it; allowed are {CONFIRMING_WORDS} words or more, as they were written down"
    )]
    NotConfirmed {
        /// What should be confirmed.
        what: String,
        /// Who typed.
        by: String,
    },
    /// A custodian could not read the share back.
    #[error(
        "share {index}, of {custodian}: not typed in again rightly in {tries} tries; nothing was made; destroy all papers of this sitting, and begin again in a new folder"
    )]
    NotReadBack {
        /// Which share.
        index: u8,
        /// Whose.
        custodian: String,
        /// How often it was tried.
        tries: usize,
    },
    /// No share in so many tries.
    #[error("shares: none that fits in {tries} tries; nothing was opened")]
    NoShare {
        /// How often it was tried.
        tries: usize,
    },
}

fn which((ceremony, rehearsal): (CeremonyId, bool)) -> String {
    let kind = if rehearsal { "rehearsal" } else { "ceremony" };
    format!("{kind} {ceremony}")
}
