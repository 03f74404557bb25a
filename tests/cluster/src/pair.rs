//! What a Secret of cert-manager holds.

use std::fs;
use std::path::PathBuf;

use base64ct::{Base64, Encoding as _};
use interop::espalier::Ran;
use serde_json::Value;

use crate::namespace::Namespace;
use crate::server::Server;

/// A certificate with those above it, its key, and the root, all in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The certificate, then those above it.
    pub chain: String,
    /// Its private key.
    pub key: String,
    /// The root; empty where the issuer told none.
    pub root: String,
}

impl Pair {
    /// Reads a Secret.
    ///
    /// # Panics
    /// When it is not there or lacks the certificate or the key.
    #[track_caller]
    #[must_use]
    pub fn of(namespace: &Namespace<'_>, secret: &str) -> Self {
        Self::read(&namespace.get(&format!("secret/{secret}"))).unwrap()
    }

    /// Reads a Secret as the API server gives it; none where it lacks the certificate or the key.
    #[must_use]
    pub fn read(secret: &Value) -> Option<Self> {
        let entry = |name: &str| secret["data"].get(name).map(decoded);
        Some(Self {
            chain: entry("tls.crt")?,
            key: entry("tls.key")?,
            root: entry("ca.crt").unwrap_or_default(),
        })
    }

    /// How many certificates the chain has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.chain.matches("BEGIN CERTIFICATE").count()
    }

    /// The certificate alone.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn leaf(&self) -> &str {
        let end = "-----END CERTIFICATE-----\n";
        let length = self.chain.find(end).expect("a chain has a certificate") + end.len();
        &self.chain[..length]
    }

    /// Asks `espalier verify` about the chain: with these options, and trusting the root of this
    /// authority alone.
    #[must_use]
    pub fn verified(&self, server: &Server, authority: &str, options: &str) -> Ran {
        let file = self.written(server, &self.chain);
        let ran = server.run(&format!(
            "verify --trust espalier-data/authorities/{authority}-root/certificate.pem {options} {}",
            file.display()
        ));
        fs::remove_file(file).unwrap();
        ran
    }

    /// What `espalier inspect --json` says of the certificate.
    ///
    /// # Panics
    /// When it can't be read.
    #[must_use]
    pub fn inspected(&self, server: &Server) -> Value {
        let file = self.written(server, self.leaf());
        let ran = server.run(&format!("inspect --json {}", file.display()));
        fs::remove_file(file).unwrap();
        assert_eq!(ran.code, Some(0), "{}", ran.text);
        serde_json::from_str(&ran.text).unwrap()
    }

    /// In a file that no other test writes.
    fn written(&self, server: &Server, text: &str) -> PathBuf {
        let file = tempfile::Builder::new().suffix(".pem").tempfile_in(server.file("")).unwrap();
        let (_, path) = file.keep().unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

/// Text that an object holds in Base64.
///
/// # Panics
/// When it is no such text.
#[must_use]
pub fn decoded(value: &Value) -> String {
    let octets = Base64::decode_vec(value.as_str().expect("Base64 is text")).unwrap();
    String::from_utf8(octets).unwrap()
}
