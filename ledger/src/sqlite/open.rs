//! Creating, opening and migrating ledger files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use tokio::sync::OnceCell;

use super::{
    SqliteOptions,
    fault::Place,
    storage_check::{self, Schema},
    transaction::Named,
    write::SqliteWriter,
};
use crate::{LedgerError, queue::QUEUE_WAIT};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite");

/// "ESPL", as the first migration writes it.
const APPLICATION_ID: i64 = 0x4553_504c;

/// An open ledger.
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) writer: SqliteWriter,
    pub(super) readers: SqlitePool,
}

/// Makes a ledger beside its place and moves it there when it is whole.
pub(super) async fn create(path: &Path, options: &SqliteOptions) -> Result<(), LedgerError> {
    let path = absolute(path)?;
    let place = Place::new(&path, options.busy_timeout);
    // A write-ahead log left by a ledger of this name would be read into the new one.
    for taken in [path.clone(), beside(&path, "-wal")] {
        if taken.symlink_metadata().is_ok() {
            return Err(LedgerError::AlreadyExists { location: taken.display().to_string() });
        }
    }
    let folder = existing_folder(&path)?;
    // Mode 0600; SQLite gives the files beside it the same.
    let unfinished = tempfile::Builder::new()
        .prefix(".ledger-")
        .suffix(".unfinished")
        .tempfile_in(folder)
        .map_err(|error| cannot_create(&place, error))?
        .into_temp_path();
    let made = make(&unfinished, &place, options).await;
    if let Err(error) = made {
        for suffix in ["-wal", "-shm", "-journal"] {
            // Most often there is none.
            fs::remove_file(beside(&unfinished, suffix)).ok();
        }
        return Err(error);
    }
    unfinished.persist_noclobber(&path).map_err(|refused| cannot_create(&place, refused.error))?;
    // The name is durable once its folder is.
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot_create(&place, error))
}

/// Fills an empty file with the schema.
async fn make(file: &Path, place: &Place, options: &SqliteOptions) -> Result<(), LedgerError> {
    const NAME: &str = "ledger.create";
    let explain = |error| place.explain(NAME, error);
    let connect = connect_options(file, options).journal_mode(SqliteJournalMode::Wal);
    let mut connection = connect.connect().await.map_err(explain)?;
    let migrated = run_migrations(NAME, &mut connection, place).await;
    // Closing moves the write-ahead log into the file, also after an error.
    connection.close().await.map_err(explain)?;
    migrated?;
    let file = fs::File::open(file).and_then(|file| file.sync_all());
    file.map_err(|error| cannot_create(place, error))
}

/// Opens a ledger: connects, then makes sure that it is one, that it can be written, and that its
/// schema is the one this program knows.
pub(super) async fn open(path: &Path, options: &SqliteOptions) -> Result<Opened, LedgerError> {
    const NAME: &str = "ledger.open";
    let (place, connect, mut connection) = connect(NAME, path, options).await?;
    let found = match schema_version(NAME, &mut connection, &place).await {
        Ok(found) => found,
        Err(error) => return Err(close_after(connection, error).await),
    };
    if let Err(error) = expect_version(found, &place) {
        return Err(close_after(connection, error).await);
    }
    ensure_wal(&mut connection).await.map_err(|error| place.explain(NAME, error))?;
    let readers = SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(QUEUE_WAIT)
        .connect_lazy_with(connect.clone().read_only(true));
    let writer =
        SqliteWriter { place: place.clone(), options: connect, connection: Some(connection) };
    Ok(Opened { place, writer, readers })
}

/// Brings an older schema up to date. Answers the version before and after.
pub(super) async fn migrate(
    path: &Path,
    options: &SqliteOptions,
) -> Result<(i64, i64), LedgerError> {
    const NAME: &str = "ledger.migrate";
    let (place, _, mut connection) = connect(NAME, path, options).await?;
    let before = match schema_version(NAME, &mut connection, &place).await {
        Ok(before) => before,
        Err(error) => return Err(close_after(connection, error).await),
    };
    let migrated = run_migrations(NAME, &mut connection, &place).await;
    connection.close().await.map_err(|error| place.explain(NAME, error))?;
    migrated.map(|()| (before, known_version()))
}

/// The schema that the migrations make; made once, for they never change while the program runs.
pub(super) async fn schema_of_migrations(place: &Place) -> Result<&'static Schema, LedgerError> {
    static EXPECTED: OnceCell<Schema> = OnceCell::const_new();
    EXPECTED.get_or_try_init(|| make_schema(place)).await
}

/// Runs the migrations on an empty database in memory.
async fn make_schema(place: &Place) -> Result<Schema, LedgerError> {
    const NAME: &str = "ledger.expected_schema";
    let memory = SqliteConnectOptions::new().in_memory(true).disable_statement_logging();
    let connected = memory.connect().await;
    let mut connection = connected.map_err(|error| place.explain(NAME, error))?;
    run_migrations(NAME, &mut connection, place).await?;
    let mut transaction = Named::start(NAME, place, connection.begin().await)?;
    storage_check::schema(&mut transaction).await
}

/// Connects to a file that exists.
async fn connect(
    name: &'static str,
    path: &Path,
    options: &SqliteOptions,
) -> Result<(Place, SqliteConnectOptions, SqliteConnection), LedgerError> {
    let path = absolute(path)?;
    let place = Place::new(&path, options.busy_timeout);
    existing_folder(&path)?;
    let location = place.location.clone();
    match path.metadata() {
        Ok(file) if file.is_file() => {}
        Ok(_) => {
            let found = "a folder or device".into();
            return Err(LedgerError::NotALedger { location, found });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(LedgerError::NotFound { location });
        }
        Err(error) => {
            let source = Arc::new(sqlx::Error::Io(error));
            return Err(LedgerError::CannotOpen { location, source });
        }
    }
    let connect = connect_options(&path, options);
    let connected = connect.connect().await;
    let connection = connected.map_err(|error| place.explain(name, error))?;
    Ok((place, connect, connection))
}

fn connect_options(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    let connect = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(options.busy_timeout)
        // Functions that a changed schema names are not run.
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging();
    match options.max_pages {
        Some(pages) => connect.pragma("max_page_count", pages.to_string()),
        None => connect,
    }
}

/// The version of the ledger's schema. Takes the write lock, which fails when the file can't be
/// written.
async fn schema_version(
    name: &'static str,
    connection: &mut SqliteConnection,
    place: &Place,
) -> Result<i64, LedgerError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = Named::start(name, place, begun)?;
    let id = sqlx::query_scalar("PRAGMA application_id").fetch_one(transaction.sql()).await;
    let id: i64 = transaction.check(id)?;
    if id != APPLICATION_ID {
        let found = format!("an SQLite database with application id {id:#x}");
        return Err(LedgerError::NotALedger { location: place.location.clone(), found });
    }
    let version = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations")
        .fetch_one(transaction.sql())
        .await;
    let version = transaction.check(version)?;
    transaction.commit().await?;
    Ok(version)
}

fn expect_version(found: i64, place: &Place) -> Result<(), LedgerError> {
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

/// Runs what is missing in one transaction, with the write lock held: two processes take turns.
async fn run_migrations(
    name: &'static str,
    connection: &mut SqliteConnection,
    place: &Place,
) -> Result<(), LedgerError> {
    let begun = connection.begin_with("BEGIN IMMEDIATE").await;
    let mut transaction = Named::start(name, place, begun)?;
    let run = MIGRATIONS.run_direct(None, transaction.sql(), false).await;
    run.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            place.explain(name, error)
        }
        MigrateError::VersionMissing(found) => {
            let (location, known) = (place.location.clone(), known_version());
            LedgerError::NewerSchema { location, found, known }
        }
        error => {
            let location = place.location.clone();
            LedgerError::Migration { location, source: Arc::new(error) }
        }
    })?;
    transaction.commit().await
}

/// WAL is kept in the file; a copy made with other tools may have lost it.
async fn ensure_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mode: String =
        sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
    if mode != "wal" {
        sqlx::query("PRAGMA journal_mode = WAL").execute(connection).await?;
    }
    Ok(())
}

/// Closes the connection so that its files are gone when the error is told.
async fn close_after(connection: SqliteConnection, error: LedgerError) -> LedgerError {
    if let Err(second) = connection.close().await {
        tracing::warn!(error = %second, "the ledger's connection did not close cleanly");
    }
    error
}

/// Also keeps SQLite from taking a relative path that starts with `file:` for a URI.
fn absolute(path: &Path) -> Result<PathBuf, LedgerError> {
    let refused = |found, allowed: &str| {
        let allowed = allowed.to_owned();
        LedgerError::InvalidField { field: "ledger path", found, allowed }
    };
    let path = std::path::absolute(path)
        .map_err(|error| refused(format!("{} ({error})", path.display()), "the path of a file"))?;
    if path.to_str().is_none() {
        return Err(refused(path.display().to_string(), "UTF-8, as SQLite takes nothing else"));
    }
    Ok(path)
}

fn existing_folder(path: &Path) -> Result<&Path, LedgerError> {
    let folder = path.parent().unwrap_or(path);
    if folder.is_dir() {
        return Ok(folder);
    }
    Err(LedgerError::FolderMissing { folder: folder.display().to_string() })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn cannot_create(place: &Place, error: io::Error) -> LedgerError {
    let location = place.location.clone();
    match error.kind() {
        io::ErrorKind::AlreadyExists => LedgerError::AlreadyExists { location },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LedgerError::Full { location },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            LedgerError::ReadOnly { location }
        }
        _ => LedgerError::Create { location, source: Arc::new(error) },
    }
}
