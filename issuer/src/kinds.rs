//! Our kinds of Kubernetes objects: [`PQIssuer`], [`PQClusterIssuer`] and [`PQPolicy`], of the group `espalier.dev`.
//!
//! Both kinds of issuers have the same spec and status. They differ in where their Secrets and service accounts
//! are: in the issuer's own namespace, or in the one namespace that the controller is told
//! (`cluster_resource_namespace`). A spec never names a namespace.

mod pq_policy;
mod selector;
mod spec;
mod status;

use std::fmt;

use kube::{Api, Client, CustomResource, CustomResourceExt as _, Resource, ResourceExt as _};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

pub use pq_policy::{
    CanaryLabel, CanarySpec, LastRollback, ModeCount, NotCompliant, Overruling, PQPolicy,
    PQPolicySpec, PolicyStatus, PublishedRoot, StoredPolicy, Why,
};
pub use selector::{LabelSelector, Operator, Requirement};
pub use spec::{
    Auth, Authorities, CaBundleRef, ClientCertificate, IssuerSpec, Named, Retry, Server,
    ServiceAccount, SourceKind, Token,
};
pub use status::{AuthorityStatus, IssuerStatus};

/// The group of our kinds.
pub const GROUP: &str = "espalier.dev";

macro_rules! kind {
    ($(#[$about:meta])* $spec:ident, $kind:literal, $($kube:tt)*) => {
        $(#[$about])*
        #[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[kube(
            group = "espalier.dev",
            version = "v1alpha1",
            kind = $kind,
            status = "IssuerStatus",
            category = "cert-manager",
            derive = "PartialEq",
            printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
            printcolumn(name = "Authority", type_ = "string", json_path = ".spec.authority"),
            printcolumn(name = "Algorithm", type_ = "string", json_path = ".status.algorithm"),
            printcolumn(name = "Mode", type_ = "string", json_path = ".status.mode"),
            printcolumn(name = "Ends", type_ = "string", json_path = ".status.notAfter"),
            printcolumn(name = "Reason", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].message"#, priority = "1"),
            printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
            $($kube)*
        )]
        #[serde(transparent)]
        pub struct $spec {
            /// What both kinds have.
            pub issuer: IssuerSpec,
        }

        impl JsonSchema for $spec {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                IssuerSpec::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                IssuerSpec::json_schema(generator)
            }
        }
    };
}

kind! {
    /// Has the CertificateRequests of its own namespace answered by an authority of an Espalier server.
    PQIssuerSpec, "PQIssuer",
    plural = "pqissuers",
    shortname = "pqi",
    doc = "Has the CertificateRequests of its own namespace answered by an authority of an Espalier server.",
    namespaced
}

kind! {
    /// Has the CertificateRequests of every namespace answered by an authority of an Espalier server.
    PQClusterIssuerSpec, "PQClusterIssuer",
    plural = "pqclusterissuers",
    shortname = "pqci",
    doc = "Has the CertificateRequests of every namespace answered by an authority of an Espalier server."
}

/// Which of our kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IssuerKind {
    /// `PQIssuer`, which has a namespace.
    Namespaced,
    /// `PQClusterIssuer`.
    Cluster,
}

impl IssuerKind {
    /// The kind, as references name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaced => "PQIssuer",
            Self::Cluster => "PQClusterIssuer",
        }
    }

    /// The kind that a reference names, if it is ours.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        [Self::Namespaced, Self::Cluster].into_iter().find(|kind| kind.name() == text)
    }
}

/// An issuer by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerRef {
    /// Its kind.
    pub kind: IssuerKind,
    /// Its namespace; none for `PQClusterIssuer`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for IssuerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind.name(), self.name),
            None => write!(f, "{} {}", self.kind.name(), self.name),
        }
    }
}

/// An issuer's spec as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// The object's UID: one that is made anew under an old name is another one.
    pub uid: String,
    /// How often its spec was changed; zero where the API server does not say.
    pub generation: i64,
}

/// Either of our kinds.
pub trait Issuer:
    Resource<DynamicType = ()>
    + Clone
    + fmt::Debug
    + serde::de::DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// Which one it is.
    const KIND: IssuerKind;

    /// What is wanted of it.
    fn spec(&self) -> &IssuerSpec;

    /// Where objects of its kind are; the namespace counts for the kind that has one.
    fn api(client: Client, namespace: &str) -> Api<Self>;

    /// What was seen of it last.
    fn status(&self) -> Option<&IssuerStatus>;

    /// Its name.
    fn reference(&self) -> IssuerRef {
        IssuerRef { kind: Self::KIND, namespace: self.namespace(), name: self.name_any() }
    }

    /// Its spec as it is now.
    fn edition(&self) -> Edition {
        let (uid, generation) = (self.uid(), self.meta().generation);
        Edition { uid: uid.unwrap_or_default(), generation: generation.unwrap_or_default() }
    }
}

impl Issuer for PQIssuer {
    const KIND: IssuerKind = IssuerKind::Namespaced;

    fn api(client: Client, namespace: &str) -> Api<Self> {
        Api::namespaced(client, namespace)
    }

    fn spec(&self) -> &IssuerSpec {
        &self.spec.issuer
    }

    fn status(&self) -> Option<&IssuerStatus> {
        self.status.as_ref()
    }
}

impl Issuer for PQClusterIssuer {
    const KIND: IssuerKind = IssuerKind::Cluster;

    fn api(client: Client, _: &str) -> Api<Self> {
        Api::all(client)
    }

    fn spec(&self) -> &IssuerSpec {
        &self.spec.issuer
    }

    fn status(&self) -> Option<&IssuerStatus> {
        self.status.as_ref()
    }
}

/// The definitions of all kinds, each as a document of YAML, in the order of their names.
///
/// # Errors
/// When a definition is no YAML; nothing in ours is known to lead there.
pub fn definitions() -> Result<[(String, String); 3], serde_saphyr::ser_error::Error> {
    let [issuer, cluster, policy] = [PQIssuer::crd(), PQClusterIssuer::crd(), PQPolicy::crd()];
    Ok([
        ("espalier.dev_pqclusterissuers.yaml".to_owned(), serde_saphyr::to_string(&cluster)?),
        ("espalier.dev_pqissuers.yaml".to_owned(), serde_saphyr::to_string(&issuer)?),
        ("espalier.dev_pqpolicies.yaml".to_owned(), serde_saphyr::to_string(&policy)?),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use serde_json::{Value, json};

    use super::*;

    fn definition() -> Value {
        serde_json::to_value(PQIssuer::crd()).unwrap()
    }

    #[test]
    fn the_two_kinds_differ_in_name_and_scope_alone() {
        let mut cluster = serde_json::to_value(PQClusterIssuer::crd()).unwrap();
        let namespaced = definition();
        assert_eq!(namespaced["spec"]["scope"], "Namespaced");
        assert_eq!(cluster["spec"]["scope"], "Cluster");
        let schema = |crd: &Value| {
            crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"].clone()
        };
        assert_eq!(schema(&namespaced), schema(&cluster));
        assert_eq!(cluster["spec"]["names"].take()["shortNames"], json!(["pqci"]));
        let names = &namespaced["spec"]["names"];
        assert_eq!(names["plural"], "pqissuers");
        assert_eq!(names["categories"], json!(["cert-manager"]));
    }

    #[test]
    fn the_schema_has_the_rules() {
        let text = definition().to_string();
        for rule in [
            "exactly one of serviceAccount",
            "caBundle or caBundleRef",
            "x-kubernetes-list-map-keys",
        ] {
            assert!(text.contains(rule), "{rule}");
        }
        // Kubernetes takes structural schemas alone: no references to other schemas.
        assert!(!text.contains("$ref"), "{text}");
    }

    #[test]
    fn a_spec_is_read_with_its_defaults_and_refused_with_a_slip() {
        let read = |auth: Value| {
            serde_json::from_value::<PQIssuer>(json!({
                "apiVersion": "espalier.dev/v1alpha1", "kind": "PQIssuer",
                "metadata": {"name": "a", "namespace": "n"},
                "spec": {"server": {"url": "https://ca.example"}, "authority": "hybrid", "auth": auth},
            }))
        };
        let issuer = read(json!({"token": {"secretRef": {"name": "t"}}})).unwrap();
        assert_eq!(issuer.spec().profile, "tls-server");
        assert!(issuer.spec().ca_in_status);
        assert_eq!(issuer.spec().auth.token.as_ref().unwrap().key, "token");
        assert_eq!(issuer.reference().to_string(), "PQIssuer n/a");
        read(json!({"token": {"secretRef": "t"}})).unwrap_err();
    }
}
