//! `cargo xtask bench serve`: certificates per second of a server that runs, and what it takes.

use std::process::ExitCode;

use clap::Parser as _;

mod ceiling;
mod https;
mod load;
mod options;
mod rates;
mod requests;
mod resources;
mod server;
mod store;

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
