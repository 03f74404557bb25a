//! Certificates of cert-manager by our issuer program and our server, all of them running, on a real
//! control plane.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a panic is the failure report; what was met

mod authorities;
mod bad_input;
mod conformance;
mod credentials;
mod lies;
mod life;
mod ml_dsa;
mod observed;
mod policies;
mod requests;
mod served;
mod signing_requests;
