//! The `espalier-ceremony` command. The clock and the random generator are chosen here and nowhere
//! else.

mod allocator;

use std::process::ExitCode;

use ceremony::cli::{Options, run};
use clap::Parser as _;

#[allow(clippy::disallowed_methods, reason = "the composition root picks the clock")]
fn main() -> ExitCode {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    run(Options::parse(), jiff::Timestamp::now, &mut rng)
}
