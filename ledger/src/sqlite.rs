//! The ledger of one machine: an SQLite file.
//!
//! WAL, `synchronous=FULL`: what was answered is on the disk. One connection writes, behind the
//! queue of [`crate::queue`]; a few read-only connections read beside it. Several processes may use
//! one file: each transaction that writes takes SQLite's write lock first, so they take turns
//! (`docs/adr/0012-two-processes-one-file.md`). Don't put the file on a network file system: SQLite's
//! locks and shared memory don't work there.

mod crl;
mod fault;
mod open;
mod read;
mod reuse;
mod revocation_check;
mod revocation_rows;
mod revoke;
mod rows;
mod status;
mod storage_check;
mod transaction;
mod write;

use std::{fmt, path::Path, time::Duration};

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;
use sqlx::SqlitePool;

use crate::queue::{NewAuthorityCertificate, RevocationStep, Write, WriteQueue};
use crate::{
    Authority, BlockedKey, Certificate, Counts, Crl, CrlFilter, Entry, Filter, Finding, Found,
    Idempotency, KeyBlock, LedgerError, NewAuthority, NewAuthorityRevocation, NewCertificate,
    NewCrl, NewCrlList, NewKeyBlock, NewRecord, NewRevocation, Page, Recording, Reply, Revocation,
    RevokedPage, Scanned, SerialStatus, Stats, Store, Unexpired,
};
use fault::Place;
use transaction::Named;

/// How a ledger file is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long to wait for another process's write lock.
    pub busy_timeout: Duration,
    /// Most connections that read at the same time.
    pub readers: u32,
    /// Most pages (of 4096 bytes) that the file may have: a quota. `None`: what the disk holds.
    pub max_pages: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), readers: 4, max_pages: None }
    }
}

/// A ledger in an SQLite file.
pub struct SqliteStore {
    place: Place,
    queue: WriteQueue,
    readers: SqlitePool,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.place.location)
    }
}

impl SqliteStore {
    /// Makes a new ledger and opens it. The file appears whole or not at all, mode 0600.
    ///
    /// # Errors
    /// `AlreadyExists`, `FolderMissing`, `ReadOnly`, `Full`, `Create`.
    pub async fn create(path: &Path) -> Result<Self, LedgerError> {
        Self::create_with(path, SqliteOptions::default()).await
    }

    /// As [`Self::create`], with options.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn create_with(path: &Path, options: SqliteOptions) -> Result<Self, LedgerError> {
        open::create(path, &options).await?;
        Self::open_with(path, options).await
    }

    /// Opens a ledger for reading and writing.
    ///
    /// # Errors
    /// `NotFound`, `FolderMissing`, `NotALedger`, `OlderSchema`, `NewerSchema`, `ReadOnly`,
    /// `CannotOpen`, `Busy`, `Corrupt`.
    pub async fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// As [`Self::open`], with options.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_with(path: &Path, options: SqliteOptions) -> Result<Self, LedgerError> {
        let opened = open::open(path, &options).await?;
        let place = opened.place.clone();
        let queue = WriteQueue::start(opened.writer);
        Ok(Self { place, queue, readers: opened.readers })
    }

    /// Brings the schema of an older ledger up to date, in one transaction. Answers the schema
    /// version before and after.
    ///
    /// # Errors
    /// As [`Self::open`], and `Migration`.
    pub async fn migrate(path: &Path) -> Result<(i64, i64), LedgerError> {
        open::migrate(path, &SqliteOptions::default()).await
    }

    /// Starts a transaction that reads: what it sees is one moment of the ledger.
    async fn reading(&self, name: &'static str) -> Result<Named<'_>, LedgerError> {
        if self.readers.is_closed() {
            return Err(LedgerError::Closed);
        }
        Named::start(name, &self.place, self.readers.begin().await)
    }
}

impl Store for SqliteStore {
    fn add_authority(&self, new: NewAuthority) -> Reply<'_, Authority> {
        Box::pin(async move {
            new.validate()?;
            self.queue.ask(|answer| Write::Authority(new, answer)).await
        })
    }

    fn add_authority_certificate(
        &self,
        authority: &str,
        der: Vec<u8>,
        added_at: Timestamp,
    ) -> Reply<'_, Certificate> {
        let new = NewAuthorityCertificate::new(authority, der, added_at);
        Box::pin(async move {
            let new = new?;
            self.queue.ask(|answer| Write::AuthorityCertificate(new, answer)).await
        })
    }

    fn authorities(&self) -> Reply<'_, Vec<Authority>> {
        Box::pin(async move {
            let mut transaction = self.reading("ledger.authorities").await?;
            let found = read::authorities(&mut transaction, None).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn authority(&self, name: &str) -> Reply<'_, Option<Authority>> {
        let name = name.to_owned();
        Box::pin(async move {
            let mut transaction = self.reading("ledger.authority").await?;
            let found = read::authorities(&mut transaction, Some(&name)).await?;
            transaction.commit().await?;
            Ok(found.into_iter().next())
        })
    }

    fn record(&self, new: NewRecord) -> Reply<'_, Recording> {
        Box::pin(async move {
            new.validate()?;
            let new = Box::new(new.cut_to_stored_precision());
            self.queue.ask(|answer| Write::Record(new, answer)).await
        })
    }

    fn store(&self, new: NewCertificate) -> Reply<'_, Certificate> {
        Box::pin(async move { self.queue.ask(|answer| Write::Store(new, answer)).await })
    }

    fn revoke(&self, new: NewRevocation) -> Reply<'_, Revocation> {
        Box::pin(async move {
            new.validate()?;
            let revocation = new.revocation.cut_to_stored_precision();
            let new = NewRevocation { revocation, ..new };
            self.queue.ask(|answer| Write::Revoke(new, answer)).await
        })
    }

    fn block_keys(&self, new: NewKeyBlock) -> Reply<'_, KeyBlock> {
        Box::pin(async move {
            new.validate()?;
            let revocation = new.revocation.cut_to_stored_precision();
            let new = NewKeyBlock { revocation, ..new };
            self.queue.ask(|answer| Write::BlockKeys(new, answer)).await
        })
    }

    fn blocked_keys(&self, after: Option<Fingerprint>, limit: u32) -> Reply<'_, Vec<BlockedKey>> {
        Box::pin(async move {
            crate::search::limit_in_range(limit)?;
            let mut transaction = self.reading("ledger.blocked_keys").await?;
            let found = status::blocked_keys(&mut transaction, after, limit).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn revoke_authority(&self, new: NewAuthorityRevocation) -> Reply<'_, u64> {
        Box::pin(async move {
            new.revocation.validate()?;
            let revocation = new.revocation.cut_to_stored_precision();
            let new = NewAuthorityRevocation { revocation, ..new };
            let (mut revoked, mut next) = (0, Some(0));
            while let Some(after) = next {
                let step = RevocationStep { new: new.clone(), after };
                let done = self.queue.ask(|answer| Write::RevokeAuthority(step, answer)).await?;
                revoked += done.revoked;
                next = done.next;
            }
            Ok(revoked)
        })
    }

    fn statuses(
        &self,
        authority: &str,
        serials: Vec<SerialNumber>,
    ) -> Reply<'_, Vec<SerialStatus>> {
        let authority = authority.to_owned();
        Box::pin(async move {
            crate::search::count_in_range("serials", serials.len())?;
            let mut transaction = self.reading("ledger.statuses").await?;
            let found = status::statuses(&mut transaction, &authority, &serials).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn unexpired(
        &self,
        authority: &str,
        at: Timestamp,
        after: u64,
        limit: u32,
    ) -> Reply<'_, Vec<Unexpired>> {
        let authority = authority.to_owned();
        Box::pin(async move {
            crate::search::limit_in_range(limit)?;
            let mut transaction = self.reading("ledger.unexpired").await?;
            let found = status::unexpired(&mut transaction, &authority, at, after, limit).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn reserve_crl(&self, new: NewCrl) -> Reply<'_, Crl> {
        Box::pin(async move {
            new.validate()?;
            let new = Box::new(new.cut_to_stored_precision());
            self.queue.ask(|answer| Write::ReserveCrl(new, answer)).await
        })
    }

    fn revoked(
        &self,
        authority: &str,
        number: u64,
        after: u64,
        limit: u32,
    ) -> Reply<'_, RevokedPage> {
        let authority = authority.to_owned();
        Box::pin(async move {
            crate::search::limit_in_range(limit)?;
            let mut transaction = self.reading("ledger.revoked").await?;
            let found = crl::revoked(&mut transaction, &authority, number, after, limit).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn store_crl(&self, new: NewCrlList) -> Reply<'_, Crl> {
        Box::pin(async move {
            // Counted outside the queue: what a reserved list has never changes.
            let mut transaction = self.reading("ledger.crl_to_store").await?;
            let authority = &new.content.authority;
            let reserved = crl::reserved(&mut transaction, authority, new.number).await?;
            let entries = crl::count(&mut transaction, authority, new.number).await?;
            transaction.commit().await?;
            new.compare(&reserved, entries)?;
            self.queue.ask(|answer| Write::StoreCrl(Box::new(new), answer)).await
        })
    }

    fn crls(&self, filter: CrlFilter, limit: u32) -> Reply<'_, Vec<Crl>> {
        Box::pin(async move {
            crate::search::limit_in_range(limit)?;
            let mut transaction = self.reading("ledger.crls").await?;
            let found = crl::lists(&mut transaction, &filter, limit).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn get_by_serial(&self, serial: SerialNumber) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            let mut transaction = self.reading("ledger.get_by_serial").await?;
            let found = read::entry_by_serial(&mut transaction, serial).await?;
            transaction.commit().await?;
            Ok(found.map(|(_, entry)| entry))
        })
    }

    fn get_by_fingerprint(&self, fingerprint: Fingerprint) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            let mut transaction = self.reading("ledger.get_by_fingerprint").await?;
            let found = read::entry_by_fingerprint(&mut transaction, fingerprint).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn earlier(&self, requester: String, idempotency: Idempotency) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            let mut transaction = self.reading("ledger.earlier").await?;
            let found = write::earlier(&mut transaction, &requester, &idempotency).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn search(&self, filter: Filter, page: Page) -> Reply<'_, Found> {
        Box::pin(async move {
            page.validate()?;
            let mut transaction = self.reading("ledger.search").await?;
            let found = read::search(&mut transaction, &filter, page).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn entries(&self, authority: &str, after: u64, limit: u32) -> Reply<'_, Vec<Scanned>> {
        let authority = authority.to_owned();
        Box::pin(async move {
            crate::search::limit_in_range(limit)?;
            let mut transaction = self.reading("ledger.entries").await?;
            let found = read::entries(&mut transaction, &authority, after, limit).await?;
            transaction.commit().await?;
            Ok(found)
        })
    }

    fn counts(&self) -> Reply<'_, Counts> {
        Box::pin(async move {
            let mut transaction = self.reading("ledger.counts").await?;
            let counts = read::counts(&mut transaction).await?;
            transaction.commit().await?;
            Ok(counts)
        })
    }

    fn storage_findings(&self) -> Reply<'_, Vec<Finding>> {
        Box::pin(async move {
            let expected = open::schema_of_migrations(&self.place).await?;
            let mut transaction = self.reading("ledger.storage_findings").await?;
            let findings = storage_check::findings(&mut transaction, expected).await?;
            transaction.commit().await?;
            Ok(findings)
        })
    }

    fn stats(&self) -> Stats {
        self.queue.stats()
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            // Readers first, so that the writer is the last connection: it then moves the WAL
            // into the file.
            self.readers.close().await;
            self.queue.close().await;
            Ok(())
        })
    }
}
