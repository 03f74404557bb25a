//! What `cargo xtask` does: runs the whole suite, installs the foreign programs that it needs, regenerates committed
//! files, starts the benches, and holds the rules of the house.
#![allow(clippy::print_stdout)] // printing to people is what this program is for

pub mod cli;
pub mod cluster;
pub mod failure;
pub mod fuzz;
pub mod generate;
pub mod house;
pub mod peers;
pub mod process;
pub mod suite;
pub mod tried;
pub mod workspace;
