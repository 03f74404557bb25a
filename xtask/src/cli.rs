//! The command line of `cargo xtask`.

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{cluster, fuzz, generate, peers, process, suite, workspace};

/// The one entry for people who work on Espalier.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Check everything: format, lints, docs, generated files, tests against foreign programs, the README's commands
    Test {
        /// Only what needs no foreign program and no release build: under two minutes once built
        #[arg(long)]
        quick: bool,
    },
    /// Measure; `core` compares issuance with the bare primitives, `serve` is a server under load, `issuer` the program
    /// between cert-manager and a server
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
    /// Run the fuzz targets and print what they reached; needs nightly Rust, and installs cargo-fuzz
    Fuzz(fuzz::Options),
    /// Install the foreign programs that the tests talk to, under target/peers
    Peers,
    /// A Kubernetes control plane with cert-manager on this machine, for tests and to try things by hand
    Cluster {
        #[command(subcommand)]
        what: cluster::Task,
    },
    /// Write the committed files that are made from others
    Gen {
        /// Write nothing, and fail when a file differs from what would be written
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Certificates per second and core, per family, beside the bare primitives timed in the same run
    Core {
        /// Arguments for the bench itself
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Certificates per second of a running server beside its signer's ceiling, with its memory, start and size
    Serve {
        /// Arguments for the bench itself; `--help` tells which
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Seconds in which a policy brings 1,000 certificates back, beside cert-manager's own CA issuer
    Policy {
        /// Arguments for the bench itself; `--help` tells which
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// CertificateRequests per second of the issuer program beside the bare writes that its API server takes
    Issuer {
        /// Arguments for the bench itself; `--help` tells which
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

impl Arguments {
    /// Does what was asked.
    ///
    /// # Errors
    /// When the task fails, with the reason.
    pub fn run(self) -> Result<(), Failure> {
        match self.task {
            Task::Test { quick } => {
                suite::run(if quick { suite::Extent::Quick } else { suite::Extent::Full })
            }
            Task::Bench { what: Bench::Core { arguments } } => {
                let mut bench = workspace::cargo(&[
                    "run",
                    "--release",
                    "--package",
                    "interop",
                    "--bin",
                    "bench-core",
                    "--",
                ]);
                process::run(bench.args(arguments))
            }
            Task::Bench { what: Bench::Serve { arguments } } => {
                // By itself, so that its features are those of the product.
                let build = ["build", "--release", "--locked", "--package", "espalier"];
                process::run(&mut workspace::cargo(&build))?;
                let run = ["run", "--release", "--locked", "--package", "bench", "--"];
                let binary = workspace::target().join("release").join("espalier");
                let mut bench = workspace::cargo(&run);
                process::run(bench.arg("--binary").arg(binary).args(arguments))
            }
            Task::Bench { what: Bench::Issuer { arguments } } => {
                on_a_cluster("bench-issuer", &arguments)
            }
            Task::Bench { what: Bench::Policy { arguments } } => {
                on_a_cluster("bench-policy", &arguments)
            }
            Task::Fuzz(options) => fuzz::run(&options),
            Task::Peers => {
                let found = peers::install()?;
                println!("{}", peers::table(&found));
                peers::refuse_missing_in_ci(&found)
            }
            Task::Cluster { what } => cluster::run(what),
            Task::Gen { check } => generate::run(check),
        }
    }
}

/// Runs a bench of the issuer program on a control plane.
fn on_a_cluster(bench: &str, arguments: &[String]) -> Result<(), Failure> {
    peers::install_one_now("kubernetes")?.into_installed()?;
    // Each by itself, so that its features are those of the product; the bench runs what lies beside it.
    for package in ["espalier", "espalier-issuer"] {
        let build = ["build", "--release", "--locked", "--package", package];
        process::run(&mut workspace::cargo(&build))?;
    }
    let run = ["run", "--release", "--locked", "--package", "bench-issuer", "--bin", bench, "--"];
    process::run(workspace::cargo(&run).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
