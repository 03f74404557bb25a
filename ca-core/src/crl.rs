//! Certificate revocation lists (RFC 5280 sections 5 and 6.3): building, reading, judging.
//!
//! [`CrlBuilder`] makes full, delta and sharded lists from a stream of [`RevokedEntry`]s.
//! [`CertificateList`] holds a list as the octets that came, every one of them checked once, and
//! walks over its entries without a tree. [`check_crls`] says whether a certificate is revoked,
//! and that it can't know where it can't.
//!
//! Indirect lists, which revoke other issuers' certificates, are neither made nor read. See ADR
//! 0040.

mod buffer;
mod build;
mod entry;
pub(crate) mod error;
pub(crate) mod extension;
pub(crate) mod instant;
mod list;
mod number;
mod reason;
mod scope;
mod serial;
mod status;
mod verify;

#[cfg(test)]
pub(crate) mod tests;

pub use build::{CrlBuildError, CrlBuilder, SignedCrl, UnsignedCrl};
pub use entry::{Entries, RevokedEntry};
pub use error::CrlError;
pub use list::CertificateList;
pub use number::{CrlNumber, InvalidCrlNumber};
pub use reason::{RevocationReason, UnknownReason};
pub use scope::{InvalidPlaces, Scope, Subjects};
pub use serial::{EntrySerial, InvalidEntrySerial};
pub use status::{CrlJudgement, CrlSet, RevocationStatus, UnknownRevocation, check_crls};

/// The largest list that is read or made, in octets (64 MiB). A million entries with random
/// serial numbers have 39 MB, 53 MB when each has a reason.
pub const MAX_CRL_SIZE: usize = 64 * 1024 * 1024;
