//! The whole release: server, issuer and kinds. A Certificate of cert-manager gets its Secret by the issuer that Helm's
//! notes tell of, with the rights that the chart gives and no others.

use std::fs;

use base64ct::{Base64, Encoding as _};
use interop::peers::tried;
use test_cluster::{Cluster, Namespace, Options};

use crate::files::chart;
use crate::helm::said;
use crate::release::Release;
use crate::workbench::Workbench;

fn certificate(name: &str, dns: &str, issuer: &str) -> String {
    format!(
        "
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {{name: {name}}}
spec:
  dnsNames: [{dns}]
  secretName: {name}
  privateKey: {{algorithm: ECDSA, size: 256}}
  issuerRef: {{group: espalier.dev, {issuer}}}
"
    )
}

/// The issuer that Helm's notes tell of.
fn issuer_in(notes: &str) -> &str {
    let (_, told) = notes.split_once("An issuer for the whole cluster:\n\n").unwrap();
    told.split_once("\n\nA Certificate asks").unwrap().0
}

/// The Secret verifies below the release's root under the hybrid policy.
fn verifies(shop: &Namespace<'_>, name: &str, roots: &str) {
    let secret = shop.get(&format!("secret/{name}"));
    let file = |key: &str| Base64::decode_vec(secret["data"][key].as_str().unwrap()).unwrap();
    let bench = Workbench::new();
    bench.write("roots.crt", roots);
    bench.write("tls.crt", file("tls.crt"));
    assert!(!file("tls.key").is_empty());
    bench.run("verify --trust roots.crt --policy hybrid tls.crt --hostname web.shop.svc").done();
}

/// What the owner of a namespace gives the issuer of a release in this one, as docs/kubernetes.md has it.
fn owner_says(system: &str) -> String {
    format!(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: espalier-issuer}}
rules:
  - {{apiGroups: [\"\"], resources: [secrets], verbs: [get], resourceNames: [token]}}
  - {{apiGroups: [\"\"], resources: [configmaps], verbs: [get], resourceNames: [espalier-trust]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: espalier-issuer}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: espalier-issuer}}
subjects: [{{kind: ServiceAccount, name: espalier-issuer, namespace: {system}}}]
"
    )
}

/// The API server does not let the issuer have an object, and the issuer's condition says so.
fn is_forbidden(shop: &Namespace<'_>, issuer: &str, object: &str) {
    shop.wait(issuer, "condition=Ready=False");
    let described = shop.kubectl().run(&["describe", issuer]).ok();
    assert!(described.contains(&format!("\"{object}\" is forbidden")), "{described}");
}

#[test]
fn a_certificate_gets_its_secret_by_the_issuer_that_the_notes_tell_of() {
    // Its own cluster: the kinds are the whole cluster's.
    let Some(cluster) = Cluster::start(Options::default()) else { return };
    let (system, shop) = (cluster.namespace("system"), cluster.namespace("shop"));
    let release_values = "
server: {tls: {extraNames: [localhost]}}
issuer:
  config: {retry: {longest_backoff_seconds: 2}, issuer_check_interval_seconds: 2}
";
    let release = Release::install(&cluster, system, release_values);
    for kind in ["pqissuers", "pqclusterissuers"] {
        release.namespace.wait(&format!("crd/{kind}.espalier.dev"), "condition=Established");
    }
    let (server_root, issuer_root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server_pod = release.pod("statefulset/espalier-server", server_root.path());
    server_pod.run("bootstrap").done();
    let logs = tempfile::tempdir().unwrap();
    let server = server_pod.start("server", &logs.path().join("server"));
    let issuer_pod = release.pod("deployment/espalier-issuer", issuer_root.path());
    let issuer = issuer_pod.start("issuer", &logs.path().join("issuer"));

    let trust = release.namespace.get("configmap/espalier-trust");
    let roots = trust["data"]["roots.crt"].as_str().unwrap().to_owned();
    let name = format!("https://espalier-server.{}.svc:8440", release.namespace.name());
    let here = format!("https://localhost:{}", server_pod.port);
    let notes = release.notes();
    let told = issuer_in(&notes);
    assert!(told.contains(&name), "{told}");
    shop.apply(&told.replace(&name, &here));
    shop.wait("pqclusterissuer/espalier", "condition=Ready");
    let by = "kind: PQClusterIssuer, name: espalier";
    shop.apply(&certificate("web", "web.shop.svc", by));
    shop.wait("certificate/web", "condition=Ready");
    verifies(&shop, "web", &roots);

    // The notes of an issuer alone are of the same kind.
    let values = chart().join("examples/issuer-only.yaml");
    let words = ["install", "alone", ".", "--dry-run=client", "--set", "crds.enabled=false"];
    let words = [&words[..], &["--values", values.to_str().unwrap()]].concat();
    let alone = said(cluster.helm().current_dir(chart()), &words).ok();
    let words = ["create", "--dry-run=server", "--validate=strict", "-f", "-"];
    let as_told = issuer_in(&alone).replace("name: espalier\n", "name: alone\n");
    shop.kubectl().run_on(&words, &as_told).ok();

    // The grant of the release ends at the names of Services, and the condition says so.
    shop.apply(&certificate("foreign", "www.example.com", by));
    let failed = "jsonpath={.status.conditions[?(@.type==\"Issuing\")].reason}=Failed";
    shop.wait("certificate/foreign", failed);
    let described = shop.kubectl().run(&["describe", "certificate/foreign"]).ok();
    assert!(described.contains("www.example.com"), "{described}");

    // A PQIssuer's token is a Secret of its namespace, which the issuer may read once the namespace's owner says so.
    let right = release.token("espalier-requester", "espalier");
    let literal = format!("--from-literal=token={right}");
    shop.kubectl().run(&["create", "secret", "generic", "token", &literal]).ok();
    let own = told
        .replace(&name, &here)
        .replace("PQClusterIssuer", "PQIssuer")
        .replace("name: espalier\n", "name: own\n");
    let (own, _) = own.split_once("  auth:").unwrap();
    let ca = trust["data"]["ca.crt"].as_str().unwrap();
    let literal = format!("--from-literal=ca.crt={ca}");
    shop.kubectl().run(&["create", "configmap", "espalier-trust", &literal]).ok();
    let own = format!("{own}  auth:\n    token: {{secretRef: {{name: token}}}}\n");
    shop.apply(&own);
    is_forbidden(&shop, "pqissuer/own", "espalier-trust");
    shop.apply(&owner_says(release.namespace.name()));
    shop.wait("pqissuer/own", "condition=Ready");
    shop.apply(&certificate("own", "web.shop.svc", "kind: PQIssuer, name: own"));
    shop.wait("certificate/own", "condition=Ready");
    verifies(&shop, "own", &roots);

    // What else is in the release's namespace is not to be had by whoever writes an issuer, and no token is made that
    // is good for more than a server.
    let literal = "--from-literal=passphrase=correct horse";
    release.namespace.kubectl().run(&["create", "secret", "generic", "pass", literal]).ok();
    let (cluster_wide, auth) = told.split_once("  auth:").unwrap();
    let theirs = |called: &str, auth: &str| {
        let text = cluster_wide.replace(&name, "https://theirs.example.com");
        shop.apply(&format!(
            "{}  auth:\n{auth}\n",
            text.replace("name: espalier\n", &format!("name: {called}\n"))
        ));
    };
    theirs("thief", "    token: {secretRef: {name: pass}, key: passphrase}");
    is_forbidden(&shop, "pqclusterissuer/thief", "pass");
    theirs("other", "    serviceAccount: {name: espalier-server, audience: espalier}");
    is_forbidden(&shop, "pqclusterissuer/other", "espalier-server");
    theirs(
        "api",
        &auth
            .replace("audience: espalier", "audience: https://kubernetes.default.svc")
            .replace('\n', ""),
    );
    shop.wait("pqclusterissuer/api", "condition=Ready=False");
    let described = shop.kubectl().run(&["describe", "pqclusterissuer/api"]).ok();
    assert!(described.contains("which is the API server of Kubernetes"), "{described}");

    // Named by a value, a Secret beside the release is a credential.
    let literal = format!("--from-literal=token={right}");
    release.namespace.kubectl().run(&["create", "secret", "generic", "named", &literal]).ok();
    let by_token = cluster_wide.replace(&name, &here).replace("name: espalier\n", "name: named\n");
    shop.apply(&format!("{by_token}  auth:\n    token: {{secretRef: {{name: named}}}}\n"));
    is_forbidden(&shop, "pqclusterissuer/named", "named");
    let wider = format!("{release_values}  credentials: {{secrets: [named]}}\n");
    release.helm("upgrade", &wider).ok();
    shop.wait("pqclusterissuer/named", "condition=Ready");

    assert!(issuer.end(), "{}", fs::read_to_string(logs.path().join("issuer")).unwrap());
    assert!(server.end(), "{}", fs::read_to_string(logs.path().join("server")).unwrap());
    // Without `crds.keep: false` the kinds, and every issuer, outlive the release.
    release.uninstall();
    assert!(shop.get("pqissuer/own")["spec"].is_object());
    tried(
        "kubernetes",
        "charts/espalier",
        "server, issuer and kinds: a Certificate has its Secret",
    );
}
