//! TLS as it stands in the configuration, below `tls`.

use std::path::PathBuf;

use ca_core::algorithm::Algorithm;
use ca_core::general_name::AltName;
use serde::Deserialize;

use crate::server::config::{ConfigError, value};

/// The most certificates.
const MOST_CERTIFICATES: usize = 8;
/// The most names of a certificate.
const MOST_NAMES: usize = 100;
/// What keys the TLS library signs with.
pub const ALGORITHMS: [&str; 6] =
    ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "ECDSA-P256", "ECDSA-P384", "Ed25519"];

/// How the API is served over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The server's certificates. A client gets the first whose signatures it says to know.
    pub certificates: Vec<CertificateConfig>,
    /// Whether clients that know no TLS 1.3 may use TLS 1.2, which has no post-quantum signatures.
    #[serde(default)]
    pub allow_tls12: bool,
    /// Whether clients may prove to hold a composite key by a code point that an early draft named
    /// and no registry has: 0x0907, `mldsa44_ecdsa_secp256r1_sha256`.
    #[serde(default)]
    pub draft_composite_clients: bool,
    /// How long a handshake may take.
    #[serde(default = "default_handshake_timeout_seconds")]
    pub handshake_timeout_seconds: u64,
}

/// One certificate of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateConfig {
    /// It is given as files.
    Files(FilesConfig),
    /// An authority of this server issues it, and renews it.
    Issued(IssuedConfig),
}

/// A certificate that is given as files, which are read again when they change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesConfig {
    /// The certificate in PEM, followed by those above it.
    pub chain_file: PathBuf,
    /// Its private key, without a passphrase.
    pub key_file: PathBuf,
}

/// A certificate that an authority of this server issues.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedConfig {
    /// The authority, which must sign here.
    pub authority: String,
    /// What kind of key it has.
    pub algorithm: String,
    /// Its DNS names and addresses.
    pub names: Vec<String>,
    /// The profile that it is issued by.
    #[serde(default = "default_profile")]
    pub profile: String,
}

fn default_handshake_timeout_seconds() -> u64 {
    10
}

fn default_profile() -> String {
    "tls-server".to_owned()
}

impl TlsConfig {
    /// Checks what the types can't say.
    ///
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        let found = self.certificates.len();
        if !(1..=MOST_CERTIFICATES).contains(&found) {
            let allowed = format!("1 to {MOST_CERTIFICATES}");
            return Err(value("tls.certificates", format!("{found} of them"), allowed));
        }
        let seconds = self.handshake_timeout_seconds;
        if !(1..=300).contains(&seconds) {
            return Err(value("tls.handshake_timeout_seconds", seconds, "1 to 300"));
        }
        let mut kept = Vec::new();
        for one in self.issued() {
            let place = (&one.authority, one.algorithm()?.name());
            if kept.contains(&place) {
                let found = format!("{} of {} twice", place.1, place.0);
                return Err(value("tls.certificates.issued", found, "each once"));
            }
            kept.push(place);
            one.alt_names()?;
        }
        Ok(())
    }

    /// Those that are issued here.
    pub fn issued(&self) -> impl Iterator<Item = &IssuedConfig> {
        self.certificates.iter().filter_map(|one| match one {
            CertificateConfig::Files(_) => None,
            CertificateConfig::Issued(issued) => Some(issued),
        })
    }

    /// The files that are read.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.certificates.iter().flat_map(|one| match one {
            CertificateConfig::Files(files) => vec![&files.chain_file, &files.key_file],
            CertificateConfig::Issued(_) => Vec::new(),
        })
    }
}

impl IssuedConfig {
    /// The algorithm of its key.
    ///
    /// # Errors
    /// `ConfigError` where the TLS library does not sign with such keys.
    pub fn algorithm(&self) -> Result<&'static Algorithm, ConfigError> {
        let named = Algorithm::named(&self.algorithm).ok();
        named.filter(|found| ALGORITHMS.contains(&found.name())).ok_or_else(|| {
            value("tls.certificates.issued.algorithm", &self.algorithm, ALGORITHMS.join(", "))
        })
    }

    /// Its names.
    ///
    /// # Errors
    /// `ConfigError` for one that is none, and where there is none or too many.
    pub fn alt_names(&self) -> Result<Vec<AltName>, ConfigError> {
        const FIELD: &str = "tls.certificates.issued.names";
        let found = self.names.len();
        if !(1..=MOST_NAMES).contains(&found) {
            return Err(value(FIELD, format!("{found} of them"), format!("1 to {MOST_NAMES}")));
        }
        let names = self.names.iter().map(|name| match AltName::parse(name) {
            Ok(name @ (AltName::Dns(_) | AltName::Ip(_))) => Ok(name),
            _ => Err(value(FIELD, format!("{name:?}"), "DNS names and IP addresses")),
        });
        names.collect()
    }
}
