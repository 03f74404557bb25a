//! Whether the server works.

use serde::{Deserialize, Serialize};

/// Whether the process answers at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`.
    pub status: String,
    /// The server's version.
    pub version: String,
}

/// Whether the server can do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Readiness {
    /// Whether every check passes.
    pub ready: bool,
    /// What was checked.
    pub checks: Vec<Check>,
}

/// One thing that the server needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// What.
    pub name: String,
    /// Whether it is as it should be.
    pub passes: bool,
    /// What was found.
    pub found: String,
    /// What it takes to pass.
    pub allowed: String,
}
