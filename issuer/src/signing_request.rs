//! Kubernetes' own `CertificateSigningRequest` (certificates.k8s.io/v1), for those that name one of our
//! issuers as their signer.

pub mod plan;
mod reconcile;

use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::certificates::v1::{
    CertificateSigningRequest, CertificateSigningRequestCondition,
};
use kube::ResourceExt as _;

use crate::go_duration;
use crate::kinds::{GROUP, IssuerKind, IssuerRef};

pub use reconcile::reconcile;

/// What an approver sets.
const APPROVED: &str = "Approved";
/// What an approver sets.
const DENIED: &str = "Denied";
/// What a signer sets, for good.
const FAILED: &str = "Failed";
/// cert-manager's annotation for a duration as Go writes it; it counts before `expirationSeconds`.
const DURATION_ANNOTATION: &str = "experimental.cert-manager.io/request-duration";
/// cert-manager's annotation of a request for a CA's certificate.
const IS_CA_ANNOTATION: &str = "experimental.cert-manager.io/request-is-ca";
/// The same, as messages name it.
const IS_CA_FIELD: &str = "annotation experimental.cert-manager.io/request-is-ca";
/// The shortest duration that Kubernetes allows in `expirationSeconds`; it holds for both.
const SHORTEST_SECONDS: u64 = 600;

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Another signer's.
    Foreign,
    /// Nobody has approved or denied it yet.
    Unjudged,
    /// It has its certificate, failed or was denied.
    Done,
    /// It shall be signed.
    Open(IssuerRef),
}

/// How far a request is.
#[must_use]
pub fn stage(request: &CertificateSigningRequest) -> Stage {
    let Some(issuer) = signer(&request.spec.signer_name) else { return Stage::Foreign };
    let certificate = request.status.as_ref().and_then(|status| status.certificate.as_ref());
    let is_issued = certificate.is_some_and(|certificate| !certificate.0.is_empty());
    if is_issued || holds(request, FAILED) || holds(request, DENIED) {
        return Stage::Done;
    }
    if holds(request, APPROVED) { Stage::Open(issuer) } else { Stage::Unjudged }
}

/// The issuer that a signer name means: `pqissuers.espalier.dev/NAMESPACE.NAME` or
/// `pqclusterissuers.espalier.dev/NAME`, as cert-manager names its own.
#[must_use]
pub fn signer(name: &str) -> Option<IssuerRef> {
    let (kind, path) = name.split_once('/')?;
    let plural = kind.strip_suffix(GROUP)?.strip_suffix('.')?;
    let (kind, namespace, name) = match plural {
        "pqissuers" => {
            // No namespace has a dot in it; a name may.
            let (namespace, name) = path.split_once('.')?;
            (IssuerKind::Namespaced, Some(namespace), name)
        }
        "pqclusterissuers" => (IssuerKind::Cluster, None, path),
        _ => return None,
    };
    let is_named = !name.is_empty() && namespace != Some("");
    is_named.then(|| IssuerRef { kind, namespace: namespace.map(str::to_owned), name: name.into() })
}

/// How long the certificate shall be valid, in seconds; none where the profile decides.
///
/// # Errors
/// Which field, what was found, what is allowed.
pub fn seconds(request: &CertificateSigningRequest) -> Result<Option<u64>, String> {
    let annotated = request.annotations().get(DURATION_ANNOTATION);
    let asked = request.spec.expiration_seconds;
    let (field, seconds) = match (annotated, asked) {
        (Some(text), _) => {
            let field = format!("annotation {DURATION_ANNOTATION}");
            let seconds =
                go_duration::seconds(text).map_err(|words| format!("{field}: {words}"))?;
            (field, seconds)
        }
        (None, Some(seconds)) => {
            ("spec.expirationSeconds".to_owned(), u64::try_from(seconds).unwrap_or_default())
        }
        (None, None) => return Ok(None),
    };
    if seconds < SHORTEST_SECONDS {
        return Err(format!(
            "{field}: found {seconds} s, allowed are {SHORTEST_SECONDS} s and more"
        ));
    }
    Ok(Some(seconds))
}

/// Whether a CA's certificate is asked for.
#[must_use]
pub fn is_ca(request: &CertificateSigningRequest) -> bool {
    request.annotations().get(IS_CA_ANNOTATION).is_some_and(|text| text == "true")
}

/// When it was approved.
#[must_use]
pub fn approved_at(request: &CertificateSigningRequest) -> Option<Timestamp> {
    let approved = conditions(request).iter().find(|one| one.type_ == APPROVED)?;
    let time = approved.last_transition_time.as_ref()?;
    // The type is that of another release of the same library.
    Timestamp::from_second(time.0.as_second()).ok()
}

/// Its UID; empty for what was never stored.
#[must_use]
pub fn uid(request: &CertificateSigningRequest) -> &str {
    request.metadata.uid.as_deref().unwrap_or_default()
}

/// Forgets what nobody looks at again.
pub fn shed(request: &mut CertificateSigningRequest) {
    if matches!(stage(request), Stage::Done | Stage::Foreign) {
        request.spec.request = ByteString::default();
        request.spec.extra = None;
        request.spec.groups = None;
        request.metadata.annotations = None;
        if let Some(certificate) =
            request.status.as_mut().and_then(|status| status.certificate.as_mut())
        {
            // That there is one is all that counts.
            certificate.0.truncate(1);
        }
    }
}

fn conditions(request: &CertificateSigningRequest) -> &[CertificateSigningRequestCondition] {
    let status = request.status.as_ref();
    status.and_then(|status| status.conditions.as_deref()).unwrap_or_default()
}

fn holds(request: &CertificateSigningRequest, kind: &str) -> bool {
    conditions(request).iter().any(|one| one.type_ == kind && one.status == "True")
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::json;

    use super::*;

    /// A request to `hybrid` in `shop` with these conditions.
    pub(crate) fn request(conditions: &[&str]) -> CertificateSigningRequest {
        let conditions: Vec<_> =
            conditions.iter().map(|kind| json!({"type": kind, "status": "True"})).collect();
        serde_json::from_value(json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
            "metadata": {"name": "web", "uid": "8e03978e-40d5-43e8-bc93-6894a57f9324"},
            "spec": {
                "signerName": "pqissuers.espalier.dev/shop.hybrid", "request": "",
                "usages": ["digital signature", "server auth"], "username": "ann",
            },
            "status": {"conditions": conditions},
        }))
        .unwrap()
    }

    #[test]
    fn signer_names_are_read_as_cert_manager_writes_them() {
        let issuer = |kind, namespace: Option<&str>, name: &str| IssuerRef {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        };
        assert_eq!(
            signer("pqissuers.espalier.dev/shop.hybrid.v2"),
            Some(issuer(IssuerKind::Namespaced, Some("shop"), "hybrid.v2"))
        );
        assert_eq!(
            signer("pqclusterissuers.espalier.dev/hybrid.v2"),
            Some(issuer(IssuerKind::Cluster, None, "hybrid.v2"))
        );
        for other in [
            "issuers.cert-manager.io/shop.hybrid",
            "kubernetes.io/kube-apiserver-client",
            "pqissuers.espalier.dev/hybrid",
            "pqissuers.espalier.dev/.hybrid",
            "pqissuers.espalier.dev/shop.",
            "pqclusterissuers.espalier.dev/",
            "pqissuersespalier.dev/shop.hybrid",
            "pqissuers.espalier.dev.evil/shop.hybrid",
        ] {
            assert_eq!(signer(other), None, "{other}");
        }
    }

    #[test]
    fn each_stage_is_told_from_its_neighbour() {
        assert_eq!(stage(&request(&[])), Stage::Unjudged);
        assert!(matches!(stage(&request(&["Approved"])), Stage::Open(_)));
        assert_eq!(stage(&request(&["Denied"])), Stage::Done);
        assert_eq!(stage(&request(&["Approved", "Denied"])), Stage::Done);
        assert_eq!(stage(&request(&["Approved", "Failed"])), Stage::Done);
        let mut issued = request(&["Approved"]);
        issued.status.as_mut().unwrap().certificate = Some(ByteString(b"pem".to_vec()));
        assert_eq!(stage(&issued), Stage::Done);
        shed(&mut issued);
        assert_eq!(stage(&issued), Stage::Done);
        let mut foreign = request(&["Approved"]);
        foreign.spec.signer_name = "issuers.cert-manager.io/shop.hybrid".into();
        assert_eq!(stage(&foreign), Stage::Foreign);
    }

    #[test]
    fn the_annotation_counts_before_the_field_and_both_have_a_least() {
        let mut asked = request(&[]);
        assert_eq!(seconds(&asked), Ok(None));
        asked.spec.expiration_seconds = Some(600);
        assert_eq!(seconds(&asked), Ok(Some(600)));
        asked.spec.expiration_seconds = Some(599);
        assert!(seconds(&asked).unwrap_err().contains("spec.expirationSeconds: found 599 s"));
        let annotate = |asked: &mut CertificateSigningRequest, text: &str| {
            asked.annotations_mut().insert(DURATION_ANNOTATION.into(), text.into());
        };
        annotate(&mut asked, "1h0m0s");
        assert_eq!(seconds(&asked), Ok(Some(3600)));
        annotate(&mut asked, "9m59s");
        assert!(seconds(&asked).unwrap_err().contains("allowed are 600 s and more"));
        annotate(&mut asked, "soon");
        assert!(seconds(&asked).unwrap_err().contains("request-duration: found \"soon\""));
    }
}
