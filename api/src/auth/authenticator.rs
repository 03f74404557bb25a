//! From what a request presents to who asks.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ca_core::fingerprint::Fingerprint;
use jiff::Timestamp;
use ledger::Ledger;

use super::api_token::{self, digest_of, same_digest};
use super::caller::Caller;
use super::client_certificate::{OwnAuthority, Trust, Trusts};
use super::config::{AuthConfig, ConfigError, OidcConfig};
use super::error::{AuthError, CredentialKind};
use super::facts::Facts;
use super::fetch::{Fetcher, checked_url};
use super::grants::{Grant, GrantConfig, Grants};
use super::identity::Identity;
use super::issuer::{Issuer, IssuerError, IssuerSettings, KeySource};
use super::jwt::Compact;
use super::kubernetes::Cluster;
use super::quoted::{is_plain, quoted};
use super::rate_limit::{Allowance, RateLimits};
use super::rules::Rules;

/// The most issuers, clusters and trusts of each kind.
const MAX_SOURCES: usize = 100;

/// What a request shows of who asks. Its Debug form does not show the token.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// What follows `Bearer ` in Authorization.
    pub bearer: Option<&'a str>,
    /// The client's certificates in DER, leaf first, as the TLS layer got them. It has proven that
    /// the client holds the leaf's key.
    pub client_certificates: Option<&'a [Vec<u8>]>,
    /// Where the request comes from.
    pub peer: SocketAddr,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented")
            .field("bearer", &self.bearer.map(|_| ".."))
            .field("client_certificates", &self.client_certificates.map(<[_]>::len))
            .field("peer", &self.peer)
            .finish()
    }
}

impl Presented<'_> {
    /// What tells the credential from others; none where there is none.
    fn digest(&self) -> Option<Fingerprint> {
        match (self.bearer, self.client_certificates) {
            (Some(text), _) => Some(Fingerprint::of(text.as_bytes())),
            (None, Some(chain)) if !chain.is_empty() => {
                let each = chain.iter().flat_map(|der| *Fingerprint::of(der).as_bytes());
                Some(Fingerprint::of(&each.collect::<Vec<u8>>()))
            }
            (None, _) => None,
        }
    }
}

/// What an authenticator asks beside its configuration.
#[derive(Clone, Debug)]
pub struct Resources<'a> {
    /// Relative paths of the configuration are below this folder.
    pub base: &'a Path,
    /// The authorities of this server.
    pub authorities: &'a [OwnAuthority],
    /// Where API tokens are looked up, and whether client certificates are revoked.
    pub ledger: Ledger,
}

/// Knows who asks.
#[derive(Debug)]
pub struct Authenticator {
    api_tokens: bool,
    issuers: Vec<Arc<Issuer>>,
    clusters: Vec<Cluster>,
    trusts: Trusts,
    rules: Rules,
    ledger: Ledger,
    limits: Arc<RateLimits>,
}

impl Authenticator {
    /// Checks the configuration, and reads the files that it names. Nothing is fetched yet.
    ///
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn new(config: &AuthConfig, resources: Resources<'_>) -> Result<Self, ConfigError> {
        if config.clock_leeway_seconds > 300 {
            let found = config.clock_leeway_seconds.to_string();
            return Err(ConfigError::new("clock_leeway_seconds", found, "at most 300"));
        }
        check_issuers(config)?;
        let leeway = config.clock_leeway_seconds;
        let Resources { base, authorities, ledger } = resources;
        let issuers = all("oidc", &config.oidc, |one| issuer(one, leeway, base))?;
        let clusters =
            all("kubernetes", &config.kubernetes, |one| Cluster::new(one, leeway, base))?;
        let trusts = all("client_certificates", &config.client_certificates, |one| {
            Trust::new(one, base, authorities)
        })?;
        unique("kubernetes", config.kubernetes.iter().map(|one| &one.cluster))?;
        unique("client_certificates", config.client_certificates.iter().map(|one| &one.trust))?;
        let limits = &config.rate_limits;
        Ok(Self {
            api_tokens: config.api_tokens,
            issuers,
            clusters,
            trusts: Trusts::new(trusts),
            rules: Rules::new(config)?,
            ledger,
            limits: Arc::new(RateLimits::new(
                Allowance {
                    per_second: limits.requester_per_second,
                    burst: limits.requester_burst,
                },
                Allowance {
                    per_second: limits.unauthenticated_per_second,
                    burst: limits.unauthenticated_burst,
                },
            )),
        })
    }

    /// Takes over what the one before learned: the keys of issuers that are configured as they
    /// were, and what is left of allowances that are the same.
    #[must_use]
    pub fn succeeding(mut self, before: &Self) -> Self {
        if self.limits.allows_as(&before.limits) {
            self.limits = Arc::clone(&before.limits);
        }
        let before =
            || before.issuers.iter().chain(before.clusters.iter().filter_map(Cluster::keys));
        for issuer in self.issuers.iter().chain(self.clusters.iter().filter_map(Cluster::keys)) {
            if let Some(same) = before().find(|other| issuer.is_configured_as(other)) {
                issuer.take_keys(same);
            }
        }
        self
    }

    /// Finds out who asks, and counts the request.
    ///
    /// # Errors
    /// `AuthError`: there is no credential, it is wrong, it names nobody that a rule matches, it
    /// can't be judged now, or it is one request too many.
    pub async fn authenticate(
        &self,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let too_many = |retry_after: Duration| AuthError::TooMany { retry_after };
        let (credential, peer) = (presented.digest(), presented.peer.ip());
        let costly = presented.bearer.is_none() && credential.is_some();
        let counted = self.limits.admit(credential, costly, peer).map_err(too_many)?;
        match self.identify(presented, now).await {
            Ok(caller) => {
                let counted = self.limits.good(credential, caller.name(), counted.as_deref());
                counted.map(|()| caller).map_err(too_many)
            }
            Err(error) => {
                let counted = self.limits.bad(credential, peer);
                Err(counted.map_or_else(too_many, |()| error))
            }
        }
    }

    async fn identify(
        &self,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        let identity = match (presented.bearer, presented.client_certificates) {
            (Some(text), _) if text.starts_with(api_token::PREFIX) => {
                return self.api_token(text, now).await;
            }
            (Some(text), _) => self.jwt(text, now).await?,
            (None, Some(chain)) if !chain.is_empty() => {
                self.trusts.authenticate(chain, &self.ledger, now).await?
            }
            (None, _) => return Err(AuthError::Missing),
        };
        let mapped = self.rules.map(&identity);
        let mapped = mapped.ok_or_else(|| AuthError::Unmapped { who: identity.requester(None) })?;
        Ok(Caller {
            name: mapped.requester,
            credential: identity.kind(),
            rules: mapped.rules,
            grants: mapped.grants,
        })
    }

    async fn api_token(&self, text: &str, now: Timestamp) -> Result<Caller, AuthError> {
        let refused = |reason: &str| {
            AuthError::refused(CredentialKind::ApiToken, format!("API token: {reason}"))
        };
        if !self.api_tokens {
            return Err(refused("found one, allowed are none (auth.api_tokens)"));
        }
        let digest = digest_of(text).ok_or_else(|| {
            refused("found a text that is none (its checksum is wrong), allowed is a whole token")
        })?;
        // Every request asks anew, so that a revocation counts at once.
        let found = self.ledger.token_by_hash(digest).await;
        let found = found.map_err(|error| AuthError::unavailable("the ledger", error))?;
        let token = found
            .filter(|token| same_digest(&token.content.secret_digest, &digest))
            .ok_or_else(|| refused("found an unknown one, allowed is one of this server's"))?;
        if token.revocation.is_some() {
            return Err(refused("found a revoked one, allowed is one that is not"));
        }
        let token = token.content;
        if now >= token.expires_at {
            let end = token.expires_at;
            // Without what time it is: who asks again and again is told the same.
            return Err(refused(&format!(
                "found one that ended at {end}, allowed is one that has not ended"
            )));
        }
        let grant = serde_json::from_str::<GrantConfig>(&token.scope)
            .map_err(|error| error.to_string())
            .and_then(|grant| Grant::new(&grant).map_err(|error| error.to_string()));
        let grant = grant.map_err(|error| refused(&format!("its scope can't be read: {error}")))?;
        Ok(Caller {
            name: format!("token:{}", token.name),
            credential: CredentialKind::ApiToken,
            rules: Vec::new(),
            grants: Grants { all: vec![grant], facts: Facts::default() },
        })
    }

    async fn jwt(&self, text: &str, now: Timestamp) -> Result<Identity, AuthError> {
        let refused =
            |error: &dyn ToString| AuthError::refused(CredentialKind::Jwt, error.to_string());
        let token = Compact::parse(text).map_err(|error| refused(&error))?;
        let named = token.issuer().unwrap_or_default();
        if let Some(cluster) = self.clusters.iter().find(|cluster| cluster.issuer() == named) {
            return cluster.verify(text, &token, now).await;
        }
        let Some(issuer) = self.issuers.iter().find(|issuer| issuer.name() == named) else {
            let found = quoted(named);
            let reason = format!(
                "token: iss: found {found}, allowed: an issuer of the configuration (auth.oidc, auth.kubernetes)"
            );
            return Err(refused(&reason));
        };
        match issuer.verify(&token, now).await {
            Ok(claims) => {
                let issuer = issuer.name().to_owned();
                Ok(Identity::Jwt { issuer, claims: Box::new(claims) })
            }
            Err(IssuerError::Refused(refusal)) => Err(refused(&refusal)),
            Err(IssuerError::Unavailable(cause)) => {
                Err(AuthError::unavailable("the token's issuer", cause))
            }
        }
    }
}

/// Every issuer once, whatever it issues for: a token must not be judged by two sets of rules.
fn check_issuers(config: &AuthConfig) -> Result<(), ConfigError> {
    let all = config.oidc.iter().map(|one| (&one.issuer, &one.audiences, "oidc"));
    let clusters = config.kubernetes.iter().map(|one| (&one.issuer, &one.audiences, "kubernetes"));
    let mut seen: Vec<&String> = Vec::new();
    for (issuer, audiences, field) in all.chain(clusters) {
        if !(1..=200).contains(&issuer.len()) || !is_plain(issuer) {
            let found = quoted(issuer);
            return Err(ConfigError::new(format!("{field}.issuer"), found, "1 to 200 octets"));
        }
        if seen.contains(&issuer) {
            let found = format!("{} twice", quoted(issuer));
            return Err(ConfigError::new(format!("{field}.issuer"), found, "each issuer once"));
        }
        seen.push(issuer);
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            let allowed = "at least one audience that stands for this server";
            return Err(ConfigError::new(format!("{field}.audiences"), "none", allowed));
        }
    }
    Ok(())
}

fn issuer(config: &OidcConfig, leeway: u32, base: &Path) -> Result<Arc<Issuer>, ConfigError> {
    checked_url(&config.issuer).map_err(|why| ConfigError::reason("issuer", why))?;
    let source = match (&config.jwks_url, &config.jwks_file) {
        (Some(_), Some(_)) => {
            let allowed = "one of jwks_url and jwks_file, or none";
            return Err(ConfigError::new("jwks_url", "both", allowed));
        }
        (Some(url), None) => {
            let url = checked_url(url).map_err(|why| ConfigError::reason("jwks_url", why))?;
            KeySource::Url(url)
        }
        (None, Some(file)) => KeySource::File(base.join(file)),
        (None, None) => KeySource::Discovery,
    };
    let fetched = !matches!(source, KeySource::File(_));
    if fetched && !(30..=config.stale_seconds).contains(&config.refresh_seconds) {
        let found = config.refresh_seconds.to_string();
        return Err(ConfigError::new("refresh_seconds", found, "30 to stale_seconds"));
    }
    let ca_file = config.ca_file.as_ref().map(|file| base.join(file));
    let fetcher = Fetcher::new(ca_file.as_deref(), None);
    let fetcher = fetcher.map_err(|error| ConfigError::reason("ca_file", error))?;
    let settings = IssuerSettings {
        issuer: config.issuer.clone(),
        audiences: config.audiences.clone(),
        algorithms: config.algorithms.clone(),
        leeway_seconds: leeway,
        max_token_seconds: config.max_token_seconds,
        refresh_seconds: config.refresh_seconds,
        stale_seconds: config.stale_seconds,
        source,
    };
    let issuer = Issuer::new(settings, fetcher);
    issuer.map(Arc::new).map_err(|error| ConfigError::reason("jwks_file", error))
}

/// Makes each entry of a list; an error names the entry.
fn all<C, T>(
    field: &str,
    configs: &[C],
    make: impl Fn(&C) -> Result<T, ConfigError>,
) -> Result<Vec<T>, ConfigError> {
    if configs.len() > MAX_SOURCES {
        let found = format!("{} entries", configs.len());
        return Err(ConfigError::new(field, found, format!("at most {MAX_SOURCES}")));
    }
    let made = configs.iter().enumerate();
    made.map(|(index, one)| make(one).map_err(|error| error.below(&format!("{field}[{index}]"))))
        .collect()
}

fn unique<'a>(field: &str, names: impl Iterator<Item = &'a String>) -> Result<(), ConfigError> {
    let mut seen: Vec<&String> = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Err(ConfigError::new(
                field,
                format!("{} twice", quoted(name)),
                "each name once",
            ));
        }
        seen.push(name);
    }
    Ok(())
}
