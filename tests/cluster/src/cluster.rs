//! The process, and where it is.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use interop::peers::{self, Installed, Peer};
use rustix::process::Pid;
use serde::Deserialize;
use tempfile::TempDir;

use crate::kubectl::Kubectl;
use crate::namespace::Namespace;
use crate::tied::{last_lines, processor_time};

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Signer names that cert-manager's approver approves besides its own; by default those of our issuers.
    pub approved: Vec<String>,
    /// More flags of kube-apiserver.
    pub api_server: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        let ours = ["pqissuers.espalier.dev/*", "pqclusterissuers.espalier.dev/*"];
        Self { approved: ours.map(str::to_owned).to_vec(), api_server: Vec::new() }
    }
}

/// A running control plane.
#[derive(Debug)]
pub struct Cluster {
    programs: Installed,
    options: Options,
    folder: TempDir,
    running: Option<Running>,
    namespaces: AtomicUsize,
}

/// What it prints when it is ready, as far as tests need it.
#[derive(Debug, Deserialize)]
struct Ready {
    server: String,
    kubeconfig: PathBuf,
}

#[derive(Debug)]
struct Running {
    process: Child,
    /// It ends when this is closed.
    input: Option<ChildStdin>,
    ready: Ready,
}

impl Cluster {
    /// The one that all tests of this binary share; it is started by the first that asks.
    ///
    /// Without the program, `None`, and the reason was told.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Options::default())).as_ref()
    }

    /// Starts one of its own, for a test that kills it or wants other flags. It takes 6 to 9 seconds.
    ///
    /// # Panics
    /// When it does not start, with the end of its log; when `CI=true` and the program is missing.
    #[must_use]
    pub fn start(options: Options) -> Option<Self> {
        let Peer::Present(programs) = peers::peer("kubernetes") else { return None };
        let folder = tempfile::Builder::new().prefix("espalier-cluster-").tempdir().unwrap();
        let namespaces = AtomicUsize::new(0);
        let mut cluster = Self { programs, options, folder, running: None, namespaces };
        cluster.start_again();
        Some(cluster)
    }

    /// Starts it once more where it was, after [`Self::kill`]: at the same address, with the objects that it had.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        // Another build of it, such as `cargo xtask cluster build --ml-dsa` prints.
        let mut command = match std::env::var_os("ESPALIER_TEST_CLUSTER") {
            Some(program) => Command::new(program),
            None => self.programs.command("cluster"),
        };
        // The value that all tests share is never dropped, so it is the program that removes the folder.
        command.args(["up", "--temporary", "--dir"]).arg(self.folder.path());
        command.arg("--approve").arg(self.options.approved.join(","));
        command.arg("--").args(&self.options.api_server);
        let errors = self.folder.path().join("start.log");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(errors).unwrap());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            panic!(
                "the cluster did not start: {line}\n{}\n{}",
                self.file("start.log"),
                self.end_of_log()
            );
        };
        self.running = Some(Running { process, input, ready });
    }

    /// Kills it where it stands, API server, etcd and all.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.process.kill().unwrap();
            running.process.wait().unwrap();
        }
    }

    /// The address of the API server, such as `https://127.0.0.1:37001`.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.ready().server
    }

    /// The kubeconfig of the administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.ready().kubeconfig
    }

    /// Whether the Go that it was built by can check signatures of ML-DSA: 1.27 and newer can.
    ///
    /// # Panics
    /// When the API server does not tell its version.
    #[must_use]
    pub fn knows_ml_dsa(&self) -> bool {
        let version = self.kubectl().run(&["get", "--raw", "/version"]).json();
        let go = version["goVersion"].as_str().expect("the API server tells its Go");
        let minor = go.strip_prefix("go1.").and_then(|rest| rest.split('.').next());
        minor.and_then(|minor| minor.parse::<u32>().ok()).expect("a release of Go 1") >= 27
    }

    /// The certificate by which the API server and its webhooks are known, in PEM.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// Its folder, which goes when it ends; what belongs to it may be kept there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The processor time that all of it has used so far; none while it does not run.
    #[must_use]
    pub fn processor_time(&self) -> Duration {
        self.process().map(processor_time).unwrap_or_default()
    }

    /// The running process; none while it does not run.
    #[must_use]
    pub fn process(&self) -> Option<Pid> {
        self.running.as_ref().map(|one| Pid::from_child(&one.process))
    }

    fn ready(&self) -> &Ready {
        &self.running.as_ref().expect("a killed cluster has no address").ready
    }

    /// Makes a namespace whose name begins like this and is nobody else's.
    ///
    /// # Panics
    /// When the API server refuses it.
    #[must_use]
    pub fn namespace(&self, start: &str) -> Namespace<'_> {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let name = format!("{start}-{number}");
        self.kubectl().run(&["create", "namespace", &name]).ok();
        Namespace::new(self, name)
    }

    /// A namespace that is there already.
    #[must_use]
    pub fn namespaced(&self, name: &str) -> Namespace<'_> {
        Namespace::new(self, name.to_owned())
    }

    /// kubectl, as the administrator of this cluster.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        Kubectl::new(self.tool("kubectl"))
    }

    /// helm, as the administrator of this cluster.
    #[must_use]
    pub fn helm(&self) -> Command {
        let mut helm = self.tool("helm");
        for folder in ["CACHE", "CONFIG", "DATA"] {
            helm.env(format!("HELM_{folder}_HOME"), self.folder.path().join("helm").join(folder));
        }
        helm
    }

    fn tool(&self, name: &str) -> Command {
        let mut tool = self.programs.command(name);
        tool.env("KUBECONFIG", self.kubeconfig());
        // Discovery is cached by host and port, which another cluster may have had before.
        tool.env("KUBECACHEDIR", self.folder.path().join("kubecache"));
        tool
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// What its components logged last.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        self.last_lines("cluster.log")
    }

    /// The last lines of a file in its folder.
    pub fn last_lines(&self, name: &str) -> String {
        last_lines(&self.file(name), 20)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.input.take());
            let _ = running.process.wait(); // it has ended, or never will for anybody
        }
    }
}
