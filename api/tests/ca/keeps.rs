//! What a data folder can't live without is not lost by a slip of the hand.

use std::os::unix::fs::symlink;

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
