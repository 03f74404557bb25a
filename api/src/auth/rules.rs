//! Rules: whom they match, and the grant that each gives.

use ca_core::fingerprint::Fingerprint;
use ca_core::name::DistinguishedName;
use serde_json::Value;

use super::config::{
    AuthConfig, CertificateMatch, ConfigError, JwtMatch, MatchConfig, ServiceAccountMatch,
};
use super::facts::Facts;
use super::grants::{Grant, Grants};
use super::identity::{CertificateHolder, Identity};
use super::jwt::Claims;
use super::name_pattern::{NamePattern, TextPattern};
use super::quoted::quoted;

/// The most rules of a configuration.
const MAX_RULES: usize = 1_000;

/// Every rule, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Clone, Debug)]
struct Rule {
    name: String,
    matcher: Matcher,
    grant: Grant,
}

#[derive(Clone, Debug)]
enum Matcher {
    Jwt {
        issuer: String,
        subject: Option<TextPattern>,
        claims: Vec<(String, Vec<TextPattern>)>,
    },
    ServiceAccount {
        cluster: String,
        namespace: TextPattern,
        name: TextPattern,
    },
    Certificate {
        trust: String,
        names: Vec<NamePattern>,
        subject: Option<String>,
        fingerprints: Vec<Fingerprint>,
    },
}

/// What the rules say of someone.
#[derive(Clone, Debug)]
pub(super) struct Mapped {
    /// The name in the ledger.
    pub(super) requester: String,
    /// The rules that matched.
    pub(super) rules: Vec<String>,
    pub(super) grants: Grants,
}

impl Rules {
    /// Checks every rule of the configuration.
    pub(super) fn new(config: &AuthConfig) -> Result<Self, ConfigError> {
        if config.requesters.len() > MAX_RULES {
            let found = format!("{} rules", config.requesters.len());
            return Err(ConfigError::new("requesters", found, format!("at most {MAX_RULES}")));
        }
        let mut rules: Vec<Rule> = Vec::new();
        for (index, rule) in config.requesters.iter().enumerate() {
            let field = format!("requesters[{index}]");
            plain_name(&format!("{field}.rule"), &rule.rule)?;
            if rules.iter().any(|other| other.name == rule.rule) {
                let found = format!("{} twice", quoted(&rule.rule));
                return Err(ConfigError::new(format!("{field}.rule"), found, "each name once"));
            }
            let matcher =
                Matcher::new(&rule.matches, config).map_err(|error| error.below(&field))?;
            let grant = Grant::new(&rule.grant)
                .map_err(|error| ConfigError::reason(format!("{field}.grant"), error))?;
            rules.push(Rule { name: rule.rule.clone(), matcher, grant });
        }
        Ok(Self(rules))
    }

    /// What the rules say; none when none matches.
    pub(super) fn map(&self, identity: &Identity) -> Option<Mapped> {
        let matched: Vec<(&Rule, Option<String>)> = self
            .0
            .iter()
            .filter_map(|rule| Some((rule, rule.matcher.matches(identity)?)))
            .collect();
        let (_, known_by) = matched.first()?;
        Some(Mapped {
            requester: identity.requester(known_by.as_deref()),
            rules: matched.iter().map(|(rule, _)| rule.name.clone()).collect(),
            grants: Grants {
                all: matched.iter().map(|(rule, _)| rule.grant.clone()).collect(),
                facts: identity.facts(),
            },
        })
    }
}

impl Matcher {
    fn new(config: &MatchConfig, all: &AuthConfig) -> Result<Self, ConfigError> {
        match (&config.jwt, &config.service_account, &config.client_certificate) {
            (Some(jwt), None, None) => Self::jwt(jwt, all),
            (None, Some(account), None) => Self::service_account(account, all),
            (None, None, Some(certificate)) => Self::certificate(certificate, all),
            _ => {
                let allowed = "exactly one of jwt, service_account and client_certificate";
                Err(ConfigError::new("match", "none or several", allowed))
            }
        }
    }

    fn jwt(config: &JwtMatch, all: &AuthConfig) -> Result<Self, ConfigError> {
        let issuers = all.oidc.iter().map(|issuer| issuer.issuer.as_str());
        one_of("match.jwt.issuer", &config.issuer, issuers)?;
        if config.subject.is_none() && config.claims.is_empty() {
            let allowed =
                "subject or claims, or subject: \"*\" for everybody that the issuer knows";
            return Err(ConfigError::new("match.jwt", "neither subject nor claims", allowed));
        }
        let claims = config.claims.iter().map(|(name, texts)| {
            let field = format!("match.jwt.claims.{name}");
            Ok((name.clone(), patterns(&field, texts)?))
        });
        Ok(Self::Jwt {
            issuer: config.issuer.clone(),
            subject: config
                .subject
                .as_ref()
                .map(|it| pattern("match.jwt.subject", it))
                .transpose()?,
            claims: claims.collect::<Result<_, ConfigError>>()?,
        })
    }

    fn service_account(
        config: &ServiceAccountMatch,
        all: &AuthConfig,
    ) -> Result<Self, ConfigError> {
        let clusters = all.kubernetes.iter().map(|cluster| cluster.cluster.as_str());
        one_of("match.service_account.cluster", &config.cluster, clusters)?;
        Ok(Self::ServiceAccount {
            cluster: config.cluster.clone(),
            namespace: pattern("match.service_account.namespace", &config.namespace)?,
            name: pattern("match.service_account.name", &config.name)?,
        })
    }

    fn certificate(config: &CertificateMatch, all: &AuthConfig) -> Result<Self, ConfigError> {
        const AT: &str = "match.client_certificate";
        let trusts = all.client_certificates.iter().map(|trust| trust.trust.as_str());
        one_of(&format!("{AT}.trust"), &config.trust, trusts)?;
        if config.names.is_empty() && config.subject.is_none() && config.fingerprints.is_empty() {
            return Err(ConfigError::new(AT, "no condition", "names, subject or fingerprints"));
        }
        let names = config.names.iter().map(|text| {
            NamePattern::parse(text)
                .map_err(|error| ConfigError::reason(format!("{AT}.names"), error))
        });
        let subject = config.subject.as_ref().map(|text| {
            DistinguishedName::parse(text)
                .map(|name| name.to_string())
                .map_err(|error| ConfigError::reason(format!("{AT}.subject"), error))
        });
        let fingerprints = config.fingerprints.iter().map(|text| {
            Fingerprint::from_hex(text).ok_or_else(|| {
                let found = quoted(text);
                let allowed = "the 64 hexadecimal digits of a certificate's SHA-256";
                ConfigError::new(format!("{AT}.fingerprints"), found, allowed)
            })
        });
        Ok(Self::Certificate {
            trust: config.trust.clone(),
            names: names.collect::<Result<_, _>>()?,
            subject: subject.transpose()?,
            fingerprints: fingerprints.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the rule is about this identity, and by what it knows it where there are several
    /// ways.
    fn matches(&self, identity: &Identity) -> Option<Option<String>> {
        match (self, identity) {
            (
                Self::Jwt { issuer, subject, claims },
                Identity::Jwt { issuer: found, claims: told },
            ) => {
                let subject = subject.as_ref().is_none_or(|it| it.covers(told.subject()));
                let claims = claims.iter().all(|(name, allowed)| has_claim(told, name, allowed));
                (issuer == found && subject && claims).then_some(None)
            }
            (
                Self::ServiceAccount { cluster, namespace, name },
                Identity::ServiceAccount { cluster: at, namespace: space, name: account },
            ) => (cluster == at && namespace.covers(space) && name.covers(account)).then_some(None),
            (
                Self::Certificate { trust, names, subject, fingerprints },
                Identity::Certificate(holder),
            ) if *trust == holder.trust => known_by(names, subject, fingerprints, holder).map(Some),
            _ => None,
        }
    }
}

/// What the rule knows the holder by; none when a condition does not hold.
fn known_by(
    names: &[NamePattern],
    subject: &Option<String>,
    fingerprints: &[Fingerprint],
    holder: &CertificateHolder,
) -> Option<String> {
    let no_facts = Facts::default();
    let covered = |name| names.iter().any(|pattern| pattern.covers(name, &no_facts));
    let name = holder.names.iter().find(|name| covered(name));
    if (!names.is_empty() && name.is_none())
        || subject.as_ref().is_some_and(|subject| *subject != holder.subject)
        || !(fingerprints.is_empty() || fingerprints.contains(&holder.fingerprint))
    {
        return None;
    }
    let by_name = name.map(ToString::to_string);
    by_name.or_else(|| subject.clone()).or_else(|| Some(format!("sha256:{}", holder.fingerprint)))
}

/// Whether the claim is one of the allowed texts, or an array that has one of them.
fn has_claim(claims: &Claims, name: &str, allowed: &[TextPattern]) -> bool {
    let fits = |value: &Value| {
        value.as_str().is_some_and(|text| allowed.iter().any(|pattern| pattern.covers(text)))
    };
    match claims.get(name) {
        Some(Value::Array(values)) => values.iter().any(fits),
        Some(value) => fits(value),
        None => false,
    }
}

fn pattern(field: &str, text: &str) -> Result<TextPattern, ConfigError> {
    TextPattern::parse(text).map_err(|error| ConfigError::reason(field, error))
}

fn patterns(field: &str, texts: &[String]) -> Result<Vec<TextPattern>, ConfigError> {
    if texts.is_empty() {
        return Err(ConfigError::new(field, "no value", "at least one"));
    }
    texts.iter().map(|text| pattern(field, text)).collect()
}

/// A reference to another part of the configuration.
fn one_of<'a>(
    field: &str,
    found: &str,
    known: impl Iterator<Item = &'a str>,
) -> Result<(), ConfigError> {
    let known: Vec<&str> = known.collect();
    if known.contains(&found) {
        return Ok(());
    }
    let allowed =
        if known.is_empty() { "none, for none is configured".into() } else { known.join(", ") };
    Err(ConfigError::new(field, quoted(found), allowed))
}

/// Names of rules, clusters and trusts, which stand in logs and in names of requesters.
pub(super) fn plain_name(field: &str, name: &str) -> Result<(), ConfigError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    let found = quoted(name);
    Err(ConfigError::new(field, found, "1 to 64 letters, digits, hyphens, dots and underscores"))
}
