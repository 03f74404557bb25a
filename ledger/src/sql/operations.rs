//! The operations of the trait, the same for each store: what is checked before, what goes through
//! the queue, and what is read in which transaction.

use ca_core::{fingerprint::Fingerprint, serial::SerialNumber};
use jiff::Timestamp;

use tokio::sync::mpsc;

use super::{DatabaseStore, audit, crl, read, status, tally, token, transfer};
use crate::queue::{ImportPage, NewAuthorityCertificate, RevocationStep, WantedToken, Write};
use crate::search::{count_in_range, limit_in_range};
use crate::transfer::ExportRow;
use crate::{
    AuditEvent, AuditFilter, Authority, BlockedKey, Certificate, Counts, Crl, CrlFilter, Entry,
    Filter, Finding, Found, FoundEvents, FoundTokens, Idempotency, KeyBlock, Lease, Leasing,
    NewAuditEvent, NewAuthority, NewAuthorityRevocation, NewCertificate, NewCrl, NewCrlList,
    NewKeyBlock, NewLease, NewRecord, NewRevocation, NewToken, NewTokenRevocation, Page, Recording,
    Reply, Revocation, RevokedPage, Scanned, SerialStatus, Stats, Store, Tally, Token, Unexpired,
};

/// Reads in a transaction of this name: what it sees is one moment of the ledger.
macro_rules! reading {
    ($store:ident, $name:literal, |$transaction:ident| $work:expr) => {
        $store
            .bounded($name, async {
                let mut transaction = $store.reading($name).await?;
                let found = {
                    let $transaction = &mut transaction;
                    $work.await?
                };
                transaction.commit().await?;
                Ok(found)
            })
            .await
    };
}

/// Reads by one statement, which sees one moment of the ledger: without the trips that begin and end a
/// transaction. What a request asks for goes this way. Asked again where the connection was lost.
macro_rules! looking {
    ($store:ident, $name:literal, |$statement:ident| $work:expr) => {
        $store
            .bounded($name, async {
                let mut tries = 0..2;
                loop {
                    let by = $store.read_by()?;
                    let found = {
                        let mut single = $store.single($name).await?;
                        let $statement = &mut single;
                        $work.await
                    };
                    tries.next();
                    match found {
                        Err(error) if !tries.is_empty() && $store.read_again(&by, &error) => {}
                        found => break found,
                    }
                }
            })
            .await
    };
}

impl Store for DatabaseStore {
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
        Box::pin(
            async move { reading!(self, "ledger.authorities", |t| read::authorities(t, None)) },
        )
    }

    fn authority(&self, name: &str) -> Reply<'_, Option<Authority>> {
        let name = name.to_owned();
        Box::pin(async move {
            let found = reading!(self, "ledger.authority", |t| read::authorities(t, Some(&name)))?;
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
            limit_in_range(limit)?;
            reading!(self, "ledger.blocked_keys", |t| status::blocked_keys(t, after, limit))
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
            count_in_range("serials", serials.len())?;
            looking!(self, "ledger.statuses", |t| status::statuses(t, &authority, &serials))
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
            limit_in_range(limit)?;
            reading!(self, "ledger.unexpired", |t| status::unexpired(
                t, &authority, at, after, limit
            ))
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
            limit_in_range(limit)?;
            reading!(self, "ledger.revoked", |t| crl::revoked(t, &authority, number, after, limit))
        })
    }

    fn store_crl(&self, new: NewCrlList) -> Reply<'_, Crl> {
        Box::pin(async move {
            // Counted outside the queue: what a reserved list has never changes.
            let (reserved, entries) =
                reading!(self, "ledger.crl_to_store", |t| crl::reserved_and_counted(t, &new))?;
            new.compare(&reserved, entries)?;
            self.queue.ask(|answer| Write::StoreCrl(Box::new(new), answer)).await
        })
    }

    fn crls(&self, filter: CrlFilter, limit: u32) -> Reply<'_, Vec<Crl>> {
        Box::pin(async move {
            limit_in_range(limit)?;
            reading!(self, "ledger.crls", |t| crl::lists(t, &filter, limit))
        })
    }

    fn last_revocation(&self, authority: &str) -> Reply<'_, u64> {
        let authority = authority.to_owned();
        Box::pin(async move {
            looking!(self, "ledger.last_revocation", |t| crl::last_revocation(t, &authority))
        })
    }

    fn get_by_serial(&self, serial: SerialNumber) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            let found =
                looking!(self, "ledger.get_by_serial", |t| read::entry_by_serial(t, serial))?;
            Ok(found.map(|(_, entry)| entry))
        })
    }

    fn get_by_fingerprint(&self, fingerprint: Fingerprint) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            looking!(self, "ledger.get_by_fingerprint", |t| read::entry_by_fingerprint(
                t,
                fingerprint
            ))
        })
    }

    fn earlier(&self, requester: String, idempotency: Idempotency) -> Reply<'_, Option<Entry>> {
        Box::pin(async move {
            looking!(self, "ledger.earlier", |t| read::earlier(t, &requester, &idempotency))
        })
    }

    fn search(&self, filter: Filter, page: Page) -> Reply<'_, Found> {
        Box::pin(async move {
            page.validate()?;
            reading!(self, "ledger.search", |t| read::search(t, &filter, page))
        })
    }

    fn entries(&self, authority: &str, after: u64, limit: u32) -> Reply<'_, Vec<Scanned>> {
        let authority = authority.to_owned();
        Box::pin(async move {
            limit_in_range(limit)?;
            reading!(self, "ledger.entries", |t| read::entries(t, &authority, after, limit))
        })
    }

    fn add_audit(&self, new: NewAuditEvent) -> Reply<'_, AuditEvent> {
        Box::pin(async move {
            new.validate()?;
            let new = Box::new(new.cut_to_stored_precision());
            self.queue.ask(|answer| Write::Audit(new, answer)).await
        })
    }

    fn audit(&self, filter: AuditFilter, page: Page) -> Reply<'_, FoundEvents> {
        Box::pin(async move {
            page.validate()?;
            reading!(self, "ledger.audit", |t| audit::search(t, &filter, page))
        })
    }

    fn add_token(&self, new: NewToken) -> Reply<'_, Token> {
        Box::pin(async move {
            new.validate()?;
            let new = new.cut_to_stored_precision();
            let wanted = Box::new(WantedToken { new, behind: None });
            self.queue.ask(|answer| Write::Token(wanted, answer)).await
        })
    }

    fn add_token_behind(&self, new: NewToken, last: Option<String>) -> Reply<'_, Token> {
        Box::pin(async move {
            new.validate()?;
            let new = new.cut_to_stored_precision();
            let wanted = Box::new(WantedToken { new, behind: Some(last) });
            self.queue.ask(|answer| Write::Token(wanted, answer)).await
        })
    }

    fn revoke_token(&self, new: NewTokenRevocation) -> Reply<'_, Token> {
        Box::pin(async move {
            new.validate()?;
            let new = new.cut_to_stored_precision();
            self.queue.ask(|answer| Write::RevokeToken(new, answer)).await
        })
    }

    fn token_by_hash(&self, secret: Fingerprint) -> Reply<'_, Option<Token>> {
        Box::pin(
            async move { looking!(self, "ledger.token_by_hash", |t| token::by_digest(t, secret)) },
        )
    }

    fn tokens_named(&self, name: String) -> Reply<'_, Vec<Token>> {
        Box::pin(async move { reading!(self, "ledger.tokens_named", |t| token::named(t, &name)) })
    }

    fn tokens(&self, page: Page) -> Reply<'_, FoundTokens> {
        Box::pin(async move {
            page.validate()?;
            reading!(self, "ledger.tokens", |t| token::list(t, page))
        })
    }

    fn lease(&self, new: NewLease) -> Reply<'_, Leasing> {
        Box::pin(async move {
            new.validate()?;
            self.queue.ask(|answer| Write::Lease(new, answer)).await
        })
    }

    fn end_lease(&self, lease: Lease) -> Reply<'_, ()> {
        Box::pin(async move { self.queue.ask(|answer| Write::EndLease(lease, answer)).await })
    }

    fn export(&self, pages: mpsc::Sender<Vec<ExportRow>>) -> Reply<'_, ()> {
        // As slow as whoever takes the pages.
        Box::pin(async move {
            let mut transaction = self.reading("ledger.export").await?;
            transfer::export(&mut transaction, pages).await?;
            transaction.commit().await
        })
    }

    fn import(&self, rows: Vec<ExportRow>, is_first: bool) -> Reply<'_, ()> {
        Box::pin(async move {
            let page = Box::new(ImportPage { rows, is_first });
            self.queue.ask(|answer| Write::Import(page, answer)).await
        })
    }

    fn counts(&self) -> Reply<'_, Counts> {
        Box::pin(async move { reading!(self, "ledger.counts", |t| read::counts(t)) })
    }

    fn tally(&self, known: Tally) -> Reply<'_, Tally> {
        Box::pin(async move { reading!(self, "ledger.tally", |t| tally::tally(t, known)) })
    }

    fn storage_findings(&self) -> Reply<'_, Vec<Finding>> {
        Box::pin(self.check_storage())
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
