//! A namespace, and what tests do in one.

use serde_json::Value;

use crate::cluster::Cluster;
use crate::kubectl::Kubectl;
use crate::waiting::{PATIENCE, found};

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
    /// After a minute, or at once where there is no such object, with what `kubectl describe` says of the object.
    #[track_caller]
    pub fn wait(&self, object: &str, state: &str) {
        let (state, timeout) = (format!("--for={state}"), format!("--timeout={PATIENCE:?}"));
        let said = self.kubectl().run(&["wait", object, &state, &timeout]);
        if !said.ended_well() {
            let described = |what: &str| self.kubectl().run(&["describe", what]).text();
            panic!(
                "{object} is not {state} after {PATIENCE:?}: {}\n{}\n{}\n{}",
                said.text(),
                described(object),
                described("certificaterequests"),
                self.cluster.last_lines("issuer/issuer.log")
            );
        }
    }

    /// A condition of an object; null where it has none of this type.
    ///
    /// # Panics
    /// When the object is not there.
    #[track_caller]
    #[must_use]
    pub fn condition(&self, object: &str, kind: &str) -> Value {
        let object = self.get(object);
        let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
    }

    /// The newest CertificateRequest of a Certificate, such as `certificaterequest/web-1`, once there is
    /// one.
    ///
    /// # Panics
    /// When there is none after a minute.
    #[track_caller]
    #[must_use]
    pub fn request_of(&self, certificate: &str) -> String {
        let revision = |request: &Value| {
            let annotations = &request["metadata"]["annotations"];
            let named = annotations["cert-manager.io/certificate-name"] == certificate;
            let revision = &annotations["cert-manager.io/certificate-revision"];
            named.then(|| revision.as_str()?.parse::<u32>().ok())?
        };
        let newest = || {
            let all = self.list("certificaterequests");
            let of_it = all.iter().filter(|request| revision(request).is_some());
            let newest = of_it.max_by_key(|request| revision(request))?;
            Some(format!("certificaterequest/{}", newest["metadata"]["name"].as_str()?))
        };
        found(newest, || self.kubectl().run(&["describe", "certificates"]).text())
    }

    /// Waits for an event about an object whose note has these words.
    ///
    /// # Panics
    /// When there is none after a minute.
    #[track_caller]
    pub fn event(&self, object: &str, words: &str) {
        let told = || self.notes(object).iter().any(|note| note.contains(words)).then_some(());
        found(told, || format!("no {words:?} in {:?}", self.notes(object)));
    }

    /// The notes of our events about an object, each as often as it was told.
    #[must_use]
    pub fn notes(&self, object: &str) -> Vec<String> {
        let name = object.split_once('/').map_or(object, |(_, name)| name);
        let events = self.list("events.events.k8s.io");
        let ours = |event: &&Value| {
            event["regarding"]["name"] == name
                && event["reportingController"] == "espalier.dev/issuer"
        };
        let told = |event: &Value| {
            let often = event["series"]["count"].as_u64().unwrap_or(1);
            let note = event["note"].as_str().unwrap_or_default().to_owned();
            std::iter::repeat_n(note, usize::try_from(often).unwrap())
        };
        events.iter().filter(ours).flat_map(told).collect()
    }
}
