//! What is wrong with custody.

use crate::ceremony_id::CeremonyId;
use crate::shamir::{InvalidQuorum, InvalidShares};

/// A share or a set of shares that is not accepted. No message holds a part of a share's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// Numbers that are not allowed.
    #[error(transparent)]
    Quorum(#[from] InvalidQuorum),
    /// A name that is none.
    #[error(
        "custodian: found {found}, allowed is a name of 1 to 64 characters that a terminal shows"
    )]
    Label {
        /// The name, in quotation marks.
        found: String,
    },
    /// Two custodians of one name.
    #[error("custodian: found {found} twice, allowed are different names")]
    SameLabel {
        /// The name.
        found: String,
    },
    /// A set of another version.
    #[error("share set: version: found {found}, allowed is 1")]
    Version {
        /// The version.
        found: u8,
    },
    /// A set whose shares are not numbered.
    #[error("share set: index: found {found}, allowed is {allowed}: shares are numbered from 1")]
    Order {
        /// The index that was found.
        found: u8,
        /// The index that belongs there.
        allowed: u8,
    },
    /// A share of another ceremony.
    #[error(
        "share: ceremony: found {found}, allowed is {allowed}; it belongs to other key files, or was replaced by a reshare"
    )]
    Foreign {
        /// The ceremony of the share.
        found: CeremonyId,
        /// The ceremony of the set.
        allowed: CeremonyId,
    },
    /// A share of a rehearsal for real keys, or the other way.
    #[error("share: found one of {}, allowed is one of {}", kind(*.found), kind(!*.found))]
    Rehearsal {
        /// Whether the share is of a rehearsal.
        found: bool,
    },
    /// Another threshold.
    #[error("share: threshold: found {found}, allowed is {allowed}")]
    Threshold {
        /// What the share says.
        found: u8,
        /// What the set says.
        allowed: u8,
    },
    /// There is no such share.
    #[error("share: index: found {found}, allowed are 1 to {allowed}")]
    Index {
        /// What the share says.
        found: u8,
        /// How many shares there are.
        allowed: u8,
    },
    /// Not what was handed out.
    #[error(
        "share {index}, of {custodian}: it is not the one that was handed out, allowed is the one that fits its commitment"
    )]
    Wrong {
        /// Which share.
        index: u8,
        /// Whose.
        custodian: String,
    },
    /// The same share two times.
    #[error(
        "share {index}, of {custodian}: found twice, allowed are shares of different custodians"
    )]
    Twice {
        /// Which share.
        index: u8,
        /// Whose.
        custodian: String,
    },
    /// Not enough.
    #[error("shares: found {found}, allowed are {allowed} or more")]
    TooFew {
        /// How many there are.
        found: usize,
        /// How many it takes.
        allowed: u8,
    },
    /// Every share fits and the key does not.
    #[error(
        "share set: the shares fit their commitments, and the key that they give does not fit its own; the file of the set was changed"
    )]
    Key,
    /// Shares that can't be joined.
    #[error(transparent)]
    Join(InvalidShares),
}

fn kind(rehearsal: bool) -> &'static str {
    if rehearsal { "a rehearsal" } else { "a real ceremony" }
}
