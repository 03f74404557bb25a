//! What is measured.

use crate::cores::Halves;
use crate::ground::Ground;
use crate::{Failure, rounds};

/// CertificateRequests that the issuer program answers in a second, beside the bare writes of their
/// status that the same API server takes
///
/// A round makes a namespace of requests, approves all of them, and only then starts the issuer
/// program; what counts is the time from the first of them that is Issued to the last, as a watch
/// tells it. The program's start, its lease and the check of its issuer come before that, and are
/// told beside it. Before it, the status that such requests get is written to other ones of their
/// kind by the issuer program's own code, with its credential and nothing around it: no
/// certificate is asked for, no event told. The best number of such writes at once counts. What
/// both share is the control plane: API server, database and cert-manager, which have half of the
/// processors for themselves. The CA, the program and what measures have the other half.
///
/// Exits with 1 when a bound is broken, which is 80 % of the rate of bare writes (the median of the
/// rounds) and 64 MB of memory at most.
#[derive(Debug, clap::Parser)]
#[command(after_help = "Examples:
  cargo xtask bench issuer
  cargo xtask bench issuer --rounds 1 --authority classical
  cargo xtask bench issuer --requests 10000 --rounds 1")]
pub(crate) struct Options {
    /// Requests of a round
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) requests: u32,

    /// How often it is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Who signs; may be given more than once
    #[arg(long, value_name = "NAME", default_values = ["composite"], value_parser = ["classical", "composite", "catalyst", "ml-dsa"])]
    pub(crate) authority: Vec<String>,

    /// Bare writes at once; may be given more than once
    #[arg(long, value_name = "NUMBER", default_values_t = [8, 32, 64])]
    pub(crate) at_once: Vec<usize>,
}

impl Options {
    /// Measures and prints. Answers whether every bound holds.
    pub(crate) fn run(self) -> Result<bool, Failure> {
        // The first one counts, and there is no other in this program.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let halves = Halves::of_this_process()?.ok_or(
            "processors: found one, allowed is two and more: the control plane has half of them",
        )?;
        // Before any other thread is started, so that all are kept there.
        halves.keep_this_thread()?;
        let runtime = tokio::runtime::Runtime::new()?;
        let mut ground = Ground::start(runtime.handle(), &halves)?;
        rounds::measure(&self, &mut ground, &halves, runtime.handle())
    }
}
