//! The cases of limbo.json, in the suite's own schema.

use interop::vectors::{json, vectors};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Suite {
    pub(crate) testcases: Vec<Case>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) features: Vec<String>,
    pub(crate) validation_kind: Kind,
    pub(crate) trusted_certs: Vec<String>,
    pub(crate) untrusted_intermediates: Vec<String>,
    pub(crate) peer_certificate: String,
    pub(crate) validation_time: Option<String>,
    pub(crate) key_usage: Vec<String>,
    pub(crate) extended_key_usage: Vec<String>,
    pub(crate) signature_algorithms: Vec<String>,
    pub(crate) expected_result: Expected,
    pub(crate) expected_peer_name: Option<PeerName>,
    pub(crate) expected_peer_names: Vec<PeerName>,
    pub(crate) max_chain_depth: Option<usize>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Kind {
    Server,
    Client,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Debug)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Expected {
    Success,
    Failure,
}

#[derive(Deserialize)]
pub(crate) struct PeerName {
    pub(crate) kind: NameKind,
    pub(crate) value: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum NameKind {
    Dns,
    Ip,
    Rfc822,
}

impl Case {
    pub(crate) fn has(&self, feature: &str) -> bool {
        self.features.iter().any(|one| one == feature)
    }

    /// The instant to verify at. Cases without one were made to be valid for centuries.
    pub(crate) fn at(&self) -> jiff::Timestamp {
        let text = self.validation_time.as_deref().unwrap_or("2026-06-01T00:00:00Z");
        text.parse().expect("validation_time is RFC 3339")
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &PeerName> {
        self.expected_peer_name.iter().chain(&self.expected_peer_names)
    }
}

/// The suite, or nothing when the vectors are not there.
pub(crate) fn load() -> Option<Suite> {
    vectors("limbo/limbo.json").map(|file| json(&file))
}

/// The DER inside one PEM block.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    pem_rfc7468::decode_vec(pem.as_bytes()).expect("limbo.json holds PEM").1
}
