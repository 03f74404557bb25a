//! What is seen of an issuer.

use jiff::Timestamp;
use policy::Mode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;

/// What was seen of an issuer last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerStatus {
    /// Whether it can be used (`Ready`), whether its authority ends soon (`AuthorityEnds`), and whether
    /// all authorities that it names for policies can be used (`AuthoritiesReady`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The algorithm of the authority's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// What the authority's signatures are made of.
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
    /// The authorities that policies may choose, one of each mode.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["mode"]))]
    pub authorities: Vec<AuthorityStatus>,
}

/// What was seen of an authority that policies may choose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorityStatus {
    /// What its signatures are made of.
    pub mode: Mode,
    /// Its name at the server.
    pub authority: String,
    /// Whether it can be used.
    pub ready: bool,
    /// The algorithm of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// As `chainDigest` of the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_digest: Option<String>,
    /// The last second in which it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub not_after: Option<Timestamp>,
}
