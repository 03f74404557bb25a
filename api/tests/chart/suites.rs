//! The suites of helm-unittest in charts/espalier/tests, and that each value has a place in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use interop::peers::{Peer, peer, tried};
use serde_json::Value;

use crate::files::{chart, copy, examples, yaml};
use crate::helm::{Said, said};

fn unittest(chart: &Path) -> Option<Said> {
    let Peer::Present(programs) = peer("helm-unittest") else { return None };
    Some(said(programs.command("helm-unittest").current_dir(chart), &["--strict", "."]))
}

#[test]
fn the_suites_pass_and_notice_a_changed_template() {
    let whole = copy();
    let Some(passed) = unittest(whole.path()) else { return };
    let output = passed.ok();
    assert!(output.contains("Tests:       1"), "at least 100 tests: {output}");
    for (template, right, wrong) in [
        ("_pods.tpl", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"),
        ("approver.yaml", "verbs: [approve]", "verbs: [\"*\"]"),
        (
            "server/network-policy.yaml",
            "policyTypes: [Ingress, Egress]\n  ingress:",
            "x: y\n  ingres:",
        ),
        (
            "_refusals.tpl",
            "(gt (int $values.server.replicas) 1)",
            "(gt (int $values.server.replicas) 9)",
        ),
    ] {
        let broken = copy();
        let path = broken.path().join("templates").join(template);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{template}: {right}");
        fs::write(path, text.replace(right, wrong)).unwrap();
        unittest(broken.path()).unwrap().refuses(&["FAIL"]);
    }
    tried("helm-unittest", "charts/espalier/tests", "pass, and fail when a template is changed");
}

#[test]
fn every_value_is_set_by_a_suite_or_an_example() {
    // Kinds are generated files, which rendered.rs looks at.
    let mut set = BTreeSet::from(["crds.enabled", "crds.keep"].map(str::to_owned));
    for (_, path) in examples() {
        note(&yaml(&path), "", &mut set);
    }
    for entry in fs::read_dir(chart().join("tests")).unwrap() {
        let suite = yaml(&entry.unwrap().path());
        for test in suite["tests"].as_array().unwrap() {
            note(&test["set"], "", &mut set);
        }
    }
    let mut all = Vec::new();
    leaves(&yaml(&chart().join("values.yaml")), "", &mut all);
    let missed: Vec<&String> = all.iter().filter(|value| !set.contains(*value)).collect();
    assert!(missed.is_empty(), "no suite of charts/espalier/tests sets: {missed:?}");
    assert!(all.len() > 100, "{}", all.len());
}

/// Every place that something is set at, and those above it.
fn note(value: &Value, place: &str, set: &mut BTreeSet<String>) {
    set.insert(place.to_owned());
    for (key, inner) in value.as_object().into_iter().flatten() {
        let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        note(inner, &place, set);
    }
}

/// The values themselves; resources are one, whose inside is Kubernetes's.
fn leaves(value: &Value, place: &str, found: &mut Vec<String>) {
    match value.as_object() {
        Some(inner) if !inner.is_empty() && !place.ends_with(".resources") => {
            for (key, value) in inner {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                leaves(value, &place, found);
            }
        }
        _ => found.push(place.to_owned()),
    }
}
