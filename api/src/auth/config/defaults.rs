//! What holds where the configuration says nothing.

use std::num::NonZeroU32;
use std::path::PathBuf;

use super::{AuthConfig, RateLimitConfig};

/// A pod finds the API server and its own credentials here.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub(super) fn max_token_seconds() -> u32 {
    86_400
}

pub(super) fn refresh_seconds() -> u32 {
    600
}

pub(super) fn stale_seconds() -> u32 {
    86_400
}

pub(super) fn review_cache_seconds() -> u32 {
    10
}

pub(super) fn api_server() -> String {
    "https://kubernetes.default.svc".into()
}

pub(super) fn ca_file() -> PathBuf {
    [SERVICE_ACCOUNT, "ca.crt"].iter().collect()
}

pub(super) fn token_file() -> PathBuf {
    [SERVICE_ACCOUNT, "token"].iter().collect()
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            api_tokens: true,
            clock_leeway_seconds: 30,
            oidc: Vec::new(),
            kubernetes: Vec::new(),
            client_certificates: Vec::new(),
            requesters: Vec::new(),
            rate_limits: RateLimitConfig::default(),
        }
    }
}

impl Default for RateLimitConfig {
    fn default() -> Self {
        const fn number(number: u32) -> NonZeroU32 {
            match NonZeroU32::new(number) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            requester_per_second: number(200),
            requester_burst: number(1_000),
            unauthenticated_per_second: number(10),
            unauthenticated_burst: number(100),
        }
    }
}
