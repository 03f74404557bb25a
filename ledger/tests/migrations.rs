//! Migrations are append-only: a file that ledgers were made by never changes again.
#![allow(clippy::unwrap_used)] // a panic is the failure report

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ca_core::fingerprint::Fingerprint;

type Digests = BTreeMap<String, String>;

/// `DIGEST  STORE/FILE` a line, as `sha256sum` writes it.
fn committed(text: &str) -> Digests {
    let lines = text.lines().map(|line| line.split_once("  ").unwrap());
    lines.map(|(digest, file)| (file.to_owned(), digest.to_owned())).collect()
}

fn found(migrations: &Path) -> Digests {
    let stores = fs::read_dir(migrations).unwrap().map(|store| store.unwrap().path());
    let files =
        stores.filter(|store| store.is_dir()).flat_map(|store| fs::read_dir(store).unwrap());
    let digest = |file: fs::DirEntry| {
        let name = file.path().strip_prefix(migrations).unwrap().to_str().unwrap().to_owned();
        let digest = Fingerprint::of(&fs::read(file.path()).unwrap());
        (name, digest.as_bytes().iter().map(|octet| format!("{octet:02x}")).collect())
    };
    files.map(|file| digest(file.unwrap())).collect()
}

/// What is wrong, and what to do.
fn differences(committed: &Digests, found: &Digests) -> Vec<String> {
    let changed = committed.iter().filter_map(|(name, digest)| match found.get(name) {
        Some(now) if now == digest => None,
        Some(_) => Some(format!("{name} was changed; take that back and add a new migration")),
        None => Some(format!("{name} is gone; ledgers were made by it, bring it back")),
    });
    let new = found.keys().filter(|name| !committed.contains_key(*name));
    let new = new.map(|name| format!("{name} is new; add its line of sha256sum to SHA256SUMS"));
    changed.chain(new).collect()
}

#[test]
fn no_migration_was_changed_or_removed() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let sums = fs::read_to_string(migrations.join("SHA256SUMS")).unwrap();
    assert!(!sums.is_empty());
    assert_eq!(differences(&committed(&sums), &found(&migrations)), Vec::<String>::new());
}

#[test]
fn changed_removed_and_new_files_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join("store").join(name);
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(file("0001_a.sql"), "a").unwrap();
    fs::write(file("0002_b.sql"), "b").unwrap();
    let before = found(folder.path());
    assert_eq!(differences(&before, &found(folder.path())), Vec::<String>::new());
    fs::write(file("0001_a.sql"), "A").unwrap();
    fs::remove_file(file("0002_b.sql")).unwrap();
    fs::write(file("0003_c.sql"), "c").unwrap();
    let told = differences(&before, &found(folder.path())).join("\n");
    for part in ["0001_a.sql was changed", "0002_b.sql is gone", "0003_c.sql is new"] {
        assert!(told.contains(part), "{told}");
    }
}
