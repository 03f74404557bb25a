//! A server is hardened before it knows anything worth hiding.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::workbench::Workbench;

#[test]
fn nothing_is_read_before_the_process_is_hardened() {
    let bench = Workbench::new();
    let program = bench.command();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 022; ulimit -S -c 1; exec \"$0\" serve --config -"]);
    command.arg(program.get_program()).current_dir(bench.path("."));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut server = command.spawn().unwrap();
    // It waits for its configuration.
    let about = |file: &str| {
        fs::read_to_string(format!("/proc/{}/{file}", server.id())).unwrap_or_default()
    };
    let started = Instant::now();
    let hardened = || about("status").contains("Umask:\t0077");
    while !hardened() && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let found = hardened();
    server.stdin.take().unwrap().write_all(b"version: 0\n").unwrap();
    let ended = server.wait_with_output().unwrap();
    assert!(found, "found the caller's umask, allowed is 0077");
    assert_eq!(ended.status.code(), Some(2), "{}", String::from_utf8_lossy(&ended.stderr));
}
