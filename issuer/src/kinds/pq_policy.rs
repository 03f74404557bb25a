//! `PQPolicy`: what certificates in the chosen namespaces shall be.

// `KubeSchema` repeats each type inside of a function, where `pub` reaches nobody.
#![allow(unreachable_pub)]
// Columns are arguments of one attribute.
#![allow(clippy::duplicated_attributes)]

use jiff::Timestamp;
use kube::core::Selector;
use kube::{CustomResource, KubeSchema};
use policy::{Canary, Enforcement, Mode, Refusal, Rollback, Rules, SizeBudget, Written};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::selector::LabelSelector;
use crate::condition::Condition;

/// What certificates in the chosen namespaces shall be, since when, and how they get there.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "espalier.dev",
    version = "v1alpha1",
    kind = "PQPolicy",
    plural = "pqpolicies",
    shortname = "pqp",
    status = "PolicyStatus",
    category = "cert-manager",
    derive = "PartialEq",
    doc = "Moves the certificates of namespaces to post-quantum algorithms, and back.",
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.mode"),
    printcolumn(name = "Enforcement", type_ = "string", json_path = ".spec.enforcement"),
    printcolumn(name = "Active", type_ = "boolean", json_path = ".spec.active"),
    printcolumn(name = "Certificates", type_ = "integer", json_path = ".status.inScope"),
    printcolumn(name = "Adopted %", type_ = "integer", json_path = ".status.adoptedPercent"),
    printcolumn(
        name = "Progressing",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Progressing")].status"#
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Next", type_ = "string", json_path = ".status.next", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.mode) || !has(self.hybrid) || self.hybrid == (self.mode in ['Catalyst', 'Composite', 'Dual'])").message("mode: allowed are Catalyst, Composite and Dual beside hybrid: true, Classical and PostQuantum beside hybrid: false"),
    validation = Rule::new("self.rollback != 'disabled' || has(self.deadline)").message("rollback: disabled is allowed beside a deadline alone, until which there is a way back"),
    validation = Rule::new("!has(self.mode) || self.mode != 'Classical' || !has(self.deadline)").message("deadline: not allowed beside mode Classical, which it would refuse")
)]
pub struct PQPolicySpec {
    /// The algorithms that are allowed, by names of any age: dilithium3 is ML-DSA-65, kyber768 is ML-KEM-768.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 64)))]
    pub algorithms: Vec<String>,
    /// Whether a classical signature stays beside the post-quantum one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hybrid: Option<bool>,
    /// What signatures are made of; without it Composite where it is hybrid, PostQuantum where not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Whether there is a way back to classical certificates: always, or until the deadline.
    #[serde(default)]
    pub rollback: Rollback,
    /// What follows: Audit changes nothing and counts, Warn chooses who signs, Enforce also refuses.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// False brings everything back to classical certificates, now.
    #[serde(default = "yes")]
    pub active: bool,
    /// Who goes first; everybody at once, unless it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanarySpec>,
    /// From here on nobody is left out, and classical certificates are refused under Enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), extend("format" = "date-time"))]
    pub deadline: Option<String>,
    /// How large things may become.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_budget: Option<SizeBudget>,
    /// What must be able to verify, such as go, java21, openssl3.5: a mode that one of them can't verify is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 32)))]
    pub peers: Vec<String>,
    /// The namespaces; all, unless it is told. Those of the cluster itself (kube-system, kube-public, kube-node-lease),
    /// of cert-manager and of Espalier are never among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// The objects within them; all, unless it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_selector: Option<LabelSelector>,
}

/// A policy as the API server gives it. One that this program can't read, as it may be where an older release runs
/// again, must not hide the others: they are read together.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "espalier.dev",
    version = "v1alpha1",
    kind = "PQPolicy",
    plural = "pqpolicies",
    root = "StoredPolicy",
    status = "Value",
    schema = "disabled",
    derive = "PartialEq"
)]
#[serde(transparent)]
pub struct StoredPolicySpec(pub Value);

impl StoredPolicy {
    /// What its spec says.
    ///
    /// # Errors
    /// [`Refusal`] for one that this program does not know.
    pub fn read_spec(&self) -> Result<PQPolicySpec, Refusal> {
        let read = serde_json::from_value(self.spec.0.clone());
        read.map_err(|error| {
            Refusal::new("spec", &error.to_string(), "a policy that this release knows")
        })
    }

    /// The selectors of namespaces and of objects, whatever the rest of its spec says. One that can't be read selects all.
    #[must_use]
    pub fn selectors(&self) -> [Selector; 2] {
        ["namespaceSelector", "objectSelector"].map(|field| {
            let found = self.spec.0.get(field).cloned();
            let read = found.and_then(|found| serde_json::from_value::<LabelSelector>(found).ok());
            read.map(|selector| selector.selector()).unwrap_or_default()
        })
    }

    /// Its status; nothing where there is none, or none that this program can read.
    #[must_use]
    pub fn read_status(&self) -> PolicyStatus {
        let status = self.status.clone();
        status.and_then(|status| serde_json::from_value(status).ok()).unwrap_or_default()
    }
}

/// Who goes first: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.percent) != has(self.label)").message("canary: allowed is exactly one of percent and label")
)]
pub struct CanarySpec {
    /// A share of the objects, by a hash of namespace and name that never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u32>,
    /// Those with a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<CanaryLabel>,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CanaryLabel {
    /// Its key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// Its value; any, unless it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,
}

/// What was seen of a policy last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStatus {
    /// `Ready`: it can be read, and every issuer in its scope serves it. `Progressing`: certificates move. `Degraded`:
    /// some failed, or can't follow it. `RolledBack`: it went back by itself, or was told to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The generation of the spec that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The mode that it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The algorithms that it means, by the names of today.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algorithms: Vec<String>,
    /// Certificates that it decides for; of an audit, those that it selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 4_294_967_295_i64))]
    pub in_scope: Option<u32>,
    /// Percent of them that have what the policy wants in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 100))]
    pub adopted_percent: Option<u8>,
    /// How many of them there are of each mode and algorithm.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["mode", "algorithm"]))]
    pub modes: Vec<ModeCount>,
    /// Older policies that decide for certificates which this one selects as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["policy"]))]
    pub overruled_by: Vec<Overruling>,
    /// Certificates that have not what the policy wants in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_compliant: Option<NotCompliant>,
    /// Since when roots are published under which the policy may move certificates, or bring them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["fingerprint"]))]
    pub roots: Vec<PublishedRoot>,
    /// What happens next, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When it became what it is now, by a change of its spec or by going back: failures count from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<Timestamp>,
    /// When it went back by itself the last time, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_rollback: Option<LastRollback>,
}

/// Certificates of a mode and an algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModeCount {
    /// The mode.
    pub mode: Mode,
    /// By what they are signed, such as `MLDSA65-ECDSA-P256-SHA512`.
    pub algorithm: String,
    /// How many.
    #[schemars(with = "i64", range(min = 0, max = 4_294_967_295_i64))]
    pub certificates: u32,
}

/// A root that is published.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublishedRoot {
    /// SHA-256 of its certificate, in hexadecimal.
    pub fingerprint: String,
    /// Since when.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// Another policy that decides instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overruling {
    /// Its name.
    pub policy: String,
    /// For how many certificates.
    #[schemars(with = "i64", range(min = 0, max = 4_294_967_295_i64))]
    pub certificates: u32,
}

/// Certificates that have not what a policy wants in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotCompliant {
    /// How many.
    #[schemars(with = "i64", range(min = 0, max = 4_294_967_295_i64))]
    pub certificates: u32,
    /// The first ten, each by namespace and name, and why.
    pub first: Vec<Why>,
}

/// Why a certificate is not what a policy wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Why {
    /// Its namespace and name.
    pub certificate: String,
    /// Why.
    pub why: String,
}

/// A rollback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRollback {
    /// When.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub time: Timestamp,
    /// The generation of the spec that failed: another one is tried anew.
    pub generation: i64,
    /// Why.
    pub why: String,
}

impl PQPolicySpec {
    /// What it means.
    ///
    /// # Errors
    /// [`Refusal`] for the first field that is wrong by itself or against another.
    pub fn rules(&self) -> Result<Rules, Refusal> {
        Rules::read(Written {
            algorithms: self.algorithms.clone(),
            hybrid: self.hybrid,
            mode: self.mode,
            rollback: self.rollback,
            enforcement: self.enforcement,
            active: self.active,
            canary: self.canary.as_ref().map_or(Ok(Canary::EVERYBODY), CanarySpec::canary)?,
            deadline: self.deadline.as_deref().map(deadline).transpose()?,
            size_budget: self.size_budget.unwrap_or_default(),
            peers: self.peers.clone(),
        })
    }
}

impl CanarySpec {
    fn canary(&self) -> Result<Canary, Refusal> {
        match (self.percent, &self.label) {
            (Some(percent), None) => Canary::percent(percent),
            (None, Some(CanaryLabel { key, value })) => Canary::labelled(key, value.as_deref()),
            (both, _) => {
                let found = if both.is_some() { "both" } else { "neither" };
                Err(Refusal::of("canary", found, "exactly one of percent and label"))
            }
        }
    }
}

/// A time is kept as text: one that can't be read must not hide all other policies.
fn deadline(text: &str) -> Result<Timestamp, Refusal> {
    text.parse().map_err(|_| Refusal::new("deadline", text, "a time such as 2029-12-31T00:00:00Z"))
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use kube::CustomResourceExt as _;
    use serde_json::json;

    use super::*;

    fn read(spec: Value) -> PQPolicySpec {
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_example_of_the_talks_is_a_policy() {
        let spec = read(json!({
            "algorithms": ["kyber768", "dilithium3"], "hybrid": true, "rollback": "enabled",
        }));
        let rules = spec.rules().unwrap();
        assert_eq!(rules.mode(), Mode::Composite);
        assert_eq!(rules.algorithms().names(), ["ML-KEM-768", "ML-DSA-65"]);
        assert!(rules.is_active());
    }

    #[test]
    fn a_canary_is_a_share_or_a_label() {
        let with =
            |canary: Value| read(json!({"algorithms": ["dilithium3"], "canary": canary})).rules();
        assert_eq!(*with(json!({"percent": 10})).unwrap().canary(), Canary::percent(10).unwrap());
        assert!(with(json!({"label": {"key": "tier"}})).is_ok());
        for (canary, words) in [
            (json!({}), "canary: found neither"),
            (json!({"percent": 1, "label": {"key": "tier"}}), "canary: found both"),
            (json!({"percent": 101}), "canary.percent: found 101"),
        ] {
            let refusal = with(canary).unwrap_err().to_string();
            assert!(refusal.starts_with(words), "{refusal}");
        }
    }

    #[test]
    fn a_policy_of_another_release_is_told_and_hides_nothing() {
        let stored = |spec: Value, status: Value| -> StoredPolicy {
            serde_json::from_value(json!({
                "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
                "metadata": {"name": "later"}, "spec": spec, "status": status,
            }))
            .unwrap()
        };
        let selector = json!({"matchLabels": {"team": "shop"}});
        let later = json!({
            "algorithms": ["dilithium3"], "mode": "Triple", "namespaceSelector": selector,
            "objectSelector": {"unheard": "of", "matchExpressions": 7},
        });
        let later = stored(later, json!({"conditions": "later"}));
        let refusal = later.read_spec().unwrap_err().to_string();
        assert!(
            refusal.contains("Triple") && refusal.ends_with("a policy that this release knows")
        );
        let [namespaces, objects] = later.selectors();
        assert!(!namespaces.selects_all() && objects.selects_all());
        assert_eq!(later.read_status(), PolicyStatus::default());
        let known = stored(json!({"algorithms": ["dilithium3"]}), json!({"next": "nothing"}));
        assert!(known.read_spec().is_ok());
        assert_eq!(known.read_status().next.as_deref(), Some("nothing"));
    }

    #[test]
    fn a_deadline_is_a_time_or_told() {
        let with = |deadline: &str| {
            read(json!({"algorithms": ["dilithium3"], "deadline": deadline})).rules()
        };
        let deadline = with("2029-12-31T00:00:00Z").unwrap().deadline();
        assert_eq!(deadline.unwrap().to_string(), "2029-12-31T00:00:00Z");
        let refusal = with("2029-12-31").unwrap_err().to_string();
        assert!(
            refusal.starts_with("deadline: found \"2029-12-31\", allowed: a time"),
            "{refusal}"
        );
    }

    #[test]
    fn the_schema_is_structural_and_has_the_rules() {
        let text = serde_json::to_string(&PQPolicy::crd()).unwrap();
        for rule in [
            "mode: allowed are",
            "rollback: disabled",
            "deadline: not allowed",
            "exactly one of percent",
        ] {
            assert!(text.contains(rule), "{rule}");
        }
        assert!(!text.contains("$ref"), "{text}");
    }
}
