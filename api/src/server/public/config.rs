//! The part `public` of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::list_url::ListUrl;
use crate::server::config::{ConfigError, value};

/// The smallest cache for OCSP answers, in octets: half of it holds one by SLH-DSA-256f, of 50 kB,
/// with a delegate's certificate of as much. A smaller one would seem to work and keep nothing.
const LEAST_CACHE: usize = 256 * 1024;
/// The largest one.
const MOST_CACHE: usize = 1 << 30;

/// What everybody may fetch, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicConfig {
    /// Where it is served, over plain HTTP: all of it is signed.
    pub listen: SocketAddr,
    /// For how long caches between here and the client may keep an answer. A revocation is not seen
    /// through them earlier.
    #[serde(default = "default_cache_seconds")]
    pub http_cache_seconds: u64,
    /// Revocation lists.
    #[serde(default)]
    pub crl: CrlConfig,
    /// Answers by OCSP.
    #[serde(default)]
    pub ocsp: OcspConfig,
}

/// Revocation lists.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrlConfig {
    /// How often each authority makes a list.
    pub every_minutes: u64,
    /// How long it is good.
    pub valid_hours: u64,
    /// Whether a revocation leads to another list at once; where there are deltas, to another delta.
    pub after_revocation: bool,
    /// Lists of the certificates that name their URL, by the authority's name.
    pub shards: BTreeMap<String, Vec<ListUrl>>,
    /// Lists of what changed since the complete one, by the authority's name.
    pub deltas: BTreeMap<String, DeltaConfig>,
}

/// Deltas of an authority.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeltaConfig {
    /// Where they are; complete lists name it as freshestCRL.
    pub url: ListUrl,
    /// How often one is made.
    #[serde(default = "default_delta_minutes")]
    pub every_minutes: u64,
    /// How long it is good.
    #[serde(default = "default_delta_hours")]
    pub valid_hours: u64,
}

fn default_delta_minutes() -> u64 {
    15
}

fn default_delta_hours() -> u64 {
    24
}

impl Default for CrlConfig {
    fn default() -> Self {
        let (shards, deltas) = (BTreeMap::new(), BTreeMap::new());
        Self { every_minutes: 60, valid_hours: 168, after_revocation: true, shards, deltas }
    }
}

/// Answers by OCSP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OcspConfig {
    /// How long an answer is good.
    pub valid_hours: u64,
    /// How many octets of answers are kept, to be given again while the ledger says the same: 0 for
    /// none, or enough for the largest answer.
    pub cache_bytes: usize,
    /// Who answers instead of an authority, by the authority's name.
    pub delegates: BTreeMap<String, DelegateConfig>,
}

impl Default for OcspConfig {
    fn default() -> Self {
        Self { valid_hours: 24, cache_bytes: 16 * 1024 * 1024, delegates: BTreeMap::new() }
    }
}

/// A delegate's files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegateConfig {
    /// Its certificate, of the profile ocsp-responder.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The file with the key's passphrase.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
}

fn default_cache_seconds() -> u64 {
    300
}

impl PublicConfig {
    /// The defaults at this address.
    pub fn at(listen: SocketAddr) -> Self {
        Self {
            listen,
            http_cache_seconds: default_cache_seconds(),
            crl: CrlConfig::default(),
            ocsp: OcspConfig::default(),
        }
    }

    /// Checks what the types can't say.
    ///
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        let in_bounds = |field, found: u64, least: u64, most: u64| {
            let fits = (least..=most).contains(&found);
            if fits { Ok(()) } else { Err(value(field, found, format!("{least} to {most}"))) }
        };
        let (crl, ocsp) = (&self.crl, &self.ocsp);
        in_bounds("public.http_cache_seconds", self.http_cache_seconds, 0, 86_400)?;
        in_bounds("public.crl.every_minutes", crl.every_minutes, 1, 527_040)?;
        in_bounds("public.crl.valid_hours", crl.valid_hours, 1, 87_840)?;
        in_bounds("public.ocsp.valid_hours", ocsp.valid_hours, 1, 8_784)?;
        let octets = ocsp.cache_bytes;
        if octets != 0 && !(LEAST_CACHE..=MOST_CACHE).contains(&octets) {
            let allowed = format!("0, or {LEAST_CACHE} to {MOST_CACHE}");
            return Err(value("public.ocsp.cache_bytes", octets, allowed));
        }
        let outlasts = |field, hours: u64, minutes: u64| {
            let allowed = || format!("more than every_minutes, {minutes}");
            if hours * 60 > minutes { Ok(()) } else { Err(value(field, hours, allowed())) }
        };
        outlasts("public.crl.valid_hours", crl.valid_hours, crl.every_minutes)?;
        for delta in crl.deltas.values() {
            let (minutes, hours) = (delta.every_minutes, delta.valid_hours);
            in_bounds("public.crl.deltas.every_minutes", minutes, 1, 527_040)?;
            in_bounds("public.crl.deltas.valid_hours", hours, 1, 87_840)?;
            outlasts("public.crl.deltas.valid_hours", hours, minutes)?;
        }
        crl.check_names()
    }
}

impl CrlConfig {
    /// No two lists have one file.
    fn check_names(&self) -> Result<(), ConfigError> {
        let shards = self.shards.values().flatten().map(|url| ("public.crl.shards", url));
        let deltas = self.deltas.values().map(|delta| ("public.crl.deltas", &delta.url));
        let mut names = BTreeSet::new();
        let twice = shards.chain(deltas).find(|(_, url)| !names.insert(url.name()));
        twice.map_or(Ok(()), |(field, url)| {
            Err(value(field, url.uri().as_str(), "another path for each list"))
        })
    }
}
