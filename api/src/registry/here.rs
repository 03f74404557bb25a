//! The ledger of a data folder, asked in the words of the REST API.

use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use ca_core::serial::SerialNumber;
use client::v1::{
    self, AuditPage, Authority, Certificate, CertificatePage, CreateToken, RevokeCertificate,
    SearchAudit, SearchCertificates, Token, TokenGrant,
};
use jiff::Timestamp;
use ledger::{
    AuditFilter, Cursor, Entry, Filter, Ledger, LedgerError, NewRevocation, NewTokenRevocation,
    Order, Page, RevocationReason, Revoking, Status,
};

use super::Revoked;
use crate::auth::{Grant, TokenOrder};
use crate::authority;
use crate::cli::{CliError, Context};
use crate::data_folder::{DataFolder, DataOptions, ledger_failed};
use crate::issuance::Asker;
use crate::wire;

/// Rows of a page unless it is told.
const LIMIT: u32 = 50;

/// A data folder and its ledger.
#[derive(Debug)]
pub struct Here {
    folder: DataFolder,
    ledger: Ledger,
}

impl Here {
    /// Opens the ledger.
    ///
    /// # Errors
    /// As [`DataOptions::folder`] and [`DataFolder::open_ledger`].
    pub async fn open(data: &DataOptions) -> Result<Self, CliError> {
        let folder = data.folder()?;
        let ledger = folder.open_ledger().await?;
        Ok(Self { folder, ledger })
    }

    pub(super) async fn close(self) -> Result<(), CliError> {
        self.ledger.close().await.map_err(ledger_failed)
    }

    /// The data folder.
    pub fn folder(&self) -> &DataFolder {
        &self.folder
    }

    /// Its ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) async fn certificates(
        &self,
        search: SearchCertificates,
    ) -> Result<CertificatePage, CliError> {
        let page = page(search.limit, search.cursor.as_deref())?;
        let filter = Filter {
            authority: search.authority,
            profile: search.profile,
            requester: search.requester,
            name: search.name,
            status: search.status.map(|status| match status {
                v1::Status::Stored => Status::Stored,
                v1::Status::Orphan => Status::Orphan,
                v1::Status::Revoked => Status::Revoked,
            }),
            algorithm: search.algorithm,
            expires_before: search.expires_before,
            expires_after: search.expires_after,
            ..Filter::default()
        };
        let found = self.ledger.search(filter, page).await.map_err(ledger_failed)?;
        Ok(CertificatePage {
            certificates: found.entries.iter().map(wire::certificate).collect(),
            next: found.next.map(|cursor| cursor.to_string()),
        })
    }

    pub(super) async fn certificate(&self, which: &str) -> Result<Certificate, CliError> {
        Ok(wire::certificate(&self.entry(which).await?))
    }

    /// The entry of a serial number or fingerprint.
    ///
    /// # Errors
    /// `CliError` with exit code 1 where it is not in the ledger.
    pub async fn entry(&self, which: &str) -> Result<Entry, CliError> {
        let found = if let Ok(serial) = SerialNumber::from_hex(which) {
            self.ledger.get_by_serial(serial).await
        } else if let Some(fingerprint) = Fingerprint::from_hex(which) {
            self.ledger.get_by_fingerprint(fingerprint).await
        } else {
            return Err(no_number(which));
        };
        let found = found.map_err(ledger_failed)?;
        found.ok_or_else(|| CliError::refused(format!("{which}: not in this ledger")))
    }

    pub(super) async fn revoke(
        &self,
        serial: &str,
        why: &RevokeCertificate,
        now: Timestamp,
    ) -> Result<Revoked, CliError> {
        let serial = SerialNumber::from_hex(serial).map_err(|_| no_number(serial))?;
        let reason = why.reason.as_deref().map(str::parse::<RevocationReason>).transpose();
        let reason = reason.map_err(|error| CliError::usage(error.to_string()))?;
        let revocation = Revoking {
            reason: reason.unwrap_or(RevocationReason::UNSPECIFIED),
            invalidity_date: why.invalidity_date,
            revoked_at: whole_microseconds(now),
            revoked_by: Asker::local(None).requester,
        };
        match self.ledger.revoke(NewRevocation { serial, only_orphan: false, revocation }).await {
            Ok(_) => {
                let revoked = self.certificate(&serial.to_string()).await?;
                Ok(Revoked::Now(Box::new(revoked)))
            }
            Err(LedgerError::AlreadyRevoked { revoked_at, .. }) => Ok(Revoked::Before(revoked_at)),
            Err(error) => Err(ledger_failed(error)),
        }
    }

    pub(super) async fn authority(&self, name: &str) -> Result<Authority, CliError> {
        let recorded = self.ledger.authority(name).await.map_err(ledger_failed)?;
        let recorded = recorded.ok_or_else(|| authority::unknown(name))?;
        let chain = authority::chain(&self.ledger, name).await?;
        let others = authority::others(&recorded, &chain)?;
        let (parent, created_at) = (recorded.content.parent, recorded.content.created_at);
        let shown = wire::authority(name, parent, created_at, true, &chain, &others);
        shown.ok_or_else(|| {
            CliError::environment(format!("authority {name}: it has no certificate yet"))
        })
    }

    pub(super) async fn tokens(&self) -> Result<Vec<Token>, CliError> {
        let mut page = Page::first(Page::MAX_LIMIT);
        let mut tokens = Vec::new();
        loop {
            let found = self.ledger.tokens(page).await.map_err(ledger_failed)?;
            tokens.extend(found.tokens.into_iter().map(readable));
            let Some(next) = found.next else { return Ok(tokens) };
            page = page.after(next);
        }
    }

    pub(super) async fn create_token(
        &self,
        order: &CreateToken,
        context: &mut Context,
    ) -> Result<Token, CliError> {
        let now = context.now();
        let life = Duration::from_secs(u64::from(order.expires_in_days) * 86_400);
        let wrong = |error: &dyn std::error::Error| CliError::usage(error.to_string());
        let grant = wire::grant(&order.grant).map_err(|error| wrong(&error))?;
        let taken_over = order.take_over;
        let order = TokenOrder {
            name: order.name.clone(),
            grant: Grant::new(&grant).map_err(|error| wrong(&error))?,
            expires_at: now.checked_add(life).unwrap_or(Timestamp::MAX),
            created_by: Asker::local(None).requester,
        };
        let (token, kept) = order.draw(now, context.rng()).map_err(|error| wrong(&error))?;
        let earlier = self.ledger.tokens_named(kept.name.clone()).await.map_err(ledger_failed)?;
        let last = earlier.last().map(|last| last.content.id.clone());
        if let Some(id) = last.as_ref().filter(|_| !taken_over) {
            let message =
                format!("name: found that of token {id}, allowed is one that no token has");
            return Err(CliError::refused(message)
                .with_hint("choose another name, or be the same requester by --take-over"));
        }
        let added = self.ledger.add_token_behind(kept, last).await.map_err(ledger_failed)?;
        let secret = Some(v1::Secret::new(token.expose().to_owned()));
        Ok(Token { secret, ..readable(added) })
    }

    pub(super) async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<Token, CliError> {
        let revoked_by = Asker::local(None).requester;
        let revoked_at = whole_microseconds(now);
        let new = NewTokenRevocation { id: id.to_owned(), revoked_at, revoked_by };
        Ok(readable(self.ledger.revoke_token(new).await.map_err(ledger_failed)?))
    }

    pub(super) async fn audit(&self, search: SearchAudit) -> Result<AuditPage, CliError> {
        let page = page(search.limit, search.cursor.as_deref())?;
        let filter = AuditFilter {
            actor: search.actor,
            action: search.action,
            subject: search.subject,
            request_id: search.request_id,
            done: None,
            from: search.from,
            before: search.before,
        };
        let found = self.ledger.audit(filter, page).await.map_err(ledger_failed)?;
        Ok(AuditPage {
            events: found.events.into_iter().map(wire::audit_event).collect(),
            next: found.next.map(|cursor| cursor.to_string()),
        })
    }
}

/// One whose grant can't be read is listed with none, and is refused when it is shown.
fn readable(token: ledger::Token) -> Token {
    wire::token(&token).unwrap_or_else(|_| {
        let content = token.content;
        Token {
            id: content.id,
            name: content.name,
            grant: TokenGrant::default(),
            created_at: content.created_at,
            expires_at: content.expires_at,
            created_by: content.created_by,
            revoked_at: token.revocation.as_ref().map(|revocation| revocation.revoked_at),
            revoked_by: token.revocation.map(|revocation| revocation.revoked_by),
            secret: None,
        }
    })
}

/// The ledger keeps microseconds.
fn whole_microseconds(now: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

fn page(limit: Option<u32>, cursor: Option<&str>) -> Result<Page, CliError> {
    let after = cursor.map(str::parse::<Cursor>).transpose().map_err(ledger_failed)?;
    Ok(Page { after, limit: limit.unwrap_or(LIMIT), order: Order::NewestFirst })
}

/// Refuses what is neither a serial number nor a fingerprint.
///
/// # Errors
/// `CliError` with exit code 2.
pub(super) fn check_number(which: &str) -> Result<(), CliError> {
    let known = SerialNumber::from_hex(which).is_ok() || Fingerprint::from_hex(which).is_some();
    if known { Ok(()) } else { Err(no_number(which)) }
}

fn no_number(which: &str) -> CliError {
    CliError::usage(format!(
        "{which:?}: allowed are a serial number of 40 hexadecimal digits or a fingerprint of 64"
    ))
}
