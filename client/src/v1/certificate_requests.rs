//! What is asked about certificates that exist.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Certificate, Status, whole};

/// Which certificates; each parameter narrows the search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct SearchCertificates {
    /// Only of this authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 64, pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$")
    )]
    pub authority: Option<String>,
    /// Only of this profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 64, pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$")
    )]
    pub profile: Option<String>,
    /// Only those that this requester asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 512, pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$")
    )]
    pub requester: Option<String>,
    /// Only with this name, whole and with its kind, such as `DNS:app.example`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 2048, pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$")
    )]
    pub name: Option<String>,
    /// Only the certificate with this SHA-256 fingerprint; beside no other filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9a-fA-F]{64}$"))]
    pub fingerprint: Option<String>,
    /// Only with this key, or this part of a composite key, by the SHA-256 of its
    /// SubjectPublicKeyInfo.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-9a-fA-F]{64}$"))]
    pub key: Option<String>,
    /// Only with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(inline))]
    pub status: Option<Status>,
    /// Only with keys of this algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        param(min_length = 1, max_length = 128, pattern = "^[^\\u0000-\\u001F\\u007F-\\u009F]*$")
    )]
    pub algorithm: Option<String>,
    /// Only those that end before this instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = DateTime))]
    pub expires_before: Option<Timestamp>,
    /// Only those that end at this instant or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(value_type = Option<String>, format = DateTime))]
    pub expires_after: Option<Timestamp>,
    /// How many at most; 50 where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 1000))]
    pub limit: Option<u32>,
    /// Go on behind the page that gave this as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(pattern = "^[0-7][0-9a-f]{15}$"))]
    pub cursor: Option<String>,
}

/// One page of what was found, the newest first; without the certificates themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CertificatePage {
    /// The certificates.
    pub certificates: Vec<Certificate>,
    /// The cursor of the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Why a certificate is revoked, for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevokeCertificate {
    /// The reason (RFC 5280 section 5.3.1): unspecified, keyCompromise, cACompromise,
    /// affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn or aACompromise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(
            example = "superseded",
            pattern = "^(unspecified|keyCompromise|cACompromise|affiliationChanged|superseded|cessationOfOperation|privilegeWithdrawn|aACompromise)$"
        )
    )]
    pub reason: Option<String>,
    /// Since when the key is feared to be known to others, or the certificate was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub invalidity_date: Option<Timestamp>,
}

/// A certificate once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewCertificate {
    /// A certification request with a new key, in PEM; what it names must be what the certificate
    /// names. Without one the key stays the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "-----BEGIN (NEW )?CERTIFICATE REQUEST-----")
    )]
    pub csr: Option<String>,
    /// How long it shall be valid, in days; the profile's default otherwise.
    #[serde(default, deserialize_with = "whole::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36500))]
    pub validity_days: Option<u64>,
    /// The same in seconds; not both.
    #[serde(default, deserialize_with = "whole::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3153600000_u64))]
    pub validity_seconds: Option<u64>,
}

/// What a certificate would be; nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckedCertificate {
    /// The authority that would sign.
    pub authority: String,
    /// The profile.
    pub profile: String,
    /// The subject as text (RFC 4514); may be empty.
    pub subject: String,
    /// The alternative names, each as `KIND:value`.
    pub names: Vec<String>,
    /// The algorithm of its key.
    pub algorithm: String,
    /// The first second in which it would be valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_before: Timestamp,
    /// The last second in which it would be valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
    /// What it would have otherwise than the request asks for.
    pub notes: Vec<String>,
    /// What the lints found that does not stop it, each as `severity id: detail`.
    pub findings: Vec<String>,
}
