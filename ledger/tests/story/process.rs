//! A process that uses the ledger, and can end at any moment.

use std::{path::Path, sync::Arc, time::Duration};

use ca_core::{crl::RevokedEntry, serial::SerialNumber};
use ledger::{
    Crl, CrlFilter, Ledger, LedgerError, NewAuthorityRevocation, NewCertificate, NewCrl,
    NewCrlList, NewKeyBlock, NewRecord, NewRevocation, Recording, SerialStatus,
    sqlite::{SqliteOptions, SqliteStore},
};
use tokio::runtime::Runtime;

/// A request to the ledger.
pub(crate) enum Call {
    Record(Box<NewRecord>),
    Store(NewCertificate),
    Revoke(NewRevocation),
    Block(NewKeyBlock),
    RevokeAuthority(NewAuthorityRevocation),
    Reserve(NewCrl),
    /// Every entry of a list, page by page.
    Read(String, u64),
    StoreCrl(Box<NewCrlList>),
    Ask(String, Vec<SerialNumber>),
}

/// What the ledger said.
pub(crate) enum Answer {
    Done,
    Reserved(Box<Crl>),
    Read(Vec<RevokedEntry>),
    Statuses(Vec<SerialStatus>),
}

/// A process: a runtime of its own and its connections.
pub(crate) struct Process {
    runtime: Runtime,
    ledger: Ledger,
}

impl Process {
    pub(crate) fn open(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let options =
            SqliteOptions { busy_timeout: Duration::from_secs(30), readers: 1, max_pages: None };
        let opened = runtime.block_on(SqliteStore::open_with(path, options));
        Self { runtime, ledger: Arc::new(opened.unwrap()) }
    }

    /// Waits for the answer.
    pub(crate) fn carry_out(&self, call: Call) -> Result<Answer, LedgerError> {
        self.runtime.block_on(execute(&self.ledger, call))
    }

    /// Whether the list of a number is stored.
    pub(crate) fn has_stored(&self, authority: &str, number: u64) -> bool {
        let filter = CrlFilter { number: Some(number), stored: true, ..CrlFilter::of(authority) };
        !self.runtime.block_on(self.ledger.crls(filter, 1)).unwrap().is_empty()
    }

    /// Starts the call and ends within it, unless it is answered first. Nothing is closed.
    pub(crate) fn die_in(self, call: Call, patience: usize) -> Option<Result<Answer, LedgerError>> {
        let answer = self.runtime.block_on(async {
            tokio::select! {
                biased;
                answer = execute(&self.ledger, call) => Some(answer),
                () = yields(patience) => None,
            }
        });
        self.die();
        answer
    }

    /// Ends without closing anything.
    pub(crate) fn die(self) {
        let entered = self.runtime.enter();
        drop(self.ledger);
        drop(entered);
        self.runtime.shutdown_background();
    }

    /// Runs what needs the ledger itself, and closes it.
    pub(crate) fn finish<T>(self, last: impl AsyncFnOnce(&Ledger) -> T) -> T {
        self.runtime.block_on(async {
            let done = last(&self.ledger).await;
            self.ledger.close().await.unwrap();
            done
        })
    }
}

/// Lets the others run so many times.
async fn yields(times: usize) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

async fn execute(ledger: &Ledger, call: Call) -> Result<Answer, LedgerError> {
    Ok(match call {
        Call::Record(new) => match ledger.record(*new).await? {
            Recording::New(_) => Answer::Done,
            Recording::Repeated(entry) => panic!("no request is repeated here: {entry:?}"),
        },
        Call::Store(new) => ledger.store(new).await.map(|_| Answer::Done)?,
        Call::Revoke(new) => ledger.revoke(new).await.map(|_| Answer::Done)?,
        Call::Block(new) => ledger.block_keys(new).await.map(|_| Answer::Done)?,
        Call::RevokeAuthority(new) => ledger.revoke_authority(new).await.map(|_| Answer::Done)?,
        Call::Reserve(new) => Answer::Reserved(Box::new(ledger.reserve_crl(new).await?)),
        Call::Read(authority, number) => {
            let (mut all, mut next) = (Vec::new(), Some(0));
            while let Some(after) = next {
                let page = ledger.revoked(&authority, number, after, 3).await?;
                all.extend(page.entries);
                next = page.next;
            }
            Answer::Read(all)
        }
        Call::StoreCrl(new) => ledger.store_crl(*new).await.map(|_| Answer::Done)?,
        Call::Ask(authority, serials) => {
            Answer::Statuses(ledger.statuses(&authority, serials).await?)
        }
    })
}
