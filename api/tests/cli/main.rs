//! The real `espalier` command, run in folders of its own: what it accepts, what it refuses, with
//! which exit code, and what it leaves behind.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod certificates;
mod containers;
mod crl;
mod csr;
mod files;
mod help;
mod inspect;
mod key;
mod leaks;
mod lint;
mod process;
mod verify;
mod workbench;
