//! What Helm makes of the chart: the committed render of each documented set of values, lint, and what the schema
//! refuses.

use std::fs;

use interop::peers::tried;

use crate::files::{chart, copy, examples};
use crate::helm::Helm;

/// Set to `write`, the committed renders are written instead of compared.
const GOLDEN: &str = "ESPALIER_GOLDEN";

#[test]
fn the_render_of_each_example_is_the_committed_one() {
    let Some(helm) = Helm::found() else { return };
    let writes = std::env::var_os(GOLDEN).is_some_and(|value| value == "write");
    let mut names = Vec::new();
    for (name, values) in examples() {
        let values = values.to_str().unwrap();
        // Kinds are generated and committed files themselves.
        let words = ["template", "espalier", ".", "--namespace", "espalier-system"];
        let words = [&words[..], &["--set", "crds.enabled=false"]].concat();
        let render = helm.run(&chart(), &[&words[..], &["--values", values]].concat()).ok();
        let golden = chart().join("golden").join(format!("{name}.yaml"));
        if writes {
            fs::write(&golden, &render).unwrap();
        }
        let committed = fs::read_to_string(&golden).unwrap_or_default();
        let same = committed.lines().zip(render.lines()).take_while(|(one, other)| one == other);
        assert!(
            committed == render,
            "charts/espalier/golden/{name}.yaml differs from line {}: look at it with {GOLDEN}=write, and commit it",
            same.count() + 1
        );
        names.push(format!("{name}.yaml"));
    }
    let mut committed: Vec<String> = fs::read_dir(chart().join("golden"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    committed.sort();
    assert_eq!(names, committed, "a render without its example");
    tried("kubernetes", "charts/espalier", "renders as committed");
}

#[test]
fn lint_has_nothing_against_any_example() {
    let Some(helm) = Helm::found() else { return };
    for (_, values) in examples() {
        helm.run(&chart(), &["lint", "--strict", "--values", values.to_str().unwrap(), "."]).ok();
    }
    // The same lint, of a chart with one word too many.
    let broken = copy();
    let service = broken.path().join("templates/server/service.yaml");
    let text = fs::read_to_string(&service).unwrap().replace("kind: Service", "kind: Service: x");
    fs::write(service, text).unwrap();
    helm.run(broken.path(), &["lint", "--strict", "."]).refuses(&["service.yaml"]);
}

#[test]
fn the_schema_refuses_what_no_value_is() {
    let Some(helm) = Helm::found() else { return };
    let render = |set: &str| {
        let set = set.split("; ").flat_map(|one| ["--set-json", one]);
        let words: Vec<&str> = ["template", "x", "."].into_iter().chain(set).collect();
        helm.run(&chart(), &words)
    };
    for (right, wrong, words) in [
        ("server={}", "servre={}", &["servre", "not allowed"][..]),
        ("server.replicas=1", "server.replicas=\"one\"", &["replicas", "integer"]),
        ("server.replicas=0", "server.replicas=-1", &["replicas", "minimum"]),
        ("ledger.store=\"sqlite\"", "ledger.store=\"mysql\"", &["store", "sqlite", "postgres"]),
        (
            "image.pullPolicy=\"Never\"",
            "image.pullPolicy=\"Maybe\"",
            &["pullPolicy", "IfNotPresent"],
        ),
        ("image.digest=\"\"", "image.digest=\"sha256:12\"", &["digest", "pattern"]),
        ("image.tag=\"1.0\"", "image.tag=\"1 0\"", &["tag", "pattern"]),
        // A password never stands in values, which Helm keeps in the cluster.
        (
            "ledger.postgres.url=\"postgres://ca@db/ledger\"",
            "ledger.postgres.url=\"postgres://ca:hunter2@db/ledger\"",
            &["url", "pattern"],
        ),
        ("ledger.sqlite.size=\"1.5Gi\"", "ledger.sqlite.size=\"much\"", &["size", "pattern"]),
        (
            "ledger.sqlite.accessModes=[\"ReadWriteMany\"]",
            "ledger.sqlite.accessModes=[\"ReadOnlyMany\"]",
            &["accessModes", "ReadWriteOnce"],
        ),
        (
            "keys.passphraseSecret={\"name\":\"p\",\"key\":\"k\"}",
            "keys.passphraseSecret={\"name\":\"p\",\"value\":\"hunter2\"}",
            &["passphraseSecret", "value"],
        ),
        (
            "server.enabled=false; bootstrap.authorities=[{\"name\":\"a\",\"algorithm\":\"hybrid\",\"subject\":\"CN=A\",\"days\":9}]",
            "server.enabled=false; bootstrap.authorities=[{\"name\":\"a\",\"algorithm\":\"hybrid\"}]",
            &["subject"],
        ),
        (
            "server.requester.subject=\"any\"",
            "server.requester.subject=\"all\"",
            &["subject", "names"],
        ),
        ("server.service.port=443", "server.service.port=70000", &["port", "65,535"]),
        (
            "server.service.type=\"NodePort\"",
            "server.service.type=\"ExternalName\"",
            &["type", "LoadBalancer"],
        ),
        (
            "server.podDisruptionBudget.maxUnavailable=\"20%\"",
            "server.podDisruptionBudget.maxUnavailable=\"few\"",
            &["maxUnavailable"],
        ),
        ("issuer.logLevel=\"debug\"", "issuer.logLevel=\"loud\"", &["logLevel", "pattern"]),
        ("issuer.config={\"x\":1}", "issuer.config=[]", &["config", "object"]),
        ("test.enabled=false", "test.enabled=\"no\"", &["enabled", "boolean"]),
        ("crds.keep=false", "crds.kept=false", &["kept", "not allowed"]),
    ] {
        let accepted = render(right);
        assert!(accepted.success, "{right}: {}", accepted.errors);
        render(wrong).refuses(words);
    }
}

/// A kind as the issuer's are, in the place where those are generated.
const KIND: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lattices.espalier.dev, annotations: {of: us}}
spec:
  group: espalier.dev
  scope: Namespaced
  names: {kind: Lattice, plural: lattices}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
";

#[test]
fn kinds_are_made_and_kept_as_the_values_say() {
    let Some(helm) = Helm::found() else { return };
    let chart = copy();
    let folder = chart.path().join("files/crds");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("espalier.dev_lattices.yaml"), KIND).unwrap();
    let render = |set: &str| {
        let render = helm.run(chart.path(), &["template", "x", ".", "--set", set]).ok();
        let of_it = render.split("\n---").find(|part| part.contains("lattices.espalier.dev"));
        of_it.map(str::to_owned)
    };
    let kept = render("crds.keep=true").unwrap();
    let words =
        ["helm.sh/resource-policy: keep", "of: us", "app.kubernetes.io/component: crds", "v1"];
    assert!(words.iter().all(|word| kept.contains(word)), "{kept}");
    let removed = render("crds.keep=false").unwrap();
    assert!(!removed.contains("resource-policy") && removed.contains("of: us"), "{removed}");
    assert_eq!(render("crds.enabled=false"), None);
}
