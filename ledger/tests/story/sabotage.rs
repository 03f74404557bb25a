//! Ways to break a rule behind the ledger's back, so that the story shows that it would see it.

use std::path::Path;

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// The latest revocation is gone.
    ForgetRevocation,
    /// A list that is not signed yet loses its latest entry.
    ShortList,
    /// A list that is not signed yet takes everything for expired.
    DropUnexpired,
    /// The latest number of a list is given out again.
    RepeatNumber,
    /// A blocked key is free again.
    UnblockKey,
}

impl Sabotage {
    /// The trigger that stands in the way, and what is done without it.
    fn statements(self) -> (&'static str, &'static str) {
        match self {
            Self::ForgetRevocation => (
                "revocation_no_delete",
                "DELETE FROM revocation AS v WHERE v.position = \
                 (SELECT max(position) FROM revocation WHERE authority = v.authority)",
            ),
            Self::ShortList => (
                "crl_no_update",
                "UPDATE crl SET through = through - 1, settled_through = 0 \
                 WHERE through > since AND id NOT IN (SELECT crl FROM crl_list)",
            ),
            Self::DropUnexpired => (
                "crl_no_update",
                "UPDATE crl SET settled_through = through, settled_at = 99999999999 \
                 WHERE id NOT IN (SELECT crl FROM crl_list)",
            ),
            Self::RepeatNumber => {
                ("crl_no_delete", "DELETE FROM crl WHERE id NOT IN (SELECT crl FROM crl_list)")
            }
            Self::UnblockKey => ("blocked_key_no_delete", "DELETE FROM blocked_key"),
        }
    }

    /// Does it, and puts the trigger back.
    pub(crate) fn strike(self, path: &Path) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            let (trigger, statement) = self.statements();
            let text = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = ?");
            let text: String = text.bind(trigger).fetch_one(&mut connection).await.unwrap();
            let all =
                format!("BEGIN IMMEDIATE; DROP TRIGGER {trigger}; {statement}; {text}; COMMIT");
            sqlx::raw_sql(sqlx::AssertSqlSafe(all)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }
}
