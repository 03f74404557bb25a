//! The `espalier` command. The clock and the random generator are chosen here and nowhere else.

use std::process::ExitCode;

use espalier::cli::{self, Context, Options, Terminal};

#[allow(clippy::disallowed_methods, reason = "the composition root picks the clock")]
fn main() -> ExitCode {
    let terminal = Terminal::detect();
    let options = match Options::read() {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    let make_rng = || -> cli::Rng { Box::new(rand_core::UnwrapErr(getrandom::SysRng)) };
    let mut context = Context::new(jiff::Timestamp::now, make_rng, terminal);
    cli::run(options, &mut context)
}
