//! What is measured.

use std::path::PathBuf;

use crate::store::{Kind, Stores};
use crate::{Failure, rates, resources};

/// Certificates per second of a server that runs, and what it takes of the machine
///
/// Exits with 1 when a bound is broken: 64 MB of memory at rest, flat; 0.3 s from start to ready;
/// 30 MB for the stripped binary.
#[derive(Debug, clap::Parser)]
#[command(after_help = "Examples:
  cargo xtask bench serve
  cargo xtask bench serve --quick
  cargo xtask bench serve --only rates --store sqlite --algorithm ecdsa-p256 --seconds 10")]
pub(crate) struct Options {
    /// The `espalier` to measure, of a release build
    #[arg(long, value_name = "FILE", default_value = "target/release/espalier")]
    pub(crate) binary: PathBuf,

    /// Seconds of each measurement of a rate
    #[arg(long, default_value_t = 5)]
    pub(crate) seconds: u64,

    /// How many certificates are issued while memory is watched
    #[arg(long, default_value_t = 100_000)]
    pub(crate) issuances: usize,

    /// As `--seconds 1 --issuances 5000`
    #[arg(long)]
    quick: bool,

    /// A part only
    #[arg(long, value_enum)]
    only: Option<Part>,

    /// One kind of ledger only
    #[arg(long, value_enum)]
    store: Option<Kind>,

    /// What the authority signs with; may be given more than once
    #[arg(long, value_name = "NAME", default_values = ["MLDSA65-ECDSA-P256-SHA512", "ECDSA-P256"])]
    pub(crate) algorithm: Vec<String>,

    /// Requests at once; may be given more than once
    #[arg(long, value_name = "NUMBER", default_values_t = [1, 8, 32, 64])]
    pub(crate) clients: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Certificates per second
    Rates,
    /// Memory, time to start, size of the binary
    Resources,
}

impl Options {
    /// Measures and prints. Answers whether every bound holds.
    pub(crate) fn run(mut self) -> Result<bool, Failure> {
        if self.quick {
            (self.seconds, self.issuances) = (1, 5_000);
        }
        self.binary = self.binary.canonicalize().map_err(|error| {
            let binary = self.binary.display();
            format!("--binary: {binary}: {error}; build it by `cargo build --release`")
        })?;
        let stores = Stores::start(self.store)?;
        if self.only != Some(Part::Resources) {
            rates::measure(&self, &stores)?;
        }
        match self.only {
            Some(Part::Rates) => Ok(true),
            _ => resources::measure(&self, &stores),
        }
    }
}
