//! Builds the crate again when a migration is added: the macro that embeds them can't ask for it.

fn main() {
    #![allow(clippy::print_stdout)] // this is how a build script talks to cargo
    println!("cargo::rerun-if-changed=../migrations");
}
