//! The chart's own files.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of the chart.
pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/espalier").canonicalize().unwrap()
}

/// The documented sets of values: the name of each, and its file.
pub(crate) fn examples() -> Vec<(String, PathBuf)> {
    let folder = fs::read_dir(chart().join("examples")).unwrap();
    let mut found: Vec<_> = folder
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)
        })
        .collect();
    found.sort();
    assert!(found.len() >= 6, "{found:?}");
    found
}

/// A YAML file with one document.
pub(crate) fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A copy of the chart, for a program that writes beside what it reads, or for a test that changes it.
pub(crate) fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_into(&chart(), folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_into(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
