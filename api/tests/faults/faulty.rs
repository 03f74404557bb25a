//! What tests of faults need, whatever fails: a load, what was answered under it, and the server's stand.
#![allow(dead_code)] // no test target uses all of it

#[path = "book.rs"]
pub(crate) mod book;
#[path = "dice.rs"]
pub(crate) mod dice;
#[path = "load.rs"]
pub(crate) mod load;
#[path = "stand.rs"]
pub(crate) mod stand;
