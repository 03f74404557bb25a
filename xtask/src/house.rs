//! The rules of the house that a program can check: which crate may use which, what the product may be built from,
//! and how files look. The tests of xtask hold the checkout against them; each rule also has a test in which it is
//! broken.

pub mod arrows;
pub mod bans;
pub mod files;
pub mod graph;
pub mod licences;

use std::fs;

use serde::Deserialize;

use crate::failure::Failure;
use crate::workspace;

/// The parts of `deny.toml` that the house tests enforce themselves.
#[derive(Debug, Deserialize)]
pub struct Denied {
    /// `[bans]`.
    pub bans: Bans,
    /// `[licenses]`.
    pub licenses: Licences,
}

/// Crates that the product must not contain.
#[derive(Debug, Deserialize)]
pub struct Bans {
    /// Each with its reason.
    pub deny: Vec<Ban>,
}

/// One crate that the product must not contain.
#[derive(Debug, Deserialize)]
pub struct Ban {
    /// Its name in the registry.
    pub name: String,
    /// Why, for the person who wanted it.
    pub reason: String,
}

/// The licences that dependencies may have.
#[derive(Debug, Deserialize)]
pub struct Licences {
    /// SPDX identifiers, some with an exception.
    pub allow: Vec<String>,
}

/// Reads `deny.toml` of the checkout.
///
/// # Errors
/// When it is not there or lacks one of the parts above.
pub fn denied() -> Result<Denied, Failure> {
    let path = workspace::root().join("deny.toml");
    let text = fs::read_to_string(&path).map_err(Failure::file(&path, "read"))?;
    toml::from_str(&text).map_err(|error| Failure::Found(format!("deny.toml: {error}")))
}
