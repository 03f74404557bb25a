//! What must not be in the tree of a crate: banned crates in all of the product, and clocks, sockets, databases and
//! randomness in the crates that are pure or offline.
//!
//! `cargo metadata` unites the features of the whole workspace, tests included, and so shows crates that a member
//! alone does not have. `cargo tree` resolves each member by itself; that is what is asked here.

use std::collections::BTreeSet;

use super::Ban;
use crate::failure::Failure;
use crate::process::capture;
use crate::workspace;

/// What has an async runtime, a network or a database.
const ONLINE: &[&str] =
    &["tokio", "async-std", "smol", "sqlx", "sqlx-core", "kube", "reqwest", "hyper", "axum"];

/// Folder, and the crates that must be nowhere below it; all rows of a folder count.
pub const OFFLINE: &[(&str, &[&str])] = &[
    ("ca-core", ONLINE),
    ("ca-core", &["getrandom"]),
    ("policy", ONLINE),
    ("policy", &["getrandom"]),
    ("ceremony", ONLINE),
    ("ceremony", &["rustls"]),
    ("issuer", &["sqlx", "sqlx-core"]),
    ("client", &["sqlx", "sqlx-core", "kube"]),
];

/// The names of the crates that a package runs with or is built with, itself included, on this platform.
///
/// # Errors
/// When `cargo tree` fails.
pub fn tree(package: &str) -> Result<BTreeSet<String>, Failure> {
    let edges = [
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--package",
    ];
    let text = capture(workspace::cargo(&edges).arg(package))?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

/// Banned crates in a product crate's tree, each with the reason that deny.toml gives.
#[must_use]
pub fn banned(package: &str, tree: &BTreeSet<String>, bans: &[Ban]) -> Vec<String> {
    let found = bans.iter().filter(|ban| tree.contains(&ban.name));
    found.map(|ban| format!("{package}: has {} in its tree: {}", ban.name, ban.reason)).collect()
}

/// Crates in the tree of a folder that must do without them.
#[must_use]
pub fn impure(folder: &str, tree: &BTreeSet<String>) -> Vec<String> {
    let rows = OFFLINE.iter().filter(|(name, _)| *name == folder);
    let found = rows.flat_map(|(_, never)| never.iter().filter(|name| tree.contains(**name)));
    found
        .map(|name| {
            format!(
                "{folder}: has {name} in its tree; find who brings it by `cargo tree -i {name}`"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_banned_crate_is_reported_with_its_reason() {
        let bans = [Ban { name: "ring".into(), reason: "AWS-LC signs".into() }];
        assert_eq!(banned("api", &names(&["api", "tokio", "ring-buffer"]), &bans), [""; 0]);
        assert_eq!(
            banned("api", &names(&["api", "ring"]), &bans),
            ["api: has ring in its tree: AWS-LC signs"]
        );
    }

    #[test]
    fn the_core_is_pure_and_others_need_not_be() {
        let tree = names(&["der", "tokio", "getrandom"]);
        assert_eq!(impure("ca-core", &tree).len(), 2);
        assert_eq!(impure("ceremony", &tree).len(), 1);
        assert_eq!(impure("ledger", &tree), [""; 0]);
        assert_eq!(impure("ca-core", &names(&["der", "rand_core"])), [""; 0]);
    }
}
