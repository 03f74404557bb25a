//! Outputs are whole or not there: full disks, read-only places, links, devices, modes.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use crate::workbench::Workbench;

const KEY: &str = "key generate --algorithm p256 --no-passphrase";

#[test]
fn places_that_cannot_be_written_are_3() {
    let bench = Workbench::new();
    bench.write("file", "x");
    // The superuser passes every mode, so these are places that nobody can write to.
    for (out, words) in [
        ("missing/key.pem", &["missing/key.pem", "hint: make the folder"][..]),
        ("file/key.pem", &["file/key.pem", "hint: make the folder"]),
        ("/proc/key.pem", &["/proc/key.pem"]),
        ("/dev/full", &["/dev/full", "No space left", "hint: free some space"]),
    ] {
        let run = bench.run(&format!("{KEY} --out {out}")).fails(3, words);
        assert!(!run.stderr().contains(".espalier-"), "a temporary name: {}", run.stderr());
    }
    bench.run(&format!("{KEY} --out .")).fails(2, &["a folder"]);
    assert_eq!(bench.files(), ["file"]);
}

#[test]
fn a_full_standard_output_is_3() {
    let bench = Workbench::new();
    for line in [KEY, "algorithms"] {
        let mut command = bench.command();
        command.args(line.split_whitespace()).stdout(File::create("/dev/full").unwrap());
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{line}");
        assert!(output.stderr.starts_with(b"error: standard output: No space left"));
    }
}

/// Runs a shell script as the superuser of a mount namespace of its own, in which `m` is an empty
/// file system of one page. Gives the exit code and standard error; none where the system lets
/// this user have no such namespace.
fn in_small_file_system(bench: &Workbench, script: &str) -> Option<(i32, String)> {
    fs::create_dir(bench.path("m")).unwrap();
    let run = |script: &str| {
        let script = format!("mount -t tmpfs -o size=4k none m && {script}");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-c", &script]);
        command.current_dir(bench.path("")).env("espalier", env!("CARGO_BIN_EXE_espalier"));
        command.output().ok()
    };
    if !run("true").is_some_and(|output| output.status.success()) {
        eprintln!("skip: this system lets this user mount nothing");
        return None;
    }
    let output = run(script).unwrap();
    Some((output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn a_full_disk_leaves_every_file_as_it_was() {
    let bench = Workbench::new();
    let script = format!(
        "cd m && head -c 4000 /dev/zero >old.pem && cp old.pem ../before && \
         head -c 96 /dev/zero >rest; \
         $espalier {KEY} --force --out old.pem; code=$?; \
         $espalier {KEY} --out new.pem; \
         ls -A >../names; cp old.pem ../after; exit $code"
    );
    let Some((code, stderr)) = in_small_file_system(&bench, &script) else { return };
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("old.pem: No space left on device"), "{stderr}");
    assert!(stderr.contains("new.pem: No space left on device"), "{stderr}");
    assert!(!stderr.contains(".espalier-"), "a temporary name: {stderr}");
    assert_eq!(bench.read("before"), bench.read("after"));
    assert_eq!(bench.read("names"), b"old.pem\nrest\n");
}

#[test]
fn a_read_only_folder_is_3() {
    let bench = Workbench::new();
    let script = format!("mount -o remount,ro m && $espalier {KEY} --out m/key.pem");
    let Some((code, stderr)) = in_small_file_system(&bench, &script) else { return };
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("m/key.pem: Read-only file system"), "{stderr}");
    assert!(stderr.contains("hint: "), "{stderr}");
}

#[test]
fn a_folder_without_write_permission_is_3() {
    let bench = Workbench::new();
    fs::create_dir(bench.path("shut")).unwrap();
    fs::set_permissions(bench.path("shut"), Permissions::from_mode(0o500)).unwrap();
    if File::create(bench.path("shut/probe")).is_ok() {
        eprintln!("skip: this user may write to a folder of mode 0500");
        return;
    }
    bench.run(&format!("{KEY} --out shut/key.pem")).fails(3, &["shut/key.pem", "hint: "]);
}

#[test]
fn names_of_standard_output_are_standard_output() {
    let bench = Workbench::new();
    for out in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let run = bench.run(&format!("{KEY} --out {out}")).done();
        assert!(run.stdout().starts_with("-----BEGIN PRIVATE KEY"), "{out}");
    }
    let run = bench.run(&format!("{KEY} --out /dev/stderr"));
    assert!(run.stdout.is_empty() && run.stderr().starts_with("-----BEGIN PRIVATE KEY"));
    for name in ["/dev/stdout", "/dev/stderr"] {
        assert!(fs::symlink_metadata(name).unwrap().is_symlink(), "{name} was replaced");
    }
}

#[test]
fn a_certificate_request_replaces_what_is_there_and_keeps_a_link() {
    let bench = Workbench::new();
    bench.run(&format!("{KEY} --out key.pem")).done();
    bench.write("real.csr", "old");
    symlink("real.csr", bench.path("link.csr")).unwrap();
    bench.run("csr create --key key.pem --dns a.test --out link.csr").done();
    assert!(bench.read("real.csr").starts_with(b"-----BEGIN CERTIFICATE REQUEST"));
    assert!(fs::symlink_metadata(bench.path("link.csr")).unwrap().is_symlink());
    assert_eq!(bench.files(), ["key.pem", "link.csr", "real.csr"]);
}

#[test]
fn a_key_does_not_follow_a_link_to_a_file() {
    let bench = Workbench::new();
    bench.write("real", "precious");
    symlink("real", bench.path("link.pem")).unwrap();
    bench.run(&format!("{KEY} --out link.pem")).fails(2, &["exists"]);
    assert_eq!(bench.read("real"), b"precious");
    symlink("nowhere", bench.path("dangling.pem")).unwrap();
    bench.run(&format!("{KEY} --out dangling.pem")).fails(3, &["dangling.pem"]);
    assert_eq!(bench.files(), ["dangling.pem", "link.pem", "real"]);
}

#[test]
fn logs_go_to_standard_error_in_the_form_that_was_asked_for() {
    let bench = Workbench::new();
    let run = bench.run_with(
        &format!("{KEY} --log-format json --out key.pem"),
        &[("ESPALIER_LOG", "trace")],
        b"",
    );
    assert_eq!((run.code, run.stdout.as_slice()), (0, &b""[..]));
    for line in run.stderr().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["level"].is_string(), "{line}");
    }
}
