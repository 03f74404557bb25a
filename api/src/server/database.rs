//! `database`: how a ledger in PostgreSQL is used.

use std::time::Duration;

use ledger::postgres::PostgresOptions;
use serde::Deserialize;

use super::config::{ConfigError, value};

/// How a ledger in PostgreSQL is used; a file in the data folder has none of these.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// How long a connection may take to be made.
    pub connect_timeout_seconds: u64,
    /// How long to wait for another server's turn to write.
    pub lock_timeout_seconds: u64,
    /// How long a statement may take.
    pub statement_timeout_seconds: u64,
    /// How long a commit may take, with the synchronous standbys that have it then.
    pub commit_timeout_seconds: u64,
    /// How many connections read at once.
    pub readers: u32,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        let options = PostgresOptions::default();
        Self {
            connect_timeout_seconds: options.connect_timeout.as_secs(),
            lock_timeout_seconds: options.lock_timeout.as_secs(),
            statement_timeout_seconds: options.statement_timeout.as_secs(),
            commit_timeout_seconds: options.commit_timeout.as_secs(),
            readers: options.readers,
        }
    }
}

impl DatabaseConfig {
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fields = [
            ("database.connect_timeout_seconds", self.connect_timeout_seconds, 60),
            ("database.lock_timeout_seconds", self.lock_timeout_seconds, 60),
            ("database.statement_timeout_seconds", self.statement_timeout_seconds, 600),
            ("database.commit_timeout_seconds", self.commit_timeout_seconds, 600),
            ("database.readers", self.readers.into(), 1_000),
        ];
        for (field, found, most) in fields {
            if !(1..=most).contains(&found) {
                return Err(value(field, found, format!("1 to {most}")));
            }
        }
        Ok(())
    }

    /// The same for the ledger.
    pub fn options(&self) -> PostgresOptions {
        PostgresOptions {
            connect_timeout: Duration::from_secs(self.connect_timeout_seconds),
            lock_timeout: Duration::from_secs(self.lock_timeout_seconds),
            statement_timeout: Duration::from_secs(self.statement_timeout_seconds),
            commit_timeout: Duration::from_secs(self.commit_timeout_seconds),
            readers: self.readers,
        }
    }
}
