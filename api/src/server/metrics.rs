//! What is counted and measured, for Prometheus.
//!
//! Labels have few values: names of authorities, profiles, algorithms and routes, kinds of problems;
//! never names in certificates, serials, or what a stranger sent.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::issuance::Step;

/// Seconds: from a tenth of a millisecond to half a minute.
const BUCKETS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    route: String,
    method: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Problem {
    kind: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Issuance {
    authority: String,
    profile: String,
    algorithm: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StepLabel {
    step: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AuthorityLabel {
    authority: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ListLabel {
    authority: String,
    list: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HandshakeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct AlgorithmLabel {
    algorithm: String,
}

/// How a TLS handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// Requests can follow.
    Done,
    /// One of the two refused the other.
    Failed,
    /// It took too long.
    TimedOut,
}

/// How a request for a certificate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was issued.
    Issued,
    /// It was issued before, for the same idempotency key.
    Replayed,
    /// It was refused.
    Refused,
    /// The server or its ledger failed.
    Failed,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Replayed => "replayed",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

fn seconds() -> Histogram {
    Histogram::new(BUCKETS)
}

type Seconds<L> = Family<L, Histogram, fn() -> Histogram>;
type Float = Gauge<f64, AtomicU64>;

/// Every metric; a clone counts into the same.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<Request, Counter>,
    request_seconds: Seconds<Route>,
    problems: Family<Problem, Counter>,
    issuance: Family<Issuance, Counter>,
    step_seconds: Seconds<StepLabel>,
    connections: Gauge,
    handshakes: Family<HandshakeLabel, Counter>,
    tls_not_after: Family<AlgorithmLabel, Gauge>,
    /// What is looked up when somebody asks.
    pub looked_up: LookedUp,
}

/// Gauges that are set when somebody asks.
#[derive(Clone, Debug, Default)]
pub struct LookedUp {
    /// Requests that have a slot of the signing threads.
    pub signing_taken: Gauge,
    /// Slots of the signing threads.
    pub signing_slots: Gauge,
    /// Records without certificate.
    pub orphans: Gauge,
    /// Records that were not yet looked at for that.
    pub not_looked_at: Gauge,
    /// Records in the ledger.
    pub records: Gauge,
    /// Transactions that the ledger's writer committed.
    pub commits: Gauge,
    /// Transactions that failed.
    pub failed_transactions: Gauge,
    /// Requests that the ledger's writer took.
    pub writes: Gauge,
    days_to_expiry: Family<AuthorityLabel, Float>,
    crl_age: Family<ListLabel, Float>,
}

impl LookedUp {
    /// How many days an authority's certificate is valid yet.
    pub fn days_to_expiry(&self, authority: &str, days: f64) {
        let label = AuthorityLabel { authority: authority.to_owned() };
        self.days_to_expiry.get_or_create(&label).set(days);
    }

    /// How old the revocation list is that is handed out by this name.
    pub fn crl_age(&self, authority: &str, list: &str, seconds: f64) {
        let label = ListLabel { authority: authority.to_owned(), list: list.to_owned() };
        self.crl_age.get_or_create(&label).set(seconds);
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("espalier");
        let requests = Family::default();
        let request_seconds: Seconds<Route> = Family::new_with_constructor(seconds);
        let problems = Family::default();
        let issuance = Family::default();
        let step_seconds: Seconds<StepLabel> = Family::new_with_constructor(seconds);
        let connections = Gauge::default();
        let handshakes = Family::default();
        let tls_not_after = Family::default();
        let looked_up = LookedUp::default();
        let it = &mut registry;
        it.register("http_requests", "Requests by route, method and status", requests.clone());
        it.register_with_unit(
            "http_request_duration",
            "How long requests took",
            Unit::Seconds,
            request_seconds.clone(),
        );
        it.register("problems", "Refused requests by kind of problem", problems.clone());
        it.register("issuance", "Requests for certificates by their end", issuance.clone());
        it.register_with_unit(
            "issuance_step",
            "How long each step of issuing took",
            Unit::Seconds,
            step_seconds.clone(),
        );
        it.register("connections", "Open connections", connections.clone());
        it.register("tls_handshakes", "TLS handshakes by their end", handshakes.clone());
        it.register_with_unit(
            "tls_certificate_not_after",
            "When the server's certificates end, in seconds since 1970",
            Unit::Seconds,
            tls_not_after.clone(),
        );
        register_looked_up(it, &looked_up);
        Self {
            registry: Arc::new(registry),
            requests,
            request_seconds,
            problems,
            issuance,
            step_seconds,
            connections,
            handshakes,
            tls_not_after,
            looked_up,
        }
    }
}

fn register_looked_up(registry: &mut Registry, looked_up: &LookedUp) {
    for (name, help, gauge) in [
        (
            "signing_slots_taken",
            "Requests that the signing threads work on",
            &looked_up.signing_taken,
        ),
        ("signing_slots", "Requests that they work on at most", &looked_up.signing_slots),
        (
            "ledger_orphans",
            "Records without certificate, those under way among them",
            &looked_up.orphans,
        ),
        (
            "ledger_records_not_looked_at",
            "Records that were not yet looked at for orphans",
            &looked_up.not_looked_at,
        ),
        ("ledger_records", "Records in the ledger", &looked_up.records),
        ("ledger_commits", "Transactions committed by this process", &looked_up.commits),
        (
            "ledger_failed_transactions",
            "Transactions of this process that failed",
            &looked_up.failed_transactions,
        ),
        ("ledger_writes", "Requests to write of this process", &looked_up.writes),
    ] {
        registry.register(name, help, gauge.clone());
    }
    let days = looked_up.days_to_expiry.clone();
    registry.register(
        "authority_days_to_expiry",
        "Days to the end of an authority's certificate",
        days,
    );
    let age = looked_up.crl_age.clone();
    let help = "Age of the revocation lists that are handed out";
    registry.register_with_unit("crl_age", help, Unit::Seconds, age);
}

/// A method that has a name of its own in metrics and traces: whatever else a stranger calls a method
/// is no label, and as long as a stranger likes.
pub(super) fn known_method(method: &str) -> Option<&'static str> {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS.into_iter().find(|known| *known == method)
}

impl Metrics {
    /// A request was answered. `route` is its row's path, or empty for none.
    pub fn request(&self, route: &str, method: &str, status: u16, took: Duration) {
        let method = known_method(method).unwrap_or("other");
        let route = route.to_owned();
        let label = Request { route: route.clone(), method: method.to_owned(), status };
        self.requests.get_or_create(&label).inc();
        self.request_seconds.get_or_create(&Route { route }).observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub fn problem(&self, kind: &'static str) {
        self.problems.get_or_create(&Problem { kind }).inc();
    }

    /// A request for a certificate ended; the algorithm is empty where none is known.
    pub fn issuance(&self, authority: &str, profile: &str, algorithm: &str, outcome: Outcome) {
        let label = Issuance {
            authority: authority.to_owned(),
            profile: profile.to_owned(),
            algorithm: algorithm.to_owned(),
            outcome: outcome.name(),
        };
        self.issuance.get_or_create(&label).inc();
    }

    /// A step of issuing took so long.
    pub fn step(&self, step: Step, took: Duration) {
        let step = match step {
            Step::Prepare => "prepare",
            Step::Record => "record",
            Step::Sign => "sign",
            Step::Store => "store",
        };
        self.step_seconds.get_or_create(&StepLabel { step }).observe(took.as_secs_f64());
    }

    /// A TLS handshake ended.
    pub fn handshake(&self, outcome: Handshake) {
        let outcome = match outcome {
            Handshake::Done => "done",
            Handshake::Failed => "failed",
            Handshake::TimedOut => "timed-out",
        };
        self.handshakes.get_or_create(&HandshakeLabel { outcome }).inc();
    }

    /// These are the server's certificates now: the algorithm of the key, and the end in seconds
    /// since 1970.
    pub fn tls_certificates(&self, certificates: impl Iterator<Item = (String, i64)>) {
        self.tls_not_after.clear();
        for (algorithm, not_after) in certificates {
            self.tls_not_after.get_or_create(&AlgorithmLabel { algorithm }).set(not_after);
        }
    }

    /// Open connections.
    pub fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// Everything in the OpenMetrics text format.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn what_is_counted_is_in_the_text_and_strangers_choose_no_labels() {
        let metrics = Metrics::default();
        metrics.request("/v1/certificates", "POST", 201, Duration::from_millis(3));
        metrics.request("", "BREW\n", 405, Duration::from_millis(1));
        metrics.issuance("issuing", "tls-server", "ML-DSA-65", Outcome::Issued);
        metrics.step(Step::Sign, Duration::from_millis(1));
        metrics.problem("not-found");
        let text = metrics.text().unwrap();
        for line in [
            "espalier_http_requests_total{route=\"/v1/certificates\",method=\"POST\",status=\"201\"} 1",
            "espalier_http_requests_total{route=\"\",method=\"other\",status=\"405\"} 1",
            "espalier_issuance_total{authority=\"issuing\",profile=\"tls-server\",algorithm=\"ML-DSA-65\",outcome=\"issued\"} 1",
            "espalier_issuance_step_seconds_count{step=\"sign\"} 1",
            "espalier_problems_total{kind=\"not-found\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "no {line} in {text}");
        }
    }
}
