//! The configuration of the controllers: one file of YAML, in which every key has a default.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use crate::history::RetryRules;

mod policies;

pub use policies::{Policies, Rollout, RootsConfigMap, TrustBundle};

/// The longest file, in octets.
const LONGEST: usize = 64 * 1024;
/// The namespace where nobody names one and there is no pod.
const NAMESPACE: &str = "espalier-system";

/// The configuration.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The version of this format: 1.
    pub version: u32,
    /// Where `/healthz`, `/readyz` and `/metrics` are served, over plain HTTP.
    pub listen: SocketAddr,
    /// Where the Secrets and service accounts of a `PQClusterIssuer` are. Unless it is told, the
    /// pod's own namespace.
    pub cluster_resource_namespace: Option<String>,
    /// Which controllers run beside those of the issuers themselves.
    pub controllers: Vec<Controller>,
    /// How one of several replicas is chosen.
    pub leader_election: LeaderElection,
    /// Requests of one issuer that are worked on at the same time; of all issuers together eight times
    /// as many.
    pub concurrent_requests: u16,
    /// How often each issuer is checked.
    pub issuer_check_interval_seconds: u64,
    /// How requests are tried again.
    pub retry: Retry,
    /// How policies move certificates.
    pub policies: Policies,
    /// How long what is under way may take when the program is told to end.
    pub drain_timeout_seconds: u64,
    /// What is logged.
    pub log: Log,
}

/// A controller of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    /// Of cert-manager's `CertificateRequest`.
    CertificateRequests,
    /// Of Kubernetes' own `CertificateSigningRequest`.
    CertificateSigningRequests,
}

impl Controller {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::CertificateRequests, Self::CertificateSigningRequests];

    /// Its name, in the configuration and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CertificateRequests => "certificate-requests",
            Self::CertificateSigningRequests => "certificate-signing-requests",
        }
    }
}

/// How one of several replicas is chosen, by a Lease in the pod's own namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaderElection {
    /// Whether there is a choice. Without it, this must be the only replica.
    pub enabled: bool,
    /// The name of the Lease.
    pub lease_name: String,
    /// How long others wait for a leader that is silent.
    pub lease_duration_seconds: u64,
    /// After how long without a renewal the leader gives up.
    pub renew_deadline_seconds: u64,
    /// How often the Lease is looked at.
    pub retry_period_seconds: u64,
}

/// How requests are tried again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// After this time of failures a request fails for good.
    pub limit_seconds: u64,
    /// The first wait; each further one is twice as long.
    pub initial_backoff_seconds: u64,
    /// The longest wait.
    pub longest_backoff_seconds: u64,
}

/// What is logged, on standard error.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// In which form.
    pub format: LogFormat,
    /// How much: error, warn, info, debug or trace, also by part of the program, such as
    /// `warn,issuer=debug`.
    pub level: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: 1,
            listen: SocketAddr::from(([127, 0, 0, 1], 8081)),
            cluster_resource_namespace: None,
            controllers: vec![Controller::CertificateRequests],
            leader_election: LeaderElection::default(),
            concurrent_requests: 32,
            issuer_check_interval_seconds: 60,
            retry: Retry::default(),
            policies: Policies::default(),
            drain_timeout_seconds: 30,
            log: Log::default(),
        }
    }
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: true,
            lease_name: "espalier-issuer".to_owned(),
            lease_duration_seconds: 15,
            renew_deadline_seconds: 10,
            retry_period_seconds: 2,
        }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { limit_seconds: 3600, initial_backoff_seconds: 1, longest_backoff_seconds: 60 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Json, level: "info".to_owned() }
    }
}

/// A configuration that is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not the YAML of a configuration.
    #[error("{0}")]
    Yaml(String),
    /// A key's value.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Value {
        /// Which key.
        field: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

/// Read first, so that a file of a later version is refused by its version.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Config {
    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// `ConfigError` names the key, what was found and what is allowed.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        let yaml =
            |error: serde_saphyr::Error| ConfigError::Yaml(error.without_snippet().to_string());
        if text.len() > LONGEST {
            return Err(value(
                "file",
                format!("{} octets", text.len()),
                format!("at most {LONGEST}"),
            ));
        }
        let version: VersionOnly = serde_saphyr::from_str(text).map_err(yaml)?;
        if version.version != 1 {
            return Err(value("version", version.version, "1"));
        }
        let config: Self = serde_saphyr::from_str(text).map_err(yaml)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if let Some(namespace) = &self.cluster_resource_namespace {
            named("cluster_resource_namespace", namespace)?;
        }
        let election = &self.leader_election;
        named("leader_election.lease_name", &election.lease_name)?;
        for (field, found, most) in [
            ("concurrent_requests", self.concurrent_requests.into(), 1_000),
            ("issuer_check_interval_seconds", self.issuer_check_interval_seconds, 3_600),
            ("retry.limit_seconds", self.retry.limit_seconds, 604_800),
            ("retry.longest_backoff_seconds", self.retry.longest_backoff_seconds, 3_600),
            ("retry.initial_backoff_seconds", self.retry.initial_backoff_seconds, 3_600),
            ("drain_timeout_seconds", self.drain_timeout_seconds, 3_600),
            ("leader_election.lease_duration_seconds", election.lease_duration_seconds, 3_600),
            ("leader_election.retry_period_seconds", election.retry_period_seconds, 3_600),
        ] {
            if !(1..=most).contains(&found) {
                return Err(value(field, found, format!("1 to {most}")));
            }
        }
        let retry = &self.retry;
        if retry.initial_backoff_seconds > retry.longest_backoff_seconds {
            let allowed = "at most retry.longest_backoff_seconds";
            return Err(value(
                "retry.initial_backoff_seconds",
                retry.initial_backoff_seconds,
                allowed,
            ));
        }
        let deadline = election.renew_deadline_seconds;
        if deadline <= election.retry_period_seconds || deadline >= election.lease_duration_seconds
        {
            let allowed = "more than retry_period_seconds and less than lease_duration_seconds";
            return Err(value("leader_election.renew_deadline_seconds", deadline, allowed));
        }
        if self.controllers.is_empty() {
            return Err(value("controllers", "none", "one or more"));
        }
        self.policies.check()?;
        let level = EnvFilter::builder().parse(&self.log.level);
        level.map_err(|error| value("log.level", &self.log.level, error))?;
        Ok(())
    }

    /// Whether a controller of requests runs.
    #[must_use]
    pub fn runs(&self, controller: Controller) -> bool {
        self.controllers.contains(&controller)
    }

    /// Where the Secrets of a `PQClusterIssuer` are; `pod` is the namespace that the environment
    /// names.
    #[must_use]
    pub fn namespace(&self, pod: Option<String>) -> String {
        self.cluster_resource_namespace.clone().or(pod).unwrap_or_else(|| NAMESPACE.to_owned())
    }

    /// Where the Lease is: beside the pods that it is about, wherever credentials are.
    #[must_use]
    pub fn lease_namespace(&self, pod: Option<String>) -> String {
        pod.unwrap_or_else(|| self.namespace(None))
    }

    /// How requests are tried again.
    #[must_use]
    pub fn retry_rules(&self) -> RetryRules {
        RetryRules {
            limit: Duration::from_secs(self.retry.limit_seconds),
            initial: Duration::from_secs(self.retry.initial_backoff_seconds),
            longest: Duration::from_secs(self.retry.longest_backoff_seconds),
        }
    }
}

/// A name of an object: a DNS label (RFC 1123), as namespaces have.
fn named(field: &'static str, text: &str) -> Result<(), ConfigError> {
    let letters = text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if letters && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-') {
        return Ok(());
    }
    let found = format!("{:?}", text.chars().take(80).collect::<String>());
    Err(value(field, found, "1 to 63 lower-case letters, digits and inner hyphens"))
}

fn value(field: &'static str, found: impl ToString, allowed: impl ToString) -> ConfigError {
    ConfigError::Value { field, found: found.to_string(), allowed: allowed.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    const SAMPLE: &str = include_str!("../../docs/reference/espalier-issuer.yaml");

    #[test]
    fn the_sample_has_every_key_with_its_default() {
        let sample = Config::from_yaml(SAMPLE).unwrap();
        let namespace = Some(NAMESPACE.to_owned());
        assert_eq!(sample, Config { cluster_resource_namespace: namespace, ..Config::default() });
        assert_eq!(Config::from_yaml("version: 1").unwrap(), Config::default());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, words) in [
            ("version: 2\nnew: 1", "version: found 2, allowed: 1"),
            ("listen: 127.0.0.1:1", "version"),
            ("version: 1\nlisen: 127.0.0.1:1", "lisen"),
            ("version: 1\nlisten: here", "socket address"),
            (
                "version: 1\nconcurrent_requests: 0",
                "concurrent_requests: found 0, allowed: 1 to 1000",
            ),
            ("version: 1\ncontrollers: []", "controllers: found none"),
            ("version: 1\ncontrollers: [pods]", "pods"),
            (
                "version: 1\ncluster_resource_namespace: A",
                "cluster_resource_namespace: found \"A\"",
            ),
            ("version: 1\nretry: {limit_seconds: 0}", "retry.limit_seconds: found 0"),
            (
                "version: 1\nretry: {initial_backoff_seconds: 61}",
                "at most retry.longest_backoff_seconds",
            ),
            (
                "version: 1\nleader_election: {renew_deadline_seconds: 15}",
                "less than lease_duration_seconds",
            ),
            ("version: 1\nlog: {level: 'a=b=c'}", "log.level"),
            ("version: 1\nlog: {format: xml}", "xml"),
        ] {
            let error = Config::from_yaml(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn the_namespace_is_the_configurations_then_the_pods_then_ours() {
        let told = Config { cluster_resource_namespace: Some("a".into()), ..Config::default() };
        assert_eq!(told.namespace(Some("b".into())), "a");
        assert_eq!(Config::default().namespace(Some("b".into())), "b");
        assert_eq!(Config::default().namespace(None), NAMESPACE);
    }

    #[test]
    fn the_lease_is_beside_the_pod_wherever_credentials_are() {
        let told = Config { cluster_resource_namespace: Some("a".into()), ..Config::default() };
        assert_eq!(told.lease_namespace(Some("b".into())), "b");
        assert_eq!(told.lease_namespace(None), "a");
        assert_eq!(Config::default().lease_namespace(None), NAMESPACE);
    }
}
