//! The image of deploy/Containerfile has each program that a container of the chart starts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::files::chart;

/// The folder that programs are copied into.
const BIN: &str = "/usr/local/bin/";
/// Where they are built.
const BUILT: &str = "/source/target/release/";

/// The programs that an image has, and the one that it starts unless it is told.
fn programs(containerfile: &str) -> (BTreeSet<String>, String) {
    let line = |start: &str| {
        let mut lines = containerfile.lines().filter(|line| line.starts_with(start));
        let found = lines.next().unwrap_or_else(|| panic!("no {start}"));
        assert_eq!(lines.next(), None, "{start} twice");
        found
    };
    let copied = line("COPY --from=build").strip_suffix(BIN).unwrap();
    let copied = copied.split(' ').filter_map(|word| word.strip_prefix(BUILT)).map(str::to_owned);
    let entry = line("ENTRYPOINT").trim_start_matches("ENTRYPOINT [\"").trim_end_matches("\"]");
    (copied.collect(), entry.strip_prefix(BIN).unwrap().to_owned())
}

/// What the containers of a rendered object start; none where the image's own entry point is meant.
fn started(object: &Value) -> Vec<Option<String>> {
    let spec = match object["kind"].as_str() {
        Some("Pod") => &object["spec"],
        _ => &object["spec"]["template"]["spec"],
    };
    let containers = ["initContainers", "containers"].into_iter();
    let containers = containers.flat_map(|kind| spec[kind].as_array().into_iter().flatten());
    containers
        .map(|container| {
            let command = container.get("command")?.as_array().unwrap();
            Some(command[0].as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn the_image_has_each_program_that_a_container_starts() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/Containerfile");
    let containerfile = fs::read_to_string(file).unwrap();
    let (there, entry) = programs(&containerfile);
    let mut wanted = BTreeSet::new();
    for render in fs::read_dir(chart().join("golden")).unwrap() {
        let text = fs::read_to_string(render.unwrap().path()).unwrap();
        for document in text.split("\n---\n") {
            let object: Value = serde_saphyr::from_str(document).unwrap();
            wanted.extend(started(&object).into_iter().map(|name| name.unwrap_or(entry.clone())));
        }
    }
    assert_eq!(wanted, BTreeSet::from(["espalier", "espalier-issuer"].map(str::to_owned)));
    assert!(wanted.is_subset(&there), "containers start {wanted:?}, the image has {there:?}");
    for name in &there {
        let built = format!("--bin {name}");
        assert!(containerfile.contains(&built), "{name} is copied and not built");
    }
    // An image without the second program is noticed.
    let (without, _) = programs(&containerfile.replace(&format!(" {BUILT}espalier-issuer"), ""));
    assert!(!wanted.is_subset(&without), "{without:?}");
}
