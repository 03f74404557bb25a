//! Kubernetes service accounts: tokens that a cluster issued for its pods.

mod token_review;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::config::{ConfigError, KubernetesConfig, VerifyBy};
use super::error::{AuthError, CredentialKind};
use super::fetch::{Fetcher, checked_url};
use super::identity::Identity;
use super::issuer::{Issuer, IssuerError, IssuerSettings, KeySource};
use super::jwt::{Claims, Compact, Expected, TokenRefusal};
use super::quoted::quoted;
use super::rules::plain_name;
use token_review::TokenReviews;

/// A cluster and how its tokens are checked.
#[derive(Debug)]
pub(super) struct Cluster {
    name: String,
    issuer: String,
    audiences: Vec<String>,
    leeway_seconds: u32,
    max_token_seconds: u32,
    check: Check,
}

#[derive(Debug)]
enum Check {
    Keys(Arc<Issuer>),
    Reviews(Box<TokenReviews>),
}

impl Cluster {
    pub(super) fn new(
        config: &KubernetesConfig,
        leeway_seconds: u32,
        base: &Path,
    ) -> Result<Self, ConfigError> {
        plain_name("cluster", &config.cluster)?;
        if config.review_cache_seconds > 60 {
            let found = config.review_cache_seconds.to_string();
            return Err(ConfigError::new("review_cache_seconds", found, "at most 60"));
        }
        let server = checked_url(&config.api_server);
        let server = server.map_err(|why| ConfigError::reason("api_server", why))?;
        let of_server = |path: &str| {
            let mut url = server.clone();
            url.set_path(path);
            url
        };
        let check = match (config.verify, &config.jwks_file) {
            (VerifyBy::TokenReview, Some(_)) => {
                let allowed = "only with verify: jwks";
                return Err(ConfigError::new("jwks_file", "a file", allowed));
            }
            (VerifyBy::TokenReview, None) => Check::Reviews(Box::new(TokenReviews::new(
                Self::fetcher(config, base)?,
                of_server("/apis/authentication.k8s.io/v1/tokenreviews"),
                config.audiences.clone(),
                config.review_cache_seconds,
            ))),
            (VerifyBy::Jwks, file) => {
                let settings = IssuerSettings {
                    issuer: config.issuer.clone(),
                    audiences: config.audiences.clone(),
                    algorithms: Vec::new(),
                    leeway_seconds,
                    max_token_seconds: config.max_token_seconds,
                    refresh_seconds: 600,
                    stale_seconds: 86_400,
                    source: match file {
                        Some(file) => KeySource::File(base.join(file)),
                        None => KeySource::Url(of_server("/openid/v1/jwks")),
                    },
                };
                let fetcher = match file {
                    Some(_) => Fetcher::new(None, None)
                        .map_err(|error| ConfigError::reason("jwks_file", error))?,
                    None => Self::fetcher(config, base)?,
                };
                let issuer = Issuer::new(settings, fetcher);
                Check::Keys(Arc::new(issuer.map_err(|e| ConfigError::reason("jwks_file", e))?))
            }
        };
        Ok(Self {
            name: config.cluster.clone(),
            issuer: config.issuer.clone(),
            audiences: config.audiences.clone(),
            leeway_seconds,
            max_token_seconds: config.max_token_seconds,
            check,
        })
    }

    fn fetcher(config: &KubernetesConfig, base: &Path) -> Result<Fetcher, ConfigError> {
        Fetcher::new(Some(&base.join(&config.ca_file)), Some(&base.join(&config.token_file)))
            .map_err(|error| ConfigError::reason("ca_file", error))
    }

    /// Its keys, where tokens are checked with them.
    pub(super) fn keys(&self) -> Option<&Arc<Issuer>> {
        match &self.check {
            Check::Keys(issuer) => Some(issuer),
            Check::Reviews(_) => None,
        }
    }

    /// `iss` of the cluster's tokens.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies a token that names this cluster.
    pub(super) async fn verify(
        &self,
        text: &str,
        token: &Compact<'_>,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        let (claims, username) = match &self.check {
            Check::Keys(issuer) => {
                let claims = issuer.verify(token, now).await.map_err(of_issuer)?;
                let username = claims.subject().to_owned();
                (claims, username)
            }
            Check::Reviews(reviews) => {
                // What is wrong for sure costs the API server nothing, and no token of others is
                // shown to it. Nothing of the claims is believed before it answered.
                let claims = Claims::check(token.claims(), &self.expected(now)).map_err(refused)?;
                let username = reviews.review(text, claims.expires_at(), now).await?;
                (claims, username)
            }
        };
        let (namespace, name) = account_of(&username).map_err(refused)?;
        check_agreement(&claims, &username, &namespace, &name).map_err(refused)?;
        Ok(Identity::ServiceAccount { cluster: self.name.clone(), namespace, name })
    }

    fn expected(&self, now: Timestamp) -> Expected<'_> {
        Expected {
            issuer: &self.issuer,
            audiences: &self.audiences,
            now,
            leeway_seconds: self.leeway_seconds,
            max_lifetime_seconds: self.max_token_seconds,
        }
    }
}

fn refused(refusal: TokenRefusal) -> AuthError {
    AuthError::refused(CredentialKind::ServiceAccount, refusal)
}

fn of_issuer(error: IssuerError) -> AuthError {
    match error {
        IssuerError::Refused(refusal) => refused(refusal),
        IssuerError::Unavailable(cause) => AuthError::unavailable("the cluster", cause),
    }
}

/// Namespace and name of `system:serviceaccount:NAMESPACE:NAME`.
fn account_of(username: &str) -> Result<(String, String), TokenRefusal> {
    let wrong = || {
        let found = quoted(username);
        TokenRefusal::new("sub", found, "system:serviceaccount:NAMESPACE:NAME")
    };
    let rest = username.strip_prefix("system:serviceaccount:").ok_or_else(wrong)?;
    let (namespace, name) = rest.split_once(':').ok_or_else(wrong)?;
    let label = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !text.is_empty() && text.bytes().all(fits) && !text.starts_with('-') && !text.ends_with('-')
    };
    let name_fits = name.len() <= 253 && name.split('.').all(label);
    if namespace.len() > 63 || !label(namespace) || !name_fits {
        return Err(wrong());
    }
    Ok((namespace.to_owned(), name.to_owned()))
}

/// The token's other words on the account, where it has them, say the same.
fn check_agreement(
    claims: &Claims,
    username: &str,
    namespace: &str,
    name: &str,
) -> Result<(), TokenRefusal> {
    if claims.subject() != username {
        let found = quoted(claims.subject());
        return Err(TokenRefusal::new("sub", found, "what the API server says"));
    }
    let Some(Value::Object(bound)) = claims.get("kubernetes.io") else { return Ok(()) };
    let account = bound.get("serviceaccount").and_then(|account| account.get("name"));
    for (said, expected) in [(bound.get("namespace"), namespace), (account, name)] {
        if said.is_some_and(|said| said.as_str() != Some(expected)) {
            let found = "another account than sub";
            return Err(TokenRefusal::new("kubernetes.io", found, "the account of sub"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn only_a_service_account_is_one() {
        let both = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
        assert_eq!(account_of("system:serviceaccount:shop:web").unwrap(), both("shop", "web"));
        let dotted = account_of("system:serviceaccount:shop:web.v2").unwrap();
        assert_eq!(dotted, both("shop", "web.v2"));
        for wrong in [
            "",
            "web",
            "system:serviceaccount:shop",
            "system:serviceaccount::web",
            "system:serviceaccount:shop:",
            "system:serviceaccount:shop:web:x",
            "system:serviceaccount:shop:web/x",
            "system:serviceaccount:shop:..",
            "system:serviceaccount:sh.op:web",
            "system:serviceaccount:-shop:web",
            "system:node:a",
            "xsystem:serviceaccount:shop:web",
        ] {
            let error = account_of(wrong).unwrap_err().to_string();
            assert!(error.contains("allowed: system:serviceaccount:NAMESPACE:NAME"), "{error}");
        }
    }
}
