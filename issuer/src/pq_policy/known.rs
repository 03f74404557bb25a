//! Policies as they were read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use kube::ResourceExt as _;
use kube::core::{Selector, SelectorExt as _};
use policy::{Enforcement, Read, Seniority, governing};

use super::bundle::instant;
use super::plan::is_rolled_back;
use crate::context::Context;
use crate::kinds::{PQPolicySpec, StoredPolicy};

/// Namespaces in which no policy decides: what runs the cluster must not depend on what a policy does.
pub const EXCLUDED: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "cert-manager"];

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// A policy as it was read.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its place among others.
    pub seniority: Seniority,
    /// What it means, or why it can't be read.
    pub rules: Read,
    /// Whether it went back by itself.
    pub rolled_back: bool,
    namespaces: Selector,
    objects: Selector,
}

impl Known {
    /// Reads a policy.
    #[must_use]
    pub fn of(policy: &StoredPolicy) -> Self {
        let [namespaces, objects] = policy.selectors();
        let created: Option<Timestamp> =
            policy.metadata.creation_timestamp.as_ref().and_then(instant);
        let generation = policy.metadata.generation.unwrap_or_default();
        Self {
            seniority: Seniority { created: created.unwrap_or_default(), name: policy.name_any() },
            rules: policy.read_spec().and_then(|spec: PQPolicySpec| spec.rules()),
            rolled_back: is_rolled_back(&policy.read_status(), generation),
            namespaces,
            objects,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.seniority.name
    }

    /// Whether it selects an object.
    #[must_use]
    pub fn selects(&self, namespace: &Labels, object: &Labels) -> bool {
        self.namespaces.matches(namespace) && self.objects.matches(object)
    }

    /// Whether it only counts.
    #[must_use]
    pub fn is_audit(&self) -> bool {
        self.rules.as_ref().is_ok_and(|rules| rules.enforcement() == Enforcement::Audit)
    }
}

/// All policies at one moment.
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<Arc<Known>>);

impl Policies {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The policy that decides for an object with these labels.
    #[must_use]
    pub fn governing(&self, namespace: &Labels, object: &Labels) -> Option<&Arc<Known>> {
        let selecting = self.0.iter().filter(|known| known.selects(namespace, object));
        let (seniority, _) = governing(selecting.map(|known| (&known.seniority, &known.rules)))?;
        self.0.iter().find(|known| known.seniority == *seniority)
    }
}

/// Readings of policies: each is read once for each of its versions.
#[derive(Debug, Default)]
pub struct Readings(Mutex<HashMap<String, (String, Arc<Known>)>>);

impl Readings {
    /// A policy as it is read.
    #[must_use]
    pub fn of(&self, policy: &StoredPolicy) -> Arc<Known> {
        let version = policy.resource_version().unwrap_or_default();
        let mut read = self.read();
        if let Some((known, reading)) = read.get(&policy.name_any())
            && *known == version
        {
            return Arc::clone(reading);
        }
        let reading = Arc::new(Known::of(policy));
        read.insert(policy.name_any(), (version, Arc::clone(&reading)));
        reading
    }

    /// Forgets those that are gone, and gives them.
    #[must_use]
    pub fn forget(&self, is_there: impl Fn(&str) -> bool) -> Vec<Arc<Known>> {
        let gone = self.read().extract_if(|name, _| !is_there(name)).collect::<Vec<_>>();
        gone.into_iter().map(|(_, (_, known))| known).collect()
    }

    fn read(&self) -> MutexGuard<'_, HashMap<String, (String, Arc<Known>)>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of policies requests were woken for, by their names.
#[derive(Debug, Default)]
pub struct News(Mutex<HashMap<String, Edition>>);

/// What requests that wait for a policy wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edition {
    generation: i64,
    rolled_back: bool,
    trusted: Vec<[u8; 32]>,
}

impl News {
    fn is(&self, name: &str, edition: Edition) -> bool {
        // Nothing between lock and unlock can leave the map half changed.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.get(name) == Some(&edition) {
            return false;
        }
        all.insert(name.to_owned(), edition);
        true
    }

    /// Forgets those that are gone.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        // As above.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|name, _| is_there(name));
    }
}

impl Context {
    /// Whether anything of a policy changed since this was asked last for which requests may wait: its spec, that it
    /// went back, or which roots are trusted.
    #[must_use]
    pub fn is_news(&self, policy: &StoredPolicy, now: Timestamp) -> bool {
        let edition = Edition {
            generation: policy.metadata.generation.unwrap_or_default(),
            rolled_back: self.readings.of(policy).rolled_back,
            trusted: self.published.trusted(self.rollout.trust_wait, now),
        };
        self.news.is(&policy.name_any(), edition)
    }

    /// All policies as they are now.
    #[must_use]
    pub fn policies(&self) -> Policies {
        let all = self.policy_store.state();
        Policies(all.iter().map(|policy| self.readings.of(policy)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::{Value, json};

    use super::*;

    fn policy(name: &str, created: &str, spec: Value) -> Arc<Known> {
        let policy = json!({
            "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
            "metadata": {"name": name, "creationTimestamp": created, "generation": 2},
            "spec": spec,
            "status": {"lastRollback": {
                "time": created, "generation": if name == "failed" { 2 } else { 1 }, "why": "",
            }},
        });
        Arc::new(Known::of(&serde_json::from_value(policy).unwrap()))
    }

    #[test]
    fn the_oldest_that_selects_an_object_decides() {
        let (first, second) = ("2026-11-27T00:00:00Z", "2026-11-28T00:00:00Z");
        let of_shop = json!({
            "algorithms": ["dilithium3"],
            "namespaceSelector": {"matchLabels": {"team": "shop"}},
            "objectSelector": {"matchExpressions": [{"key": "legacy", "operator": "DoesNotExist"}]},
        });
        let everywhere = json!({"algorithms": ["dilithium3"], "enforcement": "Audit"});
        let later = json!({"algorithms": ["dilithium3"]});
        let all = Policies(vec![
            policy("audit", first, everywhere),
            policy("shop", first, of_shop),
            policy("all", second, later),
        ]);
        let labels = |of: &[(&str, &str)]| -> Labels {
            of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let decides = |namespace: &[(&str, &str)], object: &[(&str, &str)]| {
            all.governing(&labels(namespace), &labels(object)).map(|known| known.name().to_owned())
        };
        assert_eq!(decides(&[("team", "shop")], &[]).as_deref(), Some("shop"));
        assert_eq!(decides(&[("team", "shop")], &[("legacy", "")]).as_deref(), Some("all"));
        assert_eq!(decides(&[], &[]).as_deref(), Some("all"));
        assert!(Policies::default().governing(&labels(&[]), &labels(&[])).is_none());
    }

    #[test]
    fn a_policy_that_went_back_stays_there_until_its_spec_changes() {
        let spec = || json!({"algorithms": ["dilithium3"]});
        assert!(policy("failed", "2026-11-27T00:00:00Z", spec()).rolled_back);
        assert!(!policy("changed", "2026-11-27T00:00:00Z", spec()).rolled_back);
    }
}
