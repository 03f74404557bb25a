//! The pure core of Espalier: algorithms, keys, certificates, profiles, lints and verification.
//!
//! Nothing here reads a clock, opens a file or socket, or draws ambient randomness: time,
//! randomness and signers are arguments. See `docs/architecture.md` for who may use what.

pub mod fingerprint;
pub mod serial;
pub mod validity;
