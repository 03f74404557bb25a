//! The chart installed into a real API server, and what users of it do.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use test_cluster::{Cluster, Namespace};

use crate::files::chart;
use crate::helm::said;
use crate::pod::Pod;
use crate::workbench::Workbench;

/// The chart as a release in a namespace.
pub(crate) struct Release<'a> {
    cluster: &'a Cluster,
    pub(crate) namespace: Namespace<'a>,
    values: TempDir,
}

impl<'a> Release<'a> {
    /// Installs it with these values.
    pub(crate) fn install(cluster: &'a Cluster, namespace: Namespace<'a>, values: &str) -> Self {
        let release = Self { cluster, namespace, values: tempfile::tempdir().unwrap() };
        release.helm("install", values).ok();
        release
    }

    pub(crate) fn helm(&self, verb: &str, values: &str) -> crate::helm::Said {
        let known = self.cluster.kubectl().run(&["get", "--raw", OIDC]).json();
        let file = self.values.path().join("values.yaml");
        fs::write(&file, values).unwrap();
        let issuer = format!("cluster.serviceAccountIssuer={}", known["issuer"].as_str().unwrap());
        let words = [
            verb,
            "espalier",
            ".",
            "--namespace",
            self.namespace.name(),
            "--set",
            &issuer,
            "--values",
            file.to_str().unwrap(),
        ];
        said(self.cluster.helm().current_dir(chart()), &words)
    }

    /// What Helm tells people.
    pub(crate) fn notes(&self) -> String {
        let words = ["get", "notes", "espalier", "--namespace", self.namespace.name()];
        said(&mut self.cluster.helm(), &words).ok()
    }

    /// Removes it.
    pub(crate) fn uninstall(&self) {
        let words = ["uninstall", "espalier", "--namespace", self.namespace.name()];
        said(&mut self.cluster.helm(), &words).ok();
    }

    /// The pod of an object's template, below this folder.
    pub(crate) fn pod(&self, object: &str, root: &Path) -> Pod<'_> {
        let object = self.namespace.get(object);
        Pod::new(self.cluster, &self.namespace, &object["spec"]["template"]["spec"], root)
    }

    /// The pod that `helm test` starts.
    fn test_pod(&self, root: &Path) -> Value {
        let values = self.values.path().join("values.yaml");
        let words = [
            "template",
            "espalier",
            ".",
            "--namespace",
            self.namespace.name(),
            "--show-only",
            "templates/tests/ready.yaml",
            "--values",
            values.to_str().unwrap(),
        ];
        let text = said(self.cluster.helm().current_dir(chart()), &words).ok();
        let made = ["create", "--dry-run=server", "--output=json", "-f", "-"];
        let pod = self.namespace.kubectl().run_on(&made, &text).json();
        assert!(root.exists());
        pod["spec"].clone()
    }

    /// Pods of every namespace can mount the roots that the release has published.
    pub(crate) fn roots_are_the_clusters(&self) {
        let bundle = format!("clustertrustbundle/{}.espalier-trust", self.namespace.name());
        let bundle = self.namespace.get(&bundle);
        let roots = self.namespace.get("configmap/espalier-trust")["data"]["roots.crt"].clone();
        assert_eq!(bundle["spec"]["trustBundle"], roots);
        assert_eq!(bundle["spec"]["signerName"], Value::Null);
    }

    /// A token of a service account, for the server of the release.
    pub(crate) fn token(&self, account: &str, audience: &str) -> String {
        let words = ["create", "token", account, "--audience", audience];
        self.namespace.kubectl().run(&words).ok().trim().to_owned()
    }

    /// No object that others may read has a key in it.
    pub(crate) fn no_key_is_told(&self, words: &[&str]) {
        for kind in ["configmaps", "events", "statefulsets", "deployments", "jobs"] {
            let all = self.namespace.list(kind);
            assert!(!Value::from(all).to_string().contains("PRIVATE KEY"), "{kind}");
        }
        assert!(words.iter().all(|word| !word.contains("PRIVATE KEY")), "printed");
    }
}

/// The kinds are the whole cluster's, and other releases are in it.
pub(crate) const NO_KINDS: &str = "crds: {enabled: false}";
const OIDC: &str = "/.well-known/openid-configuration";

/// Asks a server of the release for certificates, as service accounts of the cluster.
pub(crate) fn issues(release: &Release<'_>, pod: &Pod<'_>, trust: &str) {
    let bench = Workbench::new();
    bench.write("ca.crt", trust);
    let url = format!("https://localhost:{}", pod.port);
    let ask = |token: &str, line: &str| {
        bench.write("token", token);
        let common = format!("--server {url} --server-ca ca.crt --token-file token");
        bench.run(&format!("issue {line} --algorithm p256 --key-out key.pem --force --out leaf.pem --chain {common}"))
    };
    let requester = release.token("espalier-requester", "espalier");
    let right = "--authority issuing --profile tls-server --dns web.shop.svc";
    let issued = ask(&requester, right);
    assert_eq!(issued.code, 0, "{}", issued.stderr());
    let trusted = release.namespace.get("configmap/espalier-trust");
    bench.write("roots.crt", trusted["data"]["roots.crt"].as_str().unwrap());
    bench.run("verify --trust roots.crt --policy hybrid leaf.pem --hostname web.shop.svc").done();
    bench.run("verify --trust roots.crt leaf.pem --hostname other.svc").fails(1, &["other.svc"]);
    // What the release grants ends at its names, its profiles and its authorities, its audience and its account.
    for (line, words) in [
        (right.replace("web.shop.svc", "www.example.com"), ["www.example.com", "DNS:**.svc"]),
        (right.replace("tls-server", "code-signing"), ["profile", "code-signing"]),
        (right.replace("issuing", "api-pq"), ["authority", "api-pq"]),
    ] {
        let refused = ask(&requester, &line);
        assert_ne!(refused.code, 0, "{line}");
        for word in words {
            assert!(refused.stderr().contains(word), "{line}: {}", refused.stderr());
        }
    }
    ask(&release.token("espalier-requester", "other"), right).fails(2, &["Nobody is known"]);
    ask(&release.token("default", "espalier"), right).fails(1, &["default"]);
}

/// `helm test`'s pod finds the server ready, and one with another trust does not.
pub(crate) fn is_ready(release: &Release<'_>, server: &Pod<'_>) {
    let root = tempfile::tempdir().unwrap();
    let mut spec = release.test_pod(root.path());
    let named = spec["containers"][0]["args"][1].as_str().unwrap().to_owned();
    let host = format!("espalier-server.{}.svc:8440", release.namespace.name());
    assert_eq!(named, format!("--server=https://{host}"));
    // The name of the Service leads nowhere here.
    spec["containers"][0]["args"][1] = format!("--server=https://localhost:{}", server.port).into();
    let pod = Pod::new(release.cluster, &release.namespace, &spec, root.path());
    let run = pod.run("ready");
    assert_eq!(run.code, 0, "{}{}", run.stdout(), run.stderr());
    let root = tempfile::tempdir().unwrap();
    spec["containers"][0]["args"][3] = "--wait-seconds=0".into();
    let other = Pod::new(release.cluster, &release.namespace, &spec, root.path());
    let roots = release.namespace.get("configmap/espalier-trust")["data"]["roots.crt"].clone();
    let trust = other.path("/etc/espalier/trust");
    fs::create_dir_all(trust.join("..data")).unwrap();
    fs::write(trust.join("ca.crt"), roots.as_str().unwrap()).unwrap();
    other.run("ready").fails(3, &["TLS failed"]);
}
