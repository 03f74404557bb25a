//! The profiles that come with Espalier.

use std::sync::LazyLock;

use super::Profile;

/// The names of the shipped profiles, authorities first.
pub const SHIPPED_NAMES: [&str; 10] = [
    "root",
    "issuing-ca",
    "cross-ca",
    "tls-server",
    "tls-client",
    "tls-peer",
    "spiffe",
    "code-signing",
    "ocsp-responder",
    "kem-recipient",
];

/// The YAML texts, in the same order.
pub(super) const TEXTS: [&str; 10] = [
    include_str!("../../profiles/root.yaml"),
    include_str!("../../profiles/issuing-ca.yaml"),
    include_str!("../../profiles/cross-ca.yaml"),
    include_str!("../../profiles/tls-server.yaml"),
    include_str!("../../profiles/tls-client.yaml"),
    include_str!("../../profiles/tls-peer.yaml"),
    include_str!("../../profiles/spiffe.yaml"),
    include_str!("../../profiles/code-signing.yaml"),
    include_str!("../../profiles/ocsp-responder.yaml"),
    include_str!("../../profiles/kem-recipient.yaml"),
];

pub(super) fn all() -> &'static [Profile] {
    static ALL: LazyLock<Vec<Profile>> = LazyLock::new(|| {
        // The texts are part of the program; a test reads each of them.
        TEXTS
            .iter()
            .map(|text| Profile::from_yaml(text).expect("shipped profiles are valid"))
            .collect()
    });
    &ALL
}
