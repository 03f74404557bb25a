//! Espalier against other people's software and vectors.

pub mod peers;
pub mod vectors;
