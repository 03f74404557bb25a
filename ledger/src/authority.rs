//! Authorities: CA identities with one key, and certificates that may change over time.

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;

use crate::{Certificate, LedgerError};

/// A CA identity to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthority {
    /// Its name, such as `root-2026`; never used twice. 1 to 64 characters.
    pub name: String,
    /// Name of its key's algorithm. 1 to 128 characters.
    pub algorithm: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key_digest: Fingerprint,
    /// SHA-256 of each key that its key is made of, and of those of its alternative key, as
    /// [`crate::NewRecord`] has them. None of them is ever certified for anyone else.
    pub component_digests: Vec<Fingerprint>,
    /// Name of the authority above it in this ledger; `None` for a root, and when the parent is
    /// kept elsewhere.
    pub parent: Option<String>,
    /// Now; kept to the microsecond.
    pub created_at: Timestamp,
}

/// A CA identity in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// What was added.
    pub content: NewAuthority,
    /// Its certificates in the order in which they were added: self-signed, from the parent, cross
    /// certificates, renewals.
    pub certificates: Vec<Certificate>,
}

impl NewAuthority {
    /// Refuses what no store could keep.
    ///
    /// # Errors
    /// [`LedgerError::InvalidField`] with the field, what was found and what is allowed.
    pub fn validate(&self) -> Result<(), LedgerError> {
        crate::record::text("name", &self.name, 1, 64)?;
        crate::record::text("algorithm", &self.algorithm, 1, 128)?;
        let components = self.component_digests.len();
        crate::record::at_most("component_digests", components, crate::record::MAX_COMPONENTS)
    }

    /// Whether both name the same authority: all but the time, and the components, which older
    /// releases did not note.
    pub(crate) fn same_identity(&self, other: &Self) -> bool {
        self.name == other.name
            && self.algorithm == other.algorithm
            && self.key_digest == other.key_digest
            && self.parent == other.parent
    }
}
