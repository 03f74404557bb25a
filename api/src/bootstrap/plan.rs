//! The plan of a bootstrap: which authorities shall be there, and where in Kubernetes their keys and
//! certificates go. It holds no secret.

use std::collections::BTreeMap;

use ca_core::algorithm::Algorithm;
use ca_core::name::DistinguishedName;
use serde::Deserialize;

use crate::authority::Founding;
use crate::cli::{CliError, Exit};
use crate::profiles::shipped;

/// The most authorities of a plan.
const MOST_AUTHORITIES: usize = 32;
const SECONDS_OF_DAY: u64 = 86_400;

/// A plan, checked: names are there once, and parents stand before their children.
#[derive(Debug)]
pub struct Plan {
    /// What shall be there, in this order.
    pub authorities: Vec<PlannedAuthority>,
    /// What Kubernetes keeps of it.
    pub kubernetes: Option<InKubernetes>,
}

/// An authority that shall be there.
#[derive(Debug)]
pub struct PlannedAuthority {
    /// What it is.
    pub founding: Founding,
    /// The authority that signs its certificate; none for a root.
    pub parent: Option<String>,
}

/// What Kubernetes keeps, in the namespace of the pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InKubernetes {
    /// How the names of Secrets begin that get the keys, one for each authority. Without it keys
    /// stay in the data folder alone.
    #[serde(default)]
    pub key_secrets: Option<String>,
    /// Where certificates are published.
    #[serde(default)]
    pub trust: Option<Trust>,
}

/// A ConfigMap with certificates of authorities.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Its name.
    pub config_map: String,
    /// Its files, each with the authorities whose own certificates it has.
    pub files: BTreeMap<String, Vec<String>>,
    /// Where one of the files is published for the whole cluster as well.
    #[serde(default)]
    pub cluster_trust_bundle: Option<ClusterTrustBundle>,
}

/// A ClusterTrustBundle (certificates.k8s.io), which pods of every namespace can mount.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterTrustBundle {
    /// Its name. One with a colon would belong to a signer of Kubernetes, and this belongs to none.
    pub name: String,
    /// The version of its kind that the API server has.
    pub version: BundleVersion,
    /// The file of the ConfigMap whose certificates it has.
    pub file: String,
}

/// A version of the kind `ClusterTrustBundle`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BundleVersion {
    /// Of Kubernetes 1.37 and newer.
    V1,
    /// Of Kubernetes 1.33 and newer, where its administrator has switched it on.
    V1beta1,
}

impl BundleVersion {
    /// As paths and `apiVersion` have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }
}

/// The file as it stands there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    authorities: Vec<WrittenAuthority>,
    #[serde(default)]
    kubernetes: Option<InKubernetes>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAuthority {
    name: String,
    #[serde(default)]
    parent: Option<String>,
    algorithm: String,
    #[serde(default)]
    alt_algorithm: Option<String>,
    subject: String,
    #[serde(default)]
    days: Option<u64>,
}

impl Plan {
    /// Reads a plan from YAML.
    ///
    /// # Errors
    /// `CliError` with exit code 2 that names the field, what was found and what is allowed.
    pub fn from_yaml(text: &str) -> Result<Self, CliError> {
        let written: Written = serde_saphyr::from_str(text)
            .map_err(|error| CliError::usage(format!("plan: {}", error.without_snippet())))?;
        if written.version != 1 {
            return Err(wrong("version", written.version, "1"));
        }
        let found = written.authorities.len();
        if !(1..=MOST_AUTHORITIES).contains(&found) {
            let allowed = format!("1 to {MOST_AUTHORITIES}");
            return Err(wrong("authorities", format!("{found} of them"), allowed));
        }
        let mut authorities: Vec<PlannedAuthority> = Vec::with_capacity(found);
        for one in written.authorities {
            let known = || authorities.iter().map(|one| one.founding.name.as_str());
            if known().any(|name| name == one.name) {
                return Err(wrong("authorities", format!("{:?} twice", one.name), "each once"));
            }
            if let Some(parent) = one.parent.as_ref().filter(|parent| known().all(|n| n != *parent))
            {
                let allowed = known().collect::<Vec<_>>().join(", ");
                let allowed = format!("one that stands before it: {allowed}");
                return Err(wrong(&format!("{}: parent", one.name), parent, allowed));
            }
            authorities.push(one.read()?);
        }
        let plan = Self { authorities, kubernetes: written.kubernetes };
        plan.check_trust()?;
        Ok(plan)
    }

    fn check_trust(&self) -> Result<(), CliError> {
        let trust = self.kubernetes.as_ref().and_then(|kubernetes| kubernetes.trust.as_ref());
        let Some(trust) = trust else { return Ok(()) };
        let known: Vec<&str> =
            self.authorities.iter().map(|one| one.founding.name.as_str()).collect();
        let mut named = trust.files.values().flatten();
        if let Some(name) = named.find(|name| !known.contains(&name.as_str())) {
            return Err(wrong("kubernetes.trust.files", name, known.join(", ")));
        }
        match &trust.cluster_trust_bundle {
            Some(bundle) => bundle.check(&trust.files),
            None => Ok(()),
        }
    }
}

impl ClusterTrustBundle {
    fn check(&self, files: &BTreeMap<String, Vec<String>>) -> Result<(), CliError> {
        let field = |field: &str| format!("kubernetes.trust.cluster_trust_bundle.{field}");
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if !(1..=253).contains(&self.name.len()) || !self.name.chars().all(is_name) {
            let allowed = "1 to 253 small letters, digits, '-' and '.'";
            return Err(wrong(&field("name"), format!("{:?}", self.name), allowed));
        }
        if !files.contains_key(&self.file) {
            let allowed = files.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(wrong(&field("file"), &self.file, allowed));
        }
        Ok(())
    }
}

impl WrittenAuthority {
    fn read(self) -> Result<PlannedAuthority, CliError> {
        let field = |field: &str| format!("plan: authority {}: {field}", self.name);
        let algorithm = |name: &str, value: &str| {
            Algorithm::named(value).map_err(|error| CliError::of(Exit::Usage, field(name), &error))
        };
        let alternative = self.alt_algorithm.as_deref();
        let days = self.days;
        if let Some(days) = days.filter(|days| !(1..=36_500).contains(days)) {
            return Err(wrong(&format!("{}: days", self.name), days, "1 to 36500"));
        }
        let founding = Founding {
            name: self.name.clone(),
            algorithm: algorithm("algorithm", &self.algorithm)?,
            alt_algorithm: alternative
                .map(|value| algorithm("alt_algorithm", value))
                .transpose()?,
            subject: DistinguishedName::parse(&self.subject)
                .map_err(|error| CliError::of(Exit::Usage, field("subject"), &error))?,
            profile: shipped(if self.parent.is_some() { "issuing-ca" } else { "root" })?,
            validity_seconds: days.map(|days| days * SECONDS_OF_DAY),
        };
        Ok(PlannedAuthority { founding, parent: self.parent })
    }
}

fn wrong(field: &str, found: impl ToString, allowed: impl ToString) -> CliError {
    CliError::usage(format!(
        "plan: {field}: found {}, allowed: {}",
        found.to_string(),
        allowed.to_string()
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    const RIGHT: &str = "\
version: 1
authorities:
  - {name: root, algorithm: hybrid, subject: CN=Root}
  - {name: issuing, parent: root, algorithm: p256, alt_algorithm: ml-dsa-65, subject: CN=Issuing, days: 30}
kubernetes:
  key_secrets: ca-
  trust:
    config_map: trust
    files: {ca.crt: [issuing], roots.crt: [root]}
    cluster_trust_bundle: {name: ns.trust, version: v1beta1, file: roots.crt}
";

    #[test]
    fn a_plan_is_read() {
        let plan = Plan::from_yaml(RIGHT).unwrap();
        assert_eq!(plan.authorities[1].parent.as_deref(), Some("root"));
        assert_eq!(plan.authorities[1].founding.validity_seconds, Some(30 * 86_400));
        let kubernetes = plan.kubernetes.unwrap();
        assert_eq!(kubernetes.key_secrets.as_deref(), Some("ca-"));
        let bundle = kubernetes.trust.unwrap().cluster_trust_bundle.unwrap();
        assert_eq!((bundle.name.as_str(), bundle.version.as_str()), ("ns.trust", "v1beta1"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (right, wrong, words) in [
            ("version: 1", "version: 2", "plan: version: found 2, allowed: 1"),
            ("version: 1", "version: 1\nkeys: x", "keys"),
            ("{name: root, ", "{name: issuing, ", "\"issuing\" twice, allowed: each once"),
            ("parent: root", "parent: other", "issuing: parent: found other, allowed: one that"),
            ("algorithm: hybrid", "algorithm: rot13", "plan: authority root: algorithm"),
            ("alt_algorithm: ml-dsa-65", "alt_algorithm: no", "authority issuing: alt_algorithm"),
            ("CN=Root", "Root", "plan: authority root: subject"),
            ("days: 30", "days: 0", "issuing: days: found 0, allowed: 1 to 36500"),
            (
                "[issuing]",
                "[nobody]",
                "kubernetes.trust.files: found nobody, allowed: root, issuing",
            ),
            ("ns.trust", "x.dev:trust", "bundle.name: found \"x.dev:trust\", allowed: 1 to 253"),
            ("v1beta1", "v2", "v2"),
            ("file: roots.crt", "file: ca", "bundle.file: found ca, allowed: ca.crt, roots.crt"),
        ] {
            let text = RIGHT.replacen(right, wrong, 1);
            let refusal = Plan::from_yaml(&text).unwrap_err().message().to_owned();
            assert!(refusal.contains(words), "{wrong}: {refusal}");
        }
        let none = Plan::from_yaml("version: 1\nauthorities: []\n").unwrap_err();
        assert!(none.message().contains("found 0 of them, allowed: 1 to 32"), "{}", none.message());
    }
}
