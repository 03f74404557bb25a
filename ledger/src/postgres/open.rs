//! Opening and migrating ledgers.

use std::sync::Arc;

use sqlx::{
    AssertSqlSafe, Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};

use super::{
    PostgresOptions, connect, fault::Place, progress::Progress, readers::Readers, roles,
    transaction::Named, write::PostgresWriter,
};
use crate::{LedgerError, location::PostgresLocation};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres");

/// An open ledger.
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) writer: PostgresWriter,
    pub(super) readers: Arc<Readers>,
}

/// Opens a ledger: connects, then makes sure that its schema is the one this program knows.
pub(super) async fn open(
    location: &PostgresLocation,
    options: PostgresOptions,
) -> Result<Opened, LedgerError> {
    const NAME: &str = "ledger.open";
    let place = place(location, &options);
    let connect_options = connect::options(location, &options)?;
    let writing = connect::for_writing(connect_options.clone());
    let mut connection = connect::connect(NAME, &place, &writing, &options).await?;
    expect_version(schema_version(NAME, &place, &mut connection).await?, &place)?;
    let progress = Arc::new(Progress::default());
    let reading = connect::for_reading(connect_options);
    let readers = Arc::new(Readers::new(place.clone(), Arc::clone(&progress), reading, &options));
    let writer = PostgresWriter {
        place: place.clone(),
        connect: writing,
        options,
        connection: Some(connection),
        progress,
        readers: Arc::clone(&readers),
    };
    Ok(Opened { place, writer, readers })
}

/// Makes the schema, or brings an older one up to date. Answers the version before and after.
pub(super) async fn migrate(
    location: &PostgresLocation,
    options: &PostgresOptions,
) -> Result<(i64, i64), LedgerError> {
    const NAME: &str = "ledger.migrate";
    let place = place(location, options);
    let connect_options = connect::options(location, options)?;
    let mut connection = connect::connect(NAME, &place, &connect_options, options).await?;
    let mut transaction = Named::start(NAME, &place, connection.begin().await)?;
    // Two that migrate take turns; the number is Espalier's own ("ESPL").
    let alone = sqlx::raw_sql("SELECT pg_advisory_xact_lock(1163087948)");
    let alone = alone.execute(transaction.sql()).await;
    transaction.check(alone)?;
    let before = version(&mut transaction).await?;
    if before > known_version() {
        let location = place.location.clone();
        return Err(LedgerError::NewerSchema { location, found: before, known: known_version() });
    }
    make_schema(&mut transaction).await?;
    let run = MIGRATIONS.run_direct(None, transaction.sql(), false).await;
    run.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            place.explain(NAME, error)
        }
        error => {
            let location = place.location.clone();
            LedgerError::Migration { location, source: Arc::new(error) }
        }
    })?;
    transaction.commit_writing(options.commit_timeout).await?;
    Ok((before, known_version()))
}

/// Makes the schema, where the administrator of the database has not: `IF NOT EXISTS` would want the right
/// to make one all the same.
async fn make_schema(transaction: &mut Named<'_>) -> Result<(), LedgerError> {
    let there = sqlx::query_scalar("SELECT to_regnamespace('espalier') IS NOT NULL")
        .fetch_one(transaction.sql())
        .await;
    if !transaction.check::<bool>(there)? {
        let made = sqlx::raw_sql("CREATE SCHEMA espalier").execute(transaction.sql()).await;
        transaction.check(made)?;
    }
    let unlimited = sqlx::raw_sql("SET LOCAL statement_timeout = 0");
    let unlimited = unlimited.execute(transaction.sql()).await;
    transaction.check(unlimited).map(drop)
}

/// Lets a role serve, as [`roles::grants`] says, in one transaction.
pub(super) async fn grant(
    location: &PostgresLocation,
    role: &str,
    options: &PostgresOptions,
) -> Result<(), LedgerError> {
    const NAME: &str = "ledger.grant";
    // The role's name is quoted there; nothing else of it comes from outside.
    let sql = AssertSqlSafe(roles::grants(role)?);
    let place = place(location, options);
    let connect_options = connect::options(location, options)?;
    let mut connection = connect::connect(NAME, &place, &connect_options, options).await?;
    let mut transaction = Named::start(NAME, &place, connection.begin().await)?;
    let granted = sqlx::raw_sql(sql).execute(transaction.sql()).await;
    transaction.check(granted)?;
    transaction.commit_writing(options.commit_timeout).await.map(|_| ())
}

fn place(location: &PostgresLocation, options: &PostgresOptions) -> Place {
    Place { location: location.to_string(), lock_timeout: options.lock_timeout }
}

/// The version of the ledger's schema; 0 when there is none.
pub(super) async fn schema_version(
    name: &'static str,
    place: &Place,
    connection: &mut PgConnection,
) -> Result<i64, LedgerError> {
    let mut transaction = Named::start(name, place, connection.begin().await)?;
    let version = version(&mut transaction).await?;
    transaction.commit().await?;
    Ok(version)
}

async fn version(transaction: &mut Named<'_>) -> Result<i64, LedgerError> {
    let there = sqlx::query_scalar("SELECT to_regclass('espalier._sqlx_migrations') IS NOT NULL")
        .fetch_one(transaction.sql())
        .await;
    if !transaction.check::<bool>(there)? {
        return Ok(0);
    }
    let version =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM espalier._sqlx_migrations")
            .fetch_one(transaction.sql())
            .await;
    transaction.check(version)
}

pub(super) fn expect_version(found: i64, place: &Place) -> Result<(), LedgerError> {
    let (location, known) = (place.location.clone(), known_version());
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(LedgerError::OlderSchema { location, found, known }),
        std::cmp::Ordering::Greater => Err(LedgerError::NewerSchema { location, found, known }),
    }
}

fn known_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}
