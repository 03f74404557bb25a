//! The suite of every store, on SQLite.

#![allow(clippy::unwrap_used)] // a panic is the failure report

mod suite;

use std::sync::Arc;

use ledger::{Ledger, sqlite::SqliteStore};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use suite::Factory;

struct SqliteFactory(tempfile::TempDir);

impl SqliteFactory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("ledger.db")
    }
}

impl Factory for SqliteFactory {
    async fn open(&self) -> Ledger {
        let path = self.path();
        let opened = if path.exists() {
            SqliteStore::open(&path).await
        } else {
            SqliteStore::create(&path).await
        };
        Arc::new(opened.unwrap())
    }

    async fn raw(&self, sql: &'static str) -> Result<(), String> {
        let options = SqliteConnectOptions::new().filename(self.path()).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let done = sqlx::raw_sql(sql).execute(&mut connection).await;
        connection.close().await.unwrap();
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn break_certificate_inserts(&self) {
        self.raw(
            "CREATE TRIGGER broken BEFORE INSERT ON certificate \
             BEGIN SELECT RAISE(ABORT, 'disk on fire'); END",
        )
        .await
        .unwrap();
    }
}

suite_for!(SqliteFactory::new());
