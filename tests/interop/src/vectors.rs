//! Vectors that other implementers made, in `../shared/vectors` beside the project.

use std::path::{Path, PathBuf};

/// Says how many cases of a set of vectors were judged with none wrong, here and in the closing
/// table of `cargo xtask test`.
pub fn judged(set: &str, count: usize, how: &str) {
    eprintln!("vectors: {set}: {count} {how}, 0 wrong");
    crate::peers::tried(&format!("vectors: {set}"), &format!("{count} {how}"), "0 wrong");
}

/// A file or folder among the vectors; `None`, and a line that says so, where they are absent.
pub fn vectors(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skip: ../shared/vectors/{name} is absent");
    None
}

/// The files of a folder with this ending, sorted by name.
///
/// # Panics
/// When the folder can't be read.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the vectors can be listed");
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the vectors can be listed").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == ending));
    files.sort();
    files
}

/// A JSON file of the vectors.
///
/// # Panics
/// When it can't be read or is of another shape.
pub fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    let text = std::fs::read(path).expect("the vectors can be read");
    serde_json::from_slice(&text).expect("the vectors have the shape that this test knows")
}
