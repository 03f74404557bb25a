//! What is seen of an issuer.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;

/// What was seen of an issuer last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// Whether it can be used (`Ready`), and whether its authority ends soon (`AuthorityEnds`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The algorithm of the authority's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// What the authority's signatures hold against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// SHA-256 of the authority's chain: the DER of its certificate and of those above it, the root
    /// included, one behind the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_digest: Option<String>,
    /// Octets of what is sent with each certificate: the chain without the root, in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 0, max = 4_294_967_295_i64))]
    pub chain_bytes: Option<u32>,
    /// The last second in which the authority can be used: the earliest end in its chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_after: Option<Timestamp>,
}

/// What signatures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// One signature of RSA or elliptic curves.
    Classical,
    /// One signature that is both, classical and ML-DSA.
    Hybrid,
    /// A classical signature, and a post-quantum one in an extension (X.509 clause 9.8).
    Catalyst,
    /// One post-quantum signature.
    PostQuantum,
}
