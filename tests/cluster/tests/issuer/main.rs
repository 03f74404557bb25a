//! Certificates of cert-manager by our issuer program and our server, all of them running, on a real
//! control plane.
#![allow(clippy::unwrap_used)] // a panic is the failure report

mod authorities;
mod bad_input;
mod conformance;
mod credentials;
mod lies;
mod life;
mod ml_dsa;
mod observed;
mod requests;
mod served;
mod signing_requests;
