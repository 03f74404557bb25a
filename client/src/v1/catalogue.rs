//! What a server offers: authorities, profiles, algorithms.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Every authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuthorityList {
    /// The authorities, by name.
    pub authorities: Vec<Authority>,
}

/// An authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// The authority above it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Timestamp,
    /// Whether this server signs with it.
    pub signs: bool,
    /// Its subject as text (RFC 4514).
    pub subject: String,
    /// The algorithm of its key.
    pub algorithm: String,
    /// The first second in which its certificate is valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_before: Timestamp,
    /// The last second in which its certificate is valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
    /// SHA-256 of its certificate's DER.
    pub fingerprint_sha256: String,
    /// Its certificate in PEM.
    pub certificate: String,
    /// Its certificate and those above it, the root included, in PEM.
    pub chain: String,
    /// Its other certificates in PEM, the oldest first: cross certificates, and those that were
    /// renewed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_certificates: Vec<String>,
}

/// An authority's newest complete revocation list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevocationList {
    /// The authority's name.
    pub authority: String,
    /// The list's number.
    pub number: u64,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub this_update: Timestamp,
    /// Until when it is current.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub next_update: Timestamp,
    /// SHA-256 of its DER.
    pub fingerprint_sha256: String,
    /// The list in PEM.
    pub crl: String,
}

/// Every profile that may be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProfileList {
    /// The profiles, by name.
    pub profiles: Vec<Profile>,
}

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whose certificates it makes: `leaf`, or an authority's by `root`, `issuing` or `cross`.
    #[cfg_attr(feature = "openapi", schema(example = "leaf"))]
    pub kind: String,
    /// The key usages that it gives, or allows where `copied_extensions` has `key_usage`: such as
    /// `digital_signature`. Those that a key can't have are left out.
    pub key_usages: Vec<String>,
    /// The extended key usages that it gives, or allows where `copied_extensions` has
    /// `extended_key_usage`: such as `server_auth`, or object identifiers.
    pub extended_key_usages: Vec<String>,
    /// The extensions that a certificate takes from its request, within what the profile allows:
    /// `subject_alt_name`, `key_usage`, `extended_key_usage`, or object identifiers.
    pub copied_extensions: Vec<String>,
    /// The subject keys that it allows, in words.
    pub keys: String,
    /// The kinds of alternative names that it allows.
    pub name_kinds: Vec<String>,
    /// How long certificates last when nothing is asked for, in seconds.
    pub default_validity_seconds: u64,
    /// How long they may last at most, in seconds.
    pub max_validity_seconds: u64,
}

impl Profile {
    /// Whether its certificates are those of authorities.
    #[must_use]
    pub fn is_of_authorities(&self) -> bool {
        self.kind != "leaf"
    }
}

/// Every algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlgorithmList {
    /// The algorithms.
    pub algorithms: Vec<Algorithm>,
}

/// An algorithm that keys can be made for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Algorithm {
    /// Its name.
    pub name: String,
    /// Its object identifier.
    pub oid: String,
    /// Its family.
    pub family: String,
    /// The security category of NIST, 1 to 5; none for classical ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nist_level: Option<u8>,
    /// Whether it can sign a second time in a classical certificate (X.509 clause 9.8).
    #[serde(default)]
    pub can_be_alternative: bool,
    /// Octets of a public key.
    pub public_key_bytes: usize,
    /// Octets of a signature; none for keys that establish keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_bytes: Option<usize>,
    /// Octets of a ciphertext, for keys that establish keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ciphertext_bytes: Option<usize>,
    /// Other names that are understood.
    pub aliases: Vec<String>,
}
