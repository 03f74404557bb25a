//! `fuzz-seeds FOLDER` writes what the fuzzers start from; `cargo xtask fuzz` calls it.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder] = &arguments[..] else {
        eprintln!("error: arguments: found {arguments:?}, allowed: one folder");
        return ExitCode::FAILURE;
    };
    match fuzzing::seeds::write(Path::new(folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
