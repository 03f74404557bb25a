//! A container of a pod, as a process: its command line and its volumes as the API server has them, below a folder of
//! the test. What a node does and this does not: users, limits, a network of its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};
use test_cluster::{Cluster, Namespace, beside_this_test, free_port};

use crate::workbench::Run;

/// The folder where a pod finds who it is.
const ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// A pod whose containers are run one by one; what it has mounted lives as long as it does.
pub(crate) struct Pod<'a> {
    cluster: &'a Cluster,
    namespace: &'a Namespace<'a>,
    spec: Value,
    root: PathBuf,
    /// The port that stands for 8440.
    pub(crate) port: u16,
    public: u16,
}

impl<'a> Pod<'a> {
    /// The pod of a template that the API server has, such as a StatefulSet's, below this folder, with a token of its
    /// service account where it mounts one.
    pub(crate) fn new(
        cluster: &'a Cluster,
        namespace: &'a Namespace<'a>,
        spec: &Value,
        root: &Path,
    ) -> Self {
        let (port, public) = (free_port(), free_port());
        let pod =
            Self { cluster, namespace, spec: spec.clone(), root: root.to_owned(), port, public };
        let account = pod.root.join(ACCOUNT);
        fs::create_dir_all(&account).unwrap();
        if pod.spec["automountServiceAccountToken"] == true {
            let name = pod.spec["serviceAccountName"].as_str().unwrap();
            let token = namespace.kubectl().run(&["create", "token", name]).ok();
            fs::write(account.join("token"), token.trim()).unwrap();
            fs::copy(cluster.ca_file(), account.join("ca.crt")).unwrap();
            fs::write(account.join("namespace"), namespace.name()).unwrap();
        }
        pod
    }

    /// Runs a container to its end.
    pub(crate) fn run(&self, container: &str) -> Run {
        let output = self.command(container).output().unwrap();
        let code = output.status.code().unwrap();
        Run { code, stdout: output.stdout, stderr: output.stderr }
    }

    /// Starts a container that goes on.
    pub(crate) fn start(&self, container: &str, log: &Path) -> Started {
        let log = fs::File::create(log).unwrap();
        let mut command = self.command(container);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Started(command.spawn().unwrap())
    }

    /// Where a path of the container is.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    fn command(&self, name: &str) -> Command {
        let all = ["initContainers", "containers"].into_iter();
        let mut all = all.flat_map(|kind| self.spec[kind].as_array().into_iter().flatten());
        let container = all.find(|container| container["name"] == name).unwrap();
        for mount in container["volumeMounts"].as_array().into_iter().flatten() {
            self.mount(mount);
        }
        let mut command = match container["command"][0].as_str() {
            // The image's own entry point.
            None => Command::new(env!("CARGO_BIN_EXE_espalier")),
            Some("espalier-issuer") => Command::new(beside_this_test("espalier-issuer")),
            Some(other) => panic!("{other}: a program that the image does not have"),
        };
        command.env_clear().current_dir(&self.root);
        let args = container["args"].as_array().unwrap();
        command.args(args.iter().map(|word| self.mapped(word.as_str().unwrap())));
        if self.spec["automountServiceAccountToken"] == true {
            let server = self.cluster.server().strip_prefix("https://").unwrap();
            let (host, port) = server.rsplit_once(':').unwrap();
            command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
            // Kubernetes' client library knows a pod's folder by one name alone, which is not there.
            command.env("KUBECONFIG", self.kubeconfig());
            command.env("POD_NAMESPACE", self.namespace.name()).env("POD_NAME", "issuer-0");
            if args[0] == "bootstrap" {
                command.arg(format!("--service-account={}", self.path(ACCOUNT).display()));
            }
        }
        command
    }

    /// What a pod's folder says, in the other form that Kubernetes knows.
    fn kubeconfig(&self) -> PathBuf {
        let account = self.path(ACCOUNT);
        let server = json!({
            "server": self.cluster.server(), "certificate-authority": account.join("ca.crt"),
        });
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "pod",
            "clusters": [{"name": "pod", "cluster": server}],
            "users": [{"name": "pod", "user": {"tokenFile": account.join("token")}}],
            "contexts": [{"name": "pod", "context": {"cluster": "pod", "user": "pod"}}],
        });
        let file = account.join("kubeconfig");
        fs::write(&file, config.to_string()).unwrap();
        file
    }

    /// Paths of the container are below the folder; its ports are on this machine alone.
    fn mapped(&self, text: &str) -> String {
        let root = self.root.display();
        text.replace("/etc/espalier", &format!("{root}/etc/espalier"))
            .replace("/var/lib/espalier", &format!("{root}/var/lib/espalier"))
            .replace("0.0.0.0:8440", &format!("127.0.0.1:{}", self.port))
            .replace("0.0.0.0:8480", &format!("127.0.0.1:{}", self.public))
            .replace("0.0.0.0:8081", &format!("127.0.0.1:{}", self.port))
    }

    fn mount(&self, mount: &Value) {
        let place = self.path(mount["mountPath"].as_str().unwrap());
        let volumes = self.spec["volumes"].as_array().into_iter().flatten();
        let volume = volumes.into_iter().find(|volume| volume["name"] == mount["name"]);
        // A claim of a StatefulSet is no volume of the template.
        let nothing = Value::Null;
        let volume = volume.unwrap_or(&nothing);
        if let Some(name) = volume["configMap"]["name"].as_str() {
            let data = self.namespace.get(&format!("configmap/{name}"))["data"].take();
            let files = data.as_object().unwrap().iter().map(|(file, text)| {
                (file.clone(), self.configured(file, text.as_str().unwrap()).into_bytes())
            });
            project(&place, files.collect());
        } else if let Some(name) = volume["secret"]["secretName"].as_str() {
            project(&place, self.secret(name, None));
        } else if let Some(sources) = volume["projected"]["sources"].as_array() {
            let files = sources.iter().flat_map(|source| {
                let secret = &source["secret"];
                self.secret(secret["name"].as_str().unwrap(), secret["items"].as_array())
            });
            project(&place, files.collect());
        } else {
            fs::create_dir_all(place).unwrap();
        }
    }

    /// The server's configuration knows the API server by what each pod has; the rest is as it stands there.
    fn configured(&self, file: &str, text: &str) -> String {
        let text = self.mapped(text);
        if file != "espalier.yaml" {
            return text;
        }
        let mut config: Value = serde_saphyr::from_str(&text).unwrap();
        for cluster in config["auth"]["kubernetes"].as_array_mut().into_iter().flatten() {
            cluster["api_server"] = self.cluster.server().into();
            cluster["ca_file"] = self.path(ACCOUNT).join("ca.crt").to_str().into();
            cluster["token_file"] = self.path(ACCOUNT).join("token").to_str().into();
        }
        config.to_string()
    }

    fn secret(&self, name: &str, items: Option<&Vec<Value>>) -> Vec<(String, Vec<u8>)> {
        let secret = self.namespace.get(&format!("secret/{name}"));
        let data = secret["data"].as_object().unwrap();
        let octets = |key: &str| Base64::decode_vec(data[key].as_str().unwrap()).unwrap();
        match items {
            None => data.keys().map(|key| (key.clone(), octets(key))).collect(),
            Some(items) => items
                .iter()
                .map(|item| {
                    let path = item["path"].as_str().unwrap().to_owned();
                    (path, octets(item["key"].as_str().unwrap()))
                })
                .collect(),
        }
    }
}

/// Files as a kubelet puts them: in a folder that a link names, so that all change at once, and readable to a group.
fn project(place: &Path, files: Vec<(String, Vec<u8>)>) {
    if place.join("..data").exists() {
        return;
    }
    let now = place.join("..now");
    for (name, octets) in files {
        let path = now.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
        let top = name.split('/').next().unwrap();
        let _ = symlink(format!("..data/{top}"), place.join(top)); // one folder has several files
    }
    symlink("..now", place.join("..data")).unwrap();
}

/// A container that runs; it is killed when the test ends otherwise.
pub(crate) struct Started(Child);

impl Started {
    /// Tells it to end, and whether it ended well.
    pub(crate) fn end(mut self) -> bool {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap().success()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
