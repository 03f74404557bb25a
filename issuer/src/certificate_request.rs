//! cert-manager's `CertificateRequest` (cert-manager.io/v1), as far as an issuer needs it.

pub mod plan;
mod reconcile;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::{CustomResource, ResourceExt as _};
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, find};
use crate::kinds::{GROUP, IssuerKind, IssuerRef};

pub use reconcile::reconcile;

/// The condition that says whether a request is done.
pub const READY: &str = "Ready";
/// The condition of a request that can't be fulfilled as it is.
pub const INVALID_REQUEST: &str = "InvalidRequest";
/// `Ready` is false, and may become true.
pub const PENDING: &str = "Pending";
/// `Ready` is false for ever.
pub const FAILED: &str = "Failed";
/// `Ready` is false for ever, as an approver said.
pub const DENIED: &str = "Denied";
/// `Ready` is true.
pub const ISSUED: &str = "Issued";
/// What an approver sets.
const APPROVED: &str = "Approved";
/// The annotation by which a request chooses a profile that its issuer allows.
pub const PROFILE_ANNOTATION: &str = "espalier.dev/profile";

/// A request for a certificate.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "cert-manager.io",
    version = "v1",
    kind = "CertificateRequest",
    plural = "certificaterequests",
    status = "CertificateRequestStatus",
    schema = "disabled",
    derive = "PartialEq",
    namespaced
)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestSpec {
    /// How long the certificate shall be valid, as Go writes durations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Who shall issue it.
    pub issuer_ref: ObjectReference,
    /// The certification request (PKCS#10) in PEM.
    #[serde(default)]
    pub request: ByteString,
    /// What the certificate shall be used for, in the words of Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usages: Vec<String>,
    /// Whether the certificate shall be one of a CA.
    #[serde(default, rename = "isCA")]
    pub is_ca: bool,
}

/// Who shall issue a certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObjectReference {
    /// Its name.
    pub name: String,
    /// Its kind.
    #[serde(default)]
    pub kind: String,
    /// Its group.
    #[serde(default)]
    pub group: String,
}

impl ObjectReference {
    /// The issuer that an object of this namespace names, if that is one of ours.
    #[must_use]
    pub fn issuer(&self, namespace: Option<String>) -> Option<IssuerRef> {
        let kind = IssuerKind::named(&self.kind).filter(|_| self.group == GROUP)?;
        let namespace = match kind {
            IssuerKind::Namespaced => Some(namespace?),
            IssuerKind::Cluster => None,
        };
        Some(IssuerRef { kind, namespace, name: self.name.clone() })
    }
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateRequestStatus {
    /// `Approved`, `Denied`, `Ready`, `InvalidRequest`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// The certificate and those above it, without the root, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<ByteString>,
    /// The root in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<ByteString>,
    /// When it failed. Without it cert-manager never tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_time: Option<Timestamp>,
}

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Somebody else's.
    Foreign,
    /// Nobody has approved or denied it yet: it is not to be touched.
    Unjudged,
    /// An approver denied it, and nobody has said so in `Ready` yet.
    Denied,
    /// It is issued, failed or denied, and says so: nothing is left to do.
    Done,
    /// It failed, and lacks the time of it, without which it would stay for ever.
    FailedWithoutTime,
    /// It shall be signed.
    Open(IssuerRef),
}

impl CertificateRequest {
    /// The issuer that it names, if that is one of ours.
    #[must_use]
    pub fn issuer(&self) -> Option<IssuerRef> {
        self.spec.issuer_ref.issuer(self.namespace())
    }

    /// How far it is: the order in which cert-manager wants issuers to look.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let Some(issuer) = self.issuer() else { return Stage::Foreign };
        let holds = |kind| find(self.conditions(), kind).is_some_and(Condition::holds);
        let ready = find(self.conditions(), READY);
        let reason = ready.map_or("", |ready| ready.reason.as_str());
        let has_time = self.status.as_ref().is_some_and(|status| status.failure_time.is_some());
        if ready.is_some_and(Condition::holds) {
            return Stage::Done;
        }
        match (holds(DENIED), reason) {
            (true, DENIED) if has_time => Stage::Done,
            (true, _) => Stage::Denied,
            (false, FAILED | DENIED) if has_time => Stage::Done,
            (false, FAILED | DENIED) => Stage::FailedWithoutTime,
            (false, _) if holds(APPROVED) => Stage::Open(issuer),
            (false, _) => Stage::Unjudged,
        }
    }

    /// Whether it shall be signed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.stage(), Stage::Open(_))
    }

    /// Its conditions.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        self.status.as_ref().map_or(&[], |status| &status.conditions)
    }

    /// When it was approved.
    #[must_use]
    pub fn approved_at(&self) -> Option<Timestamp> {
        find(self.conditions(), APPROVED)?.last_transition_time
    }

    /// Its UID; empty for what was never stored.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The profile that it chooses.
    #[must_use]
    pub fn profile(&self) -> Option<&str> {
        self.annotations().get(PROFILE_ANNOTATION).map(String::as_str)
    }

    /// Forgets what nobody looks at again, so that a cluster's old requests take little memory.
    pub fn shed(&mut self) {
        self.metadata.managed_fields = None;
        if matches!(self.stage(), Stage::Done | Stage::Foreign) {
            self.spec.request = ByteString::default();
            self.metadata.annotations = None;
            if let Some(status) = &mut self.status {
                status.certificate = None;
                status.ca = None;
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::{Value, json};

    use super::*;

    /// A request with these conditions, each `[type, status, reason]`.
    pub(crate) fn request(conditions: &[[&str; 3]]) -> CertificateRequest {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|[kind, status, reason]| {
                json!({
                    "type": kind, "status": status, "reason": reason, "message": "",
                    "lastTransitionTime": "2026-11-27T05:00:00Z",
                })
            })
            .collect();
        serde_json::from_value(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "8e03978e-40d5-43e8-bc93-6894a57f9324"},
            "spec": {
                "issuerRef": {"group": "espalier.dev", "kind": "PQIssuer", "name": "hybrid"},
                "request": "", "usages": ["server auth"],
            },
            "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    fn timed(mut request: CertificateRequest) -> CertificateRequest {
        let status = request.status.as_mut().unwrap();
        status.failure_time = Some("2026-11-27T05:00:00Z".parse().unwrap());
        request
    }

    #[test]
    fn each_stage_is_told_from_its_neighbour() {
        let open = Stage::Open(IssuerRef {
            kind: IssuerKind::Namespaced,
            namespace: Some("shop".into()),
            name: "hybrid".into(),
        });
        let approved = ["Approved", "True", "cert-manager.io"];
        let denied = ["Denied", "True", "policy"];
        assert_eq!(request(&[]).stage(), Stage::Unjudged);
        assert_eq!(request(&[["Approved", "False", ""]]).stage(), Stage::Unjudged);
        assert_eq!(request(&[approved]).stage(), open);
        assert_eq!(request(&[approved, ["Ready", "False", "Pending"]]).stage(), open);
        assert_eq!(request(&[["Ready", "False", "Pending"]]).stage(), Stage::Unjudged);
        assert_eq!(request(&[denied]).stage(), Stage::Denied, "without Ready");
        assert_eq!(request(&[approved, denied]).stage(), Stage::Denied, "both");
        assert_eq!(request(&[denied, ["Ready", "False", "Pending"]]).stage(), Stage::Denied);
        assert_eq!(request(&[denied, ["Ready", "False", "Denied"]]).stage(), Stage::Denied);
        assert_eq!(timed(request(&[denied, ["Ready", "False", "Denied"]])).stage(), Stage::Done);
        let failed = request(&[approved, ["Ready", "False", "Failed"]]);
        assert_eq!(failed.stage(), Stage::FailedWithoutTime);
        assert_eq!(timed(failed).stage(), Stage::Done);
        assert_eq!(request(&[approved, ["Ready", "True", "Issued"]]).stage(), Stage::Done);
    }

    #[test]
    fn requests_of_other_issuers_are_foreign() {
        let mut other = request(&[["Approved", "True", ""]]);
        other.spec.issuer_ref.group = "cert-manager.io".into();
        assert_eq!(other.stage(), Stage::Foreign);
        other.spec.issuer_ref.group = GROUP.into();
        other.spec.issuer_ref.kind = "ClusterIssuer".into();
        assert_eq!(other.stage(), Stage::Foreign);
        other.spec.issuer_ref.kind = "PQClusterIssuer".into();
        assert!(matches!(other.stage(), Stage::Open(IssuerRef { namespace: None, .. })));
    }

    #[test]
    fn what_is_done_is_shed_and_what_is_open_is_not() {
        let mut open = request(&[["Approved", "True", ""]]);
        open.spec.request = ByteString(b"csr".to_vec());
        let mut done = request(&[["Approved", "True", ""], ["Ready", "True", "Issued"]]);
        done.spec.request = ByteString(b"csr".to_vec());
        open.shed();
        done.shed();
        assert_eq!(open.spec.request.0, b"csr");
        assert!(done.spec.request.0.is_empty());
        assert_eq!(done.stage(), Stage::Done);
    }
}
