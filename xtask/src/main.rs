//! `cargo xtask`: the one entry for people who work on Espalier.

use std::process::ExitCode;

use clap::Parser as _;
use xtask::cli::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {}", failure.with_causes());
            ExitCode::FAILURE
        }
    }
}
