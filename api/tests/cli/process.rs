//! The running process is hardened, as the system sees it.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::workbench::Workbench;

#[test]
fn a_running_command_leaves_no_core_and_no_open_file_modes() {
    let bench = Workbench::new();
    let mut command = bench.command();
    command.args(["inspect", "-"]).stdin(Stdio::piped()).stdout(Stdio::null());
    // It waits for standard input, which stays open until the end.
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let row = |file: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
        let row = text.lines().find_map(|row| row.strip_prefix(name)).unwrap_or_default();
        row.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let start = Instant::now();
    while row("limits", "Max core file size")[..2] != ["0", "0"] {
        assert!(start.elapsed() < Duration::from_secs(20), "a core file may be written");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(row("status", "Umask:"), ["0077"]);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(2), "nothing was given to inspect");
}
