//! Policies on the real control plane: certificates move to another authority and back, and no user object is written.

mod rollback;
mod scale;

use std::sync::Once;
use std::thread::sleep;
use std::time::Duration;

use policy::bucket;
use serde_json::{Value, json};
use test_cluster::{Issuer, Namespace, Pair, Stand, Wanted, found_within};

const SPEC: &str = "dnsNames: [web.example.com]\nprivateKey: {algorithm: ECDSA, size: 256}";
/// How long a policy may need: tries that fail for two minutes are a failure.
const PATIENCE: Duration = Duration::from_secs(240);
/// Certificates of each test.
const CERTIFICATES: usize = 6;

/// The authorities whose roots are published from the beginning.
const PUBLISHED: [&str; 3] = ["classical", "composite", "ml-dsa"];
/// The one whose root is withheld at first.
const WITHHELD: &str = "catalyst";

/// A namespace with certificates of a classical authority, whose issuer names one for each mode.
fn shop<'a>(stand: &'a Stand, name: &str) -> Namespace<'a> {
    shop_at(stand, name, CERTIFICATES, &stand.server.url())
}

/// The same with so many certificates, whose issuer asks at this address.
fn shop_at<'a>(stand: &'a Stand, name: &str, certificates: usize, url: &str) -> Namespace<'a> {
    static FIRST: Once = Once::new();
    FIRST.call_once(|| stand.publish(&PUBLISHED));
    let shop = stand.namespace(name);
    shop.kubectl()
        .run(&["label", "namespace", shop.name(), &format!("policy={}", shop.name())])
        .ok();
    let issuer = stand.issuer(&Issuer::by_token("issuer", "classical"));
    let issuer = issuer.replace(&stand.server.url(), url);
    shop.apply(&format!(
        "{issuer}  authorities: {{composite: composite, catalyst: catalyst, postQuantum: ml-dsa}}\n"
    ));
    let wanted = (0..certificates).map(|number| {
        let name = format!("web-{number}");
        Wanted { name: &name, issuer: ("PQIssuer", "issuer"), spec: SPEC }.manifest()
    });
    shop.apply(&wanted.collect::<Vec<_>>().join("---\n"));
    let ready = |certificate: &&Value| {
        let conditions = certificate["status"]["conditions"].as_array();
        conditions
            .into_iter()
            .flatten()
            .any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    let all =
        || (shop.list("certificates").iter().filter(ready).count() == certificates).then_some(());
    found_within(PATIENCE, all, || shop.kubectl().run(&["describe", "certificates"]).text());
    shop
}

fn manifest(shop: &Namespace<'_>, spec: &Value) -> String {
    of_labelled(shop.name(), spec)
}

/// A policy of the namespaces that have its name as a label.
fn of_labelled(name: &str, spec: &Value) -> String {
    let mut spec = spec.clone();
    spec["namespaceSelector"] = json!({ "matchLabels": { "policy": name } });
    json!({
        "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
        "metadata": { "name": name }, "spec": spec,
    })
    .to_string()
}

/// How many of the Secrets have a chain of an authority.
fn signed_by(stand: &Stand, shop: &Namespace<'_>, authority: &str, policy: &str) -> usize {
    let is_of = |pair: &Pair| {
        pair.verified(&stand.server, authority, &format!("--policy {policy}")).code == Some(0)
    };
    let secrets = shop.list("secrets");
    secrets
        .iter()
        .filter(|one| one["type"] == "kubernetes.io/tls")
        .filter_map(Pair::read)
        .filter(is_of)
        .count()
}

/// The policy's status, once this is so.
fn status(shop: &Namespace<'_>, is_so: impl Fn(&Value) -> bool) -> Value {
    status_of(shop, shop.name(), is_so)
}

fn status_of(shop: &Namespace<'_>, policy: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let object = format!("pqpolicy/{policy}");
    let status = || {
        let status = shop.get(&object)["status"].clone();
        is_so(&status).then_some(status)
    };
    found_within(PATIENCE, status, || shop.get(&object).to_string())
}

fn all_are_of(stand: &Stand, shop: &Namespace<'_>, authority: &str, policy: &str) {
    let certificates = shop.list("certificates").len();
    let all = || (signed_by(stand, shop, authority, policy) == certificates).then_some(());
    found_within(PATIENCE, all, || {
        let told = shop.kubectl().run(&["describe", "pqpolicies,certificates"]).text();
        format!("{told}\n{}", stand.cluster.last_lines("issuer/issuer.log"))
    });
}

#[test]
fn one_policy_moves_a_namespace_and_one_field_brings_it_back() {
    let Some(stand) = Stand::shared() else { return };
    let shop = shop(stand, "moved");
    all_are_of(stand, &shop, "classical", "any");
    let example = json!({
        "algorithms": ["kyber768", "dilithium3"], "hybrid": true, "rollback": "enabled",
    });
    shop.apply(&manifest(&shop, &example));
    all_are_of(stand, &shop, "composite", "hybrid");
    let status = status(&shop, |status| status["adoptedPercent"] == 100);
    assert_eq!(status["mode"], "Composite");
    assert_eq!(status["algorithms"], json!(["ML-KEM-768", "ML-DSA-65"]));
    let all = json!([{
        "mode": "Composite", "algorithm": "MLDSA65-ECDSA-P256-SHA512", "certificates": CERTIFICATES,
    }]);
    assert_eq!(status["modes"], all);
    let mut off = example.clone();
    off["active"] = json!(false);
    shop.apply(&manifest(&shop, &off));
    all_are_of(stand, &shop, "classical", "any");
}

#[test]
fn canaries_go_first_and_the_others_follow() {
    let Some(stand) = Stand::shared() else { return };
    let shop = shop(stand, "canaries");
    let canaries = |percent: u8| -> Vec<usize> {
        let is_one = |number: &usize| bucket(shop.name(), &format!("web-{number}")) < percent;
        (0..CERTIFICATES).filter(is_one).collect()
    };
    // A share that takes one or more, and not all.
    let percent = (1..100).find(|percent| !canaries(*percent).is_empty()).unwrap();
    let first = canaries(percent);
    let share = |percent: u8| {
        let canary = json!({ "percent": percent });
        manifest(&shop, &json!({ "algorithms": ["dilithium3"], "canary": canary }))
    };
    shop.apply(&share(percent));
    let counted = json!(first.len());
    let status = status(&shop, |status| {
        let modes = status["modes"].as_array().cloned().unwrap_or_default();
        modes.iter().any(|mode| mode["mode"] == "Composite" && mode["certificates"] == counted)
    });
    for number in 0..CERTIFICATES {
        let authority = if first.contains(&number) { "composite" } else { "classical" };
        let pair = Pair::of(&shop, &format!("web-{number}"));
        let ran = pair.verified(&stand.server, authority, "");
        assert_eq!(ran.code, Some(0), "web-{number}: {}", ran.text);
    }
    assert_eq!(status["notCompliant"]["certificates"], CERTIFICATES - first.len());
    assert_eq!(status["notCompliant"]["first"][0]["why"], "it is not among the canaries");
    shop.apply(&share(100));
    all_are_of(stand, &shop, "composite", "hybrid");
}

#[test]
fn nothing_is_moved_under_a_root_that_is_not_published() {
    let Some(stand) = Stand::shared() else { return };
    let shop = shop(stand, "trust");
    let catalyst = json!({ "algorithms": ["dilithium3"], "mode": "Catalyst" });
    shop.apply(&manifest(&shop, &catalyst));
    let waits = status(&shop, |status| status["notCompliant"]["certificates"] == CERTIFICATES);
    let why = waits["notCompliant"]["first"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.contains("have not both been published for long enough"), "{why}");
    // Longer than everything that would move them takes.
    sleep(Duration::from_secs(8));
    assert_eq!(signed_by(stand, &shop, "classical", "any"), CERTIFICATES);
    let all: Vec<&str> = PUBLISHED.into_iter().chain([WITHHELD]).collect();
    stand.publish(&all);
    all_are_of(stand, &shop, "catalyst", "hybrid");
}
