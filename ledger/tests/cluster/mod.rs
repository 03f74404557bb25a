//! One PostgreSQL for the tests of this file, one database for each test.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code)] // a panic is the failure report

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

use ledger::{
    Ledger, PostgresLocation,
    postgres::{PostgresOptions, PostgresStore, grants},
};
use test_postgres::Cluster;

use crate::suite::Factory;

/// The server; it ends with this process. `None` where there is no PostgreSQL.
pub fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            let cluster = Cluster::start_or_skip(&["max_connections=200"])?;
            cluster.role("owner");
            cluster.role("server");
            // Every database is a copy of this one.
            cluster.database("template", "owner");
            let location = PostgresLocation::new(&cluster.url("owner", "template")).unwrap();
            let migrating = async { PostgresStore::migrate(&location).await.unwrap() };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // Not on the thread of a test, which has a runtime already.
            std::thread::scope(|scope| {
                scope.spawn(|| runtime.unwrap().block_on(migrating)).join().unwrap()
            });
            cluster.psql_as("owner", "template", &grants("server").unwrap()).unwrap();
            Some(cluster)
        })
        .as_ref()
}

/// A database with an empty ledger, and the role that uses it.
pub struct Database {
    pub name: String,
    pub location: PostgresLocation,
}

impl Database {
    /// A new database for this role; `None` where there is no PostgreSQL.
    pub async fn new(role: &'static str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        tokio::task::spawn_blocking(move || {
            let cluster = cluster()?;
            let name = format!("ledger_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
            let copy = format!("CREATE DATABASE {name} OWNER owner TEMPLATE template");
            cluster.psql("postgres", &copy).unwrap();
            let location = PostgresLocation::new(&cluster.url(role, &name)).unwrap();
            Some(Self { name, location })
        })
        .await
        .unwrap()
    }

    /// The ledger, with few connections: many tests run beside each other.
    pub async fn ledger(&self) -> Ledger {
        let options = PostgresOptions { readers: 2, ..PostgresOptions::default() };
        Arc::new(PostgresStore::open_with(&self.location, options).await.unwrap())
    }
}

impl Factory for Database {
    async fn open(&self) -> Ledger {
        self.ledger().await
    }

    async fn raw(&self, sql: &'static str) -> Result<(), String> {
        let name = self.name.clone();
        let run = move || {
            let sql = format!("SET search_path = espalier, pg_temp; {sql}");
            cluster().unwrap().psql(&name, &sql).map(drop)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    async fn break_certificate_inserts(&self) {
        self.raw(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'disk on fire'; END $$; \
             CREATE TRIGGER broken BEFORE INSERT ON certificate FOR EACH ROW \
             EXECUTE FUNCTION broken()",
        )
        .await
        .unwrap();
    }
}
