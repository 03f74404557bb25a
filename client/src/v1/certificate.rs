//! Certificates: asked for, issued, revoked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::whole;

/// A certification request for app.example; whoever wrote this has thrown its key away.
#[cfg(feature = "openapi")]
const EXAMPLE: &str = include_str!("example.csr");

/// A request for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(example = json!({"csr": EXAMPLE, "profile": "tls-server", "validity_days": 30}))
)]
pub struct IssueCertificate {
    /// The certification request (PKCS#10, RFC 2986) in PEM, at most 64 KiB of DER.
    #[cfg_attr(
        feature = "openapi",
        schema(
            example = json!(EXAMPLE),
            pattern = "-----BEGIN (NEW )?CERTIFICATE REQUEST-----"
        )
    )]
    pub csr: String,
    /// The authority that shall sign. May be left out where the server has only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, example = "issuing"))]
    pub authority: Option<String>,
    /// The profile; `tls-server` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, example = "tls-server")
    )]
    pub profile: Option<String>,
    /// How long it shall be valid, in days of 86,400 s; the profile's default where neither this
    /// nor `validity_seconds` is given.
    #[serde(default, deserialize_with = "whole::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 36500, example = 30))]
    pub validity_days: Option<u64>,
    /// The same in seconds; not both.
    #[serde(default, deserialize_with = "whole::option", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 3153600000_u64))]
    pub validity_seconds: Option<u64>,
}

/// The query parameters beside a request whose body is the certification request itself
/// (`application/pkcs10`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct IssueParameters {
    /// With `application/pkcs10`: the authority that shall sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub authority: Option<String>,
    /// With `application/pkcs10`: the profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(min_length = 1, max_length = 64))]
    pub profile: Option<String>,
    /// With `application/pkcs10`: how long it shall be valid, in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 36500))]
    pub validity_days: Option<u64>,
    /// With `application/pkcs10`: the same in seconds; not both.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", param(minimum = 1, maximum = 3153600000_u64))]
    pub validity_seconds: Option<u64>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Status {
    /// It has a certificate and is not revoked.
    Stored,
    /// It has no certificate and is not revoked: signing is under way, or was cut off.
    Orphan,
    /// It is revoked.
    Revoked,
}

/// What the ledger knows of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Certificate {
    /// The serial number, 40 hexadecimal digits.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = "^[0-9a-f]{40}$", example = "5b1f8a3c0d2e4f60718293a4b5c6d7e8f9010203")
    )]
    pub serial: String,
    /// What became of it.
    pub status: Status,
    /// The authority that signs.
    pub authority: String,
    /// The profile that it was planned by.
    pub profile: String,
    /// Who asked for it.
    pub requester: String,
    /// The subject as text (RFC 4514); may be empty.
    pub subject: String,
    /// The alternative names, each as `KIND:value`.
    #[cfg_attr(feature = "openapi", schema(example = json!(["DNS:app.example"])))]
    pub names: Vec<String>,
    /// The algorithm of its key.
    pub algorithm: String,
    /// The first second in which it is valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_before: Timestamp,
    /// The last second in which it is valid.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub not_after: Timestamp,
    /// When it was recorded, before it was signed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub recorded_at: Timestamp,
    /// SHA-256 of the certificate's DER; none for a record without certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub fingerprint_sha256: Option<String>,
    /// The certificate in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The certificate and those above it up to, but without, the root, in PEM: what a TLS server
    /// is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// Its revocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Revocation>,
    /// What it has otherwise than the request asked for; told when it is issued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Revocation {
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub revoked_at: Timestamp,
    /// Why (RFC 5280 section 5.3.1).
    #[cfg_attr(feature = "openapi", schema(example = "superseded"))]
    pub reason: String,
    /// Since when it was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub invalidity_date: Option<Timestamp>,
    /// Who asked for it.
    pub revoked_by: String,
}
