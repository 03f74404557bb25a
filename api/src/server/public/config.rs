//! The part `public` of the configuration.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use crate::server::config::{ConfigError, value};

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
    /// Whether a revocation leads to another list at once.
    pub after_revocation: bool,
}

impl Default for CrlConfig {
    fn default() -> Self {
        Self { every_minutes: 60, valid_hours: 168, after_revocation: true }
    }
}

/// Answers by OCSP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OcspConfig {
    /// How long an answer is good.
    pub valid_hours: u64,
    /// How many octets of answers are kept, to be given again while the ledger says the same.
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
        in_bounds("public.ocsp.cache_bytes", ocsp.cache_bytes as u64, 0, 1 << 30)?;
        if crl.valid_hours * 60 <= crl.every_minutes {
            let allowed = format!("more than every_minutes, {}", crl.every_minutes);
            return Err(value("public.crl.valid_hours", crl.valid_hours, allowed));
        }
        Ok(())
    }
}
