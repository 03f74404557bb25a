//! An authenticator as the server puts it together, with a ledger of its own.

use std::path::Path;
use std::sync::Arc;

use espalier::auth::{
    AuthConfig, AuthError, Authenticator, Caller, ConfigError, OwnAuthority, Presented, Resources,
};
use jiff::Timestamp;
use ledger::Ledger;
use ledger::sqlite::SqliteStore;
use tempfile::TempDir;

use crate::forge::NOW;

/// An authenticator and what it asks.
pub(crate) struct Desk {
    pub(crate) authenticator: Authenticator,
    pub(crate) ledger: Ledger,
    _folder: Option<TempDir>,
}

impl Desk {
    /// With an empty ledger.
    pub(crate) async fn new(yaml: &str) -> Self {
        Self::at(yaml, tempfile::tempdir().unwrap()).await.unwrap()
    }

    /// With an empty ledger in the folder, below which relative paths are.
    pub(crate) async fn at(yaml: &str, folder: TempDir) -> Result<Self, ConfigError> {
        let ledger = SqliteStore::create(&folder.path().join("ledger.sqlite")).await.unwrap();
        let mut desk = Self::with(yaml, folder.path(), Arc::new(ledger), &[])?;
        desk._folder = Some(folder);
        Ok(desk)
    }

    /// With this ledger.
    pub(crate) fn with(
        yaml: &str,
        base: &Path,
        ledger: Ledger,
        authorities: &[OwnAuthority],
    ) -> Result<Self, ConfigError> {
        let config: AuthConfig = serde_saphyr::from_str(yaml).unwrap();
        let resources = Resources { base, authorities, ledger: ledger.clone() };
        let authenticator = Authenticator::new(&config, resources)?;
        Ok(Self { authenticator, ledger, _folder: None })
    }

    /// Who presents this token now, after `seconds`.
    pub(crate) async fn bearer_after(
        &self,
        seconds: i64,
        token: &str,
    ) -> Result<Caller, AuthError> {
        let presented = Presented { bearer: Some(token), ..nothing() };
        let now = Timestamp::from_second(NOW + seconds).unwrap();
        self.authenticator.authenticate(presented, now).await
    }

    pub(crate) async fn bearer(&self, token: &str) -> Result<Caller, AuthError> {
        self.bearer_after(0, token).await
    }

    /// The token is refused with this status and these words.
    #[track_caller]
    pub(crate) fn expect_refusal(answer: Result<Caller, AuthError>, status: u16, words: &str) {
        let error = answer.map(|caller| caller.name().to_owned()).unwrap_err();
        let message = error.to_string();
        assert_eq!(error.status(), status, "{message}");
        assert!(message.contains(words), "no {words:?} in {message}");
    }
}

/// A request that presents nothing.
pub(crate) fn nothing() -> Presented<'static> {
    Presented { bearer: None, client_certificates: None, peer: "192.0.2.7:40000".parse().unwrap() }
}
