//! What commands ask: the ledger of this machine's data folder, or a server. Each question has one
//! answer, in the words of the REST API, wherever it comes from.

mod here;

use client::Client;
use client::v1::{
    AuditPage, Authority, Certificate, CertificatePage, CreateToken, RevokeCertificate,
    SearchAudit, SearchCertificates, Token,
};
use jiff::Timestamp;

pub use here::Here;

use crate::cli::{CliError, Context};
use crate::data_folder::DataOptions;

/// A ledger on this machine, or a server.
#[derive(Debug)]
pub enum Registry {
    /// A data folder and its ledger.
    Here(Box<Here>),
    /// A server.
    Server(Client),
}

/// What became of a revocation.
#[derive(Debug)]
pub enum Revoked {
    /// It is revoked now.
    Now(Box<Certificate>),
    /// It was revoked before; nothing changed.
    Before(Timestamp),
}

impl Registry {
    /// What the command line names.
    ///
    /// # Errors
    /// `CliError` when the ledger can't be opened, or the server is none that can be asked.
    pub async fn open(data: &DataOptions, context: &Context) -> Result<Self, CliError> {
        match context.client()? {
            Some(client) => Ok(Self::Server(client)),
            None => Here::open(data).await.map(|here| Self::Here(Box::new(here))),
        }
    }

    /// Closes it, and gives what was done, or why not.
    ///
    /// # Errors
    /// The first of the two.
    pub async fn close<T>(self, result: Result<T, CliError>) -> Result<T, CliError> {
        match self {
            Self::Here(here) => {
                let closed = here.close().await;
                result.and_then(|done| closed.map(|()| done))
            }
            Self::Server(_) => result,
        }
    }

    /// One page of certificates, the newest first.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn certificates(
        &self,
        search: SearchCertificates,
    ) -> Result<CertificatePage, CliError> {
        match self {
            Self::Here(here) => here.certificates(search).await,
            Self::Server(client) => Ok(client.certificates(&search).await?),
        }
    }

    /// A certificate by its serial number or fingerprint.
    ///
    /// # Errors
    /// `CliError`; with exit code 1 where it is not known.
    pub async fn certificate(&self, which: &str) -> Result<Certificate, CliError> {
        match self {
            Self::Here(here) => here.certificate(which).await,
            Self::Server(client) => {
                here::check_number(which)?;
                Ok(client.certificate(&which.replace(':', "").to_lowercase()).await?)
            }
        }
    }

    /// Revokes a certificate by its serial number.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn revoke(
        &self,
        serial: &str,
        why: &RevokeCertificate,
        now: Timestamp,
    ) -> Result<Revoked, CliError> {
        let client = match self {
            Self::Here(here) => return here.revoke(serial, why, now).await,
            Self::Server(client) => client,
        };
        match client.revoke(serial, why).await {
            Ok(certificate) => Ok(Revoked::Now(Box::new(certificate))),
            Err(error) if error.is("already-revoked") => {
                let known = client.certificate(serial).await?;
                let revocation = known.revocation.ok_or_else(|| CliError::from(error))?;
                Ok(Revoked::Before(revocation.revoked_at))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An authority that has a certificate.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn authority(&self, name: &str) -> Result<Authority, CliError> {
        match self {
            Self::Here(here) => here.authority(name).await,
            Self::Server(client) => Ok(client.authority(name).await?),
        }
    }

    /// Every token, the newest first.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn tokens(&self) -> Result<Vec<Token>, CliError> {
        let client = match self {
            Self::Here(here) => return here.tokens().await,
            Self::Server(client) => client,
        };
        let (mut list, mut tokens) = (client.all_tokens(), Vec::new());
        while let Some(token) = list.next().await {
            tokens.push(token?);
        }
        Ok(tokens)
    }

    /// Makes a token; the answer has its secret.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn create_token(
        &self,
        order: &CreateToken,
        context: &mut Context,
    ) -> Result<Token, CliError> {
        match self {
            Self::Here(here) => here.create_token(order, context).await,
            Self::Server(client) => Ok(client.create_token(order).await?),
        }
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn revoke_token(&self, id: &str, now: Timestamp) -> Result<Token, CliError> {
        match self {
            Self::Here(here) => here.revoke_token(id, now).await,
            Self::Server(client) => Ok(client.revoke_token(id).await?),
        }
    }

    /// One page of audit events, the newest first.
    ///
    /// # Errors
    /// `CliError`.
    pub async fn audit(&self, search: SearchAudit) -> Result<AuditPage, CliError> {
        match self {
            Self::Here(here) => here.audit(search).await,
            Self::Server(client) => Ok(client.audit(&search).await?),
        }
    }
}
