//! Who may ask for what: every kind of credential against an authenticator that is put together as
//! the server does it, each acceptance with its refused twins.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod certificates;
mod config;
mod desk;
mod forge;
mod guide;
mod https;
mod jwt;
mod kubernetes;
mod limits;
mod matrix;
mod matrix_credentials;
mod oidc;
mod stub;
mod tokens;
#[path = "../cli/workbench.rs"]
#[allow(dead_code)] // these tests do not use all of it
mod workbench;
