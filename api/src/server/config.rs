//! The server's configuration: one YAML file (docs/reference/espalier.yaml is a sample).
//!
//! It is read once into [`ServerConfig`], whose values are in their bounds; unknown keys are
//! refused. Secrets stand in files or in the environment, and never in it.

use std::net::SocketAddr;
use std::path::PathBuf;

use ledger::Location;
use serde::Deserialize;

use super::database::DatabaseConfig;
use super::public::config::PublicConfig;
use super::telemetry::TelemetryConfig;
use super::tls::TlsConfig;
use crate::auth::AuthConfig;
use crate::cli::CliError;
use crate::data_folder::{DataFolder, DataOptions};

/// The largest file that is read, in octets.
pub const MAX_CONFIG_SIZE: usize = 256 * 1024;
/// Where the server listens unless it is told: on this machine alone.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8440";

/// The file's top level.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The version of this format: 1.
    pub version: u32,
    /// The data folder, with the ledger and the authorities' keys.
    #[serde(default = "default_data")]
    pub data: PathBuf,
    /// Where the ledger is, when it is not in the data folder: `postgres://ROLE@HOST/DATABASE`,
    /// without a password. Several servers may have the same one.
    #[serde(default)]
    pub ledger: Option<String>,
    /// The file with the password of the ledger's role; otherwise PGPASSWORD or a PGPASSFILE.
    #[serde(default)]
    pub ledger_password_file: Option<PathBuf>,
    /// How a ledger in PostgreSQL is used.
    #[serde(default)]
    pub database: DatabaseConfig,
    /// Where the API is served. Without TLS only a loopback address is allowed.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// TLS; none where only this machine is served.
    #[serde(default)]
    pub tls: Option<TlsConfig>,
    /// The file with the passphrase of the authorities' keys; otherwise the data folder's own, or
    /// the environment variable that `passphrase_env` names.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
    /// The environment variable with the passphrase.
    #[serde(default)]
    pub passphrase_env: Option<String>,
    /// The authorities that sign; by default those that have a key here and stand below another.
    #[serde(default)]
    pub authorities: Option<Vec<String>>,
    /// The profiles that may be asked for.
    #[serde(default)]
    pub profiles: ProfilesConfig,
    /// What bounds requests and connections.
    #[serde(default)]
    pub limits: Limits,
    /// The threads that sign.
    #[serde(default)]
    pub signing: SigningConfig,
    /// Who may ask for what.
    #[serde(default)]
    pub auth: AuthConfig,
    /// Revocation lists, OCSP and CA certificates over plain HTTP; none unless it is here.
    #[serde(default)]
    pub public: Option<PublicConfig>,
    /// What is told to others about the work of the server.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
}

/// The profiles that may be asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfilesConfig {
    /// Names of shipped profiles; by default all for end entities.
    #[serde(default)]
    pub shipped: Option<Vec<String>>,
    /// Files with profiles of your own (docs/profiles.md).
    #[serde(default)]
    pub files: Vec<PathBuf>,
}

/// What bounds requests and connections.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest body, in octets.
    pub body_bytes: usize,
    /// The largest head of a request: its line and header fields, in octets.
    pub header_bytes: usize,
    /// The longest path and query, in octets.
    pub uri_bytes: usize,
    /// How long the head of a request may take.
    pub header_read_timeout_seconds: u64,
    /// How long the body of a request may take.
    pub body_read_timeout_seconds: u64,
    /// How long a request may take, its body included.
    pub request_timeout_seconds: u64,
    /// How long a connection may be idle before the other end is asked whether it is there.
    pub idle_timeout_seconds: u64,
    /// How many connections are served at once.
    pub connections: usize,
    /// How many requests of one HTTP/2 connection are served at once.
    pub http2_streams: u32,
    /// How many requests are under way at once, over all connections and with those whose clients
    /// went away; more are told to come again.
    pub requests: usize,
    /// How long requests that are under way may take when the server is told to end.
    pub drain_timeout_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 128 * 1024,
            header_bytes: 32 * 1024,
            uri_bytes: 8 * 1024,
            header_read_timeout_seconds: 10,
            body_read_timeout_seconds: 10,
            request_timeout_seconds: 30,
            idle_timeout_seconds: 60,
            connections: 1_024,
            http2_streams: 128,
            requests: 2_048,
            drain_timeout_seconds: 30,
        }
    }
}

/// The threads that sign.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningConfig {
    /// How many; 0 is one for each CPU.
    pub threads: usize,
    /// How many requests may be worked on at once; more are told to come again.
    pub queue: usize,
}

impl Default for SigningConfig {
    fn default() -> Self {
        Self { threads: 0, queue: 1_024 }
    }
}

fn default_data() -> PathBuf {
    PathBuf::from("espalier-data")
}

fn default_listen() -> SocketAddr {
    // The text stands above, and a test reads it.
    DEFAULT_LISTEN.parse().unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8440)))
}

impl ServerConfig {
    /// What is served without a file: the data folder of `quickstart`, on this machine alone.
    pub fn of_data_folder(data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            version: 1,
            data,
            ledger: None,
            ledger_password_file: None,
            database: DatabaseConfig::default(),
            listen,
            tls: None,
            passphrase_file: None,
            passphrase_env: None,
            authorities: None,
            profiles: ProfilesConfig::default(),
            limits: Limits::default(),
            signing: SigningConfig::default(),
            auth: AuthConfig::default(),
            telemetry: TelemetryConfig::default(),
            // The port behind it; any free one where that is any free one too.
            public: Some(PublicConfig::at(SocketAddr::new(
                listen.ip(),
                if listen.port() == 0 { 0 } else { listen.port().checked_add(1).unwrap_or(0) },
            ))),
        }
    }

    /// Whether `new` differs in something that is read only when the server starts.
    pub fn needs_restart(&self, new: &Self) -> bool {
        self.data != new.data
            || self.ledger != new.ledger
            || self.ledger_password_file != new.ledger_password_file
            || self.database != new.database
            || self.listen != new.listen
            || self.tls.is_some() != new.tls.is_some()
            || self.passphrase_file != new.passphrase_file
            || self.passphrase_env != new.passphrase_env
            || self.authorities != new.authorities
            || self.limits != new.limits
            || self.signing != new.signing
            || self.public != new.public
            || self.telemetry != new.telemetry
    }

    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        if text.len() > MAX_CONFIG_SIZE {
            let found = format!("{} octets", text.len());
            return Err(value("file", found, format!("at most {MAX_CONFIG_SIZE}")));
        }
        let version: VersionOnly = serde_saphyr::from_str(text).map_err(|error| yaml(&error))?;
        if version.version != 1 {
            return Err(value("version", version.version, "1"));
        }
        let config: Self = serde_saphyr::from_str(text).map_err(|error| yaml(&error))?;
        config.check()?;
        Ok(config)
    }

    /// Checks what the types can't say.
    ///
    /// # Errors
    /// As [`Self::from_yaml`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(tls) = &self.tls {
            tls.check()?;
        } else if !self.listen.ip().is_loopback() {
            let allowed = "a loopback address, such as 127.0.0.1:8440, where there is no TLS";
            return Err(value("listen", self.listen, allowed));
        }
        self.check_ledger()?;
        if self.passphrase_file.is_some() && self.passphrase_env.is_some() {
            let found = "passphrase_file as well";
            return Err(value("passphrase_env", found, "one of the two"));
        }
        let limits = &self.limits;
        let in_bounds = |field, found: u64, least: u64, most: u64| {
            let fits = (least..=most).contains(&found);
            if fits { Ok(()) } else { Err(value(field, found, format!("{least} to {most}"))) }
        };
        in_bounds("limits.body_bytes", limits.body_bytes as u64, 4_096, 16 * 1024 * 1024)?;
        in_bounds("limits.header_bytes", limits.header_bytes as u64, 8_192, 1024 * 1024)?;
        in_bounds("limits.uri_bytes", limits.uri_bytes as u64, 512, 64 * 1024)?;
        let seconds = [
            ("limits.header_read_timeout_seconds", limits.header_read_timeout_seconds),
            ("limits.body_read_timeout_seconds", limits.body_read_timeout_seconds),
            ("limits.request_timeout_seconds", limits.request_timeout_seconds),
            ("limits.idle_timeout_seconds", limits.idle_timeout_seconds),
            ("limits.drain_timeout_seconds", limits.drain_timeout_seconds),
        ];
        seconds.into_iter().try_for_each(|(field, found)| in_bounds(field, found, 1, 3_600))?;
        in_bounds("limits.connections", limits.connections as u64, 1, 1_000_000)?;
        in_bounds("limits.http2_streams", limits.http2_streams.into(), 1, 10_000)?;
        in_bounds("limits.requests", limits.requests as u64, 1, 1_000_000)?;
        in_bounds("signing.threads", self.signing.threads as u64, 0, 1_024)?;
        in_bounds("signing.queue", self.signing.queue as u64, 1, 100_000)?;
        self.telemetry.check()?;
        self.public.as_ref().map_or(Ok(()), PublicConfig::check)
    }

    fn check_ledger(&self) -> Result<(), ConfigError> {
        let location = self.ledger.as_deref().map(str::parse::<Location>).transpose();
        // The ledger's refusal repeats no password.
        let location = location.map_err(|error| value("ledger", error, "a URL or a file"))?;
        if self.ledger_password_file.is_some() && !matches!(location, Some(Location::Postgres(_))) {
            let allowed = "it only where `ledger` is a postgres:// URL";
            return Err(value("ledger_password_file", "a file", allowed));
        }
        self.database.check()
    }

    /// The data folder with its ledger.
    ///
    /// # Errors
    /// As [`DataOptions::folder`].
    pub fn folder(&self) -> Result<DataFolder, CliError> {
        DataOptions {
            data: self.data.clone(),
            ledger: self.ledger.clone(),
            ledger_password_file: self.ledger_password_file.clone(),
        }
        .folder()
    }
}

/// Read first, so that a file of a later version is refused by its version.
#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

/// A configuration that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not the YAML of a configuration.
    #[error("{reason}")]
    Yaml {
        /// The parser's reason, with the place.
        reason: String,
    },
    /// A field's value.
    #[error("{field}: found {found}, allowed: {allowed}")]
    Value {
        /// Which field.
        field: String,
        /// What was found.
        found: String,
        /// What is allowed.
        allowed: String,
    },
}

fn yaml(error: &serde_saphyr::Error) -> ConfigError {
    ConfigError::Yaml { reason: error.without_snippet().to_string() }
}

pub(crate) fn value(field: &str, found: impl ToString, allowed: impl ToString) -> ConfigError {
    ConfigError::Value {
        field: field.to_owned(),
        found: found.to_string(),
        allowed: allowed.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    fn refused(text: &str) -> String {
        ServerConfig::from_yaml(text).unwrap_err().to_string()
    }

    #[test]
    fn the_least_file_has_defaults() {
        let config = ServerConfig::from_yaml("version: 1\n").unwrap();
        assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.signing, SigningConfig::default());
    }

    #[test]
    fn the_sample_is_read_and_says_the_defaults() {
        let sample = include_str!("../../../docs/reference/espalier.yaml");
        let config = ServerConfig::from_yaml(sample).unwrap();
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.signing, SigningConfig::default());
        assert_eq!(config.database, DatabaseConfig::default());
    }

    #[test]
    fn with_tls_other_machines_are_served_and_the_sample_says_how() {
        let sample = include_str!("../../../docs/reference/espalier.yaml");
        let mut below_tls = false;
        let lines = sample.lines().filter_map(|line| {
            below_tls = line == "# tls:" || (below_tls && line.starts_with("# "));
            let line = line.strip_prefix("# ").filter(|_| below_tls)?;
            Some(format!("{line}\n"))
        });
        let tls: String = lines.collect();
        let config = format!("version: 1\nlisten: 0.0.0.0:8440\n{tls}");
        let tls = ServerConfig::from_yaml(&config).unwrap().tls.unwrap();
        assert_eq!(tls.certificates.len(), 3);
        assert_eq!((tls.allow_tls12, tls.handshake_timeout_seconds), (false, 10));
    }

    #[test]
    fn a_cache_keeps_nothing_or_the_largest_answer() {
        for octets in [0, 262_144, 1 << 30] {
            let text = format!(
                "version: 1\npublic: {{listen: '127.0.0.1:1', ocsp: {{cache_bytes: {octets}}}}}\n"
            );
            let public = ServerConfig::from_yaml(&text).unwrap().public.unwrap();
            assert_eq!(public.ocsp.cache_bytes, octets);
        }
    }

    #[test]
    fn what_is_not_allowed_is_named() {
        for (text, words) in [
            ("version: 2\n", "version: found 2, allowed: 1"),
            ("version: 1\nlistne: 127.0.0.1:1\n", "listne"),
            ("version: 1\nversion: 1\n", "version"),
            (
                "version: 1\nlisten: 0.0.0.0:8440\n",
                "listen: found 0.0.0.0:8440, allowed: a loopback",
            ),
            ("version: 1\ntls: {certificates: []}\n", "tls.certificates: found 0 of them"),
            ("version: 1\ntls: {certificates: [{files: {chain_file: a}}]}\n", "key_file"),
            (
                "version: 1\ntls: {certificates: [{issued: {authority: a, algorithm: hybrid, names: [b]}}]}\n",
                "tls.certificates.issued.algorithm: found hybrid, allowed: ML-DSA-44",
            ),
            (
                "version: 1\ntls: {certificates: [{issued: {authority: a, algorithm: p256, names: [\"a b\"]}}]}\n",
                "tls.certificates.issued.names: found \"a b\", allowed: DNS names",
            ),
            (
                "version: 1\ntls: {handshake_timeout_seconds: 0, certificates: [{files: {chain_file: a, key_file: b}}]}\n",
                "tls.handshake_timeout_seconds: found 0, allowed: 1 to 300",
            ),
            ("version: 1\nlimits: {body_bytes: 1}\n", "limits.body_bytes: found 1, allowed: 4096"),
            ("version: 1\nlimits: {timeout: 1}\n", "timeout"),
            (
                "version: 1\ndatabase: {commit_timeout_seconds: 0}\n",
                "database.commit_timeout_seconds: found 0, allowed: 1 to 600",
            ),
            ("version: 1\ndatabase: {readers: 0}\n", "database.readers: found 0, allowed: 1 to"),
            ("version: 1\nsigning: {queue: 0}\n", "signing.queue: found 0, allowed: 1"),
            (
                "version: 1\npublic: {listen: '127.0.0.1:1', crl: {valid_hours: 1}}\n",
                "public.crl.valid_hours: found 1, allowed: more than every_minutes, 60",
            ),
            (
                "version: 1\npublic: {listen: '127.0.0.1:1', ocsp: {cache_bytes: 262143}}\n",
                "public.ocsp.cache_bytes: found 262143, allowed: 0, or 262144 to 1073741824",
            ),
            (
                "version: 1\npublic: {listen: '127.0.0.1:1', ocsp: {cache_bytes: 1}}\n",
                "public.ocsp.cache_bytes: found 1, allowed: 0, or",
            ),
            ("version: 1\npublic: {crl: {every_minutes: 1}}\n", "listen"),
            ("version: 1\npublic: {listen: '127.0.0.1:1', crl: {daily: 1}}\n", "daily"),
            ("version: 1\npassphrase_file: a\npassphrase_env: B\n", "one of the two"),
            (
                "version: 1\nledger: postgres://ca:hunter2@db/x\n",
                "ledger: found ledger URL: found a password",
            ),
            ("version: 1\nledger: mysql://ca@db/x\n", "postgres://ROLE@HOST"),
            (
                "version: 1\nledger_password_file: a\n",
                "ledger_password_file: found a file, allowed: it only",
            ),
            ("listen: 127.0.0.1:1\n", "version"),
            ("- 1\n", ""),
        ] {
            let refusal = refused(text);
            assert!(refusal.contains(words), "{text}: {refusal}");
        }
    }
}
