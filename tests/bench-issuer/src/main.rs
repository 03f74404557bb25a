//! `cargo xtask bench issuer`: what the issuer program does in a second, beside what its API server takes.

use std::process::ExitCode;

use clap::Parser as _;

mod batch;
mod cores;
mod ground;
mod options;
mod ready;
mod rounds;

/// Why there are no figures.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match options::Options::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
