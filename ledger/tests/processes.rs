//! Several real processes on one ledger file: taking turns, being killed, not being allowed.
//!
//! Without a test harness: the program starts itself again as the other process.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report

mod suite;

use std::{
    env,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use ledger::{Ledger, LedgerError, Recording, sqlite::SqliteStore};
use suite::material::{certificate, record, serial, with_authority};
use tokio::task::JoinSet;

const ROLE: &str = "LEDGER_TEST_ROLE";
/// Serials that both processes want.
const CONTESTED: std::ops::Range<u64> = 0..100;
/// Serials of its own that each process records.
const OWN: u64 = 300;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = env::args().collect();
    match env::var(ROLE).as_deref() {
        Ok("hammer") => hammer(&arguments[1], arguments[2].parse().unwrap()).await,
        Ok("endless") => endless(&arguments[1], arguments[2].parse().unwrap()).await,
        Ok("not allowed") => not_allowed(&arguments[1]).await,
        _ => {
            two_processes_take_turns().await;
            a_killed_process_loses_nothing_that_it_answered().await;
            a_read_only_place_is_refused().await;
            a_full_disk_loses_nothing().await;
        }
    }
}

fn another_self(role: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(ROLE, role).args(arguments).stdout(Stdio::piped());
    command
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The numbers that a child printed.
fn printed(child: &mut Child) -> Vec<u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // A line that the kill cut off was not an answer.
    lines.map_while(Result::ok).filter_map(|line| line.strip_suffix('.')?.parse().ok()).collect()
}

/// Records and stores, its own serials and the contested ones, and prints each that it won.
async fn hammer(path: &str, first: u64) {
    let ledger: Ledger = Arc::new(SqliteStore::open(Path::new(path)).await.unwrap());
    let mut tasks = JoinSet::new();
    for name in CONTESTED.chain(first..first + OWN) {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move {
            match ledger.record(record(name)).await {
                Ok(Recording::New(_)) => {
                    ledger.store(certificate(name)).await.unwrap();
                    println!("{name}.");
                }
                Err(LedgerError::SerialTaken { .. }) => assert!(CONTESTED.contains(&name)),
                other => panic!("{other:?}"),
            }
        });
        if name % 7 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
    tasks.join_all().await;
    ledger.close().await.unwrap();
}

async fn two_processes_take_turns() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger: Ledger = Arc::new(SqliteStore::create(&path).await.unwrap());
    with_authority(&ledger).await;
    let start = |first: &str| another_self("hammer", &[text(&path), first]).spawn().unwrap();
    let mut children = [start("1000"), start("2000")];
    let mut won: Vec<u64> = children.iter_mut().flat_map(printed).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    won.sort_unstable();
    let expected: Vec<u64> = CONTESTED.chain(1000..1000 + OWN).chain(2000..2000 + OWN).collect();
    assert_eq!(won, expected, "each serial was won once");
    let report = suite::check_and_close(ledger).await;
    assert_eq!(report.checked.certificates, won.len() as u64);
    assert_eq!(report.checked.orphans, 0);
    println!("two processes took turns: {} certificates, no serial twice", won.len());
}

/// Records and stores until it is killed; prints each after it was stored.
async fn endless(path: &str, first: u64) {
    let ledger: Ledger = Arc::new(SqliteStore::open(Path::new(path)).await.unwrap());
    let mut tasks = JoinSet::new();
    for lane in 0..8 {
        let ledger = Arc::clone(&ledger);
        tasks.spawn(async move {
            for name in (first + lane..).step_by(8) {
                ledger.record(record(name)).await.unwrap();
                ledger.store(certificate(name)).await.unwrap();
                let line = format!("{name}.\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    tasks.join_all().await;
}

async fn a_killed_process_loses_nothing_that_it_answered() {
    const KILLS: u64 = 25;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger: Ledger = Arc::new(SqliteStore::create(&path).await.unwrap());
    with_authority(&ledger).await;
    ledger.close().await.unwrap();
    let (mut released, mut orphans) = (0, 0);
    for round in 0..KILLS {
        let first = (round + 1) * 1_000_000;
        let mut child =
            another_self("endless", &[text(&path), &first.to_string()]).spawn().unwrap();
        // Not before it writes; then at another moment each round.
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(round * 1_700));
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = out.lines().map_while(Result::ok);
        let answered = std::iter::once(line.trim().to_owned()).chain(rest);
        let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
        for name in answered.filter_map(|line| line.strip_suffix('.')?.parse::<u64>().ok()) {
            let entry = ledger.get_by_serial(serial(name)).await.unwrap();
            let stored = entry.and_then(|entry| entry.certificate);
            assert!(stored.is_some(), "{name} was released and is unknown");
            released += 1;
        }
        orphans = suite::check_and_close(ledger).await.checked.orphans;
    }
    assert!(released >= KILLS);
    println!("{KILLS} kills: {released} certificates released and found, {orphans} orphans listed");
}

/// What a process sees that may only read; prints the errors.
async fn not_allowed(folder: &str) {
    let folder = Path::new(folder);
    let opened = SqliteStore::open(&folder.join("ledger.db")).await.unwrap_err();
    let created = SqliteStore::create(&folder.join("new.db")).await.unwrap_err();
    for error in [opened, created] {
        let kind = match &error {
            LedgerError::ReadOnly { .. } => "read-only",
            LedgerError::CannotOpen { .. } => "cannot open",
            other => panic!("{other:?}"),
        };
        println!("{kind}: {error}");
    }
}

/// As root, which may write everywhere, the other process runs as nobody.
async fn a_read_only_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let ledger: Ledger = Arc::new(SqliteStore::create(&path).await.unwrap());
    ledger.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    let program = folder.path().join("program");
    std::fs::copy(env::current_exe().unwrap(), &program).unwrap();
    allow(&program, 0o555);
    allow(folder.path(), 0o555);
    let is_root = std::fs::File::create(folder.path().join("probe")).is_ok();
    for (mode, expected) in [(0o444, ["read-only", "cannot open"]), (0o000, ["cannot open"; 2])] {
        allow(&path, mode);
        let mut child = Command::new(&program);
        child.env(ROLE, "not allowed").arg(folder.path());
        if is_root {
            child.uid(65_534).gid(65_534);
        }
        let output = child.output().unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<&str> = told.lines().collect();
        assert!(expected.iter().any(|kind| lines[0].starts_with(kind)), "{told}");
        assert!(lines[1].starts_with("read-only"), "{told}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
    allow(folder.path(), 0o755);
    println!("a read-only file and folder were refused");
}

/// A tmpfs of a megabyte, where mounting is permitted.
async fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "none", text(folder.path())])
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        println!("full disk: skipped, mounting a tmpfs is not permitted here");
        return;
    }
    let mounted = Mounted(folder.path().to_owned());
    let path = mounted.0.join("ledger.db");
    let answered = fill(&path).await;
    let ledger: Ledger = Arc::new(SqliteStore::open(&path).await.unwrap());
    assert_eq!(ledger.counts().await.unwrap().records, answered);
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    ledger.close().await.unwrap();
    drop(ledger);
    drop(mounted);
    println!("a full disk refused the record after {answered}");
}

/// A mounted folder, unmounted also when the test fails.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: a failed test may still have the file open.
        Command::new("umount").arg("--lazy").arg(&self.0).status().ok();
    }
}

/// Records until the disk is full; answers how many were recorded.
async fn fill(path: &Path) -> u64 {
    let ledger: Ledger = Arc::new(SqliteStore::create(path).await.unwrap());
    with_authority(&ledger).await;
    let mut answered = 0;
    loop {
        match ledger.record(record(answered)).await {
            Ok(_) => answered += 1,
            Err(LedgerError::Full { .. }) => break,
            Err(other) => panic!("{other:?}"),
        }
        assert!(answered < 100_000, "the disk is larger than it says");
    }
    ledger.close().await.unwrap();
    answered
}
