//! The program `espalier-issuer`, run against a cluster as a pod would run it: by a service account
//! of its own, with the rights that it needs and no others.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use interop::espalier::beside_this_test;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::tied::Tied;

/// Its namespace, in which the credentials of cluster-wide issuers are as well.
pub const SYSTEM: &str = "espalier-system";
/// What the server needs.
const TOKEN_REVIEW: &str = include_str!("token-review.yaml");
/// Where the issuer program's rights are: the chart that gives them to it.
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/espalier");
/// What it waits for happens within seconds here.
const SHORT_WAITS: &str = "\
controllers: [certificate-requests, certificate-signing-requests]
leader_election: {lease_duration_seconds: 8, renew_deadline_seconds: 6, retry_period_seconds: 1}
issuer_check_interval_seconds: 5
retry: {longest_backoff_seconds: 5}
policies: {trust_bundle: {config_map: {namespace: espalier-system, name: roots, key: ca.crt}}, trust_wait_seconds: 1}
log: {format: json, level: \"info,issuer=debug\"}
";
/// How long tokens made by hand last: longer than any run of tests.
const DURATION: &str = "--duration=24h";

/// `espalier-issuer run`, running or not.
#[derive(Debug)]
pub struct Controllers {
    folder: PathBuf,
    program: PathBuf,
    port: u16,
    running: Option<Tied>,
}

impl Controllers {
    /// Installs the definitions of our kinds, the namespace and the rights, and writes the program's
    /// configuration and credential into a folder.
    ///
    /// # Panics
    /// When the API server refuses one of them, or the program is not built.
    #[must_use]
    pub fn install(cluster: &Cluster, folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let program = beside_this_test("espalier-issuer");
        let printed = Command::new(&program).arg("crds").output().unwrap();
        assert!(printed.status.success(), "espalier-issuer crds: {printed:?}");
        let definitions = String::from_utf8(printed.stdout).unwrap();
        let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
        cluster.kubectl().run_on(&apply, &definitions).ok();
        for plural in ["pqissuers", "pqclusterissuers", "pqpolicies"] {
            let definition = format!("crd/{plural}.espalier.dev");
            cluster.kubectl().run(&["wait", &definition, "--for=condition=Established"]).ok();
        }
        cluster.kubectl().run(&["create", "namespace", SYSTEM]).ok();
        cluster.kubectl().run_on(&apply, TOKEN_REVIEW).ok();
        cluster.kubectl().run_on(&apply, &rights_by_the_chart(cluster)).ok();
        cluster.kubectl().run_on(&apply, &right_to_the_bundle()).ok();
        let port = free_port();
        let kubeconfig = kubeconfig(cluster, &token(cluster, "espalier-issuer"));
        let controllers = Self { folder: folder.to_owned(), program, port, running: None };
        fs::write(controllers.kubeconfig(), kubeconfig).unwrap();
        controllers.configure(SHORT_WAITS);
        controllers
    }

    /// Another replica, not started yet.
    ///
    /// # Panics
    /// When its files can't be written.
    #[must_use]
    pub fn another(&self) -> Self {
        let folder = self.folder.with_file_name("another-issuer");
        fs::create_dir_all(&folder).unwrap();
        let program = self.program.clone();
        let other = Self { folder, program, port: free_port(), running: None };
        fs::copy(self.kubeconfig(), other.kubeconfig()).unwrap();
        other.configure(SHORT_WAITS);
        other
    }

    /// Writes its configuration: where it is, and this.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn configure(&self, more: &str) {
        let config = format!(
            "version: 1\nlisten: 127.0.0.1:{}\ncluster_resource_namespace: {SYSTEM}\n{more}",
            self.port
        );
        fs::write(self.folder.join("issuer.yaml"), config).unwrap();
    }

    /// Has it ask for the cluster here from its next start on, instead of at the API server's own
    /// address.
    ///
    /// # Panics
    /// When its kubeconfig can't be changed.
    pub fn asks_at(&self, url: &str) {
        let path = self.folder.join("kubeconfig");
        let mut kubeconfig: Value =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        kubeconfig["clusters"][0]["cluster"]["server"] = url.into();
        fs::write(path, kubeconfig.to_string()).unwrap();
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it runs already.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with these variables of the environment as well.
    ///
    /// # Panics
    /// When it runs already.
    pub fn start_with(&mut self, variables: &[(&str, &str)]) {
        assert!(self.running.is_none(), "it runs already");
        let mut command = Command::new(&self.program);
        command.envs(variables.iter().copied());
        command.args(["run", "--config", "issuer.yaml"]).current_dir(&self.folder);
        command.env("KUBECONFIG", self.kubeconfig());
        self.running = Some(Tied::start(&command, &self.folder, "issuer"));
    }

    /// Starts it again where it ended by itself, as a kubelet does: a leader that could not renew its lease
    /// in time ends.
    pub fn start_if_ended(&mut self) {
        if self.running.as_mut().is_some_and(Tied::has_ended) {
            self.running = None;
            self.start();
        }
    }

    /// Ends it by a signal, and waits for its end.
    pub fn end(&mut self, signal: Signal) {
        if let Some(running) = self.running.take() {
            running.end(signal);
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it does not run, or still runs a minute later.
    pub fn ends(&mut self) -> ExitStatus {
        self.running.take().expect("it was started before").ends()
    }

    /// The running program.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn running(&self) -> &Tied {
        self.running.as_ref().expect("it was started before")
    }

    /// The kubeconfig by which it asks the API server.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Status and body of what it serves at a path, such as `/readyz`.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn answers(&self, path: &str) -> (u16, String) {
        self.asked(path).expect("it answers")
    }

    /// The same, or why there is no answer: it may start, or end.
    ///
    /// # Errors
    /// What the system says of the connection.
    ///
    /// # Panics
    /// When the answer is none of HTTP.
    pub fn asked(&self, path: &str) -> io::Result<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: issuer\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok((head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned()))
    }

    /// Where it serves its metrics.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The service account of the issuer program, and what it may do.
fn rights_by_the_chart(cluster: &Cluster) -> String {
    let mut helm = cluster.helm();
    helm.args([
        "template",
        "espalier",
        CHART,
        "--namespace",
        SYSTEM,
        "--set",
        "server.enabled=false",
        "--set",
        "issuer.credentials.secrets={token,holder},issuer.credentials.serviceAccounts={requester}",
        "--set",
        "issuer.signingRequests.enabled=true",
    ]);
    let rendered = helm.args(["--show-only", "templates/issuer/access.yaml"]).output().unwrap();
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    String::from_utf8(rendered.stdout).unwrap()
}

/// The right to read the ConfigMap of published roots.
fn right_to_the_bundle() -> String {
    let metadata = json!({ "name": "roots", "namespace": SYSTEM });
    let rule = json!({ "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["roots"], "verbs": ["get"] });
    let group = "rbac.authorization.k8s.io";
    let role = json!({ "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": [rule] });
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "roots" },
        "subjects": [{ "kind": "ServiceAccount", "name": "espalier-issuer", "namespace": SYSTEM }],
    });
    format!("{role}\n---\n{binding}\n")
}

/// What the owner of a namespace gives the issuer program there: each Secret, ConfigMap and service
/// account that an issuer of the namespace names, as tests are the only authors of issuers.
pub(crate) fn rights_by_the_owner() -> String {
    let rule = |resources: &[&str], verb: &str| json!({ "apiGroups": [""], "resources": resources, "verbs": [verb] });
    let group = "rbac.authorization.k8s.io";
    let metadata = json!({ "name": "espalier-issuer" });
    let role = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata,
        "rules": [rule(&["secrets", "configmaps"], "get"), rule(&["serviceaccounts/token"], "create")],
    });
    let account =
        json!({ "kind": "ServiceAccount", "name": "espalier-issuer", "namespace": SYSTEM });
    let binding = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
        "roleRef": { "apiGroup": group, "kind": "Role", "name": "espalier-issuer" },
        "subjects": [account],
    });
    format!("{role}\n---\n{binding}\n")
}

/// A token of a service account in [`SYSTEM`] for the API server itself.
pub(crate) fn token(cluster: &Cluster, account: &str) -> String {
    let words = ["--namespace", SYSTEM, "create", "token", account, DURATION];
    cluster.kubectl().run(&words).ok().trim().to_owned()
}

/// A kubeconfig, in JSON, which is YAML.
fn kubeconfig(cluster: &Cluster, token: &str) -> String {
    let here = json!([{ "name": "here", "cluster": {
        "server": cluster.server(), "certificate-authority": cluster.ca_file(),
    } }]);
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "here", "clusters": here,
        "users": [{ "name": "issuer", "user": { "token": token } }],
        "contexts": [{ "name": "here", "context": { "cluster": "here", "user": "issuer" } }],
    })
    .to_string()
}

/// A port that nobody listens on now.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
