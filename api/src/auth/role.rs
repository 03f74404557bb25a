//! What someone may do at all; which authorities, profiles and names is a matter of grants.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A role. Who has [`Role::Admin`] has the others too.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks for certificates within its grants, and sees those that it asked for.
    Requester,
    /// Revokes certificates of the authorities and profiles of its grants.
    Revoker,
    /// Sees certificates, requesters and the audit log.
    Auditor,
    /// Makes tokens, and everything else.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Requester, Self::Revoker, Self::Auditor, Self::Admin];

    /// Whether someone with this role may do what `asked` may.
    pub fn covers(self, asked: Self) -> bool {
        self == asked || self == Self::Admin
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requester => "requester",
            Self::Revoker => "revoker",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        })
    }
}
