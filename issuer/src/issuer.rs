//! The controllers of our own kinds: whether an issuer can be used.

pub mod check;
pub mod credential;
pub mod plan;
mod reconcile;

pub use reconcile::{reconcile, wait_after_error};
