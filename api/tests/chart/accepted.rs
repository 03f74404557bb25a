//! What a real API server says to each documented set of values.

use interop::peers::tried;
use test_cluster::Cluster;

use crate::files::{chart, examples};
use crate::helm::said;

/// The two kinds of the Prometheus Operator that the chart may render. Their insides are that project's: here the API
/// server only learns that they exist.
const MONITORS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: servicemonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: ServiceMonitor, plural: servicemonitors}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: podmonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: PodMonitor, plural: podmonitors}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

#[test]
fn an_api_server_accepts_each_documented_set_of_values() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("accepted");
    namespace.apply(MONITORS);
    for kind in ["servicemonitors", "podmonitors"] {
        namespace.wait(&format!("crd/{kind}.monitoring.coreos.com"), "condition=Established");
    }
    // Pods are held to the strictest of Kubernetes's standards, which the API server applies to those of a
    // Deployment by a warning.
    let label = "pod-security.kubernetes.io/warn=restricted";
    namespace.kubectl().run(&["label", "namespace", namespace.name(), label]).ok();
    for (name, values) in examples() {
        let values = values.to_str().unwrap().to_owned();
        let common = ["--namespace", namespace.name(), "--values", &values];
        let words = [&["install", "x", ".", "--dry-run=server"][..], &common].concat();
        let installed = said(cluster.helm().current_dir(chart()), &words);
        assert!(!installed.errors.contains("PodSecurity"), "{name}: {}", installed.errors);
        installed.ok();
        // Helm compares with the API server's description; this has the API server itself judge each object.
        let words = [&["template", "x", "."][..], &common].concat();
        let render = said(cluster.helm().current_dir(chart()), &words).ok();
        let words = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];
        let applied = namespace.kubectl().run_on(&words, &render);
        assert!(!applied.text().contains("PodSecurity"), "{name}: {}", applied.text());
        let applied = applied.ok();
        assert!(applied.lines().count() >= 7, "{name}: {applied}");
        assert!(!applied.contains("secret/"), "the chart makes no Secret: {applied}");
    }
    tried("kubernetes", "charts/espalier/examples", "accepted by kube-apiserver");
}

#[test]
fn an_api_server_refuses_what_the_schema_could_not_know() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("refused");
    let label = "pod-security.kubernetes.io/warn=restricted";
    namespace.kubectl().run(&["label", "namespace", namespace.name(), label]).ok();
    let render = |set: &str| {
        let words = ["template", "x", ".", "--namespace", namespace.name(), "--set-json", set];
        said(cluster.helm().current_dir(chart()), &words).ok()
    };
    for (set, word) in [
        (
            "server.extraVolumeMounts=[{\"name\":\"none\",\"mountPath\":\"/x\"}]",
            "Not found: \"none\"",
        ),
        ("server.affinity={\"podAfinity\":{}}", "podAfinity"),
        ("issuer.tolerations=[{\"operator\":\"Maybe\"}]", "operator"),
        ("commonLabels={\"a b\":\"x\"}", "a b"),
    ] {
        let words = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];
        let refusal = namespace.kubectl().run_on(&words, &render(set)).refusal();
        assert!(refusal.contains(word), "{set}: {refusal}");
    }
    // The warning that the test above did not see is there to be seen.
    let root = "server.initContainers=[{\"name\":\"root\",\"image\":\"x\",\"securityContext\":{\"runAsUser\":0}}]";
    let words = ["apply", "--server-side", "--dry-run=server", "-f", "-"];
    let warned = namespace.kubectl().run_on(&words, &render(root)).text();
    assert!(warned.contains("PodSecurity") && warned.contains("runAsUser=0"), "{warned}");
}
