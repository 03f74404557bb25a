//! cert-manager's `Certificate` (cert-manager.io/v1), as far as a policy needs it.

use jiff::Timestamp;
use kube::{CustomResource, ResourceExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::certificate_request::ObjectReference;
use crate::condition::{Condition, find};
use crate::kinds::IssuerRef;

/// The condition by which a certificate is issued anew while it holds.
pub const ISSUING: &str = "Issuing";

/// What somebody wants a certificate for.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "Certificate",
    plural = "certificates",
    status = "CertificateStatus",
    schema = "disabled",
    derive = "PartialEq",
    namespaced
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSpec {
    /// Where it is kept.
    #[serde(default)]
    pub secret_name: String,
    /// Who shall issue it.
    pub issuer_ref: ObjectReference,
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateStatus {
    /// `Ready`, `Issuing`.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// When the last try failed; none after one that did not.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub last_failure_time: Option<Timestamp>,
    /// How many tries failed in a row.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub failed_issuance_attempts: Option<u32>,
    /// How often it was issued.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// What can't be read is as if it were not there: whoever may write to one status must not hide the Certificates of
/// everybody else, which are read together.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

impl Certificate {
    /// The issuer that it names, if that is one of ours.
    #[must_use]
    pub fn issuer(&self) -> Option<IssuerRef> {
        self.spec.issuer_ref.issuer(self.namespace())
    }

    /// Since when it is being issued; none where it is not.
    #[must_use]
    pub fn issuing_since(&self) -> Option<Timestamp> {
        let issuing = find(&self.status.as_ref()?.conditions, ISSUING)?;
        issuing.holds().then(|| issuing.last_transition_time.unwrap_or_default())
    }

    /// How many tries failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.status.as_ref().and_then(|status| status.failed_issuance_attempts).unwrap_or_default()
    }

    /// How often it was issued; none before the first time.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.status.as_ref()?.revision
    }

    /// When its last try failed, if none succeeded since.
    #[must_use]
    pub fn failed_at(&self) -> Option<Timestamp> {
        self.status.as_ref()?.last_failure_time
    }

    /// Forgets what nobody looks at.
    pub fn shed(&mut self) {
        self.metadata.managed_fields = None;
        self.metadata.annotations = None;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_that_makes_no_sense_hides_nothing_else() {
        let read = |status| -> Certificate {
            serde_json::from_value(json!({
                "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
                "metadata": {"name": "web", "namespace": "shop"},
                "spec": {
                    "secretName": "web",
                    "issuerRef": {"name": "hybrid", "kind": "PQIssuer", "group": "espalier.dev"},
                },
                "status": status,
            }))
            .unwrap()
        };
        let odd = read(json!({
            "revision": -1, "lastFailureTime": "never", "failedIssuanceAttempts": -3,
            "conditions": [{"type": "Issuing", "status": "True", "lastTransitionTime": "?"}],
        }));
        let found = (odd.revision(), odd.failed_at(), odd.failures(), odd.issuing_since());
        assert_eq!(found, (None, None, 0, None));
        assert_eq!(odd.issuer().unwrap().name, "hybrid");
        let sane = read(json!({
            "revision": 2, "failedIssuanceAttempts": 3,
            "conditions": [{"type": "Issuing", "status": "True"}],
        }));
        assert_eq!((sane.revision(), sane.failures()), (Some(2), 3));
        assert!(sane.issuing_since().is_some());
    }
}
