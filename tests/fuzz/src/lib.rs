//! What ca-core must hold for any input, whoever made it.
//!
//! Each of [`TARGETS`] takes octets and panics when a property breaks. cargo-fuzz drives them from
//! the folder `fuzz/`, outside this workspace (`cargo xtask fuzz`); what it found is kept below
//! `regressions/` and replayed by `cargo test -p fuzzing`. [`mutation`] makes certificates that are
//! almost right, for the target `path` and for the comparison with OpenSSL in `tests/interop`.

pub mod choices;
pub mod mutation;
pub mod parts;
pub mod pki;
pub mod seeds;
pub mod strict_der;
pub mod targets;
pub mod tree;

pub use targets::{TARGETS, Target};
