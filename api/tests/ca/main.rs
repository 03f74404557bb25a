//! The real `espalier` command as a CA: quickstart, authorities, issuance, the ledger, and what
//! happens when disk, database, clock or person do not play along.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod authorities;
mod bad_places;
mod bootstrap;
mod checks;
mod clock;
mod crls;
mod cross;
mod data;
mod holders;
mod import;
mod init;
mod issue;
mod issue_outputs;
mod keeps;
mod kills;
mod listing;
mod ocsp;
mod possession;
mod quickstart;
mod rekey;
mod related;
mod renew;
mod revoking;
mod sequence;
mod tampered;
mod tokens;
#[path = "../cli/workbench.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod workbench;
