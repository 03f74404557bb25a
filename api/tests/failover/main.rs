//! The way to PostgreSQL is cut, and PostgreSQL fails over, again and again under load: whatever was
//! answered by 2xx is in the ledger, the checker finds nothing wrong, and the servers serve again by
//! themselves.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // a panic is the failure report
#![allow(clippy::print_stdout)] // what the load met

mod cut;
mod pair;
mod promoted;
mod runbook;

#[path = "../faults/faulty.rs"]
mod faulty;
#[path = "../serve/stage.rs"]
mod stage;

use faulty::{book, dice, load, stand};
use stage::{http, running, workbench};

/// What servers are told about their database: short times, so that fifty faults pass in minutes.
const DATABASE: &str = "database:\n  connect_timeout_seconds: 1\n  lock_timeout_seconds: 2\n  \
                        statement_timeout_seconds: 2\n  commit_timeout_seconds: 2\n  readers: 4\n";

/// How often, by an environment variable; where it is not set as often as told, and a few times where
/// foreign programs are left out for a quick run.
fn rounds(variable: &str, otherwise: u64) -> u64 {
    let told = std::env::var(variable).ok().map(|number| number.parse().unwrap());
    let quick = std::env::var_os("ESPALIER_PEERS").is_some_and(|peers| peers == "off");
    told.unwrap_or(if quick { otherwise.min(4) } else { otherwise })
}
