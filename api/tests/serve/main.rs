//! `espalier serve` as a process: what its first page prints works, and what clients send it.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod abuse;
mod administration;
mod bad_csr;
mod bounds;
mod collector;
mod composite_client;
mod deltas;
mod first_minutes;
mod flood;
mod foreign;
#[path = "../auth/forge.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod forge;
mod frames;
mod hardened;
mod health;
mod http;
mod in_process;
mod issuing;
mod life;
mod lists;
mod public;
mod ready;
mod refused;
mod reloading;
mod remote;
mod replicas;
mod running;
mod sharing;
mod telemetry;
mod tls;
mod vouched;
#[path = "../cli/workbench.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod workbench;
