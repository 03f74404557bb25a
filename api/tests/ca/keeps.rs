//! What a data folder can't live without is not lost by a slip of the hand.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::data::{classical, sound};
use crate::workbench::Workbench;

#[test]
fn no_output_replaces_the_ledger_or_the_passphrase() {
    let bench = Workbench::new();
    bench.run("quickstart --algorithm p256").done();
    let passphrase = bench.read("espalier-data/passphrase");
    symlink(bench.path("espalier-data/ledger.sqlite"), bench.path("link")).unwrap();
    let places = ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-journal", "passphrase"];
    let mut places = places.map(|name| format!("espalier-data/{name}")).to_vec();
    places.push("link".to_owned());
    for out in places {
        for force in ["", " --force"] {
            for line in [
                "key generate --algorithm p256 --no-passphrase",
                "issue --dns a.test --algorithm p256 --key-out a.key",
            ] {
                let line = format!("{line} --out {out}{force}");
                bench.run(&line).fails(2, &["ledger of a data folder", "hint: "]);
            }
        }
    }
    assert!(!bench.path("a.key").exists());
    assert_eq!(bench.read("espalier-data/passphrase"), passphrase);
    assert_eq!(sound(&bench)["checked"]["certificates"], 3);
    // The same names elsewhere are anybody's.
    bench.run("issue --dns a.test --algorithm p256 --key-out a.key --out passphrase").done();
}

#[test]
fn one_file_by_two_names_is_not_two_outputs() {
    let bench = classical();
    bench.write("there.key", "x");
    symlink(bench.path("there.key"), bench.path("link")).unwrap();
    for (key, out) in [("a.key", "./a.key"), ("there.key", "link"), ("./b", "espalier-data/../b")] {
        for line in [
            "issue --dns a.test --algorithm p256",
            "csr create --dns a.test --algorithm p256 --no-passphrase",
        ] {
            let line = format!("{line} --key-out {key} --out {out} --force");
            bench.run(&line).fails(2, &["named for two outputs"]);
        }
    }
    assert_eq!(bench.read("there.key"), b"x");
    assert!(!bench.path("a.key").exists() && !bench.path("b").exists());
    assert_eq!(sound(&bench)["checked"]["certificates"], 2);
}

#[test]
fn nobody_is_told_to_remove_the_keys_of_a_lost_ledger() {
    let bench = classical();
    std::fs::remove_file(bench.path("espalier-data/ledger.sqlite")).unwrap();
    for line in ["init --no-passphrase", "quickstart"] {
        let run = bench.run(line).fails(2, &["no ledger.sqlite", "from a backup"]);
        assert!(!run.stderr().contains("nothing was issued"), "{}", run.stderr());
        assert!(!run.stderr().contains("remove"), "{}", run.stderr());
    }
    assert!(bench.path("espalier-data/authorities/root/key.pem").exists());
}

#[test]
fn quickstarts_at_once_share_one_data_folder() {
    let bench = Workbench::new();
    let start = |name: &str| {
        let mut command = bench.command();
        command.args(["quickstart", "--algorithm", "p256", "--dns", name]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let running: Vec<_> = (0..4).map(|number| start(&format!("n{number}.localhost"))).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
    }
    let report = sound(&bench);
    assert_eq!(report["checked"]["authorities"], 2);
    assert_eq!(report["checked"]["certificates"], 6);
}

#[test]
fn a_data_folder_has_a_name_that_its_ledger_can_be_opened_by() {
    let bench = Workbench::new();
    for (folder, exit) in [(&b"d\xff"[..], 2), (b"d\xff/below", 2), ("dä ü".as_bytes(), 0)] {
        let mut command = bench.command();
        command.args(["init", "--algorithm", "p256", "--no-passphrase", "--data"]);
        let output = command.arg(OsStr::from_bytes(folder)).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(exit), "{stderr}");
        assert_eq!(stderr.contains("UTF-8"), exit == 2, "{stderr}");
    }
    assert_eq!(std::fs::read_dir(bench.path("")).unwrap().count(), 1);
}
