//! `/readyz`, and lists that are made when they are due, by a clock that the test sets.

use std::fs::File;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::in_process::InProcess;
use crate::workbench::Workbench;

/// By how many minutes the server's clock is ahead.
static AHEAD: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    interop::issue::now() + SignedDuration::from_mins(AHEAD.load(Ordering::Relaxed))
}

fn set_ahead(minutes: i64) {
    AHEAD.store(minutes, Ordering::Relaxed);
}

#[test]
fn a_list_is_made_at_its_time_and_a_stale_one_is_told() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let server = InProcess::start(&bench, clock);
    server
        .waits_for(None, &["issuing: number 1, until ", "\"allowed\":\"a list of each authority"]);
    let names: Vec<Value> = server.ready().1["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].clone())
        .collect();
    assert_eq!(names, ["ledger", "keys", "clock", "crls"]);

    // A list an hour; it is good for seven days.
    set_ahead(59);
    thread::sleep(Duration::from_millis(2_500));
    server.hands_out("1");
    set_ahead(61);
    server.hands_out("2");

    // Nobody can publish while the folder is locked.
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    set_ahead(61 + 160 * 60);
    server.waits_for(None, &["issuing: number 2, about to end, at "]);
    set_ahead(61 + 169 * 60);
    server.waits_for(Some("crls"), &["issuing: number 2, over since ", "before its nextUpdate"]);
    server.hands_out("2");
    drop(folder);
    server.waits_for(None, &["issuing: number 3, until "]);

    set_ahead(0);
    let words = ["not more than 60 s before 20", ", when the newest revocation list was made"];
    server.waits_for(Some("clock"), &words);
}

#[test]
fn a_server_without_its_lists_is_not_ready() {
    let bench = Workbench::new();
    bench.run("init --algorithm p256 --no-passphrase").done();
    let folder = File::open(bench.path("espalier-data")).unwrap();
    folder.lock().unwrap();
    let server = InProcess::start(&bench, interop::issue::now);
    server.waits_for(Some("crls"), &["issuing: none"]);
    drop(folder);
    server.waits_for(None, &["issuing: number 1, "]);
}
