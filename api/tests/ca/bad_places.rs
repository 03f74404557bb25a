//! Locked, read-only, full, damaged, missing: an error that says so, exit code 3, the ledger as it
//! was.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use sqlx::Connection as _;

use crate::data::{LEDGER, classical, everything, execute, raw, records, sound, wait};
use crate::workbench::Workbench;

const ISSUE: &str = "issue --dns a.test --key-out a.key --out a.pem";

#[test]
fn a_locked_ledger_is_3_after_a_bounded_wait() {
    let bench = classical();
    wait(async {
        let mut holder = raw(&bench).await;
        execute(&mut holder, "BEGIN EXCLUSIVE").await;
        // All at once, as each waits its time.
        let start = Instant::now();
        std::thread::scope(|scope| {
            for line in [ISSUE, "ca list", "cert list", "ledger check"] {
                let bench = &bench;
                scope.spawn(move || {
                    let words = ["ledger.sqlite was locked", "another process"];
                    assert!(bench.run(line).fails(3, &words).stdout.is_empty());
                });
            }
        });
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        assert_eq!(bench.files(), ["espalier-data"], "no key and no certificate");
        execute(&mut holder, "ROLLBACK").await;
        holder.close().await.unwrap();
    });
    assert_eq!(records(&bench), 2);
    bench.run(ISSUE).done();
}

#[test]
fn a_ledger_that_is_locked_for_a_moment_is_waited_for() {
    let bench = classical();
    wait(async {
        let mut holder = raw(&bench).await;
        execute(&mut holder, "BEGIN EXCLUSIVE").await;
        let mut command = bench.command();
        let mut child = command.args(ISSUE.split_whitespace()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        assert_eq!(child.try_wait().unwrap(), None, "it waits");
        execute(&mut holder, "ROLLBACK").await;
        holder.close().await.unwrap();
        assert!(child.wait().unwrap().success());
    });
    assert_eq!(records(&bench), 3);
}

/// Runs the command as a user who owns nothing here, where these tests run as the superuser, whom
/// no mode stops.
fn run_unprivileged(bench: &Workbench, line: &str) -> (i32, String) {
    let program = bench.path("espalier");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_espalier"), &program).unwrap();
        fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new(&program);
    command.args(line.split_whitespace()).current_dir(bench.path(""));
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Sets the modes of a folder and everything in it.
fn set_modes(folder: &std::path::Path, folders: u32, files: u32) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_modes(&path, folders, files);
        } else {
            fs::set_permissions(&path, Permissions::from_mode(files)).unwrap();
        }
    }
    fs::set_permissions(folder, Permissions::from_mode(folders)).unwrap();
}

#[test]
fn a_read_only_data_folder_is_3() {
    let bench = classical();
    fs::create_dir(bench.path("out")).unwrap();
    fs::set_permissions(bench.path("out"), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(bench.path(""), Permissions::from_mode(0o755)).unwrap();
    let data = bench.path("espalier-data");
    set_modes(&data, 0o555, 0o444);
    let before = everything(&data);
    let issue = "issue --dns a.test --key-out out/a.key --out out/a.pem";
    let create = "ca create --name x --root --subject CN=x --no-passphrase";
    for line in [issue, create, "quickstart"] {
        let (code, said) = run_unprivileged(&bench, line);
        assert_eq!(code, 3, "{line}: {said}");
        assert!(said.contains("ledger.sqlite") && said.contains("read"), "{line}: {said}");
    }
    // Nobody may even look into it: that is told, not that there was no ledger.
    set_modes(&data, 0o000, 0o444);
    for line in [issue, "ledger check", "quickstart"] {
        let (code, said) = run_unprivileged(&bench, line);
        assert_eq!(code, 3, "{line}: {said}");
        assert!(said.contains("ermission denied"), "{line}: {said}");
        assert!(!said.contains("there is no ledger"), "{line}: {said}");
    }
    // A new data folder in a folder that may not be written.
    fs::create_dir(bench.path("shut")).unwrap();
    fs::set_permissions(bench.path("shut"), Permissions::from_mode(0o555)).unwrap();
    for line in ["init --no-passphrase --data shut/ca", "init --no-passphrase --data shut"] {
        let (code, said) = run_unprivileged(&bench, line);
        assert_eq!(code, 3, "{said}");
        assert!(said.contains("shut: Permission denied") && said.contains("hint: "), "{said}");
        assert!(!said.contains(".espalier-new"), "a temporary name: {said}");
    }
    set_modes(&data, 0o700, 0o600);
    assert!(before == everything(&data), "a file changed");
    assert!(fs::read_dir(bench.path("out")).unwrap().next().is_none());
    assert_eq!(records(&bench), 2);
}

/// Runs a script as the superuser of a mount namespace of its own, where `m` is an empty file
/// system of so many kilobytes. None where the system lets this user have no such namespace.
fn in_small_file_system(bench: &Workbench, size: u32, script: &str) -> Option<(i32, String)> {
    let run = |script: &str| {
        let script = format!("mount -t tmpfs -o size={size}k none m && {script}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c", &script]);
        command.current_dir(bench.path("")).env("espalier", env!("CARGO_BIN_EXE_espalier"));
        command.output().ok()
    };
    fs::create_dir(bench.path("m")).unwrap();
    if !run("true").is_some_and(|output| output.status.success()) {
        eprintln!("skip: this system lets this user mount nothing");
        return None;
    }
    let output = run(script).unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn a_full_disk_leaves_the_ledger_sound() {
    let bench = classical();
    // The disk is filled but for a little, which issuing uses up.
    let script = "cp -a espalier-data/. m && \
         i=0; while true; do $espalier issue --data m --algorithm p256 --dns a$i.test --key-out $i.key --out $i.pem 2>said; code=$?; \
         [ $code -eq 0 ] || break; i=$((i+1)); head -c 8000 /dev/zero >>m/filler; [ $i -lt 500 ] || exit 99; done; \
         cat said >&2; ls m >names; rm m/filler; cp -a m/. after; \
         [ ! -e $i.pem ] || exit 98; [ ! -e $i.key ] || exit 97; echo $i >issued; exit $code";
    fs::create_dir(bench.path("after")).unwrap();
    let Some((code, said)) = in_small_file_system(&bench, 600, script) else { return };
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("is full") && said.contains("free some space"), "{said}");
    let issued: u64 = String::from_utf8(bench.read("issued")).unwrap().trim().parse().unwrap();
    assert!(issued > 2, "the disk was full at once");
    let report = bench.run("ledger check --data after --json").done().json();
    let checked = &report["checked"];
    assert_eq!(checked["certificates"].as_u64().unwrap(), 2 + issued, "{report:#}");
    // The record may have found room where the certificate found none: that is an orphan.
    let orphans = checked["orphans"].as_u64().unwrap();
    assert_eq!(checked["records"].as_u64().unwrap(), 2 + issued + orphans);
    assert!(orphans <= 1);
    bench.run("issue --data after --dns b.test --key-out b.key --out b.pem").done();
}

#[test]
fn a_disk_that_is_too_small_for_a_data_folder_is_left_empty() {
    let bench = Workbench::new();
    let init = "$espalier init --algorithm p256 --no-passphrase --data";
    let script = format!("{init} m/ca; one=$?; {init} m; two=$?; ls -A m >names; exit $one$two");
    for size in [8, 64, 128] {
        if bench.path("m").exists() {
            fs::remove_dir(bench.path("m")).unwrap();
        }
        let Some((code, said)) = in_small_file_system(&bench, size, &script) else { return };
        assert_eq!(code, 33, "{size}: {said}");
        assert!(
            ["full", "No space", "disk I/O error"].iter().any(|word| said.contains(word)),
            "{size}: {said}"
        );
        assert!(!said.contains(".espalier-new"), "{size}: a temporary name: {said}");
        assert_eq!(bench.read("names"), b"", "{size}: something is left");
    }
}

#[test]
fn what_is_no_ledger_is_3_and_left_as_it_is() {
    let bench = classical();
    let real = bench.read(LEDGER);
    for (content, words) in [
        (
            &b"-----BEGIN CERTIFICATE-----\n".repeat(100)[..],
            &["is not a ledger", "check the path"][..],
        ),
        (b"", &["is not a ledger"]),
        (&real[..5000], &["ledger.sqlite"]),
    ] {
        bench.write(LEDGER, content);
        for line in [ISSUE, "ledger check", "quickstart"] {
            bench.run(line).fails(3, words);
        }
        assert_eq!(bench.read(LEDGER), content);
    }
    fs::remove_file(bench.path(LEDGER)).unwrap();
    bench.run("ledger check").fails(3, &["espalier-data: there is no ledger", "espalier init"]);
    bench.write(LEDGER, &real);
    sound(&bench);
}
