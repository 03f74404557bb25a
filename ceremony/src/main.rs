//! The `espalier-ceremony` command.

fn main() {}
