//! What is counted and measured, for Prometheus.
//!
//! Labels have few values: kinds and names of issuers, and outcomes; never names of requests.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::config::Controller;
use crate::kinds::IssuerRef;
use crate::plan::Outcome;

/// Seconds: from a millisecond to an hour.
const BUCKETS: [f64; 13] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    controller: &'static str,
    kind: &'static str,
    namespace: String,
    issuer: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ControllerLabel {
    controller: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PolicyLabels {
    policy: String,
    state: &'static str,
}

/// What is counted of a policy's certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyCounts {
    /// Those that have what the policy wants in the end.
    pub adopted: u32,
    /// Those that have it not.
    pub not_adopted: u32,
    /// Those that are being issued anew, or wait to.
    pub moving: u32,
    /// Those that failed.
    pub failed: u32,
}

impl PolicyCounts {
    fn rows(self) -> [(&'static str, u32); 4] {
        let Self { adopted, not_adopted, moving, failed } = self;
        [("adopted", adopted), ("not-adopted", not_adopted), ("moving", moving), ("failed", failed)]
    }
}

struct Inner {
    registry: Registry,
    /// The issuers for which `requests` has rows.
    counted: Mutex<HashSet<IssuerRef>>,
    requests: Family<RequestLabels, Counter>,
    reconciles: Family<ControllerLabel, Histogram>,
    failures: Family<ControllerLabel, Counter>,
    until_issued: Histogram,
    waiting: Gauge,
    issuers: Family<StateLabel, Gauge>,
    /// The policies for which `policies` has rows.
    surveyed: Mutex<HashSet<String>>,
    policies: Family<PolicyLabels, Gauge>,
    events_dropped: Counter,
    leads: Gauge,
}

/// What is counted and measured. A clone counts on.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("espalier_issuer");
        let requests = Family::default();
        registry.register(
            "requests",
            "Looks at requests, by what became of them",
            requests.clone(),
        );
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let reconciles = Family::new_with_constructor(histogram);
        registry.register_with_unit(
            "reconcile_duration",
            "How long a look at an object takes",
            Unit::Seconds,
            reconciles.clone(),
        );
        let failures = Family::<ControllerLabel, Counter>::default();
        // There from the start: of a counter that comes with its first failure no rate is seen.
        for controller in
            Controller::ALL.map(Controller::name).into_iter().chain(["issuers", "policies"])
        {
            drop(failures.get_or_create(&ControllerLabel { controller }));
        }
        registry.register(
            "reconcile_failures",
            "Looks whose result the API server did not take",
            failures.clone(),
        );
        let until_issued = histogram();
        registry.register_with_unit(
            "approval_to_issued",
            "Time from a request's approval to its certificate",
            Unit::Seconds,
            until_issued.clone(),
        );
        let waiting = Gauge::default();
        registry.register(
            "queue_depth",
            "Approved requests without a certificate",
            waiting.clone(),
        );
        let issuers = Family::default();
        registry.register("issuers", "Issuers that can be used and that can't", issuers.clone());
        let policies = Family::default();
        registry.register(
            "policy_certificates",
            "Certificates that a policy decides for, by what they have",
            policies.clone(),
        );
        let events_dropped = Counter::default();
        registry.register(
            "events_dropped",
            "Events for which no place was left",
            events_dropped.clone(),
        );
        let leads = Gauge::default();
        registry.register("leader", "1 where this replica does the work", leads.clone());
        Self(Arc::new(Inner {
            registry,
            counted: Mutex::default(),
            requests,
            reconciles,
            failures,
            until_issued,
            waiting,
            issuers,
            surveyed: Mutex::default(),
            policies,
            events_dropped,
            leads,
        }))
    }
}

impl Metrics {
    /// A look of this controller at a request.
    pub fn request(
        &self,
        controller: Controller,
        issuer: Option<&IssuerRef>,
        outcome: Outcome,
        took: Duration,
    ) {
        if let Some(issuer) = issuer {
            self.counted().insert(issuer.clone());
        }
        self.0.requests.get_or_create(&labels(controller, issuer, outcome)).inc();
        self.reconciled(controller.name(), took);
    }

    /// Forgets the issuers that are gone, so that a cluster that makes and removes them has no ever
    /// longer list of numbers.
    pub fn retain(&self, is_there: impl Fn(&IssuerRef) -> bool) {
        self.counted().retain(|issuer| {
            let stays = is_there(issuer);
            if !stays {
                for controller in Controller::ALL {
                    for outcome in Outcome::ALL {
                        self.0.requests.remove(&labels(controller, Some(issuer), outcome));
                    }
                }
            }
            stays
        });
    }

    /// What a policy's certificates have.
    pub fn policy(&self, name: &str, counts: PolicyCounts) {
        self.surveyed().insert(name.to_owned());
        for (state, count) in counts.rows() {
            let labels = PolicyLabels { policy: name.to_owned(), state };
            self.0.policies.get_or_create(&labels).set(count.into());
        }
    }

    /// Forgets the policies that are gone.
    pub fn retain_policies(&self, is_there: impl Fn(&str) -> bool) {
        self.surveyed().retain(|policy| {
            let stays = is_there(policy);
            for (state, _) in PolicyCounts::default().rows().into_iter().filter(|_| !stays) {
                self.0.policies.remove(&PolicyLabels { policy: policy.clone(), state });
            }
            stays
        });
    }

    fn surveyed(&self) -> MutexGuard<'_, HashSet<String>> {
        // Nothing between lock and unlock can leave the set half changed.
        self.0.surveyed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self) -> MutexGuard<'_, HashSet<IssuerRef>> {
        // Nothing between lock and unlock can leave the set half changed.
        self.0.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look at an object of this controller.
    pub fn reconciled(&self, controller: &'static str, took: Duration) {
        let labels = ControllerLabel { controller };
        self.0.reconciles.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A look whose result the API server did not take.
    pub fn failed(&self, controller: &'static str) {
        self.0.failures.get_or_create(&ControllerLabel { controller }).inc();
    }

    /// A request has its certificate, this long after its approval.
    pub fn issued_after(&self, took: Duration) {
        self.0.until_issued.observe(took.as_secs_f64());
    }

    /// No place was left for an event.
    pub fn event_dropped(&self) {
        self.0.events_dropped.inc();
    }

    /// Whether this replica does the work.
    pub fn leads(&self, leads: bool) {
        self.0.leads.set(i64::from(leads));
    }

    /// What is looked up when somebody asks.
    pub fn state(&self, waiting: usize, (ready, not_ready): (usize, usize)) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.0.waiting.set(number(waiting));
        for (state, count) in [("ready", ready), ("not-ready", not_ready)] {
            self.0.issuers.get_or_create(&StateLabel { state }).set(number(count));
        }
    }

    /// All of it as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = text::encode(&mut text, &self.0.registry);
        text
    }
}

fn labels(controller: Controller, issuer: Option<&IssuerRef>, outcome: Outcome) -> RequestLabels {
    RequestLabels {
        controller: controller.name(),
        kind: issuer.map_or("", |issuer| issuer.kind.name()),
        namespace: issuer.and_then(|issuer| issuer.namespace.clone()).unwrap_or_default(),
        issuer: issuer.map(|issuer| issuer.name.clone()).unwrap_or_default(),
        outcome: outcome.name(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::IssuerKind;

    #[test]
    fn an_issuer_that_is_gone_is_counted_no_longer() {
        let metrics = Metrics::default();
        let issuer = |name: &str| IssuerRef {
            kind: IssuerKind::Cluster,
            namespace: None,
            name: name.into(),
        };
        for name in ["stays", "goes"] {
            for controller in Controller::ALL {
                let issuer = issuer(name);
                metrics.request(controller, Some(&issuer), Outcome::Issued, Duration::ZERO);
            }
        }
        metrics.request(Controller::CertificateRequests, None, Outcome::Denied, Duration::ZERO);
        let rows = |name: &str| metrics.text().matches(&format!("issuer=\"{name}\"")).count();
        assert_eq!((rows("stays"), rows("goes"), rows("")), (2, 2, 1));
        metrics.retain(|issuer| issuer.name == "stays");
        assert_eq!((rows("stays"), rows("goes"), rows("")), (2, 0, 1));
    }

    #[test]
    fn a_policy_that_is_gone_is_counted_no_longer() {
        let metrics = Metrics::default();
        for name in ["stays", "goes"] {
            metrics.policy(name, PolicyCounts { adopted: 3, ..PolicyCounts::default() });
        }
        let rows = |name: &str| metrics.text().matches(&format!("policy=\"{name}\"")).count();
        assert!(metrics.text().contains(r#"{policy="stays",state="adopted"} 3"#));
        assert_eq!((rows("stays"), rows("goes")), (4, 4));
        metrics.retain_policies(|name| name == "stays");
        assert_eq!((rows("stays"), rows("goes")), (4, 0));
    }
}
