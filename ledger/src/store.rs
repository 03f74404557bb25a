//! The operations of a ledger, whatever keeps the rows.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;

use crate::{
    Authority, Certificate, Counts, Entry, Filter, Finding, Found, Inconsistent, LedgerError,
    NewAuthority, NewCertificate, NewRecord, NewRevocation, Page, Recording, Revocation, Stats,
    Status,
};

/// A ledger that several tasks use. Which store it is, is decided where it is opened.
pub type Ledger = Arc<dyn Store>;

/// What an operation answers, when it is done.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, LedgerError>> + Send + 'a>>;

/// One row of [`Store::entries`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Place in the authority's order.
    pub position: u64,
    /// The entry, or why the row can't be one.
    pub entry: Result<Entry, Inconsistent>,
}

/// The operations of a ledger.
///
/// Guarantees of every store, which the suite in `tests/suite` tries to break:
/// - An operation that writes answers after its commit; what it answered survives a crash.
/// - Rows are added, never changed or removed.
/// - No serial number twice; positions of an authority run from 1 without gaps, in every process.
/// - A refused request leaves nothing behind and harms no other.
///
/// A request whose reply is dropped may be carried out nevertheless.
///
/// # Errors
/// Every operation fails with [`LedgerError::Closed`] after [`Store::close`], and with
/// `Busy`, `Full`, `ReadOnly`, `Corrupt` or `Database` when the database does. What else it may
/// refuse stands at the operation.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Adds an authority. The same one again is answered as the first time.
    ///
    /// # Errors
    /// `InvalidField`; `UnknownAuthority` for the parent; `AuthorityConflict` when the name is
    /// taken by another.
    fn add_authority(&self, new: NewAuthority) -> Reply<'_, Authority>;

    /// Adds a certificate to an authority, whoever signed it. The same one again is answered as
    /// the first time. A certificate that this ledger's own authority signed goes through
    /// [`Store::record`] and [`Store::store`] as well.
    ///
    /// # Errors
    /// `UnknownAuthority`; `InvalidField` when the bytes are not a DER certificate.
    fn add_authority_certificate(
        &self,
        authority: &str,
        der: Vec<u8>,
        added_at: Timestamp,
    ) -> Reply<'_, Certificate>;

    /// Every authority, in the order in which they were added.
    fn authorities(&self) -> Reply<'_, Vec<Authority>>;

    /// The authority of this name.
    fn authority(&self, name: &str) -> Reply<'_, Option<Authority>>;

    /// Records what is about to be signed. Only [`Recording::New`] may be signed.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAuthority`, `SerialTaken`; `IdempotencyConflict` when the requester
    /// used the key with another body.
    fn record(&self, new: NewRecord) -> Reply<'_, Recording>;

    /// Stores the certificate of a record; after that it may be released. The same one again is
    /// answered as the first time.
    ///
    /// # Errors
    /// `UnknownSerial`, `TbsMismatch`, `AlreadyStored`, `RevokedBeforeStored`: the certificate must
    /// not be released.
    fn store(&self, new: NewCertificate) -> Reply<'_, Certificate>;

    /// Revokes a record, with or without a certificate.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownSerial`; `AlreadyRevoked` with the time of the first revocation.
    fn revoke(&self, new: NewRevocation) -> Reply<'_, Revocation>;

    /// The entry of this serial number.
    fn get_by_serial(&self, serial: SerialNumber) -> Reply<'_, Option<Entry>>;

    /// The entry whose certificate has this fingerprint.
    fn get_by_fingerprint(&self, fingerprint: Fingerprint) -> Reply<'_, Option<Entry>>;

    /// One page of the entries that pass the filter.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range; `Inconsistent` for a row that can't be an entry.
    fn search(&self, filter: Filter, page: Page) -> Reply<'_, Found>;

    /// Entries without certificate and not revoked: signing is under way or was cut off.
    ///
    /// # Errors
    /// As [`Store::search`].
    fn orphans(&self, page: Page) -> Reply<'_, Found> {
        self.search(Filter { status: Some(Status::Orphan), ..Filter::default() }, page)
    }

    /// Up to `limit` rows of an authority behind position `after`, in order of position: for
    /// checks and exports that stream. Fewer than `limit` rows: the end was reached.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range. Impossible rows are part of the answer.
    fn entries(&self, authority: &str, after: u64, limit: u32) -> Reply<'_, Vec<Scanned>>;

    /// How much is in the ledger.
    fn counts(&self) -> Reply<'_, Counts>;

    /// What the database itself can check: its pages and indexes, dangling references, doubled
    /// serials, missing triggers. Part of [`crate::check()`].
    fn storage_findings(&self) -> Reply<'_, Vec<Finding>>;

    /// What the writer did since it was opened.
    fn stats(&self) -> Stats;

    /// Takes no more requests, carries out those that wait, and closes the database.
    fn close(&self) -> Reply<'_, ()>;
}
