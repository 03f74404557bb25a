//! What is wanted of an issuer.

// `KubeSchema` repeats each type inside of a function, where `pub` reaches nobody.
#![allow(unreachable_pub)]

use kube::KubeSchema;
use policy::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where certificates come from, and as whom they are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.allowedProfiles) || self.allowedProfiles.all(x, size(x) > 0)").message("allowedProfiles: allowed are names of 1 to 64 characters")
)]
pub struct IssuerSpec {
    /// The Espalier server.
    pub server: Server,
    /// The authority that signs where no policy chooses another, by its name at the server.
    #[schemars(length(min = 1, max = 64))]
    pub authority: String,
    /// Authorities that a PQPolicy may choose, one for each mode. The one above counts for its own mode as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Authorities>,
    /// The profile of requests that choose none.
    #[serde(default = "tls_server")]
    #[schemars(length(min = 1, max = 64))]
    pub profile: String,
    /// Profiles that a request may choose by its annotation `espalier.dev/profile`, beside the one
    /// above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(max = 64)))]
    pub allowed_profiles: Vec<String>,
    /// As whom the server is asked: exactly one of the three.
    pub auth: Auth,
    /// Whether requests are given the root's certificate in `status.ca`, which becomes `ca.crt`.
    #[serde(default = "yes")]
    pub ca_in_status: bool,
    /// How long a request is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

impl IssuerSpec {
    /// Whether requests may have this profile.
    #[must_use]
    pub fn allows_profile(&self, profile: &str) -> bool {
        self.profile == profile || self.allowed_profiles.iter().any(|one| one == profile)
    }
}

/// Authorities by the mode of what they sign, by their names at the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Authorities {
    /// One that signs by RSA or an elliptic curve: the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub classical: Option<String>,
    /// One that signs so, and puts a post-quantum signature into an extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub catalyst: Option<String>,
    /// One whose signature is both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub composite: Option<String>,
    /// One that signs by ML-DSA or SLH-DSA.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub post_quantum: Option<String>,
}

impl Authorities {
    /// Each that is named, with its mode and its field.
    pub fn named(&self) -> impl Iterator<Item = (Mode, &'static str, &str)> {
        [
            (Mode::Classical, "spec.authorities.classical", &self.classical),
            (Mode::Catalyst, "spec.authorities.catalyst", &self.catalyst),
            (Mode::Composite, "spec.authorities.composite", &self.composite),
            (Mode::PostQuantum, "spec.authorities.postQuantum", &self.post_quantum),
        ]
        .into_iter()
        .filter_map(|(mode, field, name)| Some((mode, field, name.as_deref()?)))
    }
}

/// An Espalier server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!(has(self.caBundle) && has(self.caBundleRef))").message("allowed is caBundle or caBundleRef, not both")
)]
pub struct Server {
    /// Its address: `https`, or `http` on the controller's own machine.
    #[schemars(
        length(max = 512),
        regex(pattern = r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$))")
    )]
    pub url: String,
    /// The certificates that its own must lead to, PEM in Base64. Without these two the
    /// certificates count that the controller's system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 524_288))]
    pub ca_bundle: Option<String>,
    /// The same, from an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,
}

/// An entry of an object that has certificates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaBundleRef {
    /// What it is.
    pub kind: SourceKind,
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its entry.
    #[serde(default = "ca_crt")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// Kinds of objects that have certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SourceKind {
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
}

/// As whom the server is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.serviceAccount), has(self.clientCertificate), has(self.token)].filter(x, x).size() == 1").message("allowed is exactly one of serviceAccount, clientCertificate and token")
)]
pub struct Auth {
    /// As a service account, by a token that Kubernetes makes for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccount>,
    /// As the holder of a certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
    /// By a token of the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// A service account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccount {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Whom the token is for; the server's URL unless it is told. Never the API server of Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub audience: Option<String>,
}

/// A certificate with its key, in a Secret of type `kubernetes.io/tls`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificate {
    /// The Secret.
    pub secret_ref: Named,
}

/// A token in a Secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// The Secret.
    pub secret_ref: Named,
    /// Its entry.
    #[serde(default = "token_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// An object by its name, in the issuer's namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How long a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retry {
    /// Seconds for which a request is tried while the server can't answer; after that it fails. It
    /// narrows what the controller is told, and never widens it. A request that waits for its issuer
    /// waits as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 604_800))]
    pub limit_seconds: Option<u32>,
}

fn tls_server() -> String {
    "tls-server".to_owned()
}

fn ca_crt() -> String {
    "ca.crt".to_owned()
}

fn token_key() -> String {
    "token".to_owned()
}

fn yes() -> bool {
    true
}
