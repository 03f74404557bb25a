//! What tests of a running server need wherever they are, each in part.
#![allow(dead_code)] // no test target uses all of it

#[path = "../auth/forge.rs"]
pub(crate) mod forge;
#[path = "http.rs"]
pub(crate) mod http;
#[path = "running.rs"]
pub(crate) mod running;
#[path = "../cli/workbench.rs"]
pub(crate) mod workbench;
