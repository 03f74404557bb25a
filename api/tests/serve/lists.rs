//! Lists that were stored and not published, and how old those are that are handed out.

use std::fs::{self, File};
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use espalier::server::config::ServerConfig;
use jiff::{SignedDuration, Timestamp};

use crate::in_process::InProcess;
use crate::running::Running;
use crate::workbench::Workbench;

/// By how many minutes the clock of the server that is cut off is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    interop::issue::now() + SignedDuration::from_mins(AHEAD.load(Ordering::Relaxed))
}

/// The numbers in the ledger that were stored, the highest first.
fn stored(bench: &Workbench) -> Vec<u64> {
    let rows = bench.run("crl list issuing --json").done().json();
    let stored = rows.as_array().unwrap().iter().filter(|row| row["stored"] == true);
    stored.map(|row| row["number"].as_u64().unwrap()).collect()
}

#[track_caller]
fn until(holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(30), "it does not come to that");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_list_that_was_stored_and_not_published_is_followed_by_one_that_is() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let server = InProcess::start(&bench, clock);
    server.hands_out("1");
    // While the folder is locked the next list is staged, and nobody can publish.
    let data = File::open(bench.path("espalier-data")).unwrap();
    data.lock().unwrap();
    AHEAD.store(61, Ordering::Relaxed);
    let is_staged = || {
        let mut files = fs::read_dir(bench.path("espalier-data/crl")).unwrap();
        files.any(|file| file.unwrap().file_name().to_string_lossy().starts_with(".espalier-"))
    };
    until(is_staged);
    // A folder stands where the list should be: it is stored, and can't be given its name.
    let file = bench.path("espalier-data/crl/issuing.crl");
    let aside = bench.path("issuing.crl");
    fs::rename(&file, &aside).unwrap();
    fs::create_dir(&file).unwrap();
    drop(data);
    until(|| stored(&bench) == [2, 1]);
    drop(server);
    fs::remove_dir(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    // By its own time no list is due, and nothing was revoked.
    AHEAD.store(0, Ordering::Relaxed);
    let server = InProcess::start(&bench, clock);
    server.hands_out("3");
    // Once: nothing was cut off any more.
    thread::sleep(Duration::from_secs(3));
    server.hands_out("3");
    assert_eq!(stored(&bench), [3, 2, 1]);
    drop(server);
    bench.run("ledger check").done();
}

#[test]
fn the_age_of_a_list_is_that_of_the_one_that_is_handed_out() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let server = Running::start(&bench, "");
    server.until_ready();
    thread::sleep(Duration::from_secs(3));
    // It is in the ledger, and elsewhere.
    bench.run("crl make issuing --out elsewhere.crl").done();
    let name = r#"espalier_crl_age_seconds{authority="issuing",list="issuing"}"#;
    let age = server.metric(name);
    assert!((3.0..60.0).contains(&age), "{age}");
    assert_eq!(
        stored(&bench),
        [2, 1],
        "a list that was published elsewhere is no reason for another"
    );
    let root = name.replace("issuing", "root");
    let told = server.get("/metrics");
    assert!(!told.text().contains(&root), "it signs no list here: {}", told.text());
}

#[test]
fn a_list_that_is_not_there_is_older_than_any() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    // It can't be given its name.
    fs::create_dir_all(bench.path("espalier-data/crl/issuing.crl")).unwrap();
    let server = Running::start(&bench, "");
    let name = r#"espalier_crl_age_seconds{authority="issuing",list="issuing"}"#;
    assert_eq!(server.metric(name), f64::INFINITY);
    fs::remove_dir(bench.path("espalier-data/crl/issuing.crl")).unwrap();
    assert!(server.end().success());
    let server = Running::start(&bench, "");
    server.until_ready();
    assert!(server.metric(name) < 60.0);
}

/// By how many seconds the clock of the server with deltas is ahead.
static LATER: AtomicI64 = AtomicI64::new(0);

fn later() -> Timestamp {
    interop::issue::now() + SignedDuration::from_secs(LATER.load(Ordering::Relaxed))
}

#[test]
fn a_delta_serves_those_whose_clock_is_a_minute_behind() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let data = bench.path("espalier-data");
    let config = format!(
        "version: 1\nlisten: 127.0.0.1:0\ndata: {}\npublic:\n  listen: 127.0.0.1:0\n  crl:\n    every_minutes: 59\n    valid_hours: 1\n    deltas: {{issuing: {{url: 'http://pki.test/crl/changes.crl', every_minutes: 5, valid_hours: 1}}}}\n",
        data.display()
    );
    let server = InProcess::start_by(ServerConfig::from_yaml(&config).unwrap(), later);
    until(|| server.list("changes").is_some());
    let first = server.list("issuing").unwrap();
    // Over for us, and not for those whose clock is a minute behind.
    let over = first.next_update().duration_since(interop::issue::now()).as_secs() + 2;
    LATER.store(over, Ordering::Relaxed);
    until(|| server.list("issuing").is_some_and(|list| list.number() > first.number()));
    let second = server.list("issuing").unwrap();
    until(|| server.list("changes").is_some_and(|delta| delta.number() > second.number()));
    assert_eq!(server.list("changes").unwrap().base_number(), Some(first.number()));
    // Over for everybody.
    LATER.store(over + 6 * 60, Ordering::Relaxed);
    let last = server.list("changes").unwrap();
    until(|| server.list("changes").is_some_and(|delta| delta.number() > last.number()));
    assert_eq!(server.list("changes").unwrap().base_number(), Some(second.number()));
    drop(server);
}
