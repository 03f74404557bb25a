//! The `espalier-issuer` command. The clock is chosen here and nowhere else.

use std::process::ExitCode;

use issuer::cli::{self, Options};

#[allow(clippy::disallowed_methods, reason = "the composition root picks the clock")]
fn main() -> ExitCode {
    match Options::read() {
        Ok(options) => cli::run(options, jiff::Timestamp::now),
        Err(exit) => exit,
    }
}
