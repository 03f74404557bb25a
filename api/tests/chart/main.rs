//! The Helm chart: what it renders, what it refuses, and that what is rendered starts the real programs with the rights
//! that it gives them.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod accepted;
mod files;
mod helm;
mod image;
mod on_database;
mod on_volume;
mod pod;
mod release;
mod rendered;
mod suites;
mod whole;
#[path = "../cli/workbench.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod workbench;
