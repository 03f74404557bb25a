//! Which crate of the workspace may use which (docs/architecture.md).

use super::graph::Graph;

/// Each folder of the product and the folders that it may use. A crate that does not exist yet is fine; one that is
/// not in this table is not.
const ARROWS: &[(&str, &[&str])] = &[
    ("ca-core", &[]),
    ("client", &["ca-core"]),
    ("ledger", &["ca-core"]),
    ("api", &["ca-core", "ceremony", "ledger", "client"]),
    ("policy", &["ca-core"]),
    ("issuer", &["client", "ca-core", "policy"]),
    ("ceremony", &["ca-core"]),
    ("xtask", &[]),
];

/// The folders of the product, of which certificates and keys depend.
pub fn product() -> impl Iterator<Item = &'static str> {
    ARROWS.iter().map(|(folder, _)| *folder).filter(|folder| *folder != "xtask")
}

/// Every arrow between members of the workspace that must not be. Crates under `tests/` may use anything.
#[must_use]
pub fn broken(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, package) in graph.members().filter(|(folder, _)| !folder.starts_with("tests/")) {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == folder) else {
            found.push(format!("{folder}: is not in the table of arrows; say in xtask/src/house/arrows.rs what it may use"));
            continue;
        };
        for used in package.uses.iter().filter_map(|at| graph.packages.get(*at)?.folder.as_deref())
        {
            if !allowed.contains(&used) {
                let allowed = if allowed.is_empty() {
                    "nothing of the workspace".to_owned()
                } else {
                    allowed.join(", ")
                };
                found.push(format!("{folder} -> {used}: {folder} may use {allowed}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::house::graph::made_up::graph;

    #[test]
    fn arrows_of_the_design_are_fine() {
        let good = graph(&[
            ("ca-core", "ca-core", "", &["der"]),
            ("der", "", "", &[]),
            ("ledger", "ledger", "", &["ca-core"]),
            ("espalier-client", "client", "", &["ca-core"]),
            ("espalier-ceremony", "ceremony", "", &["ca-core"]),
            ("espalier", "api", "", &["ca-core", "espalier-ceremony", "ledger", "espalier-client"]),
            ("policy", "policy", "", &["ca-core"]),
            ("espalier-issuer", "issuer", "", &["espalier-client", "ca-core", "policy"]),
            ("interop", "tests/interop", "", &["espalier", "ledger"]),
        ]);
        assert_eq!(broken(&good), [""; 0]);
    }

    #[test]
    fn each_forbidden_arrow_is_named() {
        let bad = graph(&[
            ("ca-core", "ca-core", "", &["ledger"]),
            ("ledger", "ledger", "", &["espalier"]),
            ("espalier", "api", "", &[]),
            ("espalier-issuer", "issuer", "", &["ledger"]),
            ("espalier-ceremony", "ceremony", "", &["ledger"]),
            ("policy", "policy", "", &["espalier-issuer"]),
            ("gadget", "gadget", "", &[]),
        ]);
        let found = broken(&bad);
        let starts = [
            "ca-core -> ledger",
            "ledger -> api",
            "issuer -> ledger",
            "ceremony -> ledger",
            "policy -> issuer",
            "gadget: is not",
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        for (line, start) in found.iter().zip(starts) {
            assert!(line.starts_with(start), "{line}");
        }
    }
}
