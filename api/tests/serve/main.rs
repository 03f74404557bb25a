//! `espalier serve` as a process: what its first page prints works, and what clients send it.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod abuse;
mod administration;
mod asked_ready;
mod bad_csr;
mod bounds;
mod collector;
mod composite_client;
mod cut_off;
mod deltas;
mod first_minutes;
mod flood;
mod foreign;
mod frames;
mod hardened;
mod health;
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
mod sharing;
mod stage;
mod telemetry;
mod tls;
mod vouched;

use stage::{forge, http, running, workbench};
