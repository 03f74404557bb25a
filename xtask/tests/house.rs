//! The checkout keeps the rules of the house. Every rule's twin, in which it is broken, stands beside the rule in
//! `xtask/src/house/`.

use xtask::house::{arrows, bans, denied, files, graph::Graph, licences};
use xtask::workspace;

/// Fails with one line for each finding.
fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn no_arrow_is_broken() {
    let graph = Graph::of_checkout().unwrap();
    assert!(
        graph.members().any(|(folder, _)| folder == "ca-core"),
        "the graph lacks ca-core: {graph:?}"
    );
    none(&arrows::broken(&graph));
}

#[test]
fn no_banned_crate_is_in_the_product() {
    let graph = Graph::of_checkout().unwrap();
    let bans = denied().unwrap().bans.deny;
    for name in ["ring", "openssl-sys", "native-tls"] {
        assert!(bans.iter().any(|ban| ban.name == name), "deny.toml: no longer bans {name}");
    }
    let product: Vec<&str> = arrows::product().collect();
    let mut found = Vec::new();
    for (folder, package) in graph.members().filter(|(folder, _)| product.contains(folder)) {
        let tree = bans::tree(&package.name).unwrap();
        assert!(tree.contains(&package.name), "cargo tree: does not show {} itself", package.name);
        found.extend(bans::banned(&package.name, &tree, &bans));
        found.extend(bans::impure(folder, &tree));
    }
    none(&found);
}

#[test]
fn every_licence_is_on_the_list() {
    let graph = Graph::of_checkout().unwrap();
    none(&licences::refused(&graph, &denied().unwrap().licenses.allow).unwrap());
}

#[test]
fn files_are_small_named_finished_and_of_no_machine() {
    let written = files::written(workspace::root()).unwrap();
    assert!(
        written.iter().any(|file| file.path == "xtask/src/house/files.rs"),
        "the walk misses this crate"
    );
    none(&files::broken(&written));
}
