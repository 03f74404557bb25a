//! Access as it stands in the configuration, below `auth`.
//!
//! Everything that is not said here is refused. docs/access.md explains each field with examples.

mod defaults;
mod error;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use ca_core::path::SecurityPolicy;
use serde::{Deserialize, Deserializer};

pub use error::ConfigError;

use super::grants::GrantConfig;
use super::jwt::JwtAlgorithm;

/// Who may do what.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthConfig {
    /// Whether API tokens are accepted.
    pub api_tokens: bool,
    /// How far the clocks of issuers may be from ours, at most 300.
    pub clock_leeway_seconds: u32,
    /// Issuers of JSON Web Tokens.
    pub oidc: Vec<OidcConfig>,
    /// Kubernetes clusters whose service accounts may ask.
    pub kubernetes: Vec<KubernetesConfig>,
    /// Whose client certificates are accepted.
    pub client_certificates: Vec<TrustConfig>,
    /// What those may who were authenticated by one of the above. API tokens carry their grant.
    pub requesters: Vec<RuleConfig>,
    /// How often one may ask.
    pub rate_limits: RateLimitConfig,
}

impl AuthConfig {
    /// The files that are read when the configuration is, relative to its folder. The token that
    /// API servers are shown is read whenever it is used.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let oidc = self.oidc.iter().flat_map(|one| one.jwks_file.iter().chain(&one.ca_file));
        let clusters =
            self.kubernetes.iter().flat_map(|one| one.jwks_file.iter().chain([&one.ca_file]));
        let trusts = self.client_certificates.iter();
        let trusts = trusts.flat_map(|one| one.anchor_files.iter().chain(&one.crl_files));
        oidc.chain(clusters).chain(trusts)
    }
}

/// An OpenID Connect issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// `iss` of its tokens, to the letter; an https URL.
    pub issuer: String,
    /// `aud` of its tokens must have one of these.
    pub audiences: Vec<String>,
    /// The algorithms of keys that are used; none means all. An RSA key that names no algorithm
    /// is used with the first RSA one of these, or RS256.
    #[serde(default)]
    pub algorithms: Vec<JwtAlgorithm>,
    /// Where its keys are, instead of what its discovery document says.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// A file with its keys, instead of fetching them.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// Certificates in PEM that the issuer's own must lead to, instead of those that the system
    /// trusts.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long a token may live.
    #[serde(default = "defaults::max_token_seconds")]
    pub max_token_seconds: u32,
    /// How long fetched keys are used before they are fetched again.
    #[serde(default = "defaults::refresh_seconds")]
    pub refresh_seconds: u32,
    /// How long fetched keys are used at most when the issuer can't be reached.
    #[serde(default = "defaults::stale_seconds")]
    pub stale_seconds: u32,
}

/// A Kubernetes cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KubernetesConfig {
    /// Our name for it.
    pub cluster: String,
    /// `iss` of its service account tokens (`--service-account-issuer`).
    pub issuer: String,
    /// `aud` of the tokens must have one of these.
    pub audiences: Vec<String>,
    /// How tokens are checked.
    #[serde(default)]
    pub verify: VerifyBy,
    /// The API server.
    #[serde(default = "defaults::api_server")]
    pub api_server: String,
    /// Certificates that the API server's own must lead to.
    #[serde(default = "defaults::ca_file")]
    pub ca_file: PathBuf,
    /// The token that this server shows the API server.
    #[serde(default = "defaults::token_file")]
    pub token_file: PathBuf,
    /// A file with the cluster's keys, with `verify: jwks`, instead of asking the API server.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// How long a review's answer holds, at most 60.
    #[serde(default = "defaults::review_cache_seconds")]
    pub review_cache_seconds: u32,
    /// How long a token may live.
    #[serde(default = "defaults::max_token_seconds")]
    pub max_token_seconds: u32,
}

/// How a cluster's tokens are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyBy {
    /// The API server is asked about each (TokenReview), so that a token ends with its pod.
    #[default]
    TokenReview,
    /// Signatures are checked here, with the cluster's public keys.
    Jwks,
}

/// Whose client certificates are accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfig {
    /// Our name for it.
    pub trust: String,
    /// Authorities of this server whose certificates are trusted.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Files with trusted certificates in PEM or DER.
    #[serde(default)]
    pub anchor_files: Vec<PathBuf>,
    /// How revoked certificates are told from others.
    #[serde(default)]
    pub revocation: RevocationConfig,
    /// Revocation lists, with `revocation: crl`.
    #[serde(default)]
    pub crl_files: Vec<PathBuf>,
    /// What every signature must be made of: `any`, `hybrid` or `post-quantum`.
    #[serde(default, deserialize_with = "policy")]
    pub policy: SecurityPolicy,
}

/// How revoked client certificates are told from others. What this server's ledger knows as
/// revoked is refused with each of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RevocationConfig {
    /// Every certificate below the anchor is in this server's ledger, and not revoked.
    #[default]
    Ledger,
    /// `crl_files` say so of every certificate below the anchor.
    Crl,
    /// Nobody is asked.
    None,
}

/// A rule: whom it is about, and what they may.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// Our name for it, which the log shows.
    pub rule: String,
    /// Whom it is about.
    #[serde(rename = "match")]
    pub matches: MatchConfig,
    /// What they may.
    pub grant: GrantConfig,
}

/// Whom a rule is about: one of these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MatchConfig {
    /// Tokens of an OpenID Connect issuer.
    #[serde(default)]
    pub jwt: Option<JwtMatch>,
    /// Service accounts of a cluster.
    #[serde(default)]
    pub service_account: Option<ServiceAccountMatch>,
    /// Holders of client certificates.
    #[serde(default)]
    pub client_certificate: Option<CertificateMatch>,
}

/// Tokens of an issuer for which everything here holds. A text is exact, or a start with `*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JwtMatch {
    /// The issuer, as in `oidc`.
    pub issuer: String,
    /// `sub`.
    #[serde(default)]
    pub subject: Option<String>,
    /// Other claims: each is one of the texts, or an array that has one of them.
    #[serde(default)]
    pub claims: BTreeMap<String, Vec<String>>,
}

/// Service accounts. A text is exact, or a start with `*`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountMatch {
    /// The cluster, as in `kubernetes`.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// Holders of certificates for which everything here holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateMatch {
    /// Whose certificates, as in `client_certificates`.
    pub trust: String,
    /// Patterns of which one covers one of the certificate's names.
    #[serde(default)]
    pub names: Vec<String>,
    /// The whole subject (RFC 4514).
    #[serde(default)]
    pub subject: Option<String>,
    /// SHA-256 of the certificate, one of these.
    #[serde(default)]
    pub fingerprints: Vec<String>,
}

/// How often one may ask.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateLimitConfig {
    /// Requests of one requester, each second.
    pub requester_per_second: NonZeroU32,
    /// Requests of one requester at once.
    pub requester_burst: NonZeroU32,
    /// Requests from one address that nobody could be found for, each second.
    pub unauthenticated_per_second: NonZeroU32,
    /// Requests from one address that nobody could be found for, at once.
    pub unauthenticated_burst: NonZeroU32,
}

fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecurityPolicy, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
