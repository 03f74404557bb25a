//! The control plane for tests, `tests/cluster/control-plane`: built by Go, kept outside the target folder, and left
//! running for people who want to try things by hand.

pub mod building;
mod progress;
mod running;

use std::path::PathBuf;

use clap::Subcommand;

use crate::failure::Failure;
use crate::peers;

/// What can be done with it.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Build it, unless these sources were built before; the first time takes 7 minutes on 2 cores
    Build {
        /// Build the one that takes requests with ML-DSA keys, by a newer Go, and print its path: what the tests use
        /// when ESPALIER_TEST_CLUSTER names it
        #[arg(long)]
        ml_dsa: bool,
    },
    /// Leave one running and print what a shell needs to use it: eval "$(cargo xtask cluster up)"
    Up(running::Options),
    /// End the one that `up` started, and throw away what was in it
    Down(running::Place),
}

/// Does what was asked.
///
/// # Errors
/// When it can't be built or started, with the reason.
pub fn run(task: Task) -> Result<(), Failure> {
    match task {
        Task::Build { ml_dsa: true } => {
            println!("{}", building::with_ml_dsa()?.program().display());
            Ok(())
        }
        Task::Build { ml_dsa: false } => {
            let found = peers::install_one_now("kubernetes")?;
            println!("{}", peers::table(std::slice::from_ref(&found)));
            found.into_installed().map(|_| ())
        }
        Task::Up(options) => running::up(&options),
        Task::Down(place) => running::down(&place),
    }
}

/// A folder of this program below one of the user's base folders: `variable` names the base, and without it
/// `fallback` below the home folder is taken.
fn base(variable: &str, fallback: &str) -> Result<PathBuf, Failure> {
    let told =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    told(variable)
        .or_else(|| Some(told("HOME")?.join(fallback)))
        .map(|base| base.join("espalier"))
        .ok_or_else(|| {
            Failure::Found(format!(
                "neither {variable} nor HOME names an absolute folder; set one of them"
            ))
        })
}
