//! How policies move certificates.

use std::fmt;

use jiff::SignedDuration;
use policy::Pace;
use serde::Deserialize;

use super::{ConfigError, value};
use crate::pq_policy::plan::Speed;

/// The longest time that a root may have to be published for: a week.
const LONGEST_WAIT: u32 = 604_800;
/// The most certificates that are begun with in a second.
const MOST_A_SECOND: u32 = 1_000;

/// How policies move certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// Where the roots are that everybody in the cluster trusts. Without one nothing is moved to an authority that
    /// is not the issuer's own, as nobody knows who trusts it.
    pub trust_bundle: Option<TrustBundle>,
    /// For how long a root is published there before anything is moved under it.
    pub trust_wait_seconds: u32,
    /// How many of a policy's certificates move at the same time, in percent.
    pub at_once_percent: u32,
    /// How many may fail before a policy goes back by itself, in percent.
    pub failures_percent: u32,
    /// How many certificates of a policy are begun with in a second.
    pub starts_per_second: u32,
}

/// Roots that everybody in the cluster trusts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrustBundle {
    /// An entry of a ConfigMap.
    ConfigMap(RootsConfigMap),
    /// A ClusterTrustBundle of this name (Kubernetes 1.37 and later).
    ClusterTrustBundle(String),
}

/// An entry of a ConfigMap.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootsConfigMap {
    /// The ConfigMap's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The entry.
    pub key: String,
}

impl fmt::Display for TrustBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConfigMap(RootsConfigMap { namespace, name, .. }) => {
                write!(f, "ConfigMap {namespace}/{name}")
            }
            Self::ClusterTrustBundle(name) => write!(f, "ClusterTrustBundle {name}"),
        }
    }
}

/// How policies move certificates, as the controllers need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// For how long a root is published before anything is moved under it.
    pub trust_wait: SignedDuration,
    /// How fast they move.
    pub speed: Speed,
}

impl Policies {
    /// How certificates are moved.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        // A configuration that was read has percents within their bounds.
        let pace = Pace::new(self.at_once_percent, self.failures_percent).unwrap_or_default();
        Rollout {
            trust_wait: SignedDuration::from_secs(self.trust_wait_seconds.into()),
            speed: Speed { pace, a_second: self.starts_per_second },
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let named = |field, found: &str| match found {
            "" => Err(value(field, "nothing", "a name")),
            _ => Ok(()),
        };
        match &self.trust_bundle {
            Some(TrustBundle::ConfigMap(map)) => {
                super::named("policies.trust_bundle.config_map.namespace", &map.namespace)?;
                named("policies.trust_bundle.config_map.name", &map.name)?;
                named("policies.trust_bundle.config_map.key", &map.key)?;
            }
            Some(TrustBundle::ClusterTrustBundle(name)) => {
                named("policies.trust_bundle.cluster_trust_bundle", name)?;
            }
            None => {}
        }
        for (field, found, least, most) in [
            ("policies.trust_wait_seconds", self.trust_wait_seconds, 0, LONGEST_WAIT),
            ("policies.at_once_percent", self.at_once_percent, 1, 100),
            ("policies.failures_percent", self.failures_percent, 0, 100),
            ("policies.starts_per_second", self.starts_per_second, 1, MOST_A_SECOND),
        ] {
            if !(least..=most).contains(&found) {
                return Err(value(field, found, format!("{least} to {most}")));
            }
        }
        Ok(())
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            trust_bundle: None,
            // Kubelets bring a changed ConfigMap into running pods within a minute or two.
            trust_wait_seconds: 300,
            at_once_percent: 25,
            failures_percent: 10,
            starts_per_second: 50,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::config::Config;

    fn read(policies: &str) -> Result<Policies, String> {
        let config = Config::from_yaml(&format!("version: 1\npolicies: {policies}\n"));
        config.map(|config| config.policies).map_err(|error| error.to_string())
    }

    #[test]
    fn the_bundle_is_a_config_map_or_a_cluster_trust_bundle() {
        let map = read("{trust_bundle: {config_map: {namespace: a, name: roots, key: ca.crt}}}");
        assert_eq!(map.unwrap().trust_bundle.unwrap().to_string(), "ConfigMap a/roots");
        let cluster = read("{trust_bundle: {cluster_trust_bundle: espalier.dev.roots}}").unwrap();
        let words = "ClusterTrustBundle espalier.dev.roots";
        assert_eq!(cluster.trust_bundle.unwrap().to_string(), words);
        for wrong in [
            "{trust_bundle: {config_map: {namespace: a, name: roots}}}",
            "{trust_bundle: {config_map: {namespace: a, name: roots, key: b, more: c}}}",
            "{trust_bundle: {secret: a}}",
            "{trust_bundle: {cluster_trust_bundle: \"\"}}",
            "{trust_bundle: {config_map: {namespace: a, name: \"\", key: b}}}",
            "{unknown: 1}",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_have_bounds() {
        let rollout = read("{at_once_percent: 1, failures_percent: 0, starts_per_second: 1}");
        assert_eq!(rollout.unwrap().rollout().speed.a_second, 1);
        for (wrong, words) in [
            ("{at_once_percent: 0}", "policies.at_once_percent: found 0, allowed: 1 to 100"),
            ("{failures_percent: 101}", "policies.failures_percent: found 101, allowed: 0 to 100"),
            ("{starts_per_second: 0}", "policies.starts_per_second: found 0, allowed: 1 to 1000"),
            (
                "{trust_wait_seconds: 604801}",
                "policies.trust_wait_seconds: found 604801, allowed: 0 to 604800",
            ),
        ] {
            assert_eq!(read(wrong).unwrap_err(), words);
        }
    }
}
