//! The operations of a ledger, whatever keeps the rows.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use ca_core::{crl::Scope, fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::transfer::ExportRow;
use crate::{
    AuditEvent, AuditFilter, Authority, BlockedKey, Certificate, Counts, Crl, CrlFilter, CrlKind,
    Entry, Filter, Finding, Found, FoundEvents, FoundTokens, Idempotency, Inconsistent, KeyBlock,
    Lease, Leasing, LedgerError, NewAuditEvent, NewAuthority, NewAuthorityRevocation,
    NewCertificate, NewCrl, NewCrlList, NewKeyBlock, NewLease, NewRecord, NewRevocation, NewToken,
    NewTokenRevocation, Page, Recording, Revocation, RevokedPage, SerialStatus, Stats, Status,
    Tally, Token, Unexpired,
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
/// - What was revoked stays revoked: it is in every list reserved later, until it expired and was on
///   one list made after that, and in every answer to [`Store::statuses`].
/// - A key belongs to one whole key, and to an authority or to end entities; blocked keys are not
///   certified. CRL numbers of an authority only grow.
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
    /// taken by another; `KeyBlocked`; `KeyTaken` when the key or a part of it is another
    /// authority's, an end entity's, or part of another key.
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
    /// used the key with another body; `KeyBlocked`, `AuthorityKeyBlocked`; `KeyTaken` when the
    /// subject's key or a part of it belongs to another key or holder, or was certified before and
    /// the record does not allow that.
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
    /// `InvalidField`, `UnknownSerial`; `AlreadyRevoked` with the time of the first revocation;
    /// `HasCertificate` where only a record without one was to be revoked.
    fn revoke(&self, new: NewRevocation) -> Reply<'_, Revocation>;

    /// Blocks keys and revokes every record that has one of them, expired or not, in one
    /// transaction. Records that are revoked keep their revocation; blocking again changes nothing.
    ///
    /// # Errors
    /// `InvalidField`.
    fn block_keys(&self, new: NewKeyBlock) -> Reply<'_, KeyBlock>;

    /// Up to `limit` blocked keys behind digest `after`, in order of digest.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range.
    fn blocked_keys(&self, after: Option<Fingerprint>, limit: u32) -> Reply<'_, Vec<BlockedKey>>;

    /// Revokes what an authority issued and is neither expired nor revoked, records without
    /// certificate included, and tells how many these were. It goes in steps, so that others can
    /// write meanwhile; when it answers, nothing unexpired of the authority is left unrevoked. What
    /// was cut off goes on when it is asked for again. The authority may issue afterwards, unless
    /// its key is blocked.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownAuthority`.
    fn revoke_authority(&self, new: NewAuthorityRevocation) -> Reply<'_, u64>;

    /// What is known of each serial number as one of this authority's, in the order of the request:
    /// 1 to [`Page::MAX_LIMIT`] of them, from one moment of the ledger.
    ///
    /// # Errors
    /// `InvalidField` for too many or none. Serials of other authorities, and all of an unknown
    /// one's, are [`SerialStatus::Unknown`].
    fn statuses(&self, authority: &str, serials: Vec<SerialNumber>)
    -> Reply<'_, Vec<SerialStatus>>;

    /// Up to `limit` rows of an authority behind position `after` that are not expired at `at` and
    /// have a certificate or are revoked: what OCSP answers are made for in advance. Fewer than
    /// `limit` rows: the end was reached.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range.
    fn unexpired(
        &self,
        authority: &str,
        at: Timestamp,
        after: u64,
        limit: u32,
    ) -> Reply<'_, Vec<Unexpired>>;

    /// Reserves the number of a list, before it is signed; the number is spent, whatever happens
    /// then. The list has every revocation that was answered before.
    ///
    /// # Errors
    /// `UnknownAuthority`; `InvalidField`, also for a base that is not a stored complete list of
    /// the same scope.
    fn reserve_crl(&self, new: NewCrl) -> Reply<'_, Crl>;

    /// Up to `limit` entries of a reserved list, behind position `after` (0 at first): the same
    /// ones whenever they are asked for.
    ///
    /// # Errors
    /// `UnknownCrl`; `InvalidField` for a limit out of range; `Inconsistent`.
    fn revoked(
        &self,
        authority: &str,
        number: u64,
        after: u64,
        limit: u32,
    ) -> Reply<'_, RevokedPage>;

    /// Stores that a list was signed; after that it may be published. Its bytes must be on the disk
    /// before. The same one again is answered as the first time.
    ///
    /// # Errors
    /// `UnknownCrl`, `CrlAlreadyStored`; `CrlMismatch` when it is not the list that was reserved, or
    /// lacks an entry: it must not be published.
    fn store_crl(&self, new: NewCrlList) -> Reply<'_, Crl>;

    /// Up to `limit` lists, the highest number first unless the filter wants it otherwise.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range; `Inconsistent`.
    fn crls(&self, filter: CrlFilter, limit: u32) -> Reply<'_, Vec<Crl>>;

    /// The position of the authority's latest revocation, 0 without any. A list whose
    /// [`Crl::through`] is lower lacks some.
    fn last_revocation(&self, authority: &str) -> Reply<'_, u64>;

    /// The newest stored list of this scope.
    ///
    /// # Errors
    /// As [`Store::crls`].
    fn newest_crl(&self, authority: &str, scope: &Scope, kind: CrlKind) -> Reply<'_, Option<Crl>> {
        let (scope, kind) = (Some(scope.clone()), Some(kind));
        let filter = CrlFilter { scope, kind, stored: true, ..CrlFilter::of(authority) };
        let found = self.crls(filter, 1);
        Box::pin(async move { Ok(found.await?.into_iter().next()) })
    }

    /// The oldest stored complete list of this scope that was made by `until` and is current after
    /// `now`: nobody holds an older one, and a delta to it serves all who hold a newer one (RFC 5280
    /// section 5.2.4).
    ///
    /// # Errors
    /// As [`Store::crls`].
    fn oldest_current_crl(
        &self,
        authority: &str,
        scope: &Scope,
        until: Timestamp,
        now: Timestamp,
    ) -> Reply<'_, Option<Crl>> {
        let filter = CrlFilter {
            scope: Some(scope.clone()),
            kind: Some(CrlKind::Complete),
            stored: true,
            until: Some(until),
            current_at: Some(now),
            oldest_first: true,
            ..CrlFilter::of(authority)
        };
        let found = self.crls(filter, 1);
        Box::pin(async move { Ok(found.await?.into_iter().next()) })
    }

    /// The entry of this serial number.
    fn get_by_serial(&self, serial: SerialNumber) -> Reply<'_, Option<Entry>>;

    /// The entry whose certificate has this fingerprint.
    fn get_by_fingerprint(&self, fingerprint: Fingerprint) -> Reply<'_, Option<Entry>>;

    /// What the requester got for the same idempotency key and body before, as [`Store::record`]
    /// would answer, without recording anything.
    ///
    /// # Errors
    /// `IdempotencyConflict` when the requester used the key for another body.
    fn earlier(&self, requester: String, idempotency: Idempotency) -> Reply<'_, Option<Entry>>;

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

    /// Adds an audit event.
    ///
    /// # Errors
    /// `InvalidField`.
    fn add_audit(&self, new: NewAuditEvent) -> Reply<'_, AuditEvent>;

    /// One page of the audit events that pass the filter; cursors are theirs alone.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range; `Inconsistent`.
    fn audit(&self, filter: AuditFilter, page: Page) -> Reply<'_, FoundEvents>;

    /// Adds an API token.
    ///
    /// # Errors
    /// `InvalidField`; `TokenTaken` when another has its id or secret.
    fn add_token(&self, new: NewToken) -> Reply<'_, Token>;

    /// The same, when `last` is the id of the last token that has the same name: `None` where no
    /// other token, expired and revoked ones too, may have it. Whoever has a token of a name is the
    /// requester of that name, so that two who ask for one at the same time must not both get it.
    ///
    /// # Errors
    /// As [`Store::add_token`]; `TokenNameTaken` when another token has the name.
    fn add_token_behind(&self, new: NewToken, last: Option<String>) -> Reply<'_, Token>;

    /// Revokes an API token, for ever.
    ///
    /// # Errors
    /// `InvalidField`, `UnknownToken`; `TokenAlreadyRevoked` with the time of the first revocation.
    fn revoke_token(&self, new: NewTokenRevocation) -> Reply<'_, Token>;

    /// The token whose secret has this SHA-256, expired and revoked ones too: ask
    /// [`Token::is_valid_at`].
    fn token_by_hash(&self, secret: Fingerprint) -> Reply<'_, Option<Token>>;

    /// Every token of this name, expired and revoked ones too: whoever has one is the same requester.
    fn tokens_named(&self, name: String) -> Reply<'_, Vec<Token>>;

    /// One page of the tokens, expired and revoked ones too; cursors are theirs alone.
    ///
    /// # Errors
    /// `InvalidField` for a limit out of range; `Inconsistent`.
    fn tokens(&self, page: Page) -> Reply<'_, FoundTokens>;

    /// Takes a lease, or prolongs the asker's own.
    ///
    /// # Errors
    /// `InvalidField`.
    fn lease(&self, new: NewLease) -> Reply<'_, Leasing>;

    /// Gives a lease back before it runs out; one that went to somebody else stays theirs.
    fn end_lease(&self, lease: Lease) -> Reply<'_, ()>;

    /// Sends every row, page by page, from one moment of the ledger, in the order of
    /// [`crate::transfer`]; ends early when nobody takes them. Whoever takes them slowly holds the
    /// database up, and a PostgreSQL server gives up on them after a while.
    fn export(&self, pages: mpsc::Sender<Vec<ExportRow>>) -> Reply<'_, ()>;

    /// Adds rows of an export as they are: all of them, or none. They come in the order of the
    /// export, the first of them (`is_first`) into an empty ledger.
    ///
    /// # Errors
    /// `InvalidField` when the ledger is not empty; `Refused` for rows that break its rules.
    fn import(&self, rows: Vec<ExportRow>, is_first: bool) -> Reply<'_, ()>;

    /// How much is in the ledger. It reads every record: for checks, and not for what asks often.
    fn counts(&self) -> Reply<'_, Counts>;

    /// Brings a tally up to date by one look, whose cost does not grow with the ledger.
    fn tally(&self, known: Tally) -> Reply<'_, Tally>;

    /// What the database itself can check: its pages and indexes, dangling references, doubled
    /// serials, missing triggers, and the rules for keys, revocations and CRLs. Part of [`crate::check()`].
    fn storage_findings(&self) -> Reply<'_, Vec<Finding>>;

    /// What the writer did since it was opened.
    fn stats(&self) -> Stats;

    /// Takes no more requests, carries out those that wait, and closes the database.
    fn close(&self) -> Reply<'_, ()>;
}
