//! Committed files that are made from others. A new one is a row in the table of generators.

pub mod algorithm_table;
pub mod cli_reference;
pub mod definitions;
pub mod lint_table;
pub mod rest_api;

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::workspace::{self, Programs};

/// A file that is made: its name for people, where it is committed, and its text.
struct Generator {
    name: &'static str,
    path: &'static str,
    make: fn(&Programs) -> Result<String, Failure>,
}

const GENERATORS: &[Generator] = &[
    Generator {
        name: "command reference",
        path: "docs/reference/cli.md",
        make: cli_reference::espalier,
    },
    Generator {
        name: "command reference of the issuer",
        path: "docs/reference/issuer-cli.md",
        make: cli_reference::issuer,
    },
    Generator {
        name: "command reference of ceremonies",
        path: "docs/reference/ceremony-cli.md",
        make: cli_reference::ceremony,
    },
    Generator {
        name: "definition of PQClusterIssuer",
        path: "charts/espalier/files/crds/espalier.dev_pqclusterissuers.yaml",
        make: definitions::cluster_issuer,
    },
    Generator {
        name: "definition of PQIssuer",
        path: "charts/espalier/files/crds/espalier.dev_pqissuers.yaml",
        make: definitions::issuer,
    },
    Generator {
        name: "definition of PQPolicy",
        path: "charts/espalier/files/crds/espalier.dev_pqpolicies.yaml",
        make: definitions::policy,
    },
    Generator {
        name: "table of algorithms",
        path: "docs/reference/algorithms.md",
        make: algorithm_table::make,
    },
    Generator { name: "table of lints", path: "docs/lints.md", make: lint_table::make },
    Generator { name: "REST API", path: "docs/reference/openapi.json", make: rest_api::openapi },
    Generator {
        name: "table of problems",
        path: "docs/reference/problems.md",
        make: rest_api::problems,
    },
];

/// Writes every generated file, or with `check` only compares.
///
/// # Errors
/// When a generator fails, a file can't be written, or with `check` a file is not what would be written.
pub fn run(check: bool) -> Result<(), Failure> {
    let programs = workspace::programs()?;
    let mut stale = Vec::new();
    for generator in GENERATORS {
        let text = (generator.make)(&programs)?;
        let path = workspace::root().join(generator.path);
        let differs = fs::read_to_string(&path).ok().as_deref() != Some(text.as_str());
        if differs && check {
            stale.push(format!("{} ({})", generator.path, first_difference(&path, &text)));
        } else if differs {
            write(&path, &text)?;
        }
        let verdict = match (differs, check) {
            (false, _) => "up to date",
            (true, true) => "stale",
            (true, false) => "written",
        };
        println!("gen: {}: {}: {verdict}", generator.name, generator.path);
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!(
        "not what the code says; run `cargo xtask gen` and commit: {}",
        stale.join(", ")
    )))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::file(folder, "made"))?;
    }
    fs::write(path, text).map_err(Failure::file(path, "written"))
}

fn first_difference(path: &Path, wanted: &str) -> String {
    let Ok(found) = fs::read_to_string(path) else {
        return "not there".to_owned();
    };
    let same = found.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
    format!("differs from line {}", same + 1)
}
