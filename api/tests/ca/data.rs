//! A data folder for a test, and what is in it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::pem;
use ledger::Ledger;
use ledger::sqlite::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::workbench::{Run, Workbench};

pub(crate) const LEDGER: &str = "espalier-data/ledger.sqlite";

/// A root and an issuing CA by ECDSA P-256, without passphrase: quickly made.
pub(crate) fn classical() -> Workbench {
    made("--algorithm p256 --no-passphrase")
}

/// A root and an issuing CA, made with these options.
pub(crate) fn made(options: &str) -> Workbench {
    let bench = Workbench::new();
    bench.run(&format!("init {options}")).done();
    bench
}

/// The certificates of a PEM file.
pub(crate) fn certificates(bench: &Workbench, name: &str) -> Vec<Certificate> {
    pem::read_certificates(&bench.read(name)).unwrap()
}

/// How many records and certificates the ledger has, by a check that finds it sound.
#[track_caller]
pub(crate) fn sound(bench: &Workbench) -> serde_json::Value {
    let run = bench.run("ledger check --json");
    assert_eq!(run.code, 0, "{}{}", run.stdout(), run.stderr());
    let report = run.json();
    assert_eq!(report["sound"], true);
    report
}

/// How many records a sound ledger has.
#[track_caller]
pub(crate) fn records(bench: &Workbench) -> u64 {
    sound(bench)["checked"]["records"].as_u64().unwrap()
}

/// A leaf of the data folder is valid below its root, and with one bit flipped it is not.
#[track_caller]
pub(crate) fn verifies(bench: &Workbench, chain: &str, root: &str, policy: &str) {
    let verify = |file: &str| bench.run(&format!("verify --trust {root} --policy {policy} {file}"));
    let run = verify(chain);
    assert_eq!(run.code, 0, "{}", run.stderr());
    let mut ders: Vec<Vec<u8>> =
        certificates(bench, chain).iter().map(|found| found.der().to_vec()).collect();
    *ders[0].last_mut().unwrap() ^= 1;
    let bent: Vec<String> =
        ders.iter().map(|der| pem::encode(pem::Label::Certificate, der)).collect();
    bench.write("bent.pem", bent.concat());
    verify("bent.pem").fails(1, &["signature"]);
}

/// A copy of the data folder under this name: what it issues has the same authorities and keys, and
/// is not in the ledger of the first.
pub(crate) fn copied(bench: &Workbench, name: &str) {
    let (from, to) = (bench.path("espalier-data"), bench.path(name));
    for (path, octets) in everything(&from) {
        let path = to.join(Path::new(&path).strip_prefix(&from).unwrap());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, octets).unwrap();
    }
}

/// Runs what waits, on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Opens the ledger beside the command.
pub(crate) async fn open(bench: &Workbench) -> Ledger {
    Arc::new(SqliteStore::open(&bench.path(LEDGER)).await.unwrap())
}

/// The ledger as any SQLite program sees it.
pub(crate) async fn raw(bench: &Workbench) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(bench.path(LEDGER))
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON");
    SqliteConnection::connect_with(&options).await.unwrap()
}

pub(crate) async fn execute(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// Changes the ledger as somebody with a shell can: triggers go, the change is made, triggers
/// come back.
pub(crate) async fn tamper(bench: &Workbench, change: impl AsyncFnOnce(&mut SqliteConnection)) {
    let mut connection = raw(bench).await;
    let triggers: Vec<(String, String)> =
        sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    for (name, _) in &triggers {
        execute(&mut connection, &format!("DROP TRIGGER {name}")).await;
    }
    change(&mut connection).await;
    for (_, sql) in &triggers {
        execute(&mut connection, sql).await;
    }
    connection.close().await.unwrap();
}

/// Every file below a folder with its content, sorted.
pub(crate) fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The serial number that `issue --json` and the like printed.
pub(crate) fn serial(run: &Run) -> String {
    run.json()["serial"].as_str().unwrap().to_owned()
}
