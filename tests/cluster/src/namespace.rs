//! A namespace, and what tests do in one.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::kubectl::Kubectl;

/// How long something may take on a busy machine, in seconds.
const PATIENCE: u32 = 60;

/// A namespace of one test.
#[derive(Debug)]
pub struct Namespace<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Namespace<'a> {
    pub(crate) fn new(cluster: &'a Cluster, name: String) -> Self {
        Self { cluster, name }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// kubectl in this namespace, as the administrator.
    #[must_use]
    pub fn kubectl(&self) -> Kubectl {
        self.cluster.kubectl().with(&["--namespace", &self.name])
    }

    /// Applies manifests in YAML or JSON; unknown and doubled fields are refused.
    ///
    /// # Panics
    /// When the API server refuses one.
    #[track_caller]
    pub fn apply(&self, manifests: &str) {
        let words = ["apply", "--server-side", "--validate=strict", "-f", "-"];
        self.kubectl().run_on(&words, manifests).ok();
    }

    /// What the API server or a webhook says against manifests.
    ///
    /// # Panics
    /// When they are accepted.
    #[track_caller]
    #[must_use]
    pub fn refused(&self, manifests: &str) -> String {
        self.kubectl().run_on(&["create", "--validate=strict", "-f", "-"], manifests).refusal()
    }

    /// An object such as `secret/demo`.
    ///
    /// # Panics
    /// When it is not there.
    #[track_caller]
    #[must_use]
    pub fn get(&self, object: &str) -> Value {
        self.kubectl().run(&["get", object, "--output=json"]).json()
    }

    /// All objects of a kind, such as `certificaterequests`.
    ///
    /// # Panics
    /// When there is no such kind.
    #[track_caller]
    #[must_use]
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let mut all = self.kubectl().run(&["get", kind, "--output=json"]).json();
        all["items"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Waits until an object is as `kubectl wait --for` understands it: `condition=Ready`, `create`, `delete`,
    /// `jsonpath={.status.revision}=2`.
    ///
    /// # Panics
    /// After a minute, with what `kubectl describe` says of the object.
    #[track_caller]
    pub fn wait(&self, object: &str, state: &str) {
        let (state, timeout) = (format!("--for={state}"), format!("--timeout={PATIENCE}s"));
        let said = self.kubectl().run(&["wait", object, &state, &timeout]);
        if !said.text().contains("met") && !said.text().contains("deleted") {
            let described = self.kubectl().run(&["describe", object]).text();
            panic!("{object} is not {state} after {PATIENCE} s: {}\n{described}", said.text());
        }
    }
}
