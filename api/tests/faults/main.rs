//! Faults under load, fifty times each: whatever was answered by 2xx is in the ledger, the checker
//! finds nothing wrong, the same idempotency key gets the same certificate, and the server serves
//! again by itself.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // a panic is the failure report
#![allow(clippy::print_stdout)] // what the load met

mod clock_back;
mod database_killed;
mod disk_full;
mod faulty;
mod server_killed;
mod small_disk;

#[path = "../serve/stage.rs"]
mod stage;

use faulty::{book, dice, load, stand};
use stage::{http, running, workbench};

/// How often each fault happens: fifty times, and a few where foreign programs are left out for a
/// quick run.
fn rounds() -> usize {
    let quick = std::env::var_os("ESPALIER_PEERS").is_some_and(|peers| peers == "off");
    if quick { 5 } else { 50 }
}
