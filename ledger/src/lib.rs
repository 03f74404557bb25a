//! The issuance ledger of Espalier: what is signed was recorded first.
//!
//! A row of the ledger is a [`Record`]: written and committed before anything is signed, with the
//! serial number, the digest of what is going to be signed, who asked and for which names. When the
//! signature is made, its [`Certificate`] is added, and only then may it leave the process. Rows
//! are added and never changed, so a crash at any point leaves either a record without a
//! certificate (an *orphan*: visible, countable, revocable by serial) or a stored certificate.
//!
//! The operations are the trait [`Store`]; whoever uses a ledger holds a [`Ledger`]. The store on
//! one machine is [`sqlite::SqliteStore`], that of several servers [`postgres::PostgresStore`]. Writing is grouped: concurrent requests share a
//! transaction, and each is answered after its commit (`docs/adr/0011-group-commit.md`).
//!
//! The crate reads no clock, makes no random numbers and checks no signatures: times are
//! arguments, serial numbers come from `ca_core`, and [`Store::entries`] streams the certificates
//! to whoever has the keys.

#![expect(
    clippy::duplicate_mod,
    reason = "SQL that stores share is compiled once for each database: docs/adr/0016-one-text-of-sql.md"
)]

pub mod audit;
pub mod authority;
pub mod certificate;
pub mod check;
pub mod crl;
mod encoding;
pub mod error;
mod key_rules;
pub mod lease;
pub mod location;
pub mod postgres;
pub mod queue;
pub mod reason;
pub mod record;
pub mod revocation;
mod rows;
pub mod search;
pub mod sqlite;
pub mod store;
pub mod tally;
pub mod token;
pub mod transfer;

pub use audit::{AuditEvent, AuditFilter, AuditOutcome, FoundEvents, NewAuditEvent};
pub use authority::{Authority, NewAuthority};
pub use certificate::{Certificate, NewCertificate};
pub use check::{Finding, FindingKind, Report, check};
pub use crl::{Crl, CrlFilter, CrlKind, NewCrl, NewCrlList, RevokedPage, StoredCrl};
pub use error::{Inconsistent, KeyHolder, LedgerError};
pub use lease::{Lease, Leasing, NewLease};
pub use location::{Location, PostgresLocation, migrate, open, open_with};
pub use queue::Stats;
pub use reason::RevocationReason;
pub use record::{Entry, Idempotency, NewRecord, Record, Recording, Status};
pub use revocation::{
    BlockedKey, KeyBlock, NewAuthorityRevocation, NewKeyBlock, NewRevocation, Revocation, Revoking,
    SerialStatus, Unexpired,
};
pub use search::{Counts, Cursor, Filter, Found, Order, Page, Reach, Visible};
pub use store::{Ledger, Reply, Scanned, Store};
pub use tally::Tally;
pub use token::{FoundTokens, NewToken, NewTokenRevocation, Token, TokenRevocation};
